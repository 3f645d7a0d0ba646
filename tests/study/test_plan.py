"""The plan: what would run and why, what it would take, and that nothing is started."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.project import ROOT, write_benchmark
from helpers.work import calls_of
from mammo.dataset.settings import Image, Phantom
from mammo.log import params_record
from mammo.study.plan import Planned, as_text, expectation, wall_time, why
from mammo.study.reasons import (
    NOT_THERE,
    Cause,
    Reasons,
    changed_params,
    differences,
    in_words,
    recorded_studies,
)
from mammo.study.settings import Study
from mammo.study.timings import Measured, benchmarks_of

BASELINE = Study.default(phantom=Phantom.default(patients=36))
CODE = "fedcba9876543210"
TRAINING = {"epochs": 40, "threads": 2}


def test_a_changed_key_of_a_section_is_told_with_both_values():
    recorded = {"training": {"epochs": 10, "threads": 2}, "shuffled_labels": False, "code": CODE}
    now = {"training": TRAINING, "shuffled_labels": False, "code": CODE}
    assert changed_params(recorded, now) == [("training.epochs", 10, 40)]
    found = changed_params(recorded | {"code": "0123456789abcdef"}, now)
    assert found == [("training.epochs", 10, 40), ("code", "0123456789abcdef", CODE)]


def test_a_key_that_came_or_went_is_told():
    found = changed_params({"training": {"epochs": 40, "patience": 3}}, {"training": TRAINING})
    assert found == [
        ("training.threads", NOT_THERE, 2),
        ("training.patience", 3, NOT_THERE),
    ]
    assert in_words(*found[0]) == "training.threads: none → 2"
    many = in_words("seeds", [1], list(range(1, 1001)))
    assert many == "seeds: [1] → [1, 2, 3, … 1000]"


def test_of_two_sections_each_is_compared_with_its_own():
    recorded = {"evaluation": {"draws": 1000, "seed": 1}, "training": {"epochs": 10}}
    now = {"training": {"epochs": 40}, "evaluation": {"draws": 500, "seed": 1}}
    found = changed_params(recorded, now)
    assert found == [("training.epochs", 10, 40), ("evaluation.draws", 1000, 500)]


def test_a_param_that_is_a_single_value_is_told_with_its_section():
    assert changed_params({"region": "crop"}, {"region": "full"}) == [
        ("image.region", "crop", "full")
    ]


def test_params_are_recorded_beside_the_log_when_a_step_has_succeeded(tmp_path):
    log, output = tmp_path / "logs/a-learning_rate0.001.log", tmp_path / "out.csv"
    script = (
        "from types import SimpleNamespace\n"
        "from mammo.log import step\n"
        f"params = {{'training': {TRAINING}, 'code': '{CODE}'}}\n"
        f"job = SimpleNamespace(log=['{log}'], output=['{output}'], params=params)\n"
        "with step(job):\n"
        f"    open('{output}', 'w').write(TEXT)\n"
    )

    def run(text):
        code = script.replace("TEXT", repr(text))
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow").returncode

    assert run("a\n") == 0
    assert params_record(log) == {"training": TRAINING, "code": CODE}
    # A step that leaves an empty file has failed, and what an earlier one recorded is gone.
    assert run("") == 1
    assert f"{output} is missing or empty" in log.read_text()
    assert params_record(log) is None


def job_of(params, recorded=None, log=None):
    """A job whose output was made with params that Snakemake noted without their names."""
    noted = SimpleNamespace(params=list(map(repr, (recorded or params).values())), input=None)
    noted.endtime = 0
    persistence = SimpleNamespace(metadata=lambda path: noted)
    reasons = Reasons(None, persistence, {"baseline": BASELINE}, {})
    job = SimpleNamespace(
        params=params, output=["x"], input=[], log=[str(log)] if log else [], wildcards_dict={}
    )
    return reasons._of_record(job)


def test_where_params_were_not_recorded_that_is_said(tmp_path):
    now, then = {"training": {"epochs": 40}}, {"training": {"epochs": 10}}
    assert job_of(now, log=tmp_path / "none.log") == []
    assert job_of(now, then, tmp_path / "none.log") == [Cause("unrecorded")]
    (tmp_path / "some.params.json").write_text(json.dumps(then))
    assert job_of(now, then, tmp_path / "some.log") == [
        Cause("setting", "training.epochs: 10 → 40")
    ]
    assert why([[Cause("unrecorded")]]) == [
        "changed settings or code; those of then are not recorded"
    ]


def test_differences_go_into_sections():
    assert differences({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "d": [1, 2]}) == [
        ("a.c", 2, 3),
        ("d", [1], [1, 2]),
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"experiments": 3}'])
def test_without_a_sound_record_no_last_run_is_known(tmp_path, text):
    (tmp_path / "provenance.json").write_text(text)
    assert recorded_studies(tmp_path / "provenance.json", {"baseline": BASELINE}) == {}
    assert recorded_studies(tmp_path / "missing.json", {"baseline": BASELINE}) == {}


def test_a_record_from_before_a_key_is_completed(tmp_path):
    older = BASELINE.model_dump(exclude={"dataset"}) | {"training": {"epochs": 10, "gone": 1}}
    (tmp_path / "provenance.json").write_text(json.dumps({"experiments": {"baseline": older}}))
    found = recorded_studies(tmp_path / "provenance.json", {"baseline": BASELINE})
    found = differences(found["baseline"].model_dump(), BASELINE.model_dump())
    assert found == [("training.epochs", 10, 40)]


def reasons_of_new_names(before, studies, **wildcards):
    reasons = Reasons(None, None, studies, before)
    return reasons.of_name(SimpleNamespace(wildcards_dict=wildcards))


def test_a_job_whose_name_is_new_tells_the_settings_that_the_name_is_made_of():
    image = Image.default(size=32, margin=50)
    small = BASELINE.model_copy(update={"image": image})
    more = small.model_copy(update={"seeds": [1, 2]})
    studies = {"baseline": small, "more": more, "other": BASELINE}
    size = "image.size: 64 → 32"  # not the margin, which crops have none of
    found = reasons_of_new_names(dict.fromkeys(studies, BASELINE), studies, image="crop-32")
    assert found == [Cause("setting", size, ("baseline", "more"))]
    found = reasons_of_new_names(
        dict.fromkeys(studies, BASELINE), studies, experiment="more", seed="2"
    )
    assert found == [Cause("setting", "seeds: [1] → [1, 2]", ("more",))]
    assert reasons_of_new_names({"baseline": BASELINE}, studies, experiment="more", seed="2") == [
        Cause("experiment", "more")
    ]
    assert reasons_of_new_names({}, studies, experiment="more", seed="2") == [Cause("new")]


def test_a_key_that_only_an_experiment_changed_names_the_experiment():
    change = "training.epochs: 3 → 5"
    assert why(
        [[Cause("setting", change, ("small",))], [Cause("setting", change, ("large",))]]
    ) == [f"{change} in large, small"]
    assert why(
        [[Cause("setting", change, ("small",))], [Cause("setting", change, ("baseline",))]]
    ) == [change]


def test_many_experiments_and_several_causes_stay_readable():
    jobs = [[Cause("experiment", f"grid_{number}")] for number in range(1000)] + [
        [Cause("follows", "decode_images")]
    ]
    assert why(jobs) == [
        "new experiment: grid_0, grid_1, grid_2 and 997 more (1000 of 1001)",
        "follows from decode_images (1 of 1001)",
    ]


def test_expectations_come_from_the_job_itself_else_from_the_median_of_the_others(tmp_path):
    for name, seconds, memory in [("a", 10, 500), ("b", 20, 900), ("c", 90, "NA")]:
        write_benchmark(tmp_path / f"train_network/{name}.tsv", seconds, memory)
    known = benchmarks_of(tmp_path / "train_network")
    assert expectation(tmp_path / "train_network/c.tsv", known) == (Measured(90, None), "itself")
    assert expectation(tmp_path / "train_network/d.tsv", known) == (Measured(20, 900), "others")
    assert expectation(tmp_path / "train_network/d.tsv", {}) == (None, "unknown")


def job(seconds, before=(), threads=1, step="step"):
    expected = None if seconds is None else Measured(seconds, 100)
    return Planned(
        step, [Cause("new")], threads, expected, "itself" if expected else "unknown", list(before)
    )


def test_wall_time_waits_for_what_comes_before_and_for_free_cores():
    chain = [job(10), job(20, before=[0]), job(30, before=[1])]
    assert wall_time(chain, slots=8, startup=0) == 60
    assert wall_time(chain, slots=8, startup=1) == 63
    four = [job(10) for _ in range(4)]
    assert [wall_time(four, slots, startup=0) for slots in (1, 2, 3, 4)] == [40, 20, 20, 10]
    assert wall_time([job(10, threads=2) for _ in range(4)], slots=2, startup=0) == 40
    assert wall_time([job(10, threads=16)], slots=2, startup=0) == 10  # gets fewer
    assert (
        wall_time([job(10, threads=2) for _ in range(4)], slots=2, startup=0, threads=False) == 20
    )
    assert (
        wall_time([job(10, threads=2), job(4), job(4)], slots=3, startup=0) == 10
    )  # beside the large one
    assert wall_time([job(None), job(5)], slots=1, startup=0) == 5


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(1, 4), st.sets(st.integers(0, 19))), max_size=20
    ),
    st.integers(1, 6),
)
def test_wall_time_lies_between_what_no_machine_and_what_one_job_at_a_time_can_do(drawn, slots):
    jobs = [
        job(s, [b for b in before if b < number], threads)
        for number, (s, threads, before) in enumerate(drawn)
    ]
    work = sum(one.expected.seconds * min(one.threads, slots) for one in jobs) / slots
    ends = []
    for one in jobs:
        ends.append(one.expected.seconds + max((ends[before] for before in one.before), default=0))
    took = wall_time(jobs, slots, startup=0)
    assert max([work, *ends]) - 1e-9 <= took <= sum(one.expected.seconds for one in jobs)


def test_the_work_of_a_plan_grows_as_its_jobs_do():
    calls = []
    for count in (500, 5000):
        jobs = [job(1 + number % 7, threads=1 + number % 2) for number in range(count)]
        jobs += [job(1, before=[number]) for number in range(count)]
        assert len([*as_text(jobs, slots=3, startup=0)]) < 12
        calls.append(calls_of(list, as_text(jobs, slots=3, startup=0)))
    assert calls[1] < 13 * calls[0]


def test_what_is_unknown_is_said_and_not_counted():
    text = "\n".join(as_text([job(60), job(None, step="compare")], slots=2, startup=0))
    assert "at least 1 min 00 s of work; on 2 core(s) at least about 1 min 00 s" in text
    assert "Not known, and not counted: compare." in text
    assert re.search(r"^compare +1 +\? +\? +\? +unknown +not made yet$", text, re.MULTILINE)
    text = "\n".join(as_text([job(None)], slots=2, startup=0))
    assert "nothing is known of their time and memory" in text


# As a person calls it.

"""The plan: what would run and why, what it would take, and that nothing is started."""

import json
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.project import write_benchmark
from helpers.work import calls_of
from mammo.study.plan import Planned, as_text, expectation, wall_time, why
from mammo.study.reasons import (
    NOT_KNOWN,
    NOT_THERE,
    Cause,
    Reasons,
    changed_params,
    differences,
    in_words,
    recorded_studies,
)
from mammo.study.timings import Measured, benchmarks_of

BASELINE = {
    "phantom": {"patients": 36, "seed": 1, "lookalikes": 0.1},
    "image": {"region": "crop", "margin": 20, "margin_unit": "percent", "mixed": "malignant", "fit": "stretch", "size": 64, "shards": 1},
    "split": {"method": "official", "by": "patient", "test": 0.2, "folds": 5, "validation": 0.2, "seed": 1, "duplicates": "drop_from_training"},
    "training": {"epochs": 40, "threads": 2},
    "seeds": [1],
}  # fmt: skip
OLD_CODE, NEW_CODE = "'0123456789abcdef'", "fedcba9876543210"


def changed(recorded, before=BASELINE, **params):
    """changed_params of a job that now has the params of the baseline, or others."""
    return changed_params(recorded, params, BASELINE, before)


def test_a_changed_key_of_a_section_is_told_with_both_values():
    recorded = [OLD_CODE, "False", "{'epochs': 10, 'threads': 2}"]
    found = changed(recorded, training=BASELINE["training"], shuffled_labels=False, code=NEW_CODE)
    assert found == ([("training.epochs", 10, 40)], True)
    found = changed(
        recorded, training=BASELINE["training"], shuffled_labels=False, code="0123456789abcdef"
    )
    assert found == ([("training.epochs", 10, 40)], False)


def test_a_key_that_came_or_went_is_told():
    found = changed(["{'epochs': 40, 'patience': 3}"], training=BASELINE["training"])
    assert found == (
        [("training.threads", NOT_THERE, 2), ("training.patience", 3, NOT_THERE)],
        False,
    )
    assert in_words(*found[0][0]) == "training.threads: none → 2"
    many = in_words("seeds", [1], list(range(1, 1001)))
    assert many == "seeds: [1] → [1, 2, 3, … 1000]"


def test_of_two_sections_each_is_compared_with_its_own():
    recorded = ["{'draws': 1000, 'seed': 1}", "{'epochs': 10, 'threads': 2}"]
    found, _ = changed(
        recorded, training={"epochs": 40, "threads": 2}, evaluation={"draws": 500, "seed": 1}
    )
    assert found == [("training.epochs", 10, 40), ("evaluation.draws", 1000, 500)]


def test_params_that_are_single_values_get_their_section_and_the_value_that_was_theirs():
    now = BASELINE["phantom"]
    assert changed(["24", "1", "0.1"], **now) == ([("phantom.patients", 24, 36)], False)
    # Of two that changed, Snakemake's record does not say which was which: the last whole run's settings do.
    before = {"phantom": {"patients": 24, "seed": 7, "lookalikes": 0.1}}
    assert changed(["24", "7", "0.1"], before, **now)[0] == [
        ("phantom.patients", 24, 36),
        ("phantom.seed", 7, 1),
    ]
    assert changed(["24", "7", "0.1"], {}, **now)[0] == [
        ("phantom.patients", NOT_KNOWN, 36),
        ("phantom.seed", NOT_KNOWN, 1),
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
    older = {name: part for name, part in BASELINE.items() if name != "training"} | {
        "training": {"epochs": 10}
    }
    (tmp_path / "provenance.json").write_text(json.dumps({"experiments": {"baseline": older}}))
    found = recorded_studies(tmp_path / "provenance.json", {"baseline": BASELINE})
    assert differences(found["baseline"], BASELINE) == [("training.epochs", 10, 40)]


def reasons_of_new_names(before, studies, **wildcards):
    reasons = Reasons(None, None, studies, before)
    return reasons.of_name(SimpleNamespace(wildcards_dict=wildcards))


def test_a_job_whose_name_is_new_tells_the_settings_that_the_name_is_made_of():
    small = BASELINE | {"image": BASELINE["image"] | {"size": 32, "margin": 50}}
    studies = {"baseline": small, "more": small | {"seeds": [1, 2]}, "other": BASELINE}
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
        assert len([*as_text(jobs, slots=3, startup=0)]) < 10
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

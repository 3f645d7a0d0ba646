"""What the steps of a study took, as Snakemake's profile and on the page."""

import shutil

import pandas as pd
import pytest
import yaml

from helpers.project import SMALL, dry_run
from mammo.study.timings import read_benchmark
from mammo.tables import read_table

pytestmark = pytest.mark.slow


def test_snakemake_takes_the_study_own_suggestions_as_a_profile(study, tmp_path):
    results = study / "results"
    table = read_table(results / "resources.csv", "resources").set_index("step")
    assert set(table.index) == {path.name for path in (results / "benchmarks").iterdir()} - {
        "suggest_resources",
        "write_report",
        "record_provenance",
    }
    trained = [read_benchmark(path) for path in (results / "benchmarks/train_network").iterdir()]
    assert table.loc["train_network", "longest_seconds"] == max(job.seconds for job in trained)
    assert table.loc["train_network", "largest_memory"] == max(job.memory for job in trained)
    assert table.loc["train_network", "rules"] == "train_network train_shuffled"

    profile = yaml.safe_load((results / "resources.yaml").read_text())["set-resources"]
    shutil.copy(results / "resources.yaml", tmp_path / "config.yaml")
    again = ["--forcerun", "train_shuffled", "--profile", tmp_path]
    for attempt in (1, 2):
        done = dry_run(study, *again, "--attempt", attempt, *SMALL)
        job = done.stdout[done.stdout.index("rule train_shuffled:") :]
        resources = dict(
            part.split("=")
            for part in job[job.index("resources: ") + 11 :].split("\n")[0].split(", ")
        )
        for name in ("mem_mb", "runtime"):
            wanted = attempt * int(profile["train_shuffled"][name].removesuffix(" * attempt"))
            assert resources[name] == str(wanted)
            assert pd.notna(table.loc["train_network", name])
    assert profile["train_network"] == profile["train_shuffled"]


def test_the_page_has_the_table(study):
    page = (study / "results/report.html").read_text(encoding="utf-8")
    section = page[page.index('<h2 id="resources">') :]
    section = section[: section.index("</section>")]
    for step in read_table(study / "results/resources.csv", "resources")["step"]:
        assert f'<th scope="row">{step}</th>' in section
    assert '<a href="resources.yaml">' in section

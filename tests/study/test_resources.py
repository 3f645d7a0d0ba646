"""Suggested resources: from benchmark files to a table and a profile."""

import pytest
import yaml

from helpers.project import write_benchmark
from mammo.report.page_tables import time_and_memory
from mammo.study.resources import as_profile, measured, suggestion
from mammo.study.timings import Measured, benchmarks_of, read_benchmark
from mammo.tables import read_table, write_table
from mammo.words import duration

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.mark.parametrize(
    ("seconds", "memory", "found"),
    [
        ("26.55", "889.73", Measured(26.55, 889.73)),
        ("26.55", "NA", Measured(26.55, None)),
        ("26.55", "-", Measured(26.55, None)),
        ("26.55", "0.00", Measured(26.55, None)),
        ("0.52", "2.99", Measured(0.52, None)),  # seen while it began, or ended
    ],
)
def test_a_benchmark_file_tells_time_and_memory_where_it_was_seen(tmp_path, seconds, memory, found):
    assert read_benchmark(write_benchmark(tmp_path / "x.tsv", seconds, memory)) == found


@pytest.mark.parametrize("text", ["", HEADER, HEADER + "26.", "s\nmany\n", "\0"])
def test_what_is_no_benchmark_counts_as_none(tmp_path, text):
    (tmp_path / "x.tsv").write_text(text)
    assert read_benchmark(tmp_path / "x.tsv") in (None, Measured(26.0, None))
    assert read_benchmark(tmp_path / "missing.tsv") is None
    assert len(benchmarks_of(tmp_path)) == (text == HEADER + "26.")


def test_suggestions_leave_headroom_and_are_never_less_than_a_cluster_needs():
    assert suggestion(longest=26.55, memory=889.73) == (1400, 5)  # 1.3 x 889.73 + 200 = 1356.6
    assert suggestion(longest=600, memory=0.1) == (250, 20)
    assert suggestion(longest=601, memory=None) == (None, 21)
    assert suggestion(longest=0.1, memory=None) == (None, 5)


def test_durations_in_words():
    told = [duration(s) for s in (0.2, 27.4, 59.6, 151, 3599.7, 3900, 86400 - 20, 3 * 86400 + 7200)]
    assert told == [
        "<1 s",
        "27 s",
        "1 min 00 s",
        "2 min 31 s",
        "1 h 00 min",
        "1 h 05 min",
        "1 d 0 h",
        "3 d 2 h",
    ]


@pytest.fixture
def table(tmp_path):
    """Of three rules, two of which train into one folder, and one of which has not run."""
    write_benchmark(tmp_path / "train_network/a.tsv", 100, 800)
    write_benchmark(tmp_path / "train_network/b.tsv", 300, 1000)
    write_benchmark(tmp_path / "train_network/c.tsv", 200, "NA")
    write_benchmark(tmp_path / "gate_split/x.tsv", 0.1, 8)
    rules = {
        "train_network": "train_network",
        "train_shuffled": "train_network",
        "gate_split": "gate_split",
    }
    return measured(tmp_path, rules | {"predict": "predict"})


def test_only_steps_that_ran_are_in_the_table_the_longest_first(table, tmp_path):
    assert table["step"].tolist() == ["train_network", "gate_split"]
    row = table.iloc[0]
    assert (row["jobs"], row["median_seconds"], row["longest_seconds"], row["largest_memory"]) == (
        3,
        200,
        300,
        1000,
    )
    assert (row["mem_mb"], row["runtime"]) == (1500, 10)
    write_table(table, tmp_path / "resources.csv", "resources")
    page = time_and_memory(read_table(tmp_path / "resources.csv", "resources"))
    assert page.rows == [
        ["train_network", "3", "3 min 20 s", "5 min 00 s", "1,000 MB", "1,500 MB", "10 min"],
        ["gate_split", "1", "<1 s", "<1 s", "–", "–", "5 min"],
    ]


def test_the_profile_names_every_rule_and_leaves_out_what_was_not_seen(table):
    training = {"mem_mb": "1500 * attempt", "runtime": "10 * attempt"}
    assert yaml.safe_load(as_profile(table)) == {
        "set-resources": {
            "gate_split": {"runtime": "5 * attempt"},
            "train_network": training,
            "train_shuffled": training,
        }
    }


def test_where_nothing_was_measured_there_is_nothing_to_show(tmp_path):
    table = measured(tmp_path, {"train_network": "train_network"})
    write_table(table, tmp_path / "resources.csv", "resources")
    assert time_and_memory(read_table(tmp_path / "resources.csv", "resources")) is None
    assert yaml.safe_load(as_profile(table)) == {"set-resources": {}}

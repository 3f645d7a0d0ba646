"""Provenance: every file's hash, what it was made from, and what no longer matches."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from mammo.hashing import sha256
from mammo.report.style import marked, new_figure
from mammo.stamps import save_figure, table_shown
from mammo.study.provenance import made_with, result_files


def test_result_files_are_those_of_the_study(tmp_path):
    for path in [
        "metrics.csv",
        "runs/baseline/fold0-seed1/history.csv",
        "runs/old/x.csv",
        "logs/a/b.log",
        "plots/logs/a",
        "provenance.json",
        "inventory/headers.csv",
        "inventory/files.csv",
    ]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert result_files(tmp_path, {"runs": ["baseline"]}) == [
        "inventory/files.csv",
        "metrics.csv",
        "plots/logs/a",
        "runs/baseline/fold0-seed1/history.csv",
    ]


def test_a_figure_tells_which_table_it_shows(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    paths = [tmp_path / "a.png", tmp_path / "a.svg"]
    save_figure(Figure(), paths, tmp_path / "a.csv", "d1")
    for path in paths:
        assert table_shown(path) == ("a.csv", sha256(tmp_path / "a.csv"))
    with Image.open(paths[0]) as image:
        assert image.info["Dataset"] == "d1"
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "b.png")
    assert table_shown(tmp_path / "b.png") is None
    assert table_shown(tmp_path / "a.csv") is None


def test_the_same_table_gives_the_same_figure_byte_for_byte(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    table = pd.DataFrame({"dataset": ["d1"], "leaks": [""]})
    for name in ("first", "second"):
        figure = new_figure(4, 3)
        figure.subplots().plot([1, 2], [3, 4])
        figure = marked(figure, table)
        save_figure(
            figure, [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"], tmp_path / "a.csv", "d1"
        )
    for ending in ("svg", "png"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (
            tmp_path / f"second.{ending}"
        ).read_bytes()


def test_it_names_the_packages_that_the_project_asks_for():
    packages = made_with()["packages"]
    assert {"snakemake", "numpy", "keras", "onnxruntime"} <= set(packages)
    assert any(name.startswith("tensorflow") for name in packages)

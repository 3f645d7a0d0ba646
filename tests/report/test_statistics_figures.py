"""Figures of what the statistics found, and Table 1 as a page: each shows what its table holds."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest

from helpers.lesions import lesions_and_fate
from helpers.simulated import history, pair, scores_of
from mammo.report.characteristics_table import as_html
from mammo.report.figures import FIGURES
from mammo.report.style import marked
from mammo.statistics.characteristics import characteristics
from mammo.statistics.comparison import compare_all, units_of_test
from mammo.statistics.controls import CONTROLS
from mammo.statistics.leakage import leaking_split
from mammo.statistics.learning_curves import curve
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table, write_table

EVALUATION = Evaluation.default(draws=200)


def drawn(name, table):
    """The figure of that name."""
    return marked(FIGURES[name].draw(table, "phantom"), table)


@pytest.mark.parametrize("measure", ["accuracy", "loss"])
def test_a_figure_shows_its_table(measure):
    table = curve({("baseline", 0, 1): history(5, 2)}, measure)
    axes = drawn(measure, table).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 5]
    for line, partition in zip(lines, ["training", "validation"], strict=True):
        wanted = table.loc[table["partition"] == partition, "value"]
        assert np.array_equal(line.get_ydata(), wanted)
    assert lines[0].get_linestyle() != lines[1].get_linestyle()  # told apart without colour
    # Luminance by the coefficients of ITU-R BT.709: the two also differ in grey.
    grey = [
        np.dot(matplotlib.colors.to_rgb(line.get_color()), [0.2126, 0.7152, 0.0722])
        for line in lines[:2]
    ]
    assert abs(grey[0] - grey[1]) > 0.05
    kept = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in kept] == [2]


@pytest.mark.parametrize("leaks", ["", "leaks patients (split by image)"])
def test_every_figure_bears_its_dataset_and_one_of_a_leaking_split_says_so(leaks):
    table = curve({("baseline", 0, 1): history(5, 2, leaks)}, "loss")
    figure = drawn("loss", table)
    texts = [text.get_text() for text in figure.texts]
    assert "dataset 0123456789ab" in texts
    banner = [
        text
        for text in texts
        if "NOT EVIDENCE OF PERFORMANCE: the split leaks patients (split by image)" in text
    ]
    assert bool(banner) == bool(leaks)


def control_table(experiments, absent=()):
    rows = [
        {
            "experiment": experiment,
            "control": control,
            "metric": metric,
            "value": None if control in absent else 0.6,
            "low": None if control in absent else 0.5,
            "high": None if control in absent else 0.7,
            "confidence": 0.95,
            "dataset": "d",
            "leaks": "",
        }
        for experiment in experiments
        for control in ["network", *CONTROLS]
        for metric in ("auroc", "accuracy")
    ]
    return pd.DataFrame(rows).astype({"value": float, "low": float, "high": float})


@pytest.mark.parametrize(("number", "panels"), [(1, 1), (2, 2), (6, 6), (9, 6)])
def test_the_figure_shows_up_to_six_experiments_and_every_control(number, panels):
    table = control_table(
        [f"experiment {i}" for i in range(number)], absent={"reader_assessment", "reader_columns"}
    )
    figure = drawn("controls", table)
    figure.savefig(io.BytesIO(), backend=matplotlib.get_backend())
    axes = [axes for axes in figure.axes if axes.get_visible()]
    assert len(axes) == panels
    assert len(axes[0].get_yticks()) == 1 + len(CONTROLS)
    words = [text.get_text() for text in axes[0].texts]
    assert words.count("not available") == 2
    assert words.count("0.600 [0.500, 0.700]") == len(CONTROLS) - 1
    assert ("the first 6 of 9" in axes[0].get_title(loc="left")) == (number == 9)


def words_on(figure):
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_comparisons_are_drawn_with_their_numbers(tmp_path):
    a, b = (scores_of(side) for side in pair(np.random.default_rng(7), 60, gain=1))
    baseline = units_of_test(a, "crop")
    others = [("stronger", units_of_test(b, "crop")), ("same", baseline)]
    table = compare_all(baseline, others, EVALUATION).assign(dataset="d", leaks="")
    table = table.assign(experiment_a="baseline")
    write_table(table, tmp_path / "comparisons.csv", "comparisons")
    said = words_on(drawn("comparisons", read_table(tmp_path / "comparisons.csv", "comparisons")))
    assert "+0." in said
    assert "p 1.000" in said
    assert "− 0.000" not in said


def test_an_inflation_is_drawn_with_its_numbers(tmp_path):
    honest, leaking = (scores_of(side) for side in pair(np.random.default_rng(11), 60, gain=2))
    split = leaking_split(honest, leaking, EVALUATION).assign(what="split_by_image")
    picked = {
        "what": "threshold_picked_on_test",
        "metric": "balanced_accuracy",
        "n": 5,
        "reason": "not defined: …",
    }
    table = pd.concat([split, pd.DataFrame([picked])])
    table = table.assign(dataset="d", leaks="leaks patients (split by image)")
    write_table(table, tmp_path / "leakage.csv", "leakage")
    said = words_on(drawn("leakage", read_table(tmp_path / "leakage.csv", "leakage")))
    difference = split.set_index("metric").loc["auroc", "difference"]
    assert f"+{difference:.3f} [" in said
    assert "not defined" in said
    assert "nan" not in said


@pytest.mark.parametrize("one_class", [False, True])
def test_the_forest_plot_shows_each_group(tmp_path, one_class):
    rows = []
    for group in ("all test images", "A", "$x_{" + 50 * "y"):
        row = {"variable": "all" if not rows else "scanner", "group": group, "metric": "auroc"}
        found = {"value": 0.8, "low": 0.7, "high": 0.9, "confidence": 0.95, "reason": ""}
        if one_class:
            found = {"reason": "not defined: no image is malignant"}
        counts = {"n": 40, "patients": 20, "malignant": 0 if one_class else 20}
        rows.append(row | found | counts)
    table = pd.DataFrame(rows).assign(experiment="baseline", dataset="abc", leaks="")
    write_table(table, tmp_path / "forest.csv", "subgroups")
    figure = drawn("forest", read_table(tmp_path / "forest.csv", "subgroups"))
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"all test images", "A"} <= words
    assert "$x_{" + 29 * "y" + "…" in words  # neither mathematics nor over the columns beside it
    figure.savefig(tmp_path / "forest.png")


def page_of(tmp_path, lesions, fate, columns, leaks="", folds=1):
    table = characteristics(lesions, fate, columns)
    table = pd.concat(
        table.assign(fold=fold, dataset="0123456789ab", leaks=leaks) for fold in range(folds)
    )
    write_table(table, tmp_path / "c.csv", "characteristics")
    return as_html(read_table(tmp_path / "c.csv", "characteristics"), "table"), (
        tmp_path / "c.csv"
    ).read_text()


def test_the_page_shows_counts_shares_and_differences(tmp_path):
    lesions, fate = lesions_and_fate(scanner=["<b>x</b>", "y"] * 5)
    lesions["crop_size"] = [1000, 2000, 3000, 4000, *range(100, 600, 100), None]
    page, table = page_of(tmp_path, lesions, fate, ["label", "scanner", "crop_size"])
    assert (
        '<th scope="row">benign</th><td>3 (75.0%)</td><td>1 (33.3%)</td><td>0 (0.0%)</td>' in page
    )
    assert '<th scope="row">Number of lesions</th><td>3</td><td>2</td><td>1</td>' in page
    assert (
        '<th scope="row">mean (SD)</th><td>2,500.0 (1,291.0)</td>'
        "<td>200.0 (100.0)</td><td>450.0 (70.7)</td>" in page
    )
    assert "<td>2,500.0 (1,750.0 to 3,250.0)</td>" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page
    assert "Dataset 0123456789ab, table dataset format." in page
    assert "NOT EVIDENCE" not in page
    assert "0,label,benign,n,3,0.75,1," in table  # counts are whole numbers in the CSV too


def test_the_page_says_what_is_not_defined_which_fold_it_shows_and_that_a_split_leaks(tmp_path):
    lesions, fate = lesions_and_fate(scanner=["x"] * 4 + ["y"] * 6)
    page, table = page_of(
        tmp_path, lesions, fate, ["scanner"], leaks="leaks: split by image", folds=3
    )
    assert '<th scope="row">scanner</th><td></td><td></td><td></td><td>–</td><td>–</td>' in page
    assert "scanner: SMD not defined (validation and test: no level in common)." in page
    assert "fold 0, one of 3" in page
    assert page.count('<th scope="row">scanner</th>') == 1
    assert "NOT EVIDENCE OF PERFORMANCE: the split leaks: split by image" in page
    assert table.count("leaks: split by image") == 3 * (4 + 3)

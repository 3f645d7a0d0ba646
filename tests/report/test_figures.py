"""From scores to tables and figures: right by counting, and whole where scores are awkward."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import SubFigure
from matplotlib.text import Text
from scipy.special import expit
from sklearn import metrics

from mammo.report.figures import FIGURES
from mammo.report.style import MOST_EXPERIMENTS, marked
from mammo.statistics.calibration import calibrate, temperature
from mammo.statistics.curves import curve_tables
from mammo.statistics.estimation import estimate, estimate_counts
from mammo.statistics.learning_curves import curve
from mammo.statistics.scores import COUNTED, calibration_metrics, operating_points
from mammo.statistics.settings import Evaluation
from mammo.statistics.thresholds import choose_thresholds
from mammo.tables import read_table, write_table

EVALUATION = Evaluation.default(draws=200)
OF_SCORES = ["roc", "precision_recall", "calibration", "scores", "confusion", "decision_curve"]
SCHEMAS = {FIGURES[name].schema: name for name in OF_SCORES}


def scored(patients, folds=1, seed=0, spoil=lambda rows: rows, leaks=""):
    """(scores, thresholds) of an experiment.

    A patient has one to three images, each of a lesion of its own; folds share no patient.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for fold in range(folds):
        place = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
        label = rng.integers(0, 2, patients)[place]
        images = [f"{fold}-{n}" for n in range(len(place))]
        rows = pd.DataFrame(
            {
                "fold": fold,
                "image_id": images,
                "lesion_id": images,
                "patient_id": [f"{fold}-P{n:04}" for n in place],
                "laterality": np.where(place % 2, "left", "right"),
                "label": label,
                "partition": np.array(["training", "validation", "test"])[place % 3],
                "probability": expit(1.5 * (label - 0.5) + rng.normal(size=len(label))),
            }
        )
        rows = spoil(rows)
        validation = rows[rows["partition"] == "validation"]
        heat = temperature(validation["label"], validation["probability"])
        parts.append(rows.assign(calibrated=calibrate(rows["probability"], heat)))
    scores = pd.concat(parts, ignore_index=True).assign(runs=1, dataset="0123456789ab", leaks=leaks)
    thresholds = [
        choose_thresholds(part, part, "crop").assign(fold=fold)
        for fold, part in scores.groupby("fold")
    ]
    return scores, pd.concat(thresholds, ignore_index=True)


def tables(experiments, folder, controls=None):
    """{figure: its table}, written and read again, from {experiment: (scores, thresholds)}."""
    parts = {}
    for experiment, (scores, thresholds) in experiments.items():
        points = operating_points(scores, thresholds, "crop", EVALUATION)
        found = {
            "confusion": points,
            **curve_tables(scores, thresholds, points, EVALUATION, controls),
        }
        origin = {column: scores[column].iloc[0] for column in ("dataset", "leaks")}
        for schema, table in found.items():
            parts.setdefault(schema, []).append(
                table.assign(experiment=experiment, **origin).astype(object)
            )
    for schema, some in parts.items():
        write_table(pd.concat(some, ignore_index=True), folder / f"{schema}.csv", schema)
    return {SCHEMAS[schema]: read_table(folder / f"{schema}.csv", schema) for schema in parts}


def drawn(name, table):
    """A figure as it is saved, and all that is written on it."""
    figure = marked(FIGURES[name].draw(table, "phantom"), table)
    figure.savefig(io.BytesIO(), format="svg")
    figure.savefig(io.BytesIO(), format="png")
    texts = [text.get_text() for text in figure.findobj(Text)]
    return SimpleNamespace(figure=figure, text="\n".join(texts))


def of_one_class(label):
    return lambda rows: rows.assign(label=rows["label"].where(rows["partition"] != "test", label))


def validation_of_one_class(rows):
    return rows.assign(label=rows["label"].where(rows["partition"] != "validation", 1))


def all_certain(rows):
    return rows.assign(probability=rows["label"].astype(float))


LONG = "a_name_that_is_as_long_as_names_of_experiments_hardly_ever_are"
KINDS = {
    "plain": {"baseline": scored(90)},
    "malignant alone": {"baseline": scored(90, spoil=of_one_class(1))},
    "benign alone": {"baseline": scored(90, spoil=of_one_class(0))},
    "no thresholds": {"baseline": scored(90, spoil=validation_of_one_class)},
    "ties everywhere": {"baseline": scored(90, spoil=lambda rows: rows.assign(probability=0.3))},
    "all certain": {"baseline": scored(90, spoil=all_certain)},
    "a few images": {"baseline": scored(6)},
    "folds": {"baseline": scored(60, folds=3)},
    "two experiments": {"baseline": scored(90), LONG: scored(90)},
    "nine experiments": {f"experiment_{n}": scored(60, seed=n) for n in range(9)},
    "leaking": {"baseline": scored(90, leaks="leaks patients and lesions (split by image)")},
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    return request.param, tables(KINDS[request.param], tmp_path_factory.mktemp("tables"))


@pytest.mark.filterwarnings("error")  # a layout that does not fit is one
@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS.values())
def test_figures_are_drawn_of_awkward_scores_too_and_no_text_covers_another(kind, name):
    kind, found = kind
    shown = drawn(name, found[name])
    assert "phantom dataset" in shown.text
    for experiment in list(KINDS[kind])[:MOST_EXPERIMENTS]:
        assert experiment in shown.text.replace("\n", "")
    assert ("the first 6 of 9 experiments" in shown.text) == (kind == "nine experiments")
    assert ("NOT EVIDENCE OF PERFORMANCE" in shown.text) == (kind == "leaking")
    one_class = {"malignant alone": "no image is benign", "benign alone": "no image is malignant"}
    if kind in one_class and name in ("roc", "precision_recall", "decision_curve", "scores"):
        assert f"not defined: {one_class[kind]}" in shown.text
    if kind == "no thresholds" and name == "confusion":
        assert "no threshold: validation has no benign one" in shown.text.replace("\n", " ")
    assert_nothing_is_covered(shown.figure)


def assert_nothing_is_covered(figure):
    boxes = written(figure)
    width, height = figure.bbox.size
    for text, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, text
        assert -1 <= box.y0 <= box.y1 <= height + 1, text
    for number, (text, box) in enumerate(boxes):
        for other, beside in boxes[:number]:
            across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            along = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert across < 2 or along < 2, (text, other)


def written(figure):
    """(text, box in pixels) of titles, labels of axes, legends and what stands below the figure.

    Tick labels are matplotlib's care.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    frames = [figure, *figure.findobj(SubFigure)]
    artists = [
        *figure.texts,
        *(one._suptitle for one in frames),
        *(legend for one in frames for legend in one.legends),
    ]
    for axes in figure.axes:
        artists += [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    texts = {
        artist: artist.get_text() if isinstance(artist, Text) else "legend"
        for artist in artists
        if artist
    }
    return [
        (text, artist.get_window_extent(canvas.get_renderer()))
        for artist, text in texts.items()
        if text.strip()
    ]


def test_a_figure_says_how_sure_it_is_and_of_how_many(tmp_path):
    found = tables(KINDS["plain"], tmp_path)
    area = found["roc"].query("part == 'area'").iloc[0]
    text = drawn("roc", found["roc"]).text
    assert f"AUROC {area['auroc']:.3f} [{area['low']:.3f}, {area['high']:.3f}]\n" in text
    assert "In brackets: 95 % CI" in text
    scores = KINDS["plain"]["baseline"][0].query("partition == 'test'")
    patients = scores["patient_id"].nunique()
    size = f"{len(scores)} images, {scores['label'].sum()} malignant, of {patients} patients"
    for name in ("roc", "precision_recall", "decision_curve"):
        assert size in drawn(name, found[name]).text
    few = tables(KINDS["a few images"], tmp_path)
    assert "CI" not in drawn("roc", few["roc"]).text


def test_operating_points_are_applied_to_test_by_the_threshold_of_each_fold():
    scores, thresholds = KINDS["folds"]["baseline"]
    found = operating_points(scores, thresholds, "crop", EVALUATION).set_index(
        ["partition", "level", "point", "metric"]
    )
    found = found.sort_index()
    assert set(found.index.get_level_values("partition")) == {"validation", "test"}
    for level in ("image", "patient"):
        for point in ("youden", "sensitivity_90", "half"):
            rows = scores[scores["partition"] == "test"]
            if level == "patient":
                rows = rows.groupby(["fold", "patient_id"], as_index=False).agg(
                    {"label": "max", "calibrated": "max"}
                )
            chosen = thresholds.query("level == @level and point == @point").set_index("fold")[
                "threshold"
            ]
            called = rows["calibrated"] >= rows["fold"].map(chosen).astype(float)
            values = found.loc[("test", level, point), "value"].to_dict()
            (tn, fp), (fn, tp) = metrics.confusion_matrix(rows["label"], called)
            counts = dict(zip(COUNTED[:4], (tp, fp, fn, tn), strict=True))
            assert values == pytest.approx(
                counts
                | {
                    "accuracy": (tp + tn) / len(rows),
                    "balanced_accuracy": metrics.balanced_accuracy_score(rows["label"], called),
                    "sensitivity": tp / (tp + fn),
                    "specificity": tn / (tn + fp),
                    "ppv": tp / (tp + fp),
                    "npv": tn / (tn + fn),
                    "f1": metrics.f1_score(rows["label"], called),
                }
            )
            assert set(found.loc[("test", level, point), "n"]) == {len(rows)}
            row = found.loc[("test", level, point, "accuracy")]
            assert row["low"] < row["value"] < row["high"]
    assert found.loc[("test", "image", "half", "f1"), "threshold"] == 0.5
    assert np.isnan(
        found.loc[("test", "image", "youden", "f1"), "threshold"]
    )  # each fold has its own


def test_intervals_at_an_operating_point_are_those_that_all_metrics_have():
    scores, _ = KINDS["plain"]["baseline"]
    units = scores[scores["partition"] == "test"].assign(
        unit=lambda rows: rows["image_id"], images=1, majority=0
    )
    units = units.assign(threshold=np.where(units["laterality"] == "left", 0.4, 0.6))
    found = estimate_counts(units, "image", EVALUATION).set_index("metric")
    wanted = estimate([units], "image", EVALUATION).set_index("metric")
    for metric in COUNTED[4:]:
        columns = ["value", "low", "high"]
        assert found.loc[metric, columns].tolist() == pytest.approx(
            wanted.loc[metric, columns].tolist()
        )


def test_thresholds_come_from_validation_alone():
    scores, thresholds = KINDS["plain"]["baseline"]
    spoilt = scores["partition"] != "validation"
    other = scores.assign(
        label=scores["label"].mask(spoilt, 1 - scores["label"]),
        calibrated=scores["calibrated"].mask(spoilt, 0.01),
    )
    again = choose_thresholds(other, other, "crop")
    assert again["threshold"].tolist() == thresholds["threshold"].tolist()


def test_at_the_sensitive_point_validation_has_the_sensitivity_that_was_asked_for():
    scores, thresholds = KINDS["plain"]["baseline"]
    found = operating_points(scores, thresholds, "crop", EVALUATION).set_index(
        ["partition", "level", "point", "metric"]
    )
    for level in ("image", "lesion", "breast", "patient"):
        assert found.loc[("validation", level, "sensitivity_90", "sensitivity"), "value"] >= 0.9


def test_where_there_is_no_threshold_or_no_level_a_reason_stands_for_each_value():
    scores, thresholds = KINDS["no thresholds"]["baseline"]
    found = operating_points(scores, thresholds, "crop", EVALUATION).set_index(
        ["partition", "level", "point"]
    )
    assert found.loc[("test", "image", "youden"), "value"].isna().all()
    assert set(found.loc[("test", "image", "youden"), "reason"]) == {
        "no threshold: validation has no benign one"
    }
    assert found.loc[("test", "image", "half"), "value"].notna().all()
    unknown = scores.assign(laterality="")
    found = operating_points(unknown, thresholds, "crop", EVALUATION).set_index(
        ["partition", "level", "point"]
    )
    reasons = set(found.loc[("test", "breast", "half"), "reason"])
    assert reasons == {
        f"no such level: the side is not known of {len(scores)} of {len(scores)} images"
    }
    assert sorted(found.loc[("test", "breast", "half"), "metric"]) == sorted(COUNTED)


def test_of_one_class_what_needs_the_other_is_not_defined():
    scores, thresholds = KINDS["malignant alone"]["baseline"]
    found = operating_points(scores, thresholds, "crop", EVALUATION)
    found = found.query("partition == 'test' and level == 'image' and point == 'half'").set_index(
        "metric"
    )
    assert found.loc["specificity", "reason"] == "not defined: no image is benign"
    assert found.loc["sensitivity", "value"] > 0
    assert found.loc["false_positives", "value"] == 0


def test_calibration_is_measured_before_and_after():
    scores, _ = KINDS["folds"]["baseline"]
    found = calibration_metrics(scores, "crop", EVALUATION)
    found = found.set_index(["partition", "level", "probabilities", "metric"]).sort_index()
    test = scores[scores["partition"] == "test"]
    for name, column in [("raw", "probability"), ("calibrated", "calibrated")]:
        values = found.loc[("test", "image", name), "value"]
        assert values["log_loss"] == pytest.approx(metrics.log_loss(test["label"], test[column]))
        assert values["brier_score"] == pytest.approx(
            metrics.brier_score_loss(test["label"], test[column])
        )
    losses = found.xs("log_loss", level="metric")["value"]
    assert (
        losses["validation", "image", "calibrated"] < losses["validation", "image", "raw"]
    )  # it was fitted there
    assert set(found.loc[("test", "image"), "n"]) == {len(test)}


def test_a_unit_of_validation_counts_in_each_fold_that_it_validates():
    scores, thresholds = scored(90)
    twice = pd.concat([scores, scores.assign(fold=1)])
    thresholds = pd.concat([thresholds, thresholds.assign(fold=1)])
    found = operating_points(twice, thresholds, "crop", EVALUATION).query(
        "partition == 'validation'"
    )
    lesions = found.query("level == 'lesion' and metric == 'accuracy'")
    assert set(lesions["n"]) == {2 * (scores["partition"] == "validation").sum()}


def test_the_controls_have_curves_without_bands(tmp_path):
    scores, thresholds = KINDS["plain"]["baseline"]
    test = scores[scores["partition"] == "test"]
    controls = pd.concat(
        [
            test.assign(
                control="reader_assessment",
                probability=(test["label"] + np.arange(len(test)) % 3) / 3,
            ),
            test.assign(control="majority_class", probability=0.5),
            test.assign(control="image_border", probability=np.nan),
        ]
    )
    found = tables({"baseline": (scores, thresholds)}, tmp_path, controls)["roc"]
    assert set(found["curve"]) == {"network", "reader_assessment", "majority_class"}
    areas = found[found["part"] == "area"].set_index("curve")
    reader = (test["label"] + np.arange(len(test)) % 3) / 3
    assert areas.loc["reader_assessment", "auroc"] == pytest.approx(
        metrics.roc_auc_score(test["label"], reader)
    )
    assert areas.loc["majority_class", "auroc"] == 0.5
    assert set(found.loc[found["curve"] != "network", "part"]) == {"area", "step"}
    text = drawn("roc", found).text
    assert f"BI-RADS assessment, {areas.loc['reader_assessment', 'auroc']:.3f}" in text


def history(epochs, kept, shift=0.0):
    number = np.arange(1, epochs + 1)
    columns = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy"), shift + 1 / number)
    return pd.DataFrame(
        {
            "epoch": number,
            **columns,
            "kept": (number == kept).astype(int),
            "dataset": "d",
            "leaks": "",
        }
    )


def test_of_several_runs_the_mean_is_drawn_and_faint_once_one_has_stopped():
    lengths = {1: 5, 2: 7, 3: 9}
    table = curve(
        {("baseline", 0, seed): history(n, 3, seed) for seed, n in lengths.items()}, "loss"
    )
    axes = FIGURES["loss"].draw(table, "phantom").axes[0]
    whole, rest, *_ = [line for line in axes.lines if line.get_linestyle() == "-"]
    epochs = table[table["partition"] == "validation"].groupby("epoch")["value"]
    assert whole.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert np.allclose(whole.get_ydata(), epochs.mean()[:5])
    # From there on it is the mean over those that still train: 3 runs, 2 of 2 and 3, the last.
    assert rest.get_xdata().tolist() == [5, 6, 7, 8, 9]
    assert np.allclose(
        rest.get_ydata(), [2 + 1 / 5, 2.5 + 1 / 6, 2.5 + 1 / 7, 3 + 1 / 8, 3 + 1 / 9]
    )
    assert rest.get_alpha() < 1
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx(
        (1 + 1 / 5, 3 + 1)
    )  # the lowest of all runs, and the highest
    kept = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(kept[0].get_ydata()) == pytest.approx([1 + 1 / 3, 2 + 1 / 3, 3 + 1 / 3])


@pytest.mark.parametrize("measure", ["accuracy", "loss"])
def test_each_experiment_has_a_panel_and_those_beyond_six_are_told(measure):
    runs = {
        (f"experiment_{n}", 0, seed): history(1 + n, 1)
        for n in range(8)
        for seed in range(1 + n % 2)
    }
    shown = drawn(measure, curve(runs, measure))
    assert len(shown.figure.axes) == 6
    assert "the first 6 of 8 experiments; the others are in the CSV" in shown.text
    assert "experiment_0: 1 run" in shown.text
    assert "experiment_1: 2 runs" in shown.text
    assert_nothing_is_covered(shown.figure)
    alone = {run: history for run, history in runs.items() if run[0] == "experiment_3"}
    assert_nothing_is_covered(drawn(measure, curve(alone, measure)).figure)

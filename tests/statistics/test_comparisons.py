"""Experiments against each other: DeLong by the book, and differences as sure as they say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics

from helpers.simulated import pair, scores_of
from mammo.statistics.comparison import (
    DETECTABLE,
    compare,
    compare_all,
    delong,
    delong_test,
    holm,
    units_of_test,
)
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table, write_table

EVALUATION = Evaluation.default(draws=200)
FEW = Evaluation.model_construct(draws=2, confidence=0.95, seed=1)  # where the value is all


def test_delong_on_the_data_of_its_own_paper():
    """Ovarian cancer and intestinal obstruction (DeLong et al. 1988).

    Columns: albumin, total protein, K-G score, outcome. The 43 complete records are those that
    SAS/STAT's documentation of PROC LOGISTIC prints in "Comparing Receiver Operating Characteristic
    Curves". Its results: areas 0.7366, 0.6478 and 0.7258 with standard errors 0.0927, 0.1000 and
    0.1028; contrast of the first two with the third, chi-square 2.5340 with 2 degrees of freedom.
    """
    records = """
        3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0
        2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1
        4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
        4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
        3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1
        3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
        2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
        3.6 6.6 5 1"""
    albumin, protein, score, outcome = np.array(records.split(), float).reshape(-1, 4).T
    areas, covariance = delong(outcome, [albumin, protein, 10 - score])
    assert areas == pytest.approx([0.7366, 0.6478, 0.7258], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.0927, 0.1000, 0.1028], abs=5e-5)
    contrast = np.array([[1, 0, -1], [0, 1, -1]])
    difference = contrast @ areas
    chi_square = difference @ np.linalg.solve(contrast @ covariance @ contrast.T, difference)
    assert chi_square == pytest.approx(2.5340, abs=5e-5)
    assert delong_test(outcome, albumin, 10 - score) == (pytest.approx(0.9102, abs=5e-5), "")


SCORES = st.sampled_from([0.0, 0.1, 0.5, 0.5001, 1.0]) | st.floats(0, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), SCORES, SCORES), min_size=4, max_size=40))
def test_delong_is_its_definition_pair_by_pair_whatever_the_ties(rows):
    label, a, b = (np.array(column) for column in zip(*rows, strict=True))
    assume(2 <= label.sum() <= len(label) - 2)
    placements = []
    for score in (a, b):
        wins = [[(x > y) + (x == y) / 2 for y in score[~label]] for x in score[label]]
        placements.append((np.mean(wins, 1), np.mean(wins, 0)))
    areas, covariance = delong(label, [a, b])
    assert areas == pytest.approx([metrics.roc_auc_score(label, score) for score in (a, b)])
    for i, (above, below) in enumerate(placements):
        for j, (other_above, other_below) in enumerate(placements):
            wanted = (
                np.cov(above, other_above)[0, 1] / label.sum()
                + np.cov(below, other_below)[0, 1] / (~label).sum()
            )
            assert covariance[i, j] == pytest.approx(wanted, abs=1e-12)
    p, reason = delong_test(label, a, b)
    assert (p is None) == (reason != "")
    assert delong_test(label, b, a)[0] == (None if p is None else pytest.approx(p))


def test_delong_where_there_is_nothing_to_tell():
    label = np.array([0, 0, 0, 1, 1, 1])
    score = np.array([0.1, 0.5, 0.3, 0.4, 0.8, 0.5])
    assert delong_test(label, score, score) == (1.0, "")
    assert delong_test(label, score, score**3) == (1.0, "")
    assert delong_test(label, label, 1 - label) == (
        None,
        "no p: the difference is the same for each row",
    )
    assert delong_test([0, 0, 1], [0.1, 0.2, 0.3], [0.3, 0.1, 0.2]) == (
        None,
        "no p: 1 malignant, DeLong's test needs 2",
    )
    assert (
        delong_test([0, 0], [0.1, 0.2], [0.2, 0.1])[1] == "no p: 0 malignant, DeLong's test needs 2"
    )


def test_holm_by_hand_and_a_missing_one_does_not_count():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, np.nan, 0.5]).tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert holm([None, 0.02]).tolist() == pytest.approx([np.nan, 0.02], nan_ok=True)


def test_differences_are_scikit_learns_and_their_sign_is_that_of_b():
    a, b = pair(np.random.default_rng(1), 80, gain=2)
    found = compare(a, b, "image", EVALUATION).set_index("metric")
    for side, units in (("a", a), ("b", b)):
        label, probability = units["label"], units["probability"]
        assert found[f"value_{side}"].to_dict() == pytest.approx(
            {
                "auroc": metrics.roc_auc_score(label, probability),
                "auprc": metrics.average_precision_score(label, probability),
                "accuracy": ((probability >= 0.5) == label).mean(),
                "brier_score": metrics.brier_score_loss(label, probability),
                "log_loss": metrics.log_loss(label, probability),
            }
        )
    assert (found["difference"] == found["value_b"] - found["value_a"]).all()
    assert (
        0
        < found.loc["auroc", "low"]
        < found.loc["auroc", "difference"]
        < found.loc["auroc", "high"]
    )
    assert found.loc["brier_score", "high"] < 0
    assert found.loc["auroc", "p"] < 0.001
    assert found["p"].notna().sum() == 1
    back = compare(b, a, "image", EVALUATION).set_index("metric")
    assert back.loc["auroc", "low"] == pytest.approx(-found.loc["auroc", "high"])
    assert back.loc["auroc", "detectable"] == pytest.approx(found.loc["auroc", "detectable"])
    assert set(found["reason"]) == {""}
    assert set(found["n"]) == {len(a)}


def test_both_sides_are_resampled_together_and_in_any_order():
    a, b = pair(np.random.default_rng(2), 60)
    found = compare(a, b, "image", EVALUATION)
    again = compare(
        a.sample(frac=1, random_state=0), b.sample(frac=1, random_state=1), "image", EVALUATION
    )
    pd.testing.assert_frame_equal(found, again, rtol=1e-9)
    same_order = compare(
        a, a.assign(probability=a["probability"] ** 2), "image", EVALUATION
    ).set_index("metric")
    assert same_order.loc["auroc", "difference"] == 0
    assert same_order.loc["auroc", "p"] == 1
    assert same_order.loc["auroc", "reason"] == "no interval: the same in every bootstrap replicate"
    assert same_order.loc["log_loss", "detectable"] > 0


def test_an_experiment_does_not_differ_from_itself():
    a, _ = pair(np.random.default_rng(3), 60)
    found = compare(a, a, "image", EVALUATION)
    assert (found["difference"] == 0).all()
    assert found.loc[0, "p"] == 1
    assert found[["low", "high", "detectable"]].isna().all().all()
    assert set(found["reason"]) == {"no interval: the same in every bootstrap replicate"}


def test_one_class_one_patient_and_ties_everywhere_are_told():
    a, b = pair(np.random.default_rng(4), 60)
    benign = compare(a.assign(label=0), b.assign(label=0), "image", EVALUATION).set_index("metric")
    assert benign.loc[["auroc", "auprc"], ["value_a", "difference", "low", "p"]].isna().all().all()
    assert benign.loc["auroc", "reason"] == "not defined: no image is malignant"
    assert benign.loc["accuracy", "low"] < benign.loc["accuracy", "high"]
    one = compare(
        a.assign(patient_id="P1"), b.assign(patient_id="P1"), "image", EVALUATION
    ).set_index("metric")
    assert one["difference"].notna().all()
    assert one["low"].isna().all()
    assert one.loc["accuracy", "reason"] == "no interval: 1 patients, at least 10 needed"
    assert (
        one.loc["auroc", "reason"]
        == "no interval: 1 patients with a malignant image, at least 10 needed"
    )
    ties = compare(
        a.assign(probability=0.5), b.assign(probability=0.5), "image", EVALUATION
    ).set_index("metric")
    assert (
        ties.loc["auroc", "value_a"],
        ties.loc["auroc", "difference"],
        ties.loc["auroc", "p"],
    ) == (0.5, 0, 1)


def test_other_test_images_are_compared_as_far_as_patients_go_without_delong():
    a, b = pair(np.random.default_rng(5), 200)
    number = a["patient_id"].str[1:].astype(int)
    found = compare(a[number < 120], b[number >= 80], "image", EVALUATION).set_index("metric")
    common = ((number >= 80) & (number < 120)).sum()
    assert found.loc["auroc", "no_p"] == (
        f"no p: {common} units in common, of {(number < 120).sum()} and {(number >= 80).sum()}"
    )
    assert np.isnan(found.loc["auroc", "p"])
    assert found.loc["auroc", "low"] < found.loc["auroc", "high"]
    assert set(found["n"]) == {len(a)}
    apart = (
        compare(a[number < 100], b[number >= 100], "image", EVALUATION)
        .set_index("metric")
        .loc["auroc"]
    )
    spread = sum(
        compare(rows, rows.assign(probability=0.5), "image", EVALUATION).loc[0, "detectable"] ** 2
        for rows in (a[number < 100], b[number >= 100])
    )
    assert apart["detectable"] == pytest.approx(
        np.sqrt(spread), rel=0.2
    )  # nothing in common: variances add
    other = compare(a, b.assign(label=1 - b["label"]), "image", EVALUATION)
    assert other.loc[0, "no_p"].startswith("no p: 0 units in common")


@pytest.mark.slow
def test_intervals_of_a_difference_hold_the_truth_and_its_error_is_what_it_says():
    """300 simulations of 60 patients: 95 % is 285; fewer than 273 is one chance in a thousand."""
    rng = np.random.default_rng(6)
    truth = compare(*pair(rng, 40_000, gain=0.4), "image", FEW, ["auroc"])["difference"][0]
    assert truth > 0.03
    found = [
        compare(*pair(rng, 60, gain=0.4), "image", EVALUATION, ["auroc"]).iloc[0]
        for _ in range(300)
    ]
    held = sum(row["low"] <= truth <= row["high"] for row in found)
    assert 273 <= held <= 298
    error = np.std([row["difference"] for row in found])
    assert np.mean([row["detectable"] for row in found]) / DETECTABLE == pytest.approx(
        error, rel=0.1
    )


def test_the_smallest_difference_that_could_be_shown_is_shown_in_80_of_100_studies():
    assert pytest.approx(0.80, abs=1e-5) == norm.sf(norm.ppf(0.975) - DETECTABLE)


def test_every_other_experiment_is_compared_at_both_levels_and_their_number_counts(tmp_path):
    rng = np.random.default_rng(7)
    a, b = (scores_of(side) for side in pair(rng, 60, gain=1))
    training = a.assign(
        image_id="t" + a["image_id"], partition="training", probability=rng.random(len(a))
    )
    baseline = units_of_test(pd.concat([a, training]), "crop")
    others = [("stronger", units_of_test(b, "crop")), ("same", baseline)]
    fewer = compare_all(baseline, [("fewer", units_of_test(b[10:], "crop"))], EVALUATION)
    assert (
        fewer.query("level == 'image' and metric == 'auroc'")["reason"].item().startswith("no p: ")
    )
    assert fewer["p_holm"].isna().all()
    table = compare_all(baseline, iter(others), EVALUATION)
    assert table[["experiment_b", "level", "metric"]].drop_duplicates().shape[0] == 2 * 2 * 5
    auroc = table[table["metric"] == "auroc"].set_index(["level", "experiment_b"])
    assert auroc.loc[("image", "stronger"), "p_holm"] == pytest.approx(
        2 * auroc.loc[("image", "stronger"), "p"]
    )
    assert auroc.loc[("image", "same"), "p_holm"] == 1
    assert auroc.loc[("image", "same"), "value_a"] == pytest.approx(
        metrics.roc_auc_score(a["label"], a["probability"])
    )
    highest = a.groupby("patient_id").agg({"label": "max", "probability": "max"})
    assert auroc.loc[("patient", "same"), "value_a"] == pytest.approx(
        metrics.roc_auc_score(highest["label"], highest["probability"])
    )
    table = table.assign(experiment_a="baseline", dataset="d", leaks="")
    write_table(table, tmp_path / "comparisons.csv", "comparisons")
    assert len(read_table(tmp_path / "comparisons.csv", "comparisons")) == len(table)

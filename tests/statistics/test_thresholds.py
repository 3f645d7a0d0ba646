"""Temperature and thresholds: against a grid, by hand, and what must hold whatever the data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import log_loss, recall_score

from mammo.statistics.calibration import LIMITS, calibrate, temperature
from mammo.statistics.scores import score_fold
from mammo.statistics.thresholds import choose


def test_a_temperature_undoes_what_made_probabilities_too_extreme():
    rng = np.random.default_rng(0)
    score = rng.normal(0, 2, 20_000)
    label = rng.random(20_000) < expit(score)
    assert temperature(label, expit(3 * score)) == pytest.approx(3, rel=0.05)
    assert temperature(label, expit(score / 2)) == pytest.approx(0.5, rel=0.05)


def test_no_temperature_on_a_grid_is_better():
    rng = np.random.default_rng(1)
    probability = rng.random(60)
    label = rng.random(60) < 0.3 + 0.4 * probability
    best = log_loss(label, calibrate(probability, temperature(label, probability)))
    assert all(
        best <= log_loss(label, calibrate(probability, t)) + 1e-9
        for t in np.geomspace(*LIMITS, 500)
    )


def test_where_labels_ask_for_endless_certainty_or_for_none_nothing_is_changed():
    probability = np.array([0.1, 0.2, 0.8, 0.9])
    assert temperature([0, 0, 1, 1], probability) == 1
    assert temperature([1, 1, 0, 0], probability) == 1
    assert temperature([0, 1, 0, 1], np.full(4, 0.5)) == 1
    assert temperature([0, 1], [0.0, 1.0]) == 1


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=30), st.floats(*LIMITS))
def test_calibration_changes_no_order_and_keeps_a_half(probability, heat):
    found = calibrate(np.sort(probability), heat)
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert calibrate(0.5, heat) == pytest.approx(0.5)


def test_thresholds_by_hand():
    label = np.array([0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    probability = np.array(
        [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]
    )
    # From 0.5 on: 9 of 10 malignant, no benign. From 0.3 on: all malignant, 1 of 4 benign.
    assert choose(label, probability) == {
        "youden": (0.5, ""),
        "sensitivity_90": (0.5, ""),
        "half": (0.5, ""),
    }
    assert choose(label[:-1], probability[:-1])["sensitivity_90"] == (
        0.3,
        "",
    )  # 8 of 9 are fewer than 0.90


def test_of_equally_good_thresholds_the_most_sensitive_is_taken():
    assert choose([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])["youden"] == (0.2, "")


labelled = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), min_size=2, max_size=40
)


@given(labelled)
def test_whatever_the_ties_a_threshold_keeps_its_promise(rows):
    label, probability = (
        np.array([row[0] for row in rows]).astype(int),
        np.array([row[1] for row in rows]),
    )
    points = choose(label, probability)
    if label.min() == label.max():
        assert points["youden"][0] is points["sensitivity_90"][0] is None
        assert "validation has no" in points["youden"][1]
        return
    youden = {
        t: recall_score(label, probability >= t)
        + recall_score(label, probability >= t, pos_label=0)
        for t in np.unique(probability)
    }
    assert youden[points["youden"][0]] == pytest.approx(max(youden.values()))
    sensitive = points["sensitivity_90"][0]
    assert recall_score(label, probability >= sensitive) >= 0.9
    above = probability[probability > sensitive]
    assert not len(above) or recall_score(label, probability >= above.min()) < 0.9


def predictions(seed, flip_test=False):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"image_id": [f"i{number}" for number in range(60)]})
    frame["patient_id"] = [f"p{number // 2}" for number in range(60)]
    frame["partition"] = np.repeat(["training", "validation", "test"], 20)
    frame["label"] = np.arange(60) // 2 % 2
    frame["probability"] = (0.3 * frame["label"] + 0.7 * rng.random(60)).round(3)
    if flip_test:
        frame.loc[frame["partition"] == "test", "label"] ^= 1
    return frame.assign(dataset="d", leaks="")


IMAGES = pd.DataFrame(
    {"image_id": [f"i{n}" for n in range(60)], "lesion_id": [f"l{n // 2}" for n in range(60)]}
)
IMAGES["laterality"] = "left"


def test_scores_are_the_mean_over_the_seeds_and_nothing_of_test_decides_them():
    runs = [predictions(1), predictions(2)]
    rows, thresholds = score_fold(runs, IMAGES, "crop")
    mean = (runs[0]["probability"] + runs[1]["probability"]) / 2
    assert rows["probability"].to_numpy() == pytest.approx(mean.to_numpy())
    assert set(rows["runs"]) == {2}
    heat = thresholds["temperature"].iloc[0]
    assert rows["calibrated"].to_numpy() == pytest.approx(calibrate(mean, heat))
    other_rows, other = score_fold(
        [predictions(1, flip_test=True), predictions(2, flip_test=True)], IMAGES, "crop"
    )
    pd.testing.assert_frame_equal(thresholds, other)
    assert (rows["calibrated"] == other_rows["calibrated"]).all()


def test_each_level_has_its_own_thresholds_or_a_reason():
    _, thresholds = score_fold([predictions(1)], IMAGES.assign(laterality=""), "crop")
    found = thresholds.set_index(["level", "point"])
    assert "the side is not known" in found.loc[("breast", "youden"), "reason"]
    assert np.isnan(found.loc[("breast", "youden"), "threshold"])
    assert found.loc[("lesion", "youden"), "n"] == 10
    assert found.loc[("image", "youden"), "n"] == 20

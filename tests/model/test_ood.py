"""Out-of-distribution detection: distances, limits, image statistics and warnings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from helpers.references import small_reference
from mammo.model.ood import (
    FEATURES,
    STATISTICS,
    compare,
    feature_spread,
    image_statistics,
    limit,
    nearest,
    spread,
    statistic_names,
)
from mammo.model.reference import as_reference, chosen, make_reference, rounded


@pytest.mark.parametrize("count", [7, 1203])  # of many, some at a time
def test_neighbours_are_those_of_scikit_learn_on_scaled_columns(count):
    rng = np.random.default_rng(0)
    reference, values, scale = (
        rng.normal(size=(50, 4)),
        rng.normal(size=(count, 4)),
        np.array([1, 0.1, 3, 2]),
    )
    apart, rows = nearest(values, reference, scale)
    wanted = NearestNeighbors(n_neighbors=3).fit(reference / scale).kneighbors(values / scale)
    assert np.allclose(apart, wanted[0])
    assert np.array_equal(rows, wanted[1])


def test_a_small_reference_has_fewer_neighbours_and_no_limit():
    apart, rows = nearest(np.zeros((2, 3)), np.ones((1, 3)), np.ones(3))
    assert apart.shape == rows.shape == (2, 1)
    assert limit(np.ones((1, 3)), np.ones(3), ["a"]) is None
    # Five images, but two patients, so that one of them has only two images of others.
    assert limit(np.arange(10.0).reshape(5, 2), np.ones(2), list("aaabb")) is None


@pytest.mark.parametrize("patients", [10, 401])
def test_the_limit_leaves_out_images_of_the_same_patient(patients):
    """Patients on a line, 1 apart, each with three images in one place."""
    names = np.repeat(np.arange(patients), 3)
    assert limit(names[:, None].astype(float), np.ones(1), names) == 1
    assert (
        limit(names[:, None] * 1.0, np.ones(1), np.arange(3 * patients)) == 1
    )  # were each a patient: two are 0 away, the third 1


def test_about_one_in_two_hundred_new_images_lies_beyond_a_limit():
    """Of new images from the distribution of the reference, as conformal prediction promises."""
    beyond = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        reference, new = rng.normal(size=(250, 2)), rng.normal(size=(100, 2))
        scale = spread(reference, 1e-6)
        at = limit(reference, scale, np.arange(250))
        beyond.append(np.mean(nearest(new, reference, scale)[0][:, -1] > at))
    assert 0.002 < np.mean(beyond) < 0.008


def test_a_column_of_one_value_has_a_scale_too():
    features = np.column_stack([np.linspace(0, 10, 11), np.zeros(11)])
    assert np.allclose(
        feature_spread(features), [np.std(np.arange(11)), np.std(np.arange(11)) / 100]
    )
    assert feature_spread(np.zeros((5, 2))).tolist() == [1, 1]


def test_statistics_are_what_their_names_say():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 20, 20), dtype=np.uint8)
    names = statistic_names("crop")
    found = pd.DataFrame(image_statistics(pixels, [40, 20, 30], [20, 20, 60], names), columns=names)
    grey = pixels.reshape(3, -1).astype(float)
    assert np.allclose(found["mean"], grey.mean(1), rtol=1e-5)
    assert np.allclose(found["skew"], stats.skew(grey, axis=1), atol=1e-4)
    assert np.allclose(found["black"], [np.mean(image < 16) for image in pixels])
    assert np.allclose(np.exp(found["proportions"]), [2, 1, 0.5])
    assert np.allclose(np.exp(found["shorter_side"]), [20, 20, 30])
    inverted = pd.DataFrame(image_statistics(255 - pixels, [1] * 3, [1] * 3, names), columns=names)
    assert np.allclose(inverted["skew"], -found["skew"], atol=1e-4)
    assert np.allclose(inverted["detail"], found["detail"])
    assert (
        statistic_names("context") == names[:-2]
    )  # files do not tell the shape of what was cut from them


def test_what_is_far_is_warned_of_and_what_is_near_is_not():
    reference = small_reference()
    names = reference.names
    features, statistics = np.zeros((4, 5)), np.zeros((4, len(names)))
    features[1] += 50  # far to the network alone
    statistics[2, names.index("mean")] += 500  # far by its grey levels alone
    features[3], statistics[3] = (reference.values[name][7] for name in (FEATURES, STATISTICS))
    found = compare(features, statistics, reference)
    assert [len(texts) for texts in found.warnings] == [0, 1, 1, 0]
    assert "out of distribution by the network's features" in found.warnings[1][0]
    assert "mean grey level 500 (training: " in found.warnings[2][0]
    assert found.equal.tolist() == [-1, -1, -1, 7]
    assert (found.far[FEATURES] > 1).tolist() == [False, True, False, False]


def test_without_a_limit_nothing_is_warned_of():
    reference = small_reference()
    reference = replace(reference, limit={FEATURES: None, STATISTICS: None})
    found = compare(np.full((1, 5), 99.0), np.full((1, len(reference.names)), 99.0), reference)
    assert found.warnings == [[]]
    assert np.isnan(found.far[FEATURES]).all()


def test_the_reference_keeps_six_digits_and_no_more_images_than_can_be_read_at_once():
    assert rounded(np.array([[123.456789, -0.000123456789, 0.0]])).tolist() == [
        [123.457, -0.000123457, 0.0]
    ]
    scores = pd.DataFrame({"partition": ["training"] * 6000 + ["test"] * 10})
    assert chosen(scores, 64)["partition"].value_counts().to_dict() == {
        "training": 5000,
        "test": 10,
    }
    assert (chosen(scores, 2000)["partition"] == "training").sum() == 1000
    assert chosen(scores, 64).equals(chosen(scores, 64))


def test_limits_are_of_what_the_reference_keeps():
    rng = np.random.default_rng(0)
    names = statistic_names("crop")
    images = pd.DataFrame(
        {"image_id": range(80), "patient_id": range(80), "label": [0, 1] * 40, "kind": "mass"}
    )
    features, statistics = rng.normal(size=(80, 3)), rng.normal(size=(80, len(names)))
    table, told, reference = make_reference(images, features, statistics, names)
    kept = table[["f0", "f1", "f2"]].to_numpy()
    assert told["limit"][FEATURES] == limit(kept, feature_spread(kept), np.arange(80))
    again = as_reference(table.astype({"image_id": str}), told, "crop", Path("folder"))
    for name in (FEATURES, STATISTICS):
        assert np.array_equal(again.values[name], reference.values[name])
        assert np.array_equal(again.scale[name], reference.scale[name])
    assert np.array_equal([again.low, again.high], [reference.low, reference.high])
    assert (again.limit, again.names) == (reference.limit, reference.names)

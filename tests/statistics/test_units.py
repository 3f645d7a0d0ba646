"""Units: which images make a lesion, a breast and a patient, and what is predicted of each."""

import pandas as pd
import pytest

from mammo.statistics.units import units_of


def table(rows):
    columns = ["image_id", "patient_id", "laterality", "lesion_id", "label", "probability"]
    return pd.DataFrame(rows, columns=columns)


VIEWS = table(
    [
        ("a", "P1", "left", "P1_l1", 0, 0.2),
        ("b", "P1", "left", "P1_l1", 1, 0.6),
        ("c", "P1", "left", "P1_l2", 0, 0.5),
        ("d", "P1", "right", "P1_r1", 0, 0.9),
        ("e", "P1", "right", "P1_r1", 0, 0.3),
        ("f", "P2", "left", "P2_l1", 0, 0.1),
    ]
)


@pytest.mark.parametrize(
    ("level", "labels", "probabilities", "images"),
    [
        ("image", [0, 1, 0, 0, 0, 0], [0.2, 0.6, 0.5, 0.9, 0.3, 0.1], [1] * 6),
        ("lesion", [1, 0, 0, 0], [0.4, 0.5, 0.6, 0.1], [2, 1, 2, 1]),
        ("breast", [1, 0, 0], [0.5, 0.6, 0.1], [3, 2, 1]),
        ("patient", [1, 0], [0.6, 0.1], [5, 1]),
    ],
)
def test_a_unit_is_the_mean_of_its_views_and_the_highest_of_its_lesions(
    level, labels, probabilities, images
):
    units = units_of(VIEWS, level, "crop")
    assert units["label"].tolist() == labels
    assert units["probability"].tolist() == pytest.approx(probabilities)
    assert units["images"].tolist() == images
    assert units["unit"].is_unique


def test_whole_images_are_averaged_by_breast_and_one_without_a_side_stands_alone():
    whole = VIEWS.assign(lesion_id="l1;l2")
    assert units_of(whole, "breast", "full")["probability"].tolist() == pytest.approx(
        [1.3 / 3, 0.6, 0.1]
    )
    assert units_of(whole, "patient", "full")["probability"].tolist() == pytest.approx([0.6, 0.1])
    assert units_of(whole.assign(laterality=""), "patient", "full")[
        "probability"
    ].tolist() == pytest.approx([0.9, 0.1])

"""Table 1: counts by hand, and differences that agree with worked examples or are not defined."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.lesions import lesions_and_fate
from mammo.statistics.characteristics import (
    characteristics,
    informative_columns,
    smd_of_levels,
    smd_of_numbers,
    with_crop_size,
)

COUNTS = st.lists(st.integers(0, 50), min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("counts", "reference", "wanted"),
    [
        (
            [50, 50],
            [25, 75],
            0.25 / math.sqrt((0.25 + 0.1875) / 2),
        ),  # two levels: by their shares alone
        ([585, 213, 2753], [335, 142, 1707], 0.0356061),  # race in R's tableone, which shows 0.036
        # Of the first two levels: p - q = (0.1, -0.1), S = (0.245, -0.11; -0.11, 0.185), its
        # determinant 0.033225; so the square is (0.185 - 2 * 0.11 + 0.245) * 0.01 / 0.033225.
        ([50, 20, 30], [40, 30, 30], math.sqrt(0.0021 / 0.033225)),
        ([30, 30, 40], [30, 30, 40], 0),
        ([30, 0, 70], [60, 0, 140], 0),  # a level that both lack
    ],
)
def test_differences_of_levels_by_hand(counts, reference, wanted):
    found, reason = smd_of_levels(counts, reference)
    assert (found, reason) == (pytest.approx(wanted, abs=1e-6), "")


@given(COUNTS, st.data())
def test_the_difference_of_levels_is_that_without_any_one_level(counts, data):
    """Yang and Dalton leave one level out and invert: which, and empty ones, must not matter."""
    reference = data.draw(st.lists(st.integers(0, 50), min_size=len(counts), max_size=len(counts)))
    found, reason = smd_of_levels(counts, reference)
    there = np.add(counts, reference) > 0
    if reason:
        assert not np.multiply(counts, reference).any() or there.sum() == 1
        return
    p, q = (np.array(sample, float)[there] / sum(sample) for sample in (counts, reference))
    for left_out in range(len(p)):
        a, b = np.delete(p, left_out), np.delete(q, left_out)
        covariance = (np.diag(a) - np.outer(a, a) + np.diag(b) - np.outer(b, b)) / 2
        assert found == pytest.approx(
            math.sqrt(max((a - b) @ np.linalg.solve(covariance, a - b), 0)), abs=1e-5
        )
    assert smd_of_levels([*counts, 0], [*reference, 0])[0] == pytest.approx(found, abs=1e-6)
    assert smd_of_levels(reference, counts)[0] == pytest.approx(found, abs=1e-6)


def test_differences_of_numbers_by_hand():
    assert smd_of_numbers([1, 2, 3], [3, 4, 5]) == (2, "")
    # Means 2 and 6, variances 2 and 8, whatever the sizes: 4 / sqrt(5).
    assert smd_of_numbers([1, 3], [4, 8]) == (pytest.approx(4 / math.sqrt(5)), "")


@pytest.mark.parametrize(
    ("measure", "group", "reference", "why"),
    [
        (smd_of_numbers, [], [1, 2], "fewer than two values given on one side"),
        (smd_of_numbers, [1], [1, 2], "fewer than two values given on one side"),
        (smd_of_numbers, [1, 1], [2, 2], "the values do not vary"),
        (smd_of_levels, [0, 0], [1, 2], "no rows on one side"),
        (smd_of_levels, [4, 0], [7, 0], "the values do not vary"),
        (smd_of_levels, [4, 5, 0], [0, 0, 7], "no level in common"),
    ],
)
def test_what_is_not_defined_is_no_number(measure, group, reference, why):
    assert measure(group, reference) == (None, why)


def rows_of(table, variable, *columns):
    return table.loc[table["variable"] == variable, list(columns)].values.tolist()


PARTS = ("training", "validation", "test")


def test_table_1_by_hand():
    lesions, fate = lesions_and_fate(kind=["mass", "mass", "", "calcification"] + ["mass"] * 6)
    table = characteristics(lesions, fate, ["label", "kind"])
    assert rows_of(table, "number of", "level", *PARTS) == [
        ["patients", 2, 2, 1],
        ["breasts", 3, 2, 1],
        ["lesions", 3, 2, 1],
        ["images", 4, 3, 2],
    ]
    assert rows_of(table, "label", "level", "statistic", *PARTS) == [
        ["", "n", 4, 3, 2],
        ["benign", "n", 3, 1, 0],
        ["malignant", "n", 1, 2, 2],
    ]
    shares = rows_of(table, "label", *(f"{part}_share" for part in PARTS))
    assert shares == [[1, 1, 1], [0.75, pytest.approx(1 / 3), 0], [0.25, pytest.approx(2 / 3), 1]]
    head = table[table["variable"] == "label"].iloc[0]
    assert head["smd_validation"] == pytest.approx((0.75 - 1 / 3) / math.sqrt((0.1875 + 2 / 9) / 2))
    assert head["smd_test"] == pytest.approx(0.75 / math.sqrt(0.1875 / 2))
    assert rows_of(table, "kind", "level", *PARTS) == [
        ["", 3, 3, 2],
        ["calcification", 1, 0, 0],
        ["mass", 2, 3, 2],
        ["not given", 1, 0, 0],
    ]


def test_numbers_are_described_and_what_is_missing_left_aside():
    lesions, fate = lesions_and_fate(crop_file=["f"] * 10)
    lesions["crop_size"] = [10, 20, 30, None, 5, 5, 5, 8, None, 9]
    table = characteristics(lesions, fate, ["crop_size"])
    assert rows_of(table, "crop_size", "level", "statistic", *PARTS) == [
        ["", "n", 3, 3, 1],
        ["", "mean", 20, 5, 8],
        ["", "sd", 10, 0, pytest.approx(math.nan, nan_ok=True)],
        ["", "median", 20, 5, 8],
        ["", "quartile_1", 15, 5, 8],
        ["", "quartile_3", 25, 5, 8],
        ["not given", "n", 1, 0, 1],
    ]
    head = table[table["variable"] == "crop_size"].iloc[0]
    assert head["smd_validation"] == pytest.approx(15 / math.sqrt(50))
    assert head["smd_test"] is None
    assert head["reason"] == "test: fewer than two values given on one side"


def test_many_values_are_numbers_or_only_counted():
    lesions, fate = (pd.concat([frame] * 3, ignore_index=True) for frame in lesions_and_fate())
    lesions["age"] = [str(40 + i) for i in range(30)]
    lesions["remark"] = [f"remark {i}" for i in range(30)]
    table = characteristics(lesions, fate, ["age", "remark"])
    assert rows_of(table, "age", "statistic", "training")[:2] == [
        ["n", 12],
        ["mean", pytest.approx(51.5)],
    ]
    assert rows_of(table, "remark", "statistic", *PARTS) == [
        ["n", 12, 9, 6],
        ["different_values", 12, 9, 6],
    ]
    assert rows_of(table, "remark", "reason")[0] == [
        "more than 20 different values that are no numbers"
    ]


def test_what_one_kind_has_is_described_for_that_kind():
    lesions, fate = lesions_and_fate(kind=["mass", "mass"] + ["calcification"] * 7 + ["mass"])
    lesions["mass_shape"] = ["OVAL", "", *[""] * 7, "ROUND"]
    assert "mass_shape" in informative_columns(lesions)
    table = characteristics(lesions, fate, ["mass_shape"])
    assert rows_of(table, "mass_shape", "level", *PARTS) == [
        ["", 1, 0, 0],
        ["OVAL", 1, 0, 0],
        ["not given", 1, 0, 0],
    ]
    assert rows_of(table, "mass_shape", "reason")[0] == ["validation and test: no rows on one side"]


def test_informative_columns_are_in_the_table():
    lesions, _ = lesions_and_fate(
        kind="mass",
        mass_shape=["OVAL"] * 9 + [""],
        view="CC",
        scanner=["x", "y"] * 5,
        constant="z",
        nothing="",
    )
    assert informative_columns(lesions) == ["label", "laterality", "mass_shape", "scanner"]
    lesions["pathology"] = lesions["label"].str.upper()  # says no more than the label
    assert "pathology" not in informative_columns(lesions)
    lesions["pathology"] = ["MALIGNANT", "BENIGN", "BENIGN_WITHOUT_CALLBACK"] * 3 + ["BENIGN"]
    assert "pathology" in informative_columns(lesions)


def test_the_size_of_a_crop_is_its_longer_side():
    lesions, _ = lesions_and_fate(crop_file=["x", "y", "lost", *[""] * 7])
    files = pd.DataFrame({"file": ["x", "y"], "width": [10, None], "height": [30, None]}).astype(
        {"width": "Int64", "height": "Int64"}
    )
    sized = with_crop_size(lesions, files)["crop_size"]
    assert sized[0] == 30
    assert sized[1:].isna().all()
    assert informative_columns(with_crop_size(lesions, files))[-1] == "crop_size"

"""An estimate: read from a row, written as columns, printed in one format."""

import numpy as np
import pandas as pd
import pytest

from mammo.estimates import Estimate

FULL = Estimate(0.915, 0.815, 0.963, 0.95)


def test_an_estimate_survives_a_row_of_a_table():
    for estimate in (FULL, Estimate(0.5, reason="no interval: …"), Estimate(None, reason="why")):
        row = pd.DataFrame([estimate.columns()]).to_dict("records")[0]
        assert Estimate.of_row(row) == estimate


def test_its_columns_may_bear_other_names():
    row = FULL.columns(value="difference")
    assert list(row) == ["difference", "low", "high", "confidence", "reason"]
    assert Estimate.of_row(row, value="difference") == FULL
    ends = FULL.ends("difference")
    assert ends == {"difference": 0.915, "difference_low": 0.815, "difference_high": 0.963}
    assert Estimate.of_row(ends, "difference") == Estimate(0.915, 0.815, 0.963)


def test_without_an_interval_there_is_no_confidence():
    assert Estimate(0.5, confidence=0.95).columns()["confidence"] is None
    missing = {"value": np.nan, "low": pd.NA, "high": "", "reason": "why"}
    assert Estimate.of_row(missing) == Estimate(None, reason="why")


@pytest.mark.parametrize(
    ("estimate", "signed", "text"),
    [
        (FULL, False, "0.915 [0.815, 0.963]"),
        (Estimate(0.5), False, "0.500"),
        (Estimate(None, reason="why"), False, "–"),
        (Estimate(0.021, -0.01, 0.052), True, "+0.021 [−0.010, +0.052]"),
    ],
)
def test_an_estimate_is_printed_in_one_format(estimate, signed, text):
    assert estimate.text(signed=signed) == text

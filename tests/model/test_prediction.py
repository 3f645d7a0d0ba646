"""What follows from a network's output: calibration, decisions, and the table of predictions."""

import numpy as np
import pandas as pd
import pytest

from helpers.references import small_reference
from mammo.log import InputError
from mammo.model.exported import open_session
from mammo.model.ood import FEATURES, STATISTICS
from mammo.model.prediction import as_table, judge, predicted_class


def test_malignant_is_predicted_at_the_threshold_and_above():
    found = predicted_class(np.array([0.2, 0.3, 0.4]), 0.3)
    assert found.tolist() == ["benign", "malignant", "malignant"]
    assert predicted_class(np.array([0.2]), None) == ""


def test_judging_calibrates_and_an_unset_threshold_leaves_its_point_empty():
    reference = small_reference()
    thresholds = {
        "youden": {"threshold": None, "reason": "one class"},
        "half": {"threshold": 0.5, "reason": ""},
    }
    settings = {"temperature": 2.0, "thresholds": thresholds}
    statistics = np.zeros((2, len(reference.names)))
    rows = judge(np.array([0.1, 0.9]), np.zeros((2, 5)), statistics, settings, reference)
    # Odds of 1/9 and 9, and their square roots.
    assert np.allclose(rows["probability"], [0.25, 0.75])
    assert rows["half"].tolist() == ["benign", "malignant"]
    assert rows["youden"].tolist() == ["", ""]


def test_the_table_has_the_most_suspicious_first_and_problems_last():
    reference = small_reference()
    settings = {"temperature": 1.0, "thresholds": {"half": {"threshold": 0.5, "reason": ""}}}
    features, statistics = np.zeros((2, 5)), np.zeros((2, len(reference.names)))
    features[1], statistics[1] = (reference.values[name][3] for name in (FEATURES, STATISTICS))
    rows = pd.DataFrame({"file": ["a", "b", "c"], "problem": ["", "an empty file", ""]})
    said = judge(np.array([0.2, 0.8]), features, statistics, settings, reference)
    table = pd.DataFrame(
        {"image_id": [f"T{n}" for n in range(60)], "label": ["benign", "malignant"] * 30}
    )
    found = as_table(
        rows.join(said.set_index(rows.index[[0, 2]])),
        table,
        {"model": "m", "dataset": "d", "leaks": ""},
    )
    assert found["file"].tolist() == ["c", "a", "b"]
    assert found["nearest_1"].tolist()[0] == "T3"
    assert found["nearest_1_label"].tolist() == ["malignant", found["nearest_1_label"].iloc[1], ""]
    assert found["warnings"].tolist()[0] == "duplicate of training image T3"
    assert found["warnings"].tolist()[2] == ""


def test_what_is_no_onnx_file_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x80\x04\x95not a network")
    with pytest.raises(InputError, match="cannot be read by onnxruntime"):
        open_session(tmp_path / "model.onnx", 64)

"""Duplicates in a study of the synthetic dataset."""

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def test_a_study_finds_the_scans_that_the_phantom_publishes_twice(study):
    found = pd.read_csv(study / "results/inventory/duplicates.csv", keep_default_na=False)
    lesions = pd.read_csv(study / "results/inventory/lesions.csv").drop_duplicates("full_file")
    scans = lesions.groupby(["patient_id", "laterality", "view"])["full_file"].apply(sorted)
    twice = [files for files in scans if len(files) == 2]
    assert len(twice) > 0
    assert sorted(twice) == found[["file_a", "file_b"]].to_numpy().tolist()
    log = (study / "results/logs/find_duplicates/duplicates.log").read_text()
    assert f"full images; pairs of duplicates: 0 by bytes, 0 by pixels, {len(twice)} by near" in log

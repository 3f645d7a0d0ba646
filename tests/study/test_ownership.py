"""Whose results a folder holds, and what is said when a run has ended."""

import csv
import json

from mammo.dataset.settings import Dataset
from mammo.study.closing import closing_words
from mammo.study.ownership import claim_results, other_owner, owner


def test_a_dataset_is_the_same_however_its_path_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    written = [
        ("data", "a/t.csv"),
        (f"{tmp_path}/data/", "./a/t.csv"),
        (f"{tmp_path}/x/../data", "a//t.csv"),
    ]
    owners = [
        owner(Dataset.default(edition="table", path=path, table=table), tmp_path)
        for path, table in written
    ]
    assert owners[0] == owners[1] == owners[2]


def test_results_of_another_dataset_are_not_touched(tmp_path):
    record = tmp_path / "results" / "dataset.json"
    record.parent.mkdir()
    mine = owner(Dataset.default(), tmp_path)
    assert other_owner(record, mine) == ""
    claim_results(record, mine | {"edition": "table"})
    assert (
        other_owner(record, mine) == ""
    )  # a run that failed at once leaves a record, but no results
    (tmp_path / "results/inventory").mkdir()
    assert other_owner(record, mine) == ""
    (tmp_path / "results/inventory/lesions.csv").touch()
    claim_results(record, mine)
    assert other_owner(record, mine) == ""
    record.write_text('{"edition": "kaggle", "path": "/data/kaggle", "table": null}')
    message = other_owner(record, mine)
    assert "the kaggle edition, path /data/kaggle" in message
    assert "--directory" in message
    record.write_text("{")
    assert f"write into it: {json.dumps(mine)}" in other_owner(record, mine)


STEPS = ["inventory", "tensors/crop-64"]


def test_a_run_closes_with_what_was_left_out(tmp_path):
    assert list(closing_words(tmp_path, STEPS)) == []  # nothing was made yet
    for folder in ("inventory", "tensors/crop-64", "plots"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "inventory/excluded.csv").write_text(
        "image_id,patient_id,reason,detail\na,p,missing_file,x\nb,p,missing_file,y\n"
    )
    (tmp_path / "tensors/crop-64/excluded.csv").write_text("image_id,patient_id,reason,detail\n")
    assert next(closing_words(tmp_path, STEPS)).startswith("Excluded: missing_file 2. ")


def test_a_run_closes_with_its_test_metrics_and_how_sure_they_are(tmp_path):
    columns = ["experiment", "of", "fold", "seed", "partition", "level", "metric"]
    columns += ["value", "low", "high", "confidence", "sd", "runs", "n", "reason"]
    measured = {
        "auroc": ["", "", "", "", "", 12, 8, "not defined: no image is benign"],
        "accuracy": [0.75, 0.5, 0.875, 0.95, "", 12, 8, ""],
        "majority_class_accuracy": [0.5, 0.25, 0.75, 0.95, "", 12, 8, ""],
    }

    def words(*results):
        lines = [
            [*of, "test", level, metric, *values]
            for of in results
            for metric, values in measured.items()
            for level in ("image", "patient")
        ]
        with open(tmp_path / "metrics.csv", "w", newline="") as file:
            csv.writer(file).writerows([columns, *lines])
        return list(closing_words(tmp_path, STEPS))

    run = (
        "AUROC none (not defined: no image is benign), accuracy 0.750 [0.500, 0.875],"
        " majority class 0.500; 8 images."
    )
    single = words(["baseline", "run", 0, 1])
    assert single == [
        f"Test, baseline, fold 0, seed 1: {run}",
        f"All metrics, by image, lesion, breast and patient: {tmp_path / 'metrics.csv'}."
        " In brackets: 95 % confidence intervals.",
    ]
    measured["auroc"][:7] = [0.8, 0.7, 0.9, 0.95, 0.01, 12, 8]
    many = words(
        *(["baseline", "run", 0, seed] for seed in range(12)), ["baseline", "mean", "", ""]
    )
    assert many[0].startswith(
        "Test, baseline, mean of 12 runs: AUROC 0.800 ± 0.010 (SD) [0.700, 0.900], "
    )
    assert len(many) == 11
    assert many[-1].startswith("3 more, and all metrics, by image, ")

"""A leak that is planted is measured, and which experiments are compared and metered."""

import numpy as np
import pytest

from helpers.datasets import save_image, write_csv
from helpers.project import ROOT, rules_to_run, snakemake
from mammo.tables import read_table

pytestmark = pytest.mark.slow


def test_a_leak_that_is_planted_is_measured(tmp_path):
    """Each patient's images show one texture, theirs alone, under noise; no pixel tells the label.

    Whoever knows the patient knows the label: a split by patient leaves nothing to know, a split by
    image nearly everything.
    """
    rng = np.random.default_rng(12)
    rows = []
    for number in range(60):
        texture = np.kron(rng.integers(40, 215, (4, 4)), np.ones((4, 4)))
        for image in range(5):
            file = f"{number:02}-{image}.png"
            pixels = np.clip(texture + rng.normal(0, 6, texture.shape), 0, 255)
            save_image(tmp_path / "data" / file, pixels.astype(np.uint8))
            rows.append(
                {
                    "file": file,
                    "label": ["benign", "malignant"][number % 2],
                    "patient": f"patient {number}",
                }
            )
    write_csv(tmp_path / "data/lesions.csv", rows)
    (tmp_path / "overlay.yaml").write_text(f"""
        dataset: {{path: {tmp_path / "data"}, table: lesions.csv}}
        image: {{size: 16}}
        split: {{test: 0.4}}
        training: {{batch_size: 8, learning_rate: 0.002, patience: 10, threads: 1}}
        augmentation: {{rotation: 0, shift: 0, zoom: 0, shear: 0, horizontal_flip: false}}
        experiments: {{leaky: {{split: {{by: image}}}}}}""")
    done = snakemake(
        ROOT,
        "results/plots/leakage.png",
        "--cores",
        2,
        "--directory",
        tmp_path / "run",
        "--configfile",
        "config/table.yaml",
        tmp_path / "overlay.yaml",
    )
    assert done.returncode == 0, done.stdout
    table = read_table(tmp_path / "run/results/plots/leakage.csv", "leakage").set_index(
        ["what", "metric"]
    )
    area = table.loc[("split_by_image", "auroc")]
    assert 0.2 < area["honest"] < 0.75  # chance, on 24 patients
    assert area["leaking"] > 0.85
    assert area["low"] > 0
    assert area["leaks"] == "leaks patients (split by image)"
    assert table.loc[("split_by_image", "accuracy"), "difference"] > 0.1
    assert table.loc[("threshold_picked_on_test", "balanced_accuracy"), "difference"] >= 0
    print(table.to_string())


@pytest.mark.parametrize(
    ("overlay", "figures"),
    [
        ("{}", set()),
        (
            "experiments: {small: {image: {size: 32}}, leaky: {split: {by: image}, seeds: [2]}}",
            {"comparisons"},
        ),
        ("experiments: {leaky: {split: {by: image}}}", {"comparisons", "leakage"}),
        ("{split: {by: image}, experiments: {worse: {split: {by: lesion}}}}", {"comparisons"}),
    ],
)
def test_comparisons_need_two_experiments_and_the_meter_one_that_leaks_and_differs_in_nothing_else(
    tmp_path, overlay, figures
):
    (tmp_path / "overlay.yaml").write_text(overlay)
    done = snakemake(
        ROOT, "-n", "--directory", tmp_path / "run", "--configfile", tmp_path / "overlay.yaml"
    )
    needed = rules_to_run(done)
    assert {
        "comparisons": "compare_experiments" in needed,
        "leakage": "measure_leakage" in needed,
    } == {name: name in figures for name in ("comparisons", "leakage")}
    assert "evaluate_subgroups" in needed

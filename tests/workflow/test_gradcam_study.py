"""Grad-CAM of a study's run: maps, masks and energies as the arrays and the phantom give them."""

import numpy as np
import pytest
from PIL import Image

from mammo.dataset.phantom import drawing as phantom
from mammo.model.gradcam import energy_inside
from mammo.report.figures.gradcam import shown_rows
from mammo.tables import read_table

pytestmark = pytest.mark.slow


def test_the_phantoms_run_is_explained(study):
    """Energies are those of the arrays, and masks are where the phantom drew them."""
    results = study / "results"
    rows = read_table(results / "runs/baseline/gradcam.csv", "gradcam")
    predictions = read_table(results / "runs/baseline/fold0-seed1/predictions.csv", "predictions")
    test = predictions[predictions["partition"] == "test"]
    assert sorted(rows["image_id"]) == sorted(test["image_id"])
    assert (rows["reason"] == "").mean() > 0.9  # two epochs may leave a map that is zero
    maps, masks = (
        np.load(results / f"runs/baseline/{name}.npy", mmap_mode="r")
        for name in ("gradcam", "masks")
    )
    assert maps.shape == masks.shape == (len(rows), 64, 64)
    assert maps.dtype == masks.dtype == np.uint8
    known = rows[rows["energy_inside"].notna()]
    assert known["energy_inside"].between(0, 1).all()
    found = energy_inside(
        maps[known["row"]].astype(np.float32), masks[known["row"]] / np.float32(255)
    )
    assert found == pytest.approx(known["energy_inside"].to_numpy(), abs=1e-3)
    lesions = read_table(results / "inventory/lesions.csv", "lesions").set_index("image_id")
    for row in rows.itertuples():
        mask = np.asarray(Image.open(results / "phantom" / lesions.loc[row.image_id, "mask_file"]))
        top, left, side = phantom.crop_window(mask)
        assert row.chance == pytest.approx(
            (mask[top : top + side, left : left + side] > 127).mean(), abs=0.01
        )
    assert (rows["crop_correlation"] > 0.95).all()
    shown = read_table(results / "plots/gradcam.csv", "gradcam")
    assert shown["image_id"].tolist() == shown_rows(rows)["image_id"].tolist()
    energy = read_table(results / "plots/gradcam_energy.csv", "gradcam_energy").set_index(
        ["group", "measure"]
    )
    assert energy.loc[("all", "energy_inside"), "value"] == pytest.approx(
        known["energy_inside"].mean()
    )

"""The energy of Grad-CAM, and the gallery of its maps."""

import numpy as np
import pandas as pd
import pytest

from mammo.report.figures import FIGURES
from mammo.report.figures.gradcam import COLUMNS, SECTIONS, draw_gallery, shown_rows
from mammo.report.style import marked
from mammo.statistics.energy import measure_energy
from mammo.statistics.settings import Evaluation
from mammo.tables import read_table, write_table

EVALUATION = Evaluation.default(draws=400)


def explained(n=60, outcomes=None, **changes):
    """Rows as of gradcam.csv, two a patient, with energies that lie 0.2 above chance on average."""
    rng = np.random.default_rng(0)
    probability = rng.random(n).round(3)
    label = rng.integers(0, 2, n) if outcomes is None else np.full(n, outcomes)
    call = {
        (1, 1): "true_positive",
        (1, 0): "false_negative",
        (0, 1): "false_positive",
        (0, 0): "true_negative",
    }
    rows = pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(n)],
            "patient_id": [f"p{k // 2}" for k in range(n)],
            "label": label,
            "probability": probability,
            "row": range(n),
        }
    )
    rows["outcome"] = [
        call[pair] for pair in zip(label, (probability >= 0.5).astype(int), strict=True)
    ]
    rows["chance"] = rng.uniform(0.2, 0.4, n)
    rows["energy_inside"] = rows["chance"] + 0.2 + rng.normal(0, 0.1, n)
    rows["energy_in_others"] = rows["chance"] + 0.1
    run = {
        "experiment": "baseline",
        "fold": 0,
        "seed": 1,
        "reason": "",
        "dataset": "d",
        "leaks": "",
    }
    return rows.assign(**run, crop_correlation=None).assign(**changes)


def test_the_energys_mean_and_interval_are_those_of_a_bootstrap_over_patients():
    rows = explained()
    table = measure_energy(rows, Evaluation.default(draws=4000)).set_index(["group", "measure"])
    found = table.loc[("all", "above_chance")]
    difference = (rows["energy_inside"] - rows["chance"]).to_numpy()
    assert found["value"] == pytest.approx(difference.mean())
    by_patient = difference.reshape(-1, 2).mean(axis=1)
    half = 2.045 * by_patient.std(ddof=1) / np.sqrt(30)  # Student's t of 29 degrees of freedom
    assert (found["low"], found["high"]) == pytest.approx(
        (found["value"] - half, found["value"] + half), abs=0.006
    )
    assert (found["n"], found["patients"]) == (60, 30)
    share = table.loc[("all", "share_above_chance"), "value"]
    assert share == pytest.approx((difference > 0).mean())
    wrong = rows[rows["outcome"].isin(["false_negative", "false_positive"])]
    assert table.loc[("wrong", "energy_inside"), "value"] == pytest.approx(
        wrong["energy_inside"].mean()
    )
    assert table.loc[("wrong", "energy_inside"), "n"] == len(wrong)


def test_what_is_not_known_of_the_energy_has_a_reason(tmp_path):
    no_masks = explained(
        energy_inside=np.nan, chance=np.nan, energy_in_others=np.nan, reason="no mask"
    )
    right = explained()
    right = right[right["outcome"].isin(["true_positive", "true_negative"])]
    one = explained(1, energy_in_others=np.nan)
    for rows, group, measure, reason in [
        (no_masks, "all", "energy_inside", "no image has both a map and a mask: no mask"),
        (right, "wrong", "energy_inside", "there is no such image"),
        (one, "all", "energy_inside", "no interval: 1 patients, at least 10 needed"),
        (one, "all", "energy_in_others", "no other patient's image has a mask"),
    ]:
        run = rows[["experiment", "fold", "seed", "dataset", "leaks"]].iloc[0]
        table = measure_energy(rows, EVALUATION).assign(**run)
        write_table(table, tmp_path / "t.csv", "gradcam_energy")
        back = read_table(tmp_path / "t.csv", "gradcam_energy").set_index(["group", "measure"])
        assert back.loc[(group, measure), "reason"] == reason
        assert np.isnan(back.loc[(group, measure), "low"])


def test_the_gallery_begins_with_the_most_confident_mistakes():
    rows = explained(200)
    shown = shown_rows(rows)
    assert list(dict.fromkeys(shown["outcome"])) == [
        "false_negative",
        "false_positive",
        "true_positive",
        "true_negative",
    ]
    for outcome, part in shown.groupby("outcome"):
        sure = (part["probability"] - 0.5).abs().to_numpy()
        assert len(part) == COLUMNS
        assert (np.diff(sure) <= 0).all()
        others = rows[(rows["outcome"] == outcome) & ~rows["image_id"].isin(part["image_id"])]
        assert (others["probability"] - 0.5).abs().max() <= sure.min()


def drawn(rows, folder, size=64):
    """The gallery of rows of gradcam.csv, with made-up images, and the table of the energy."""
    rng = np.random.default_rng(0)
    shown = shown_rows(rows)
    images, maps, masks = (
        rng.integers(0, 255, (len(shown), size, size), np.uint8) for _ in range(3)
    )
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    masks[:] = 255 * (np.hypot(y, x) < 0.3)
    run = rows[["experiment", "fold", "seed", "dataset", "leaks"]].iloc[0]
    write_table(
        measure_energy(rows, EVALUATION).assign(**run), folder / "energy.csv", "gradcam_energy"
    )
    table = read_table(folder / "energy.csv", "gradcam_energy")
    return draw_gallery(shown, images, maps, masks, table, "phantom"), table


def words_of(figure):
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("size", [16, 64, 300])
def test_the_gallery_draws_tiles_of_any_size(tmp_path, size):
    figure, table = drawn(explained(200), tmp_path, size)
    marked(figure, table).savefig(tmp_path / "g.svg")
    assert (tmp_path / "g.svg").stat().st_size < 6e6  # of noise; of real pictures a quarter
    assert len(figure.axes) == 1 + len(SECTIONS)


def test_the_gallery_and_the_figure_say_what_there_is_not(tmp_path):
    no_masks = explained(
        40, 1, energy_inside=np.nan, chance=np.nan, energy_in_others=np.nan, reason="no mask"
    )
    never_wrong = explained(40)
    never_wrong = never_wrong[never_wrong["outcome"].isin(["true_positive", "true_negative"])]
    for name, rows, said in [
        (
            "masks",
            no_masks,
            "The proportion inside the outlines is not known: no image has both a map and a mask",
        ),
        ("mistakes", never_wrong, "none"),
        ("one", explained(1, energy_in_others=np.nan), "none"),
    ]:
        figure, table = drawn(rows, tmp_path)
        assert any(said in words for words in words_of(figure)), name
        marked(figure, table).savefig(tmp_path / f"{name}.png")
        marked(FIGURES["gradcam_energy"].draw(table, "phantom"), table).savefig(
            tmp_path / f"{name}-energy.png"
        )


def test_names_are_shown_as_text_and_shortened(tmp_path):
    rows = explained(3)
    rows["image_id"] = ["<script>alert(1)</script>", "$x^2$ {b}", "a/" * 100]
    figure, _ = drawn(rows, tmp_path)
    figure.savefig(tmp_path / "g.svg")
    assert "<script" not in (tmp_path / "g.svg").read_text()
    assert any("<script>" in words for words in words_of(figure))
    assert (
        max(len(line) for words in words_of(figure) for line in words.split("\n") if "a/a/" in line)
        <= 23
    )

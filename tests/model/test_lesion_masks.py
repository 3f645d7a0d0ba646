"""The lesion's mask where the network sees the lesion, the search of a crop, and energies."""

import numpy as np
import pandas as pd
import pytest

from helpers.datasets import save_image
from mammo.dataset.images import context_box, decode, mask_box
from mammo.dataset.phantom import drawing as phantom
from mammo.dataset.settings import Image
from mammo.log import InputError
from mammo.model.explanation import (
    as_table,
    check_probabilities,
    energies,
    lesions_of,
    outlines,
)
from mammo.model.lesion_masks import correlations, find_crop, mask_inside, seen_lesions


def film(seed=0, height=700, width=500):
    """A picture with texture, uint8."""
    return (
        (110 + 25 * phantom.texture(np.random.default_rng(seed), height, width))
        .clip(0, 255)
        .astype(np.uint8)
    )


def shares(left, top, width, height, extent=(500, 700)):
    return tuple(np.array([left, top, left + width, top + height]) / np.tile(extent, 2))


@pytest.mark.parametrize(
    ("left", "top", "width", "height"),
    [(101, 203, 120, 90), (0, 3, 77, 77), (440, 601, 60, 99), (203, 55, 250, 64)],
)
@pytest.mark.parametrize("kind", ["as it is", "jpeg", "noise and contrast"])
def test_a_crop_is_found_to_the_pixel(tmp_path, left, top, width, height, kind):
    full = film()
    save_image(tmp_path / "full.jpg", full, quality=95)
    crop = full[top : top + height, left : left + width]
    ending = "png" if kind == "as it is" else "jpg"
    if kind == "noise and contrast":
        crop = (
            (0.8 * crop + 20 + np.random.default_rng(1).normal(0, 1, crop.shape))
            .clip(0, 255)
            .astype(np.uint8)
        )
    save_image(tmp_path / f"crop.{ending}", crop, **({"quality": 90} if ending == "jpg" else {}))
    lesion = shares(
        left + width * 0.3, top + height * 0.5, width * 0.3, height * 0.4
    )  # not in the crop's middle
    box, correlation = find_crop(
        tmp_path / f"crop.{ending}", tmp_path / "full.jpg", lesion, (width, height), (500, 700)
    )
    assert np.array(box) * [500, 700, 500, 700] == pytest.approx(
        [left, top, left + width, top + height], abs=1
    )
    assert 0.8 < correlation <= 1 + 1e-9


def test_a_large_film_is_searched_at_reduced_scale(tmp_path):
    full = np.kron(film(3, 900, 600), np.ones((4, 4), np.uint8))
    save_image(tmp_path / "full.jpg", full, quality=90)
    save_image(tmp_path / "crop.jpg", full[1203 : 1203 + 420, 801 : 801 + 500], quality=90)
    lesion = tuple(np.array([901, 1303, 1201, 1503]) / np.tile([2400, 3600], 2))
    box, _ = find_crop(
        tmp_path / "crop.jpg", tmp_path / "full.jpg", lesion, (500, 420), (2400, 3600)
    )
    assert np.array(box[:2]) * [2400, 3600] == pytest.approx([801, 1203], abs=5)


@pytest.mark.parametrize(
    ("crop", "reason"),
    [
        (film(9)[100:200, 100:200], "not found on its full image"),
        (np.full((100, 100), 90, np.uint8), "not found on its full image"),
        (film()[:8, :8], "too small"),
        (film(4, 720, 520), "larger than its full image"),
    ],
)
def test_a_crop_of_another_film_or_of_nothing_is_not_found(tmp_path, crop, reason):
    save_image(tmp_path / "full.png", film())
    save_image(tmp_path / "crop.png", crop)
    with pytest.raises(ValueError, match=reason):
        find_crop(
            tmp_path / "crop.png",
            tmp_path / "full.png",
            shares(120, 120, 60, 60),
            crop.shape[::-1],
            (500, 700),
        )


def test_brightness_that_slopes_everywhere_is_no_match(tmp_path):
    """Two films with one slope correlate at 0.98, and nothing of the crop is on the other film."""
    slope = np.linspace(0, 160, 500)[None, :]
    for name, seed in (("full", 1), ("other", 2)):
        save_image(
            tmp_path / f"{name}.png", (slope + film(seed) / 20).clip(0, 255).astype(np.uint8)
        )
    crop = (slope + film(2) / 20).clip(0, 255).astype(np.uint8)[300:400, 200:300]
    save_image(tmp_path / "crop.png", crop)
    where = [shares(220, 320, 60, 60), (100, 100), (500, 700)]
    assert find_crop(tmp_path / "crop.png", tmp_path / "other.png", *where)[0][0] == pytest.approx(
        200 / 500
    )
    with pytest.raises(ValueError, match="not found"):
        find_crop(tmp_path / "crop.png", tmp_path / "full.png", *where)


def test_correlations_are_pearsons():
    rng = np.random.default_rng(0)
    wanted, window = rng.random((5, 7)), rng.random((9, 8))
    found = correlations(wanted, window)
    assert found.shape == (5, 2)
    for y, x in np.ndindex(found.shape):
        part = window[y : y + 5, x : x + 7]
        assert found[y, x] == pytest.approx(np.corrcoef(wanted.ravel(), part.ravel())[0, 1])


@pytest.fixture
def lesion(tmp_path):
    """(folder, image of a region, lesion, extents): a film with a lesion, its mask and its crop."""
    y, x = np.mgrid[0:700, 0:500]
    mask = ((x - 230) / 60) ** 2 + ((y - 330) / 35) ** 2 < 1
    full = np.where(mask, 220, film() // 3)
    save_image(tmp_path / "full.png", full.astype(np.uint8))
    save_image(tmp_path / "mask.png", (255 * mask).astype(np.uint8))
    save_image(tmp_path / "crop.png", full[250:400, 140:340].astype(np.uint8))
    extents = {"full.png": (500, 700), "mask.png": (500, 700), "crop.png": (200, 150)}
    row = pd.DataFrame(
        [
            {
                "image_id": "a",
                "crop_file": "crop.png",
                "mask_file": "mask.png",
                "full_file": "full.png",
            }
        ]
    )

    def image(region):
        file = "crop.png" if region == "crop" else "full.png"
        width, height = extents[file]
        return next(
            pd.DataFrame(
                [{"image_id": "a", "file": file, "width": width, "height": height}]
            ).itertuples()
        )

    return tmp_path, image, next(row.itertuples(index=False)), extents


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("region", ["crop", "context", "full"])
def test_the_mask_lies_where_the_network_sees_the_lesion(lesion, region, fit):
    folder, image, row, extents = lesion
    shown, box = image(region), (0, 0, 1, 1)
    settings = Image.default(region=region, fit=fit, margin=40)
    inside, correlation = seen_lesions(folder, shown, [row], extents, settings)
    if region == "context":
        box = context_box(mask_box(folder / "mask.png"), shown, settings)
    bright = decode(folder / shown.file, 64, fit, box) > 140
    assert bright.any()
    assert ((inside > 0.5) == bright).mean() > 0.995
    assert (correlation is not None) == (region == "crop")


def test_a_whole_image_has_the_union_of_its_lesions_masks(lesion):
    folder, image, row, extents = lesion
    second = np.zeros((350, 250), np.uint8)  # half as large as the film
    second[300:340, 20:60] = 1
    save_image(folder / "second.png", second)
    extents["second.png"] = (250, 350)
    settings = Image.default(region="full", size=100)
    both, _ = seen_lesions(
        folder, image("full"), [row, row._replace(mask_file="second.png")], extents, settings
    )
    one, _ = seen_lesions(folder, image("full"), [row], extents, settings)
    assert both.mean() == pytest.approx(one.mean() + 40 * 40 / (250 * 350), abs=1e-5)
    with pytest.raises(ValueError, match="no mask of one of 2 lesions"):
        seen_lesions(folder, image("full"), [row, row._replace(mask_file="")], extents, settings)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask_file": ""}, "no mask"),
        ({"mask_file": "broken.png"}, "no mask"),  # what cannot be read is in no extents
        ({"full_file": ""}, "no full image"),
        ({"mask_file": "crop.png"}, "another shape"),
        ({"mask_file": "black.png"}, "nothing is white"),
    ],
)
def test_an_outline_that_cannot_be_told_has_a_reason(lesion, change, reason):
    folder, image, row, extents = lesion
    save_image(folder / "black.png", np.zeros((700, 500), np.uint8))
    extents["black.png"] = (500, 700)
    out = np.zeros((2, 64, 64), np.uint8)
    images = pd.DataFrame([image("crop")] * 2)
    settings = Image.default()
    told = outlines(folder, images, [[row], [row._replace(**change)]], extents, settings, 2, out)
    assert told["reason"].iloc[0] == ""
    assert reason in told["reason"].iloc[1]
    assert out[0].max() == 255
    assert (out[1] == 0).all()


def test_a_lesion_that_the_network_does_not_see_has_no_outline(lesion):
    folder, image, row, extents = lesion
    corner = np.zeros((700, 500), np.uint8)
    corner[:40, :40] = 255
    save_image(folder / "mask.png", corner)
    with pytest.raises(ValueError, match="outside of what the network sees"):
        seen_lesions(
            folder, image("full"), [row], extents, Image.default(region="full", fit="crop")
        )


def test_a_mask_of_zeros_and_ones_counts_parts_of_pixels(tmp_path):
    mask = np.zeros((100, 100), np.uint8)
    mask[:25, :] = 1
    save_image(tmp_path / "mask.png", mask)
    inside = mask_inside(tmp_path / "mask.png", 10, "stretch", (0, 0, 1, 1))
    assert inside[:, 0] == pytest.approx([1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0])


def test_lesions_belong_to_their_image():
    lesions = pd.DataFrame({"image_id": ["a", "b", "c"], "full_file": ["f", "f", "g"]})
    crops = pd.DataFrame({"image_id": ["c", "a"], "file": ["x", "y"]})
    assert [[row.image_id for row in rows] for rows in lesions_of(crops, lesions, "crop")] == [
        ["c"],
        ["a"],
    ]
    films = pd.DataFrame({"image_id": ["g", "f"], "file": ["g", "f"]})
    assert [[row.image_id for row in rows] for rows in lesions_of(films, lesions, "full")] == [
        ["c"],
        ["a", "b"],
    ]


def test_a_map_that_is_zero_has_a_chance_but_no_energy():
    maps, masks = np.zeros((3, 64, 64), np.uint8), np.zeros((3, 64, 64), np.uint8)
    maps[1:] = 255
    masks[:, :16] = 255
    masks[2] = 0
    table = energies(maps, masks, np.array(["a", "b", "c"]), np.array(["", "", "no mask"]))
    assert table["energy_inside"].tolist() == pytest.approx([np.nan, 0.25, np.nan], nan_ok=True)
    assert table["chance"].tolist() == pytest.approx([0.25, 0.25, np.nan], nan_ok=True)
    assert table["reason"].str[:16].tolist() == ["Grad-CAM is zero", "", "no mask"]


def test_a_model_that_is_not_the_predictions_own_is_refused():
    rows = pd.DataFrame({"probability": [0.25, 0.5]})
    check_probabilities(np.array([0.25005, 0.5]), rows, "model.keras", "predictions.csv")
    with pytest.raises(InputError, match=r"1 of 2 test images .* they are of different runs"):
        check_probabilities(np.array([0.25, 0.6]), rows, "model.keras", "predictions.csv")
    with pytest.raises(InputError, match=r"0\.6000 for 0\.5000"):
        check_probabilities(np.array([0.25, 0.6]), rows, "model.keras", "predictions.csv")
    with pytest.raises(InputError, match="different runs"):
        check_probabilities(np.array([0.25, np.nan]), rows, "model.keras", "predictions.csv")


def test_the_tables_outcomes_and_places_are_those_of_the_rows():
    rows = pd.DataFrame(
        {
            "image_id": list("abcd"),
            "patient_id": list("abcd"),
            "label": [1, 1, 0, 0],
            "probability": [0.5, 0.4, 0.9, 0.1],
            "row": [9, 8, 7, 6],
        }
    )
    told = pd.DataFrame({"crop_correlation": [0.9] * 4, "reason": [""] * 3 + ["no mask"]})
    maps, masks = (np.full((4, 8, 8), 255, np.uint8) for _ in range(2))
    table = as_table(rows, told, maps, masks)
    wanted = ["true_positive", "false_negative", "false_positive", "true_negative"]
    assert table["outcome"].tolist() == wanted
    assert table["row"].tolist() == [0, 1, 2, 3]
    assert table["energy_inside"].tolist()[:3] == [1, 1, 1]
    assert table["reason"].tolist() == ["", "", "", "no mask"]

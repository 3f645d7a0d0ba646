"""Regions: which images a study is made of, and how the region becomes a square of pixels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.datasets import save_image
from mammo.dataset import decoding
from mammo.dataset.decoding import decode_images
from mammo.dataset.images import context_box, decode, mask_box, widened
from mammo.dataset.regions import list_images
from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.log import InputError

CROP, CONTEXT, FULL = (Image.default(region=name) for name in ("crop", "context", "full"))


def dataset(changes=None, headers=None):
    """Four lesions in a view of three patients, the first two on one film.

    Returns (lesions, files, excluded).
    """
    rows = []
    for patient, number, label in [
        (1, 1, "benign"),
        (1, 2, "malignant"),
        (2, 1, "benign"),
        (3, 1, "malignant"),
    ]:
        name = f"mass_P_{patient}_LEFT"
        rows.append(
            {
                "image_id": f"{name}_CC_{number}",
                "lesion_id": f"{name}_{number}",
                "patient_id": f"P_{patient}",
                "laterality": "left",
                "view": "CC",
                "kind": "mass",
                "label": label,
                "official_partition": "test" if patient == 3 else "training",
                "source": f"row {len(rows)}",
                "crop_file": f"crop{patient}{number}",
                "mask_file": f"mask{patient}{number}",
                "full_file": f"full{patient}",
            }
        )
    lesions = pd.DataFrame(rows)
    names = sorted({name for role in ("crop", "mask", "full") for name in lesions[f"{role}_file"]})
    files = pd.DataFrame({"file": names, "problem": "", "spacing_mm": np.nan})
    files["width"] = [300 if name[0] != "c" else 80 for name in names]
    files["height"] = [500 if name[0] != "c" else 80 for name in names]
    for (row, column), value in (changes or {}).items():
        lesions.loc[row, column] = value
    for (file, column), value in (headers or {}).items():
        files.loc[files["file"] == file, column] = value
    return lesions, files, pd.DataFrame({"image_id": [], "reason": [], "region": []}, dtype=str)


def test_crops_are_the_published_ones_with_their_own_size():
    images, excluded = list_images(*dataset(), CROP)
    assert images["file"].tolist() == ["crop11", "crop12", "crop21", "crop31"]
    assert set(images["width"]) == {80}
    assert set(images["mask_file"]) == {""}
    assert excluded.empty


def test_a_lost_crop_is_lost_to_crops_alone_and_a_lost_row_to_all():
    lesions, files, _ = dataset()
    excluded = pd.DataFrame(
        {
            "image_id": ["mass_P_1_LEFT_CC_1", "mass_P_2_LEFT_CC_1"],
            "reason": ["no_crop", "bad_row"],
            "region": ["crop", ""],
        }
    )
    counts = {
        image.region: len(list_images(lesions, files, excluded, image)[0])
        for image in (CROP, CONTEXT, FULL)
    }
    assert counts == {"crop": 2, "context": 3, "full": 2}


@pytest.mark.parametrize(
    ("changes", "headers", "reason"),
    [
        ({(0, "mask_file"): ""}, {}, "no_mask"),
        ({(0, "full_file"): ""}, {}, "no_full_image"),
        ({}, {("mask11", "problem"): "empty_file"}, "mask_empty_file"),
        ({}, {("mask11", "width"): 400}, "mask_of_another_shape"),
    ],
)
def test_context_needs_a_mask_that_fits_a_full_image(changes, headers, reason):
    images, excluded = list_images(*dataset(changes, headers), CONTEXT)
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [["mass_P_1_LEFT_CC_1", reason]]
    assert images["file"].tolist() == ["full1", "full2", "full3"]
    assert images["mask_file"].tolist() == ["mask12", "mask21", "mask31"]


def test_a_smaller_mask_of_the_same_shape_fits():
    headers = {("mask11", "width"): 150, ("mask11", "height"): 250}
    assert len(list_images(*dataset(headers=headers), CONTEXT)[0]) == 4


def test_millimetres_need_a_known_spacing():
    image = Image.default(region="context", margin_unit="mm")
    images, excluded = list_images(*dataset(headers={("full2", "spacing_mm"): 0.1}), image)
    assert images["image_id"].tolist() == ["mass_P_2_LEFT_CC_1"]
    assert set(excluded["reason"]) == {"no_spacing"}


def test_a_whole_image_carries_all_its_lesions_and_is_malignant_if_any_is(capsys):
    images, excluded = list_images(*dataset(), FULL)
    assert excluded.empty
    assert images[["image_id", "lesion_id", "label"]].to_numpy().tolist() == [
        ["mass_P_1_LEFT_CC", "mass_P_1_LEFT_1;mass_P_1_LEFT_2", "malignant"],
        ["mass_P_2_LEFT_CC", "mass_P_2_LEFT_1", "benign"],
        ["mass_P_3_LEFT_CC", "mass_P_3_LEFT_1", "malignant"],
    ]
    assert "1 whole images hold lesions of both classes: malignant" in capsys.readouterr().out


def test_mixed_images_can_be_left_out():
    images, excluded = list_images(*dataset(), Image.default(region="full", mixed="leave_out"))
    assert images["image_id"].tolist() == ["mass_P_2_LEFT_CC", "mass_P_3_LEFT_CC"]
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        ["mass_P_1_LEFT_CC_1", "mixed_classes"],
        ["mass_P_1_LEFT_CC_2", "mixed_classes"],
    ]


def test_images_that_would_share_a_name_are_named_by_their_file():
    images, _ = list_images(
        *dataset({(1, "full_file"): "full2x", (1, "kind"): "calcification", (0, "view"): ""}, {}),
        FULL,
    )
    assert "full1" in images["image_id"].tolist()
    lesions, files, excluded = dataset({(1, "full_file"): "full3"})
    with pytest.raises(InputError, match="more than one patient: full3"):
        list_images(lesions, files, excluded, FULL)


def test_a_region_of_which_there_is_nothing_is_refused():
    changes = {(row, "mask_file"): "" for row in range(4)}
    with pytest.raises(InputError, match=r"image.region context: not one .* no_mask \(4\)"):
        list_images(*dataset(changes), CONTEXT)


def ramp(path, width, height):
    """An image that is dark on the left and bright on the right."""
    save_image(
        path, np.tile(np.linspace(0, 255, width).round().astype(np.uint8), (height, 1)), quality=95
    )
    return path


def test_padding_keeps_proportions_and_stretching_fills_the_square(tmp_path):
    path = ramp(tmp_path / "wide.png", 400, 200)
    padded = decode(path, 64, "pad")
    assert (padded[:16] == 0).all()
    assert (padded[48:] == 0).all()
    assert padded[32, 63] > 250
    assert (decode(path, 64)[:, 63] > 250).all()


def test_a_centre_crop_is_the_middle_square(tmp_path):
    cut = decode(ramp(tmp_path / "wide.png", 400, 200), 64, "crop")[0].astype(int)
    assert abs(cut[0] - 64) < 3  # a quarter of the way
    assert abs(cut[-1] - 191) < 3


@pytest.mark.parametrize("name", ["x.png", "x.jpg"])
@given(box=st.tuples(*[st.floats(0.01, 0.45)] * 2, *[st.floats(0.55, 0.99)] * 2))
def test_a_box_is_cut_where_it_lies_whatever_the_format(tmp_path_factory, name, box):
    path = ramp(tmp_path_factory.mktemp("box") / name, 1600, 1200)
    found = decode(path, 32, "stretch", box).astype(float)
    middle = (np.linspace(box[0], box[2], 33)[:-1] + np.linspace(box[0], box[2], 33)[1:]) / 2 * 255
    assert np.abs(found - middle).max() < 2.5


def test_the_box_of_a_mask_is_found_at_reduced_scale(tmp_path):
    mask = np.zeros((3000, 2000), np.uint8)
    mask[1200:1500, 500:900] = 255
    for name in ("mask.png", "mask.jpg"):
        save_image(tmp_path / name, mask)
        assert np.abs(np.array(mask_box(tmp_path / name)) - [0.25, 0.4, 0.45, 0.5]).max() < 0.004
    save_image(tmp_path / "none.png", mask * 0)
    with pytest.raises(ValueError, match=r"nothing is white"):
        mask_box(tmp_path / "none.png")


def test_margins_in_percent_of_the_longer_side_and_in_millimetres():
    image = pd.Series({"width": 1000, "height": 2000, "spacing_mm": 0.1})
    lesion = (0.4, 0.5, 0.6, 0.55)  # 200 by 100 pixels
    percent = context_box(lesion, image, Image.default(margin=25))
    assert percent == pytest.approx((0.35, 0.475, 0.65, 0.575))
    mm = context_box(lesion, image, Image.default(margin=5, margin_unit="mm"))
    assert mm == pytest.approx(percent)
    assert widened((0.0, 0.9, 0.2, 1.0), (100, 100), 20) == pytest.approx((0, 0.7, 0.4, 1))


def test_the_context_of_a_lesion_is_cut_from_its_full_image(tmp_path):
    full = np.full((500, 300), 40, np.uint8)
    full[200:300, 100:200] = 220
    mask = np.zeros((250, 150), np.uint8)  # half as large as its full image
    mask[100:150, 50:100] = 255
    for name, pixels in [("full", full), ("mask", mask)]:
        save_image(tmp_path / f"{name}.png", pixels)
    images = pd.DataFrame(
        {
            "file": ["full.png"] * 2,
            "mask_file": ["mask.png", "gone.png"],
            "width": 300,
            "height": 500,
            "spacing_mm": np.nan,
        }
    )
    settings = Image.default(region="context", margin=50, size=40)
    problems = decode_images(tmp_path, images, settings, 1, tmp_path / "pixels.npy")
    out = np.load(tmp_path / "pixels.npy")
    assert problems[0] is None
    assert problems[1].startswith("gone.png: FileNotFoundError")
    assert (out[0, 11:29, 11:29] == 220).all()
    assert (out[0, [0, -1]] == 40).all()
    assert (out[1] == 0).all()


def test_shards_read_as_one_array(tmp_path):
    whole = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2)
    for number, part in enumerate([whole[:3], whole[3:3], whole[3:]]):
        np.save(tmp_path / f"{number}.npy", part)
    shards = Shards([tmp_path / f"{number}.npy" for number in range(3)])
    rows = np.array([6, 0, 3, 3, 2])
    assert shards.shape == (7, 2, 2)
    assert np.array_equal(shards[rows], whole[rows])


@pytest.mark.parametrize("workers", [1, 3])
def test_images_are_decoded_into_their_own_places_however_many_at_a_time(
    workers, tmp_path, monkeypatch
):
    monkeypatch.setattr(decoding, "AT_ONCE", 7)
    for number in range(23):
        save_image(tmp_path / f"{number}.png", np.full((8, 8), 10 * number, np.uint8))
    (tmp_path / "16.png").write_bytes(b"no image")
    images = pd.DataFrame({"file": [f"{number}.png" for number in range(23)]})
    settings = Image.default(size=16)
    problems = decode_images(tmp_path, images, settings, workers, tmp_path / "pixels.npy")
    assert [problem is None for problem in problems] == [number != 16 for number in range(23)]
    assert problems[16].startswith("16.png: ")
    wanted = [10 * number if number != 16 else 0 for number in range(23)]
    assert np.load(tmp_path / "pixels.npy")[:, 1, 2].tolist() == wanted

"""The editions: what is read from a dataset, what is left out and why, and what is refused."""

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import NAMES, TinyKaggle, save_image, write_csv

from lib.editions.kaggle import LABELS
from lib.editions.table import read_own_table
from lib.log import InputError
from lib.tables import left_in
from scripts.take_inventory import summarize, take_inventory


def inventory(folder):
    return take_inventory("kaggle", folder, None, workers=1)


def test_crops_are_crops_whatever_the_order_of_the_files(tiny_kaggle):
    files, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    truth = {row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"] for row in tiny_kaggle.info}
    assert len(lesions) == 16
    for lesion in lesions.itertuples():
        assert truth[lesion.crop_file] == "cropped images"
        assert truth[lesion.mask_file] == "ROI mask images"
        assert truth[lesion.full_file] == "full mammogram images"
    assert set(files["role_from"]) == {"description"}
    assert {lesion.crop_file.split("/")[-1] for lesion in lesions.itertuples()} == {"1-001.jpg", "2-002.jpg"}


@pytest.mark.parametrize("told_by", ["bits", "pixels"])
def test_without_descriptions_masks_are_told_by_bits_then_by_pixels(tiny_kaggle, told_by):
    truth = {row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"] for row in tiny_kaggle.info}
    for row in tiny_kaggle.info:
        row["SeriesDescription"] = ""
        if told_by == "pixels":
            row["BitsAllocated"] = ""
    files, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    assert {truth[file] for file in lesions["crop_file"]} == {"cropped images"}
    assert dict(zip(files["role"], files["role_from"], strict=True)) == {
        "crop": told_by,
        "mask": told_by,
        "full": "table",
    }


def test_without_dicom_info_pixels_tell(tiny_kaggle):
    truth = {row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"] for row in tiny_kaggle.info}
    tiny_kaggle.info = []
    _, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    assert {truth[file] for file in lesions["crop_file"]} == {"cropped images"}


def test_separate_series_that_the_table_swaps_are_put_right(tiny_kaggle):
    row = tiny_kaggle.tables[NAMES[0]][0]
    shared = tiny_kaggle.folder / "jpeg" / row["cropped image file path"].split("/")[2]
    moved = shared.with_name("2.25.999")
    mask = next(
        i for i in tiny_kaggle.info if shared.name in i["image_path"] and i["SeriesDescription"] == "ROI mask images"
    )
    moved.mkdir()
    shutil.move(shared / mask["image_path"].split("/")[-1], moved)
    mask["image_path"] = f"CBIS-DDSM/jpeg/2.25.999/{mask['image_path'].split('/')[-1]}"
    row["cropped image file path"], row["ROI mask file path"] = (
        "x/2.25.1/2.25.999/000000.dcm",
        row["cropped image file path"],
    )
    _, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    assert lesions["crop_file"].iloc[0].startswith(f"jpeg/{shared.name}/")
    assert lesions["mask_file"].iloc[0].startswith("jpeg/2.25.999/")


def test_rows_are_described_and_a_readers_zero_is_not_given(tiny_kaggle):
    tiny_kaggle.tables[NAMES[1]][0] |= {"assessment": 0}
    _, lesions, _ = inventory(tiny_kaggle.write())
    first = lesions.set_index("image_id").loc["mass_P_00001_LEFT_CC_1"]
    assert (first["kind"], first["laterality"], first["view"], first["official_partition"]) == (
        "mass",
        "left",
        "CC",
        "test",
    )
    assert pd.isna(first["assessment"])
    assert first["breast_density"] == "1"
    assert first["lesion_id"] == "mass_P_00001_LEFT_1"
    assert set(lesions["label"]) == set(LABELS.values())


def spoil(kind, data):
    """Spoil the first lesion of a tiny dataset before it is written."""
    row = data.tables[NAMES[0]][0]
    folder = data.folder / "jpeg" / row["cropped image file path"].split("/")[2]
    here = [entry for entry in data.info if folder.name in entry["image_path"]]
    crop = folder / next(i["image_path"] for i in here if i["SeriesDescription"] == "cropped images").split("/")[-1]
    if kind == "missing_series":
        shutil.rmtree(folder)
    elif kind == "no_crop":  # two files that both look like masks
        shutil.copy(next(path for path in folder.iterdir() if path != crop), crop)
        for entry in here:
            entry |= {"SeriesDescription": "", "BitsAllocated": ""}
    elif kind == "ambiguous_crop":
        for entry in here:
            entry["SeriesDescription"] = "cropped images"
    elif kind == "empty_file":
        crop.write_bytes(b"")
    elif kind == "not_an_image":
        crop.write_text("<html>not found</html>")
    elif kind == "bad_path":
        row["cropped image file path"] = "../../../etc/passwd"
    elif kind == "duplicate_row":
        data.tables[NAMES[0]].append(dict(row))


KINDS = ["missing_series", "no_crop", "ambiguous_crop", "empty_file", "not_an_image", "bad_path", "duplicate_row"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_lesion_is_listed_and_the_rest_goes_on(tiny_kaggle, kind):
    spoil(kind, tiny_kaggle)
    _, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded["reason"].tolist() == [kind]
    assert excluded["patient_id"].tolist() == ["P_00000"]
    assert len(lesions) == 16
    assert len(left_in(lesions, excluded)) == (16 if kind == "duplicate_row" else 15)


def change(data, **values):
    data.tables[NAMES[0]][0] |= values


def drop_table(data):
    (data.folder / "csv" / NAMES[3]).unlink()


REFUSED = {
    "an unknown pathology": (lambda d: change(d, pathology="UNSURE"), None, ["mass_case_description_train_set.csv row 2, pathology: 'UNSURE'", "MALIGNANT"]),
    "an empty patient": (lambda d: change(d, patient_id=""), None, ["row 2, patient_id: ''"]),
    "a view that is none": (lambda d: change(d, **{"image view": "XCC"}), None, ["image_view: 'XCC'", "CC, MLO"]),
    "an assessment in words": (lambda d: change(d, assessment="high"), None, ["assessment: 'high'"]),
    "one lesion, two labels": (
        lambda d: d.tables[NAMES[0]].append(d.tables[NAMES[0]][0] | {"pathology": "BENIGN"}), None, ["row 2 says malignant", "mass_P_00000_LEFT_CC_1"],
    ),
    "a table without a column": (lambda d: [r.pop("pathology") for r in d.tables[NAMES[2]]], None, [NAMES[2], "no column pathology; found: patient_id"]),
    "a missing table": (None, drop_table, ["missing calc_case_description_test_set.csv", "holds: csv, jpeg"]),
    "no image at all": (None, lambda d: shutil.rmtree(d.folder / "jpeg"), ["holds no .jpg file"]),
    "an empty folder": (None, lambda d: [shutil.rmtree(d.folder / name) for name in ("csv", "jpeg")], ["missing mass_case", "holds: nothing"]),
    "a file described in two ways": (
        lambda d: d.info.append(d.info[1] | {"SeriesDescription": "ROI mask images"}), None, ["dicom_info.csv describes a file in two ways: 2.25."],
    ),
    "dicom_info without a column": (lambda d: [i.pop("BitsAllocated") for i in d.info], None, ["dicom_info.csv: no column BitsAllocated"]),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_way_out(tiny_kaggle, what):
    before, after, wanted = REFUSED[what]
    if before:
        before(tiny_kaggle)
    tiny_kaggle.write()
    if after:
        after(tiny_kaggle)
    with pytest.raises(InputError) as error:
        inventory(tiny_kaggle.folder)
    for text in wanted:
        assert text in str(error.value)


def test_all_wrong_values_are_told_at_once(tiny_kaggle):
    change(tiny_kaggle, pathology="UNSURE", patient_id="7")
    with pytest.raises(InputError, match=r"2 value\(s\)") as error:
        inventory(tiny_kaggle.write())
    assert "patient_id: '7'" in str(error.value)


def test_a_dataset_of_which_nothing_is_usable_is_refused(tmp_path):
    data = TinyKaggle(tmp_path / "data", patients=4)
    for rows in data.tables.values():
        for row in rows:
            row["cropped image file path"] = "x/2.25.1/2.25.4/000000.dcm"
            row["ROI mask file path"] = "x/2.25.1/2.25.4/000001.dcm"
    with pytest.raises(InputError, match=r"not one of 8 lesions has a usable image: missing_series \(8\)"):
        inventory(data.write())


def test_shuffled_rows_give_the_same_lesions(tiny_kaggle):
    _, lesions, _ = inventory(tiny_kaggle.write())
    for rows in tiny_kaggle.tables.values():
        rows.reverse()
    _, again, _ = inventory(tiny_kaggle.write())
    columns = [column for column in lesions if column != "source"]
    assert (
        again.sort_values("image_id")[columns]
        .reset_index(drop=True)
        .equals(lesions.sort_values("image_id")[columns].reset_index(drop=True))
    )


def test_the_summary_counts_what_is_there(tiny_kaggle):
    spoil("missing_series", tiny_kaggle)
    text = summarize("kaggle", *inventory(tiny_kaggle.write()))
    assert "46 files, 16 lesions in a view, 15 of them usable, of 8 patients." in text
    assert "| missing_series | 1 |" in text
    assert "| crop | description |  | 15 |" in text


def test_own_images_of_any_format(own_images):
    files, lesions, excluded = read_own_table(own_images, "lesions.csv", workers=1)
    assert (len(files), len(lesions), excluded) == (40, 40, [])
    assert {file["width"] for file in files} == {80}


def own(folder, rows):
    write_csv(folder / "lesions.csv", rows)
    return take_inventory("table", folder, "lesions.csv", 1)


def rows_of(folder):
    return pd.read_csv(folder / "lesions.csv", dtype=str).to_dict("records")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("images/gone.png", "missing_file"),
        ("x" * 300, "unreadable"),
        ("../secret.png", "outside_dataset"),
        ("images/../../secret.png", "outside_dataset"),
        ("/etc/hostname", "outside_dataset"),
    ],
)
def test_a_file_that_is_absent_or_outside_is_listed(own_images, file, reason):
    save_image(own_images.parent / "secret.png", np.zeros((9, 9), np.uint8))
    files, lesions, excluded = own(
        own_images, [*rows_of(own_images), {"file": file, "label": "benign", "patient": "x"}]
    )
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [[file, reason]]
    assert (file in set(files["file"])) == (reason == "unreadable")
    assert len(left_in(lesions, excluded)) == 40


def test_broken_files_and_repeated_rows_are_listed(own_images):
    (own_images / "images/000.png").write_bytes(b"")
    (own_images / "images/001.pgm").write_text("hello")
    rows = rows_of(own_images)
    _, lesions, excluded = own(own_images, [*rows, rows[5], rows[6] | {"file": "./" + rows[6]["file"]}])
    assert sorted(excluded["reason"]) == ["duplicate_row", "duplicate_row", "empty_file", "not_an_image"]
    assert len(left_in(lesions, excluded)) == 38


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            lambda rows: [row | {"label": "cancer"} for row in rows],
            ["40 value(s)", "row 2, label: 'cancer' (allowed: benign, malignant)"],
        ),
        (lambda rows: [rows[0] | {"patient": " "}, *rows[1:]], ["row 2, patient: empty"]),
        (
            lambda rows: [*rows, rows[0] | {"label": "malignant"}],
            ["lesions.csv row 2 and lesions.csv row 42 name images/000.png"],
        ),
        (
            lambda rows: [{"file": row["file"], "class": row["label"]} for row in rows],
            ["no column label, patient; found: file, class"],
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(own_images, change, wanted):
    with pytest.raises(InputError) as error:
        own(own_images, change(rows_of(own_images)))
    for text in wanted:
        assert text in str(error.value)


def test_a_table_that_is_absent_or_empty_is_refused(own_images):
    with pytest.raises(InputError, match=r"CSV files in .*: lesions.csv\. Name one"):
        read_own_table(own_images, "lesion.csv", 1)
    (own_images / "empty.csv").write_text("file,label,patient\n")
    with pytest.raises(InputError, match="holds no rows"):
        read_own_table(own_images, "empty.csv", 1)
    (own_images / "nothing.csv").write_text("")
    with pytest.raises(
        InputError, match=r"nothing.csv is empty: it needs a first line with the columns file, label, patient"
    ):
        read_own_table(own_images, "nothing.csv", 1)
    (own_images / "semi.csv").write_text("file;label;patient\na.png;malignant;1\n")
    with pytest.raises(InputError, match=r"semi.csv: its values are separated by semicolons or tabs"):
        read_own_table(own_images, "semi.csv", 1)
    (own_images / "twice.csv").write_text("file,label,patient, label\na.png,malignant,1,benign\n")
    with pytest.raises(InputError, match=r"twice.csv: the column label stands there twice"):
        read_own_table(own_images, "twice.csv", 1)
    (own_images / "ragged.csv").write_text("file,label,patient\na.png,benign,1,2,3\n")
    with pytest.raises(InputError, match=r"ragged.csv is not a CSV"):
        read_own_table(own_images, "ragged.csv", 1)

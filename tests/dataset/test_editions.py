"""The editions: what is read from a dataset, what is left out and why, and what is refused."""

import csv
import os
import re
import shutil

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.encaps import encapsulate

from helpers.datasets import NAMES, TinyKaggle, save_image
from helpers.dicom_files import write_edition
from mammo.dataset.headers import read_header
from mammo.dataset.images import decode
from mammo.dataset.inventory import (
    fingerprint,
    in_one_spelling,
    label_conflicts,
    take_inventory,
)
from mammo.dataset.layout import find
from mammo.dataset.readers.cbis_ddsm import LABELS
from mammo.dataset.settings import Dataset
from mammo.dataset.summary import summarize
from mammo.log import InputError
from mammo.tables import left_in, read_table, write_table


def inventory(folder):
    dataset = Dataset.default(edition="kaggle", path=str(folder))
    files, lesions, excluded, _ = take_inventory(dataset, workers=1)
    return files, lesions, excluded


def test_crops_are_crops_whatever_the_order_of_the_files(tiny_kaggle):
    files, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    truth = {
        row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"]
        for row in tiny_kaggle.info
    }
    assert len(lesions) == 16
    for lesion in lesions.itertuples():
        assert truth[lesion.crop_file] == "cropped images"
        assert truth[lesion.mask_file] == "ROI mask images"
        assert truth[lesion.full_file] == "full mammogram images"
    assert set(files["role_from"]) == {"description"}
    assert {lesion.crop_file.split("/")[-1] for lesion in lesions.itertuples()} == {
        "1-001.jpg",
        "2-002.jpg",
    }


@pytest.mark.parametrize("told_by", ["bits", "pixels"])
def test_without_descriptions_masks_are_told_by_bits_then_by_pixels(tiny_kaggle, told_by):
    truth = {
        row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"]
        for row in tiny_kaggle.info
    }
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
    truth = {
        row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"]
        for row in tiny_kaggle.info
    }
    tiny_kaggle.info = []
    _, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    assert {truth[file] for file in lesions["crop_file"]} == {"cropped images"}


def test_separate_series_that_the_table_swaps_are_put_right(tiny_kaggle):
    row = tiny_kaggle.tables[NAMES[0]][0]
    shared = tiny_kaggle.folder / "jpeg" / row["cropped image file path"].split("/")[2]
    moved = shared.with_name("2.25.999")
    mask = next(
        i
        for i in tiny_kaggle.info
        if shared.name in i["image_path"] and i["SeriesDescription"] == "ROI mask images"
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
    crop = (
        folder
        / next(i["image_path"] for i in here if i["SeriesDescription"] == "cropped images").split(
            "/"
        )[-1]
    )
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


KINDS = [
    "missing_series",
    "no_crop",
    "ambiguous_crop",
    "empty_file",
    "not_an_image",
    "bad_path",
    "duplicate_row",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_lesion_is_listed_and_the_rest_goes_on(tiny_kaggle, kind):
    spoil(kind, tiny_kaggle)
    _, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded["reason"].tolist() == [kind]
    assert excluded["patient_id"].tolist() == ["P_00000"]
    assert excluded["region"].tolist() == ["" if kind == "duplicate_row" else "crop"]
    assert len(lesions) == 16
    assert len(left_in(lesions, excluded)) == (16 if kind == "duplicate_row" else 15)


def change(data, **values):
    data.tables[NAMES[0]][0] |= values


def drop_table(data):
    (data.folder / "csv" / NAMES[3]).unlink()


REFUSED = {
    "an unknown pathology": (
        lambda d: change(d, pathology="UNSURE"),
        None,
        ["mass_case_description_train_set.csv row 2, pathology: 'UNSURE'", "MALIGNANT"],
    ),
    "an empty patient": (lambda d: change(d, patient_id=""), None, ["row 2, patient_id: ''"]),
    "a view that is none": (
        lambda d: change(d, **{"image view": "XCC"}),
        None,
        ["image_view: 'XCC'", "CC, MLO"],
    ),
    "an assessment in words": (
        lambda d: change(d, assessment="high"),
        None,
        ["assessment: 'high'"],
    ),
    "one lesion, two labels": (
        lambda d: d.tables[NAMES[0]].append(d.tables[NAMES[0]][0] | {"pathology": "BENIGN"}),
        None,
        ["row 2 says malignant", "mass_P_00000_LEFT_CC_1"],
    ),
    "a table without a column": (
        lambda d: [r.pop("pathology") for r in d.tables[NAMES[2]]],
        None,
        [NAMES[2], "no column pathology; found: patient_id"],
    ),
    "a missing table": (
        None,
        drop_table,
        ["missing calc_case_description_test_set.csv", "It holds: csv, jpeg"],
    ),
    "no image at all": (None, lambda d: shutil.rmtree(d.folder / "jpeg"), ["holds no .jpg file"]),
    "an empty folder": (
        None,
        lambda d: [shutil.rmtree(d.folder / name) for name in ("csv", "jpeg")],
        ["missing mass_case", "It holds: nothing"],
    ),
    "a file described in two ways": (
        lambda d: d.info.append(d.info[1] | {"SeriesDescription": "ROI mask images"}),
        None,
        ["dicom_info.csv describes a file in two ways: 2.25."],
    ),
    "dicom_info without a column": (
        lambda d: [i.pop("BitsAllocated") for i in d.info],
        None,
        ["dicom_info.csv: no column BitsAllocated"],
    ),
}


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
    data.write()
    # The crops alone are lost: the full images may still serve.
    assert inventory(data.folder)[2]["region"].tolist() == ["crop"] * 8
    for file in (data.folder / "jpeg").glob("*0/*.jpg"):
        file.write_bytes(b"")
    with pytest.raises(
        InputError, match=r"not one of 8 lesions has a usable image: missing_series \(8\)"
    ):
        inventory(data.folder)


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


LAYOUTS = {
    "one folder down": {"csv": "archive/csv", "jpeg": "archive/jpeg"},
    "two folders down": {"csv": "a/archive/csv", "jpeg": "a/archive/jpeg"},
    "each somewhere else": {"csv": "tables/csv", "jpeg": "images/part/jpeg"},
    "tables beside jpeg": {"csv": ".", "jpeg": "jpeg"},
    "tables flat, two folders down": {"csv": "a/b", "jpeg": "a/jpeg"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_dataset_is_found_as_it_was_unzipped(tiny_kaggle, tmp_path, layout):
    _, wanted, _ = inventory(tiny_kaggle.write())
    places = {name: tmp_path / "found" / place for name, place in LAYOUTS[layout].items()}
    shutil.copytree(tiny_kaggle.folder / "jpeg", places["jpeg"])
    shutil.copytree(tiny_kaggle.folder / "csv", places["csv"], dirs_exist_ok=True)
    files, lesions, excluded = inventory(tmp_path / "found")
    assert excluded.empty
    assert set(files["role_from"]) == {"description"}  # dicom_info.csv was found too
    for column in ("crop_file", "mask_file", "full_file"):
        found = lesions[column].str.replace(LAYOUTS[layout]["jpeg"], "jpeg", regex=False)
        assert found.tolist() == wanted[column].tolist()
        assert all((tmp_path / "found" / file).is_file() for file in lesions[column])


def test_links_are_followed_and_are_no_second_copy(tiny_kaggle, tmp_path):
    tiny_kaggle.write()
    found = tmp_path / "found"
    found.mkdir()
    for name in ("csv", "jpeg"):
        (found / name).symlink_to(tiny_kaggle.folder / name)
    (found / "again").symlink_to(tiny_kaggle.folder)
    (found / "loop").symlink_to(found)
    (found / "self").symlink_to("self")
    assert len(inventory(found)[1]) == 16


@pytest.mark.parametrize(
    ("copy", "wanted"),
    [
        (
            "csv/dicom_info.csv",
            [
                "holds more than one dicom_info.csv",
                "/csv/dicom_info.csv, ",
                "/old/csv/dicom_info.csv",
            ],
        ),
        (f"csv/{NAMES[1]}", [f"holds more than one {NAMES[1]}", f"/old/csv/{NAMES[1]}"]),
        ("jpeg", ["holds more than one jpeg", "/old/jpeg"]),
    ],
)
def test_two_copies_are_refused_by_name(tiny_kaggle, copy, wanted):
    source = tiny_kaggle.write() / copy
    (shutil.copytree if source.is_dir() else shutil.copy)(
        source,
        ensured(tiny_kaggle.folder / "old" / copy),
        **({"dirs_exist_ok": True} if source.is_dir() else {}),
    )
    with pytest.raises(InputError) as error:
        inventory(tiny_kaggle.folder)
    for text in wanted:
        assert text in str(error.value)


def ensured(path):
    path.parent.mkdir(parents=True)
    return path


def test_the_tables_are_found_without_going_through_the_images(tmp_path, monkeypatch):
    for number in range(60):
        (tmp_path / f"images/series{number}/deeper").mkdir(parents=True)
        (tmp_path / f"jpeg/{number}").mkdir(parents=True)
    (tmp_path / "images/csv").mkdir()
    (tmp_path / "images/csv" / NAMES[0]).touch()
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    assert find(tmp_path, [NAMES[0], "jpeg"]) == {
        NAMES[0]: [tmp_path / "images/csv" / NAMES[0]],
        "jpeg": [tmp_path / "jpeg"],
    }
    assert sorted(listed) == [str(tmp_path), str(tmp_path / "images"), str(tmp_path / "images/csv")]


def rewritten(path, **options):
    """A table as another program would have saved it."""
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines(keepends=True)))
    encoding = options.pop("encoding", "utf-8")
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, **options).writerows(rows)


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "utf-8-sig"},
        {"lineterminator": "\r\n", "quoting": csv.QUOTE_ALL},
        {"delimiter": ";", "encoding": "utf-8-sig", "lineterminator": "\r\n"},
        {"delimiter": "\t"},
    ],
)
def test_a_table_saved_by_another_program_says_the_same(tiny_kaggle, options):
    wanted = inventory(tiny_kaggle.write())
    for path in (tiny_kaggle.folder / "csv").iterdir():
        rewritten(path, **options)
    found = inventory(tiny_kaggle.folder)
    times = {"modified": 0}
    for frame, other in zip(found, wanted, strict=True):
        assert frame.assign(**times).equals(other.assign(**times))


def test_an_empty_table_is_a_part_that_is_left_out_and_four_are_refused(tiny_kaggle, capsys):
    tiny_kaggle.write()
    for number, name in enumerate(NAMES):
        path = tiny_kaggle.folder / "csv" / name
        path.write_text(path.read_text().splitlines()[0] + "\n")
        if number == 0:
            _, lesions, _ = inventory(tiny_kaggle.folder)
            assert len(lesions) == 12
            assert f"{name} has no rows" in capsys.readouterr().out
    with pytest.raises(InputError, match="the case tables have no rows"):
        inventory(tiny_kaggle.folder)


def test_where_bits_are_all_the_same_pixels_tell(tiny_kaggle):
    truth = {
        row["image_path"].removeprefix("CBIS-DDSM/"): row["SeriesDescription"]
        for row in tiny_kaggle.info
    }
    for row in tiny_kaggle.info:
        row |= {"SeriesDescription": "", "BitsAllocated": "16.0"}
    files, lesions, excluded = inventory(tiny_kaggle.write())
    assert excluded.empty
    assert {truth[file] for file in lesions["crop_file"]} == {"cropped images"}
    assert {truth[file] for file in lesions["mask_file"]} == {"ROI mask images"}
    assert set(files["role_from"]) == {"table", "pixels"}


def test_an_undescribed_file_of_no_lesion_has_no_role(tiny_kaggle):
    tiny_kaggle.write()
    save_image(tiny_kaggle.folder / "jpeg/2.25.777/1-001.jpg", np.zeros((9, 9), np.uint8))
    (tiny_kaggle.folder / "jpeg/2.25.777/._1-001.jpg").write_text("what a Mac adds")
    files, _, excluded = inventory(tiny_kaggle.folder)
    assert files.loc[
        files["file"].str.contains("2.25.777"), ["role", "role_from"]
    ].to_numpy().tolist() == [["", ""]]
    assert excluded.empty


# ---- the DICOM edition


def dicom_inventory(folder):
    dataset = Dataset.default(edition="dicom", path=str(folder))
    files, lesions, excluded, _ = take_inventory(dataset, workers=1)
    return files, lesions, excluded


FILES = ["crop_file", "mask_file", "full_file"]


@pytest.mark.parametrize("layout", ["tcia", "idc"])
@pytest.mark.parametrize("told_by", ["description", "bits", "pixels"])
def test_dicom_files_are_joined_by_their_headers_in_any_layout(
    tiny_kaggle, tmp_path, layout, told_by
):
    _, wanted, _ = inventory(tiny_kaggle.write())
    for entry in tiny_kaggle.info:
        if told_by != "description":
            entry["SeriesDescription"] = ""
        if told_by == "pixels":
            entry["BitsAllocated"] = 8
    files, lesions, excluded = dicom_inventory(
        write_edition(tiny_kaggle, tmp_path / "dicom", layout)
    )
    assert excluded.empty
    assert len(files) == 48
    assert lesions.drop(columns=FILES).equals(wanted.drop(columns=FILES))
    # File names differ between the editions, pictures do not.
    for column in FILES:
        for file, jpeg in zip(lesions[column], wanted[column], strict=True):
            pair = [
                decode(path, 16).ravel()
                for path in (tmp_path / "dicom" / file, tiny_kaggle.folder / jpeg)
            ]
            assert np.corrcoef(pair)[0, 1] > 0.99
    assert set(files["role_from"]) == {told_by} | ({"table"} if told_by != "description" else set())
    assert any(
        ".dcm/" in file for file in files["file"]
    )  # folders called as DICOM's malformed PatientIDs


def test_folders_and_names_play_no_part(tiny_kaggle, tmp_path):
    """Every file in one folder, without ending, under an odd name."""
    folder = write_edition(tiny_kaggle, tmp_path / "dicom", "idc", PixelSpacing=[0.05, 0.05])
    names = [
        "it's",
        'a "b"',
        "été ☃",
        "line\nbreak",
        " space ",
        "a,b;c",
        "car\rriage",
        "1.2.840.99",
        "{brace}",
        "%s",
    ]
    (tmp_path / "flat").mkdir()
    for number, path in enumerate(sorted(folder.rglob("*.dcm"))):
        if path.is_file():
            path.rename(tmp_path / "flat" / f"{names[number % len(names)]}{number}")
    shutil.rmtree(folder / "cbis_ddsm")
    (tmp_path / "flat").rename(folder / "all of them")
    (folder / "LICENSE").write_text("CC BY 3.0")
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    files, lesions, excluded = dicom_inventory(folder)
    assert excluded.empty
    assert (len(files), len(lesions)) == (48, 16)
    assert set(files["spacing_mm"]) == {0.05}
    write_table(files, tmp_path / "files.csv", "files")
    write_table(lesions, tmp_path / "lesions.csv", "lesions")
    again = read_table(tmp_path / "lesions.csv", "lesions")
    assert again[FILES].equals(lesions[FILES])
    assert all((folder / file).is_file() for column in FILES for file in again[column])
    assert read_table(tmp_path / "files.csv", "files")["file"].tolist() == files["file"].tolist()


def spoil_dicom(kind, path):
    """Put a problem into a DICOM crop."""
    image = pydicom.dcmread(path)
    if kind == "no_pixels":
        del image.PixelData
    elif kind == "multi_frame":
        image.NumberOfFrames, image.PixelData = 2, image.PixelData * 2
    elif kind == "colour":
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration = (
            3,
            "RGB",
            0,
        )
        image.PixelData = image.PixelData * 3
    elif kind == "bad_transfer_syntax":
        image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        image.PixelData = encapsulate([b"a film"])
        image["PixelData"].is_undefined_length = True
    elif kind == "too_large":
        image.Rows = image.Columns = 60000
    image.save_as(path)
    if kind == "bad_name":
        path.rename(path.parent / os.fsdecode(b"caf\xe9.dcm"))


@pytest.mark.parametrize(
    "kind", ["no_pixels", "multi_frame", "colour", "bad_transfer_syntax", "too_large", "bad_name"]
)
def test_a_dicom_crop_that_cannot_be_shown_is_listed_and_its_full_image_stays(
    tiny_kaggle, tmp_path, kind
):
    folder = write_edition(tiny_kaggle, tmp_path / "dicom", "tcia")
    crops = [
        path for path in sorted(folder.rglob("*-1.dcm")) if read_header(path)["described"] == "crop"
    ]
    spoil_dicom(kind, crops[0])
    files, lesions, excluded = dicom_inventory(folder)
    assert excluded[["reason", "region"]].to_numpy().tolist() == [[kind, "crop"]]
    lesion = lesions.set_index("image_id").loc[excluded["image_id"][0]]
    assert lesion["full_file"] in set(files.loc[files["problem"] == "", "file"])
    write_table(files, tmp_path / "files.csv", "files")
    write_table(excluded, tmp_path / "excluded.csv", "excluded")
    assert len(left_in(lesions, excluded)) == 15


@pytest.mark.parametrize("layout", ["tcia", "idc"])
def test_two_downloads_of_a_series_are_told_and_not_mixed(tiny_kaggle, tmp_path, layout):
    folder = write_edition(tiny_kaggle, tmp_path / "dicom", layout)
    shutil.copytree(folder / {"tcia": "CBIS-DDSM", "idc": "cbis_ddsm"}[layout], folder / "again")
    with pytest.raises(
        InputError, match=r"not one of 16 lesions has a usable image: ambiguous_crop \(16\)"
    ):
        dicom_inventory(folder)


def test_a_folder_without_dicom_is_refused(tiny_kaggle):
    with pytest.raises(InputError, match=r"holds no DICOM file, neither one that ends in \.dcm"):
        dicom_inventory(tiny_kaggle.write())


def test_the_summary_counts_what_is_there(tiny_kaggle):
    spoil("missing_series", tiny_kaggle)
    found = inventory(tiny_kaggle.write())
    lesions, excluded, spellings = in_one_spelling(*found[1:])
    tables = found[0], lesions, excluded, label_conflicts(lesions)
    text = summarize("kaggle", *tables, fingerprint(found[0], {}), spellings)
    assert "46 files; 16 lesions in a view of 8 patients, 15 with a usable ROI crop." in text
    assert "| missing_series | 1 |" in text
    assert "| crop | description |  | 15 |" in text


def test_views_of_one_lesion_that_disagree_are_listed_and_stay(tiny_kaggle):
    tiny_kaggle.tables[NAMES[0]][1]["pathology"] = "BENIGN"
    _, lesions, excluded = inventory(tiny_kaggle.write())
    conflicts = label_conflicts(lesions)
    assert conflicts[["lesion_id", "patient_id", "views"]].to_numpy().tolist() == [
        [
            "mass_P_00000_LEFT_1",
            "P_00000",
            "mass_P_00000_LEFT_CC_1 MALIGNANT; mass_P_00000_LEFT_MLO_1 BENIGN",
        ]
    ]
    assert excluded.empty


def test_the_fingerprint_changes_with_a_name_a_size_and_a_table_and_with_nothing_else():
    files = pd.DataFrame({"file": ["a", "b"], "bytes": [1, 2], "role": ["crop", "mask"]})
    print_of = lambda files, tables: fingerprint(files, tables)["fingerprint"]  # noqa: E731
    first = print_of(files, {"t.csv": b"x", "u.csv": b"y"})
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert print_of(files.iloc[::-1].assign(role="full"), {"u.csv": b"y", "t.csv": b"x"}) == first
    for changed in (files.assign(bytes=[1, 3]), files.assign(file=["a", "c"]), files.head(1)):
        assert print_of(changed, {"t.csv": b"x", "u.csv": b"y"}) != first
    assert print_of(files, {"t.csv": b"y", "u.csv": b"x"}) != first

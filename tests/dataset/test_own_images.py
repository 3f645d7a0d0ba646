"""One's own images: named in a table, or sorted into folders."""

import os
import re
import sys

import numpy as np
import pandas as pd
import pytest

from helpers.datasets import save_image, write_csv
from helpers.dicom_files import write_dicom
from helpers.project import ROOT
from mammo.dataset.decoding import decode_images
from mammo.dataset.inventory import take_inventory
from mammo.dataset.readers.folders import patient_in
from mammo.dataset.regions import list_images
from mammo.dataset.settings import Dataset, Image
from mammo.log import InputError
from mammo.tables import left_in


def own(folder, rows=None, table="lesions.csv"):
    if rows is not None:
        write_csv(folder / table, rows)
    dataset = Dataset.default(edition="table", path=str(folder), table=table)
    return take_inventory(dataset, 1)[:3]


def rows_of(folder):
    return pd.read_csv(folder / "lesions.csv", dtype=str).to_dict("records")


def test_own_images_of_any_format(own_images):
    files, lesions, excluded = own(own_images)
    assert (len(files), len(lesions), len(excluded)) == (40, 40, 0)
    assert set(files["width"]) == {80}
    assert lesions["lesion_id"].tolist() == lesions["image_id"].tolist()


def test_what_else_a_table_knows_is_read_in_one_spelling_and_the_rest_are_subgroups(own_images):
    extra = {
        "Lesion": "1",
        "partition": "Train",
        "laterality": "L",
        "view": "mlo",
        "kind": "calc",
        "density": "C",
        "assessment": "4.0",
        "subtlety": "",
        "pathology": "biopsied",
        "scanner": 'A, "the old one"',
        "age group": "50-59",
    }
    _, lesions, _ = own(own_images, [row | extra for row in rows_of(own_images)])
    first = lesions.iloc[0]
    wanted = {
        "lesion_id": "patient 000_left_1",
        "official_partition": "training",
        "laterality": "left",
        "view": "MLO",
        "kind": "calcification",
        "breast_density": "3",
        "assessment": "4",
        "subtlety": "",
        "pathology": "biopsied",
        "scanner": 'A, "the old one"',
        "age_group": "50-59",
    }
    assert {key: first[key] for key in wanted} == wanted


def test_blank_lines_count_as_a_spreadsheet_counts_them_and_trailing_separators_do_not(own_images):
    lines = (own_images / "lesions.csv").read_text().splitlines()
    lines = [line + ",," for line in lines]
    (own_images / "odd.csv").write_text("\n".join(["", lines[0], "", ",,,,", *lines[1:], ""]))
    _, lesions, _ = own(own_images, table="odd.csv")
    assert lesions["source"].iloc[0] == "odd.csv row 4"
    assert len(lesions) == 40
    assert "" not in lesions.columns
    (own_images / "odd.csv").write_text(
        "\n".join([lines[0], "", lines[1].replace("benign", "bening")])
    )
    with pytest.raises(InputError, match="row 3, label: 'bening'"):
        own(own_images, table="odd.csv")
    (own_images / "odd.csv").write_text("\n".join([lines[0], lines[1] + "7"]))
    with pytest.raises(InputError, match="column 5 holds values and has no name"):
        own(own_images, table="odd.csv")


def test_a_table_may_lie_beside_the_images(own_images, tmp_path):
    (own_images / "lesions.csv").rename(tmp_path / "list.csv")
    _, lesions, _ = own(own_images, table=str(tmp_path / "list.csv"))
    assert len(lesions) == 40


def test_masks_and_full_images_are_read_and_one_that_is_absent_costs_no_crop(own_images):
    save_image(own_images / "full.png", np.arange(30_000, dtype=np.uint8).reshape(200, 150))
    rows = [
        row | {"full": "full.png", "mask": "gone.png" if n else ""}
        for n, row in enumerate(rows_of(own_images))
    ]
    files, lesions, excluded = own(own_images, rows)
    assert excluded.empty
    assert files["role"].value_counts().to_dict() == {"crop": 40, "full": 1}
    assert set(lesions["full_file"]) == {"full.png"}
    assert "gone.png" not in set(files["file"])
    with pytest.raises(
        InputError, match=r"outside\.csv, column mask: outside\.csv row 2: \.\./x\.png"
    ):
        own(own_images, [row | {"mask": "../x.png"} for row in rows], "outside.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_as_spreadsheets_write_them(own_images, separator, end, mark):
    rows = rows_of(own_images)
    lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
    (own_images / "lesions.csv").write_bytes((mark + end.join(lines) + end).encode())
    _, lesions, excluded = own(own_images)
    assert (len(lesions), len(excluded)) == (40, 0)
    assert lesions["patient_id"].iloc[0] == "patient 000"


NAMES = [
    "with space.png",
    "quo\"te's.png",
    "grün-乳房.png",
    "two\nlines.png",
    "semi;colon,comma.png",
]


def test_strange_names_are_names(own_images):
    rows = rows_of(own_images)
    for row, name in zip(rows, NAMES, strict=False):
        (own_images / row["file"]).rename(own_images / name)
        row["file"] = name
    files, lesions, excluded = own(own_images, rows)
    assert excluded.empty
    assert lesions["image_id"].tolist()[: len(NAMES)] == NAMES
    assert files["problem"].eq("").all()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("images/gone.png", "missing_file"),
        ("x" * 300, "unreadable"),
        ("loop.png", "unreadable"),
        ("images", "unreadable"),
        ("../secret.png", "outside_dataset"),
        ("images/../../secret.png", "outside_dataset"),
        ("/etc/hostname", "outside_dataset"),
    ],
)
def test_a_file_that_is_absent_or_outside_is_listed(own_images, file, reason):
    save_image(own_images.parent / "secret.png", np.zeros((9, 9), np.uint8))
    (own_images / "loop.png").symlink_to("loop.png")
    files, lesions, excluded = own(
        own_images, [*rows_of(own_images), {"file": file, "label": "benign", "patient": "x"}]
    )
    assert excluded[["image_id", "reason", "region"]].to_numpy().tolist() == [
        [file, reason, "crop"]
    ]
    assert (file in set(files["file"])) == (reason == "unreadable")
    assert len(left_in(lesions, excluded)) == 40


def test_broken_files_and_repeated_rows_are_listed(own_images):
    (own_images / "images/000.png").write_bytes(b"")
    (own_images / "images/001.pgm").write_text("hello")
    rows = rows_of(own_images)
    _, lesions, excluded = own(
        own_images, [*rows, rows[5], rows[6] | {"file": "./" + rows[6]["file"]}]
    )
    assert sorted(excluded["reason"]) == [
        "duplicate_row",
        "duplicate_row",
        "empty_file",
        "not_an_image",
    ]
    assert excluded.loc[excluded["reason"] == "duplicate_row", "image_id"].tolist() == ["", ""]
    assert len(lesions) == 40
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
            lambda rows: [row | {"laterality": "both", "density": "9"} for row in rows[:1]],
            [
                "2 value(s)",
                "row 2, laterality: 'both' (allowed: left, l, right, r)",
                "density: '9'",
            ],
        ),
        (
            lambda rows: [*rows, rows[0] | {"label": "malignant"}],
            [
                "lesions.csv row 2 and lesions.csv row 42 (images/000.png)",
                "another label or patient",
            ],
        ),
        (lambda rows: [*rows, rows[0] | {"patient": "x"}], ["another label or patient"]),
        (
            lambda rows: [row | {"image_id": "7"} for row in rows],
            ["a column is named image_id", "Rename it"],
        ),
        (
            lambda rows: [row | {"source": "7"} for row in rows],
            ["a column is named source", "Rename it"],
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


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("file,label,patient\n", "holds no rows"),
        ("", "is empty: it needs a first line with the columns file, label, patient"),
        (
            "file,label,patient, label\na.png,malignant,1,benign\n",
            "the column label stands there twice",
        ),
        ("file,label,patient\na.png,benign,1,2,3\n", "is not a CSV"),
        (
            "file,label,patient,View,view\na.png,benign,1,CC,MLO\n",
            "the column view stands there twice",
        ),
        ("file,label,patient\na.png,benign,\n", "row 2, patient: empty"),
    ],
)
def test_a_table_that_is_none_is_refused(own_images, text, wanted):
    (own_images / "odd.csv").write_text(text)
    with pytest.raises(InputError, match=r"odd\.csv") as error:
        own(own_images, table="odd.csv")
    assert wanted in str(error.value)


def test_a_table_that_is_absent_is_named_with_those_that_are_there(own_images):
    with pytest.raises(InputError, match=r"CSV files in .*: lesions.csv\. Name one"):
        own(own_images, table="lesion.csv")


@pytest.fixture
def sorted_images(tmp_path):
    """Twelve patients' images in benign/ and malignant/, one of them a folder further down."""
    rng = np.random.default_rng(0)
    for number in range(12):
        for view in ("CC", "MLO"):
            ending, dtype = [("png", np.uint8), ("tif", np.uint16)][number % 2]
            folder = (
                tmp_path
                / "sorted"
                / ["benign", "malignant"][number // 2 % 2]
                / ("more" if number == 3 else "")
            )
            save_image(
                folder / f"P{number:02}_{view}.{ending}", rng.integers(0, 255, (60, 50), dtype)
            )
    return tmp_path / "sorted"


def from_folders(folder, patient="([^/]+)_"):
    dataset = Dataset.default(edition="folder", path=str(folder), patient=patient)
    return take_inventory(dataset, 1)[:3]


@pytest.mark.parametrize("patient", ["([^/]+)_", "(?P<patient>P[0-9]+)_(CC|MLO)", "P[0-9]+"])
def test_folders_tell_the_label_and_an_expression_the_patient(sorted_images, patient):
    files, lesions, excluded = from_folders(sorted_images, patient)
    assert (len(files), len(excluded)) == (24, 0)
    assert sorted(set(lesions["patient_id"])) == [f"P{number:02}" for number in range(12)]
    assert lesions.set_index("image_id")["label"]["malignant/more/P03_CC.tif"] == "malignant"
    assert lesions["label"].value_counts().to_dict() == {"benign": 12, "malignant": 12}


def test_a_file_in_which_no_patient_is_found_is_refused(sorted_images):
    save_image(sorted_images / "benign/nobody.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match=r"finds no patient in 1 file\(s\): benign/nobody.png"):
        from_folders(sorted_images)
    with pytest.raises(InputError, match="finds no patient in 25 file"):
        from_folders(sorted_images, "^()")


def test_a_group_that_finds_nothing_is_no_patient(sorted_images):
    save_image(sorted_images / "benign/left_scan.png", np.zeros((9, 9), np.uint8))
    expression = "(?P<patient>P[0-9]+)|(left)"
    with pytest.raises(InputError, match=r"finds no patient in 1 file.*left_scan"):
        from_folders(sorted_images, expression)


def test_the_expression_of_the_readme_keeps_a_patients_views_together(tmp_path):
    text = (ROOT / "README.md").read_text()
    expression = re.search(r"--configfile config/folder.yaml .*patient: '([^']+)'", text)[1]
    for name in ("P001_left_CC.png", "more/P001_right_MLO.png"):
        assert patient_in(name, expression) == "P001"


def test_a_label_is_no_part_of_a_patient(sorted_images):
    """The same patient in both folders stays one, however greedy the expression."""
    save_image(sorted_images / "malignant/P00_ML.png", np.eye(60, dtype=np.uint8))
    _, lesions, _ = from_folders(sorted_images, "(.+)_")
    assert lesions.loc[lesions["patient_id"] == "P00", "label"].nunique() == 2


def test_what_is_no_image_is_listed_and_links_that_loop_end(sorted_images):
    (sorted_images / "benign/notes.txt").write_text("see below")
    (sorted_images / "benign/.DS_Store").write_text("hidden")
    (sorted_images / "benign/again").symlink_to(sorted_images / "benign", target_is_directory=True)
    (sorted_images / "benign/P99_loop.png").symlink_to("P99_loop.png")
    (sorted_images / "benign/P98_cut.png").write_bytes(b"")
    files, lesions, excluded = from_folders(sorted_images)
    assert excluded[["reason", "detail"]].sort_values("detail").to_numpy().tolist() == [
        ["empty_file", "benign/P98_cut.png"],
        ["unreadable", "benign/P99_loop.png"],
        ["not_an_image", "benign/notes.txt"],
    ]
    assert len(left_in(lesions, excluded)) == 24
    assert "benign/notes.txt" in set(files["file"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file has no name that is no text")
def test_a_name_that_is_no_text_is_listed(sorted_images):
    strange = os.fsencode(sorted_images / "benign") + b"/P97\xff_.png"
    os.rename(sorted_images / "benign/P00_CC.png", strange)
    files, lesions, excluded = from_folders(sorted_images)
    assert excluded["reason"].tolist() == ["bad_name"]
    assert len(left_in(lesions, excluded)) == 23
    assert files["file"].str.encode("utf-8").notna().all()


def test_a_missing_class_is_named(sorted_images):
    (sorted_images / "malignant").rename(sorted_images / "Malign")
    with pytest.raises(InputError, match="has no folder malignant; it holds: Malign, benign"):
        from_folders(sorted_images)


def test_dicom_images_of_ones_own_tell_their_spacing_and_margins_in_millimetres_follow_it(tmp_path):
    """A lesion of 20 x 20 pixels of 0.2 mm, with 4 mm around it.

    That is 60 pixels of the whole image, a third of them the lesion's.
    """
    full, mask = np.full((300, 200), 40, np.uint16), np.zeros((300, 200), np.uint8)
    full[140:160, 90:110], mask[140:160, 90:110] = 4000, 255
    folder, rows = tmp_path / "own", []
    for number, spacing in enumerate(["0.2", None]):
        extra = {"PixelSpacing": [spacing, spacing]} if spacing else {}
        write_dicom(folder / f"full{number}.dcm", full, "JPEG 2000 lossless", **extra)
        write_dicom(folder / f"mask{number}.dcm", mask)
        write_dicom(folder / f"crop{number}.dcm", full[130:170, 80:120], "RLE")
        rows.append(
            {
                "file": f"crop{number}.dcm",
                "full": f"full{number}.dcm",
                "mask": f"mask{number}.dcm",
                "label": "benign",
                "patient": str(number),
            }
        )
    files, lesions, excluded = own(folder, rows)
    assert excluded.empty
    assert files.set_index("file")["spacing_mm"].dropna().to_dict() == {"full0.dcm": 0.2}
    for name in ("mask_file", "full_file"):
        lesions[name] = lesions[name].astype(str)
    settings = Image.default(region="context", margin=4, margin_unit="mm", size=60)
    images, left_out = list_images(lesions, files, excluded, settings)
    assert left_out[["image_id", "reason"]].to_numpy().tolist() == [["crop1.dcm", "no_spacing"]]
    assert decode_images(folder, images, settings, 1, folder / "pixels.npy") == [None]
    out = np.load(folder / "pixels.npy")
    wanted = np.zeros((60, 60))
    wanted[20:40, 20:40] = 255
    assert np.array_equal(out[0], wanted)

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
from mammo.dataset.inventory import (
    fingerprint,
    in_one_spelling,
    label_conflicts,
    take_inventory,
)
from mammo.dataset.readers.folders import patient_in
from mammo.dataset.regions import list_images
from mammo.dataset.settings import Dataset, Image
from mammo.dataset.summary import summarize
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
                "column label: row 2 and row 42 ('benign' and 'malignant', of 'images/000.png')",
                "or distinguish two findings on one image by the column lesion or mask",
            ],
        ),
        (
            lambda rows: [*rows, rows[0] | {"patient": "x"}],
            ["contradict each other in the column patient: row 2 and row 42"],
        ),
        (
            lambda rows: [
                row | {"partition": part} for row in rows[:2] for part in ("test", "training")
            ],
            ["in the column partition: row 2 and row 3 ('test' and 'training'", "row 4 and row 5"],
        ),
        (
            lambda rows: [
                row | {"lesion": "1", "mask": mask, "label": label}
                for row in rows[:1]
                for mask, label in [("a.png", "benign"), ("b.png", "malignant")]
            ],
            ["column label: row 2 and row 3"],
        ),
        (
            lambda rows: [row | {"patient": "nan"} for row in rows[:2]],
            ["row 2, patient: 'nan' is a missing value, row 3"],
        ),
        (lambda rows: [rows[0] | {"patient": "\u200b"}], ["row 2, patient: empty"]),
        (lambda rows: [rows[0] | {"file": "N/A"}], ["row 2, file: 'N/A' is a missing value"]),
        (
            lambda rows: [rows[0] | {"laterality": "x" * 200_000}],
            ["… (200000 characters) (allowed: left"],
        ),
        (
            lambda rows: [
                row | dict.fromkeys(("all", "image", "image_size", "crop_size"), "a")
                for row in rows
            ],
            ["a column is named all, image, image_size, crop_size", "Rename it"],
        ),
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
    assert len(str(error.value)) < 2000


MISSING = ["NA", "N/A", "nan", "NaN", "None", "NULL", "null", "<NA>", "", " "]


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_value_is_missing_however_it_is_written(own_images, missing):
    columns = ["lesion", "view", "full", "mask", "laterality", "density", "partition", "scanner"]
    rows = [row | dict.fromkeys(columns, missing) for row in rows_of(own_images)]
    _, lesions, excluded = own(own_images, rows)
    assert excluded.empty
    assert lesions["lesion_id"].tolist() == lesions["image_id"].tolist()
    empty = ["view", "full_file", "mask_file", "laterality", "breast_density", "official_partition"]
    assert set(lesions[empty].to_numpy().ravel()) == {""}
    # In a column of one's own, None may be an answer.
    assert set(lesions["scanner"]) == {missing if missing == "None" else ""}


def test_whole_numbers_are_the_same_with_and_without_a_point_and_zero(own_images):
    rows = rows_of(own_images)[:4]
    given = {"lesion": ["1", "1.0"], "density": ["3", "3.0"], "subtlety": ["4", "4.00"]}
    given |= {"age": ["50", "50.0"], "version": ["1.0", "2.0"]}
    for number, row in enumerate(rows):
        row["patient"] = ["7", "7.0"][number % 2]
        row["label"] = "benign"
        row |= {column: values[number % 2] for column, values in given.items()}
    _, lesions, _ = own(own_images, rows)
    assert set(lesions["lesion_id"]) == {"7__1"}
    for column, value in {"breast_density": "3", "subtlety": "4", "age": "50"}.items():
        assert set(lesions[column]) == {value}
    assert lesions["version"].tolist() == ["1.0", "2.0"] * 2  # there, one spelling is used


def with_findings(folder, **second):
    """Rows of ten whole images with two findings each; `second` is what differs in the second."""
    full = np.arange(30_000, dtype=np.uint8).reshape(200, 150)
    rows = []
    for row in rows_of(folder)[:10]:
        save_image(folder / row["file"], full)
        for number in (1, 2):
            mask = np.zeros((200, 150), np.uint8)
            mask[20 * number : 20 * number + 15, 30:60] = 255
            name = f"{row['file']}_{number}.png"
            save_image(folder / name, mask)
            finding = {"full": row["file"], "mask": name}
            rows.append(row | finding | (second if number == 2 else {}))
    return rows


def shown(found, **settings):
    """(images, excluded) of a region, from what an inventory found."""
    files, lesions, excluded = found
    lesions = lesions.astype(object).where(lesions.notna(), "").astype(str)
    return list_images(lesions, files, excluded.astype(str), Image.default(**settings))


def test_a_row_per_finding_is_a_lesion_of_its_own_in_every_region(own_images):
    found = own(own_images, with_findings(own_images))
    lesions, excluded = found[1:]
    assert excluded.empty
    assert lesions["image_id"].tolist()[:3] == [
        "images/000.png#1",
        "images/000.png#2",
        "images/001.pgm#1",
    ]
    assert lesions["lesion_id"].is_unique
    for region, number in {"crop": 20, "context": 20, "full": 10}.items():
        images, lost = shown(found, region=region)
        assert (len(images), images["image_id"].nunique(), len(lost)) == (number, number, 0)
    assert images["image_id"].tolist() == images["file"].tolist()
    assert images["lesion_id"].iloc[0] == "images/000.png#1;images/000.png#2"


def test_findings_are_called_by_their_lesion_where_each_has_one(own_images):
    rows = with_findings(own_images, lesion="upper")
    _, lesions, _ = own(own_images, [{"lesion": "lower"} | row for row in rows])
    assert lesions["image_id"].tolist()[:2] == ["images/000.png#lower", "images/000.png#upper"]
    assert lesions["lesion_id"].tolist()[:2] == ["patient 000__lower", "patient 000__upper"]


@pytest.mark.parametrize(("region", "images"), [("crop", 20), ("full", 10)])
def test_an_image_with_findings_of_both_classes_is_mixed(own_images, region, images):
    rows = with_findings(own_images)
    for row in rows[1::2]:
        row["label"] = {"benign": "malignant", "malignant": "benign"}[row["label"]]
    found = own(own_images, rows)
    assert found[1]["label"].value_counts().to_dict() == {"benign": 10, "malignant": 10}
    listed, lost = shown(found, region=region)
    assert (len(listed), set(listed["label"]), len(lost)) == (images, {"malignant"}, 0)
    rows[1]["label"] = rows[0]["label"]  # this image is not mixed
    found = own(own_images, rows)
    listed, lost = shown(found, region=region, mixed="leave_out")
    assert set(listed["file"]) == {"images/000.png"}
    assert set(lost["reason"]) == {"mixed_classes"}
    listed, _ = shown(found, region="context", mixed="leave_out")
    assert len(listed) == 20  # there, each finding has a part of the image of its own


def test_a_row_repeats_another_only_if_all_columns_agree(own_images):
    rows = [row | {"reader": "A"} for row in rows_of(own_images)]
    repeats = [rows[3] | {"label": rows[3]["label"].upper()}, rows[4] | {"reader": "B"}]
    _, lesions, excluded = own(own_images, [*rows, *repeats])
    assert excluded["detail"].tolist() == [
        f"lesions.csv row 42 repeats lesions.csv row 5, {rows[3]['file']}"
    ]
    assert lesions["image_id"].tolist()[-1] == f"{rows[4]['file']}#2"
    assert len(lesions) == 41


def test_a_file_that_is_called_as_a_finding_would_be_keeps_its_name(own_images):
    rows = [row | {"view": "MLO"} for row in rows_of(own_images)]
    (own_images / rows[1]["file"]).rename(own_images / "images/000.png#1")
    rows[1]["file"] = "images/000.png#1"
    _, lesions, _ = own(own_images, [*rows, rows[0] | {"view": "CC"}])
    assert lesions["image_id"].is_unique
    assert "images/000.png#1" in set(lesions["image_id"])


@pytest.mark.parametrize("column", ["file", "mask", "full"])
def test_a_file_that_is_called_otherwise_is_named(own_images, column):
    rows = [row | {"mask": row["file"], "full": row["file"]} for row in rows_of(own_images)]
    rows[2][column] = ".\\" + rows[2][column].replace("/", "\\").upper()
    with pytest.raises(InputError, match=f"column {column}: 1 file.*row 4: .* would be images/002"):
        own(own_images, rows)


def test_a_table_may_decide_who_is_validation(own_images):
    parts = ["train", "Validation", "val", "test"]
    rows = [row | {"partition": parts[n % 4]} for n, row in enumerate(rows_of(own_images))]
    _, lesions, _ = own(own_images, rows)
    wanted = ["training", "validation", "validation", "test"]
    assert lesions["official_partition"].tolist()[:4] == wanted


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"sep=;\nfile;label;patient\na.png;benign;1\n", "line 1: 'sep=;'"),
        (b'\xef\xbb\xbf"sep=,"\nfile,label,patient\n', "line 1: '\"sep=,\"'"),
        (b"# made in 2019\nfile,label,patient\na.png,benign,1\n", "line 1: '# made in 2019'"),
        (b"\n# a, b, c\nfile,label,patient\na.png,benign,1\n", "line 2: '# a, b, c'"),
        (b"file,label,patient\na.png,benign,1\n# the end\n", "line 3: '# the end'"),
        (b"file,label,patient\n// a,b\na.png,benign,1\n", "line 2: '// a'"),
        ("file,label,patient\na.png,benign,1\n".encode("utf-16"), "text in UTF-16"),
        ("file,label,patient\na.png,benign,1\n".encode("utf-16-le"), "text in UTF-16, or no text"),
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an Excel workbook"),
        (b"\x1f\x8brest", "compressed with gzip"),
        (b"<html><table>", "HTML or XML"),
        ("file,label,patient\nä.png,benign,1\n".encode("latin-1"), "is not a CSV in UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused_by_name(own_images, content, wanted):
    (own_images / "odd.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"odd\.csv") as error:
        own(own_images, table="odd.csv")
    assert wanted in str(error.value)


def test_a_file_whose_name_begins_like_a_comment_is_a_file(own_images):
    rows = rows_of(own_images)
    (own_images / rows[0]["file"]).rename(own_images / "#1.png")
    rows[0]["file"] = "#1.png"
    assert own(own_images, rows)[2].empty


def summary_of(edition, found):
    """The text of summary.md."""
    files, lesions, excluded = found
    lesions, excluded, spellings = in_one_spelling(lesions, excluded)
    conflicts = label_conflicts(lesions)
    record = fingerprint(files, {})
    return summarize(edition, files, lesions, excluded, conflicts, record, spellings)


def test_nothing_that_a_table_holds_is_markup_in_the_summary(own_images):
    rows = rows_of(own_images)
    names = ["<img src=x onerror=alert(1)>.png", "a`b|[c](d)*.png", "\\x.png"]
    for row, name in zip(rows, names, strict=False):
        (own_images / row["file"]).rename(own_images / name)
        row |= {"file": name, "patient": "<script>alert(1)</script>", "pathology": "<b>|x"}
    text = summary_of("table", own(own_images, rows))
    assert not re.search(r"<\w|(?<!\\)`b|(?<!\\)\[c\]\(", text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "| &lt;b&gt;\\|x |" in text


def test_the_summary_lists_spellings_and_counts_findings(own_images):
    rows = with_findings(own_images)
    for number, row in enumerate(rows):
        row["patient"] = ["7", "7.0", "P 8", "P  8"][number // 2 % 4]
    text = summary_of("table", own(own_images, rows))
    assert "| '7' | '7.0' | 6 |" in text
    assert "| 'P 8' | 'P␣␣8' | 4 |" in text
    assert "10 images are named in several rows, a row for each finding: 20 rows." in text


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


def test_what_an_expression_finds_is_counted_and_doubted(sorted_images):
    sound = summary_of("folder", from_folders(sorted_images))
    assert "| 12 | 0 | 0 | 2 | 24 |" in sound
    assert "**" not in sound
    every = summary_of("folder", from_folders(sorted_images, ".+"))
    assert "**Every image is a patient of its own.**" in every
    views = summary_of("folder", from_folders(sorted_images, "_(CC|MLO)"))
    assert "**2 of 2 patients have images of both classes.**" in views
    save_image(sorted_images / "benign/P00_ML.png", np.zeros((9, 9), np.uint8))
    one = summary_of("folder", from_folders(sorted_images, "CC|M(?=L)"))
    assert "**`M` has 13 of 25 images.**" in one


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

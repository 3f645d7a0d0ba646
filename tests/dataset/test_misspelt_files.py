"""Files that a table names otherwise than they are called."""

import pandas as pd
import pytest

from mammo.dataset.readers.misspelt_files import FileNames, refuse_misspelt
from mammo.log import InputError


@pytest.fixture
def folder(tmp_path):
    """A dataset's folder, own/, with some files."""
    for name in ["a.png", "images/b.PNG", "images/c.dcm", "images/1.2.3", "x/d.png", "y/d.png"]:
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "own"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("A.PNG", "a.png"),
        (".\\a.png", "a.png"),
        ("images\\b.png", "images/b.PNG"),
        ("Images/B.png", "images/b.PNG"),
        ("images/b", "images/b.PNG"),
        ("images/c.png", "images/c.dcm"),
        ("own/images/b.PNG", "images/b.PNG"),
        ("..\\own\\a.png", "a.png"),
        ("C:\\data\\own\\images\\c.dcm", "images/c.dcm"),
        ("/elsewhere/own/a.png", "a.png"),
    ],
)
def test_a_name_is_traced_to_the_file_that_it_means(folder, name, file):
    assert FileNames(folder).meant(name) == [file]


@pytest.mark.parametrize("name", ["b.png", "other/a.png", "images/1.2.4", "e.png", "..", "/", "."])
def test_what_means_no_file_is_only_missing(folder, name):
    assert FileNames(folder).meant(name) == []


def test_a_folder_missing_in_front_is_told_where_no_file_was_found(folder):
    names, rows = pd.Series(["b.PNG", "d.png"]), pd.Series(["t.csv row 2", "t.csv row 3"])
    refuse_misspelt(folder, "t.csv, column file", names, rows, nothing_found=False)
    with pytest.raises(InputError) as error:
        refuse_misspelt(folder, "t.csv, column file", names, rows, nothing_found=True)
    assert "t.csv, column file: 2 file(s) are called otherwise" in str(error.value)
    assert "t.csv row 2: 'b.PNG' would be images/b.PNG" in str(error.value)
    assert "t.csv row 3: 'd.png' would be x/d.png or y/d.png" in str(error.value)

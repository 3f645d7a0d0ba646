"""Headers of a dataset's files: what is wrong is reported, what is known is not read again."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from helpers.datasets import save_image
from helpers.dicom_files import write_dicom
from mammo.dataset import headers
from mammo.dataset.headers import HEADER, printable, read_header, read_known, scan, walk
from mammo.log import InputError
from mammo.tables import write_table


def picture(path, height=20):
    save_image(path, np.zeros((height, 30), np.uint8))
    return path


@pytest.mark.parametrize("ending", ["jpg", "png", "pgm", "dcm"])
@pytest.mark.parametrize(
    ("data", "problem"), [(b"", "empty_file"), (b"<html>not found</html>" * 20, "not_an_image")]
)
def test_a_header_tells_what_is_wrong(tmp_path, ending, data, problem):
    (tmp_path / f"x.{ending}").write_bytes(data)
    header = read_header(tmp_path / f"x.{ending}")
    assert set(header) == set(HEADER)
    assert (header["problem"], header["width"], header["bytes"]) == (problem, None, len(data))


def test_what_cannot_be_opened_is_told_and_ends_nothing(tmp_path):
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")  # to open it would mean to wait for ever
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "png")
    (tmp_path / "bomb.png").write_bytes(stream.getvalue())
    long = "long" * 100
    wanted = {
        "nowhere.png": "missing_file",
        "dangling.png": "missing_file",
        "loop.png": "unreadable",
        "folder.png": "unreadable",
        "pipe.png": "unreadable",
        long: "unreadable",
        "nul\0.png": "unreadable",
        "bomb.png": "too_large",
    }
    found = scan(tmp_path, wanted, 1, {})
    assert {file: header["problem"] for file, header in found.items()} == wanted


def test_headers_come_in_order_whatever_the_number_of_processes(tmp_path):
    files = [f"{number:03}.png" for number in range(600)]  # more than are worth no process
    for number, file in enumerate(files):
        (tmp_path / file).write_bytes(
            picture(tmp_path / f"{number % 30}.x.png", 10 + number % 30).read_bytes()
        )
    found = scan(tmp_path, files, 2, {})
    assert list(found) == files
    assert [header["height"] for header in found.values()] == [
        10 + number % 30 for number in range(600)
    ]
    assert found == scan(tmp_path, files, 1, {})


def test_only_what_changed_is_read_again(tmp_path, monkeypatch):
    files = ["a.png", "b.png", "c.png", "d.dcm", "empty.png", "gone.png", "new.png"]
    for file in files[:3]:
        picture(tmp_path / file)
    write_dicom(tmp_path / "d.dcm", np.eye(9, dtype=np.uint16), PixelSpacing=[0.05, 0.05])
    (tmp_path / "empty.png").touch()
    known = scan(tmp_path, files, 1, {})
    opened = []
    monkeypatch.setattr(
        headers,
        "read_header",
        lambda path: opened.append(os.path.basename(path)) or read_header(path),
    )
    assert scan(tmp_path, files, 1, known) == known
    assert opened == []
    picture(tmp_path / "b.png", 77)
    os.utime(tmp_path / "c.png", ns=(1, 1))  # written anew, with as many bytes
    picture(tmp_path / "empty.png", 78)
    picture(tmp_path / "new.png", 79)
    found = scan(tmp_path, files, 1, known)
    assert opened == ["b.png", "c.png", "empty.png", "new.png"]
    assert [found[file]["height"] for file in files] == [20, 77, 20, 9, 78, None, 79]


def test_headers_are_known_again_from_their_table_and_only_to_the_same_code(tmp_path):
    write_dicom(tmp_path / "a\nb.dcm", np.eye(9, dtype=np.uint16), PixelSpacing=[0.05, 0.05])
    picture(tmp_path / ' é"\r.png')
    (tmp_path / "broken.png").write_text("x")
    found = scan(tmp_path, list(walk(tmp_path)), 1, {})
    assert len(found) == 3
    import pandas as pd

    table = pd.DataFrame(
        [{"file": file, "code": "abc", **header} for file, header in found.items()]
    )
    write_table(table, tmp_path / "headers.csv", "headers")
    assert read_known(tmp_path / "headers.csv", "abc") == found  # to the nanosecond
    assert read_known(tmp_path / "headers.csv", "abd") == {}
    assert read_known(tmp_path / "nowhere.csv", "abc") == {}


@pytest.mark.parametrize("text", ["", "file,bytes\na,1\n", 'file,"by', "\xff\xfe", "a,b\n1,2,3\n"])
def test_notes_that_cannot_be_used_are_told_and_made_anew(tmp_path, capsys, text):
    (tmp_path / "headers.csv").write_text(text, encoding="latin-1")
    assert read_known(tmp_path / "headers.csv", "abc") == {}
    assert "Every file is read anew" in capsys.readouterr().out


def test_a_folder_is_walked_in_order_once_and_without_what_a_mac_adds(tmp_path):
    for file in [
        "b/2.png",
        "b/10.png",
        "b.png",
        "a b/é.png",
        ".hidden/x.png",
        "b/._2.png",
        "__MACOSX/b/2.png",
        "c/d/e.png",
    ]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "c/loop").symlink_to(tmp_path)
    (tmp_path / "c/d/up").symlink_to("..")
    (tmp_path / "z").symlink_to("b")  # the same folder under another name
    (tmp_path / "self").symlink_to("self")
    found = list(walk(tmp_path))
    assert found == ["a b/é.png", "b.png", "b/10.png", "b/2.png", "c/d/e.png", "self"]
    assert found == sorted(found)


def test_linked_folders_outside_are_followed(tmp_path):
    picture(tmp_path / "disk/1.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/images").symlink_to(tmp_path / "disk")
    assert list(walk(tmp_path / "data")) == ["images/1.png"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def deny(path):
        if str(path).endswith("closed/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(
        InputError, match=r"closed/' cannot be listed: Permission denied\. Make it readable"
    ):
        list(walk(tmp_path))


def test_a_name_that_is_not_utf8_is_told_and_can_be_written(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        picture(tmp_path / "x.png").rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    found = scan(tmp_path, list(walk(tmp_path)), 1, {})
    assert (found[name]["problem"], found[name]["width"]) == ("bad_name", 30)
    assert printable(name) == r"caf\xe9.png"
    assert printable("café\n.png") == "café\n.png"

"""The downloads, with the real clients against small stores on this machine: none reaches out."""

import base64
import hashlib
import io
import logging
import os
import shlex
import shutil
import socket
import sys
import tempfile
import time
import urllib.parse
import zipfile
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from mammo.dataset.download import idc as download_idc
from mammo.dataset.download import kaggle as download_kaggle
from mammo.dataset.download.records import (
    CASE_TABLES,
    ask_for_room,
    closing_words,
    study_command,
    write_record,
)
from mammo.log import InputError

TOKEN = "KGAT_a_token_that_no_log_may_hold"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine(monkeypatch, tmp_path):
    connect = socket.socket.connect

    def only_loopback(self, address):
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", address
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    for name in [
        name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("KAGGLE")
    ]:
        monkeypatch.delenv(name)
    for name in (
        "KAGGLEHUB_CACHE",
        "DISABLE_KAGGLE_CACHE",
        "DISABLE_COLAB_CACHE",
        "TQDM_MININTERVAL",
    ):
        monkeypatch.setenv(name, "1")  # so that what a download sets is taken back
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(time, "sleep", lambda seconds, sleep=time.sleep: sleep(min(seconds, 0.1)))


@pytest.fixture
def serve():
    """serve(handler) answers HTTP on this machine until the test ends, and returns its address."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            do_POST = do_HEAD = do_GET

            def log_message(self, *words):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        servers[-1].daemon_threads = True
        Thread(target=servers[-1].serve_forever, args=[0.02], daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def reply(request, body, status=200, **headers):
    request.send_response(status)
    for name, value in {"Content-Length": len(body), **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    return request.wfile.write(body) if request.command != "HEAD" else None


# Kaggle

JPEGS = {f"jpeg/2.25.{n // 2}/{n % 2 + 1}-00{n}.jpg": bytes([n]) * (3000 + n) for n in range(6)}
TABLES = {f"csv/{name}": b"patient_id\n" + b"P" * number for number, name in enumerate(CASE_TABLES)}
INFO = "file_path,image_path\n" + "".join(f"x,CBIS-DDSM/{name}\n" for name in JPEGS)
FILES = {**TABLES, "csv/dicom_info.csv": INFO.encode(), "csv/meta.csv": b"x\n", **JPEGS}
FEW = {
    "jpegs": 6,
    "folders": 3,
    "bytes": sum(map(len, JPEGS.values())),
    "room": 100_000,
    "tables": {
        **{name.split("/")[1]: len(text) for name, text in TABLES.items()},
        "dicom_info.csv": None,
        "meta.csv": None,
    },
}


def zipped(files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


class Kaggle:
    """Kaggle's two servers: one asks who you are and redirects, the other has the archive."""

    def __init__(self):
        self.archive, self.checksum, self.status = zipped(FILES), True, 200
        self.each, self.end = (
            None,
            None,
        )  # bytes that one connection carries; the byte behind which none carries anything
        self.silent = 0  # seconds before an answer
        self.asked, self.ranges, self.tokens = [], [], []
        self.told = io.StringIO()  # what kagglehub says meanwhile

    def __call__(self, request):
        self.asked.append(request.path)
        time.sleep(self.silent)
        if request.command == "POST":
            self.tokens.append(request.headers["Authorization"])
            request.rfile.read(int(request.headers["Content-Length"]))
            return reply(
                request,
                b"{}",
                self.status if self.status != 200 else 302,
                Location="/archive.zip?signature=s3cret",
            )
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        self.ranges.append(start)
        digest = base64.b64encode(hashlib.md5(self.archive).digest()).decode()
        request.send_response(206 if start else 200)
        for name, value in [
            ("Content-Length", len(self.archive) - start),
            ("Accept-Ranges", "bytes"),
            *([("x-goog-hash", f"crc32c=x,md5={digest}")] if self.checksum else []),
        ]:
            request.send_header(name, value)
        request.end_headers()
        end = min(start + (self.each or len(self.archive)), self.end or len(self.archive))
        return request.wfile.write(self.archive[start:end])


@pytest.fixture
def kaggle(serve, monkeypatch):
    pytest.importorskip("kagglehub", reason="make extra installs kagglehub")
    from kagglehub import clients
    from kagglesdk import kaggle_env

    monkeypatch.setattr(
        clients, "CHUNK_SIZE", 1000
    )  # what of a chunk came before a connection broke is lost
    server = Kaggle()
    for handler in logging.getLogger("kagglehub").handlers:
        if type(handler) is logging.StreamHandler:  # its own, not pytest's
            monkeypatch.setattr(handler, "stream", server.told)
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, serve(server))
    return server


@pytest.fixture
def no_network(monkeypatch):
    pytest.importorskip("kagglehub", reason="make extra installs kagglehub")
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, NOWHERE)


def get_kaggle(folder):
    return download_kaggle.download_kaggle(folder, FEW)


def lay(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_kaggle_comes_whole_and_the_token_is_sent_but_never_told(
    kaggle, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")  # would have every header printed
    found = get_kaggle(tmp_path / "kaggle")
    assert (found["files"], found["folders"], found["bytes"], found["notes"]) == (
        6,
        3,
        FEW["bytes"],
        [],
    )
    assert content(tmp_path / "kaggle") == FILES  # nothing of kagglehub's own is left
    assert set(kaggle.tokens) == {f"Bearer {TOKEN}"}
    told = "".join([*capfd.readouterr(), kaggle.told.getvalue()])
    assert "Downloading to" in told
    assert TOKEN not in told
    assert not (tmp_path / "home").exists()


def test_kaggle_goes_on_by_itself_while_each_connection_brings_something(kaggle, tmp_path, capfd):
    kaggle.each = 7000
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES
    assert sorted(set(kaggle.ranges)) == [0, 7000, 14000]
    assert "the connection broke" in capfd.readouterr().out


def test_kaggle_goes_on_behind_the_last_byte_in_a_second_call(kaggle, tmp_path, capfd):
    kaggle.end = 10_000
    with pytest.raises(
        InputError,
        match=r"Kaggle cannot be reached \(.*By hand: download https://www.kaggle.com/datasets/awsaf49",
    ):
        get_kaggle(tmp_path)
    kaggle.end, kaggle.ranges = None, []
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES
    assert kaggle.ranges == [
        0,
        10_000,
    ]  # kagglehub asks once to learn the size and the checksum, and then for the rest
    assert "s3cret" not in "".join([*capfd.readouterr(), kaggle.told.getvalue()])


def test_a_complete_copy_is_verified_and_neither_network_nor_client_is_asked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    lay(
        tmp_path,
        FILES | {"jpeg/._2.25.0": b"junk", "jpeg/2.25.0/._1-000.jpg": b"of another system"},
    )
    assert get_kaggle(tmp_path)["files"] == 6


def test_what_is_there_is_not_replaced_by_what_comes(kaggle, tmp_path):
    gone, empty, mine, *_ = JPEGS
    lay(tmp_path, FILES | {mine: b"repaired by hand", empty: b""})
    (tmp_path / gone).unlink()
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES | {mine: b"repaired by hand"}


def test_a_call_that_was_killed_while_it_unpacked_unpacks_again(kaggle, tmp_path):
    lay(tmp_path, {"x": b""})
    archive = download_kaggle._archive(tmp_path / ".kagglehub")
    lay(archive.parent, {archive.name: kaggle.archive, "versions/1/csv/meta.csv": b"ha"})
    kaggle.end = 1
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES | {"x": b""}


def test_a_call_that_was_killed_while_it_moved_files_needs_no_network(
    kaggle, tmp_path, monkeypatch
):
    moved = []

    def replace(path, target, replace=os.replace):
        moved.append(target)
        if len(moved) == 5:
            raise KeyboardInterrupt
        replace(path, target)

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(os, "replace", replace)
        get_kaggle(tmp_path)
    kaggle.asked.clear()
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES
    assert kaggle.asked == []


def test_a_download_that_lacks_files_tells_how_many_and_which(kaggle, tmp_path):
    lost = sorted(JPEGS)[:4]
    kaggle.archive = zipped({name: text for name, text in FILES.items() if name not in lost})
    with pytest.raises(
        InputError,
        match=rf"4 files are missing: {', '.join(lost[:3])} and 1 more. Give the same command",
    ):
        get_kaggle(tmp_path)
    kaggle.archive = zipped(FILES)
    assert get_kaggle(tmp_path)["files"] == 6


def test_a_table_that_was_edited_or_cut_off_is_told_before_anything_is_fetched(kaggle, tmp_path):
    name = next(iter(TABLES))
    lay(tmp_path, {name: b"edited"})
    with pytest.raises(InputError, match=rf"{name}: 6 bytes, published are {len(TABLES[name])}"):
        get_kaggle(tmp_path)
    lay(tmp_path, FILES | {"csv/dicom_info.csv": INFO.encode()[:-40]})
    with pytest.raises(
        InputError, match=r"dicom_info.csv: lists \d JPEGs, published are 6 in 3 folders"
    ):
        get_kaggle(tmp_path)
    assert kaggle.asked == []


@pytest.mark.parametrize("checksum", [True, False])
def test_an_archive_that_was_spoilt_on_the_way_is_removed(kaggle, tmp_path, checksum):
    kaggle.checksum, kaggle.end = checksum, 10_000
    with pytest.raises(InputError):
        get_kaggle(tmp_path)
    archive = download_kaggle._archive(tmp_path / ".kagglehub")
    archive.write_bytes(b"?" * 5000 + archive.read_bytes()[5000:])
    kaggle.end = None
    with pytest.raises(
        InputError, match=r"damaged on the way; it was removed. Give the same command again"
    ):
        get_kaggle(tmp_path)
    get_kaggle(tmp_path)
    assert content(tmp_path) == FILES


def test_what_is_no_archive_at_all_is_removed(kaggle, tmp_path):
    kaggle.archive = b"<html>Please log in to the hotel's network</html>"
    with pytest.raises(InputError, match="What came is no archive"):
        get_kaggle(tmp_path)
    assert not download_kaggle._archive(tmp_path / ".kagglehub").exists()


def test_a_folder_that_cannot_be_written_is_told(kaggle, tmp_path):
    lay(tmp_path, {".kagglehub": b"a file"})
    with pytest.raises(InputError, match=r"kagglehub: Not a directory. What is there stays"):
        get_kaggle(tmp_path)


Usage = namedtuple("Usage", "total used free")


def test_a_disk_without_room_is_told_before_a_byte_is_fetched(kaggle, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 2 * FEW["room"] - 1))
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/data: 0.0 GB are needed .*download=\{{path: DIR\}}"
    ):
        get_kaggle(tmp_path / "data")
    assert kaggle.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 2 * FEW["room"] - 10_000))
    archive = download_kaggle._archive(tmp_path / "data/.kagglehub")
    lay(
        archive.parent, {archive.name: kaggle.archive[:10_000]}
    )  # what an earlier call left is not needed again
    get_kaggle(tmp_path / "data")


def test_the_message_names_folder_and_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=63.44e9))
    with pytest.raises(
        InputError, match=rf"{tmp_path}/a/b: 1000000.0 GB are needed there and 63.4 GB are free"
    ):
        ask_for_room(tmp_path / "a/b", 1e15)
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"file/sub: Not a directory. Name another folder by download.path"
    ):
        ask_for_room(tmp_path / "file/sub", 1)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "it wants to know who asks"),
        (403, "save it as ~/.kaggle/access_token"),
        (404, "answers 404"),
        (503, "may do better later"),
    ],
)
def test_an_answer_that_is_an_error_is_told_in_one_line(kaggle, tmp_path, status, words):
    kaggle.status = status
    with pytest.raises(InputError, match=words) as error:
        get_kaggle(tmp_path)
    assert "\n" not in str(error.value)
    assert "By hand: download https://www.kaggle.com/datasets/awsaf49" in str(error.value)


def test_without_network_one_line_says_so_and_what_to_do_by_hand(no_network, tmp_path, monkeypatch):
    for proxy in (None, "http://user:pass@127.0.0.1:9"):
        if proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy)
        with pytest.raises(
            InputError,
            match=rf"^Kaggle cannot be reached \(Connection refused\). .* unzip it in {tmp_path}",
        ) as error:
            get_kaggle(tmp_path)
        assert "\n" not in str(error.value)
        assert "pass@" not in str(error.value)


def test_a_server_that_says_nothing_is_not_waited_for(kaggle, tmp_path, monkeypatch):
    kaggle.silent = 60
    monkeypatch.setattr(time, "sleep", time.sleep.__defaults__[0])
    patient = download_kaggle.timeouts
    monkeypatch.setattr(download_kaggle, "timeouts", lambda: patient(1, 0.5))
    with pytest.raises(InputError, match=r"Kaggle cannot be reached \(.*[tT]ime"):
        get_kaggle(tmp_path)
    assert kaggle.asked
    assert not kaggle.tokens  # it has not come to answering yet


def test_without_the_client_one_line_says_how_to_install_it(tmp_path, monkeypatch):
    for module, get in [("kagglehub", get_kaggle), ("idc_index", download_idc.download_idc)]:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(
            InputError, match=r"is not installed. `make extra` .* By hand: "
        ) as error:
            get(tmp_path)
        assert "\n" not in str(error.value)


def test_a_broken_file_of_credentials_is_told_without_what_it_holds_and_costs_nothing(
    kaggle, tmp_path, monkeypatch
):
    lay(tmp_path, {"kaggle.json": f'{{"user": "{TOKEN}"}}'.encode()})
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    archive = download_kaggle._archive(tmp_path / "data/.kagglehub")
    lay(archive.parent, {archive.name: b"hours of waiting"})
    with pytest.raises(InputError, match="is missing 'username' key") as error:
        get_kaggle(tmp_path / "data")
    assert TOKEN not in str(error.value)
    assert archive.read_bytes() == b"hours of waiting"


def test_a_copy_that_is_much_too_small_is_noted(tmp_path):
    lay(tmp_path, FILES)
    (note,) = download_kaggle.download_kaggle(tmp_path, FEW | {"bytes": 1e9})["notes"]
    assert "these JPEGs are 0.00 GB, the published ones 1.0 GB" in note


# The Imaging Data Commons

SERIES = {"a": [4000, 500], "b": [3000], "c": [2000]}  # the bytes of each series' files
OBJECTS = {
    f"uuid-{uid}/{uid}{n}.dcm": uid.encode() * size
    for uid, sizes in SERIES.items()
    for n, size in enumerate(sizes)
}
COUNTS = {"series": 3, "files": 4}
ROWS = pd.DataFrame(
    [
        {
            "collection_id": "cbis_ddsm",
            "PatientID": f"Mass-Training_P_0000{number}_LEFT_CC",
            "StudyInstanceUID": f"study-{uid}",
            "SeriesInstanceUID": f"series-{uid}",
            "Modality": "MG",
            "instanceCount": len(sizes),
            "series_size_MB": sum(sizes) / 1e6,
            "aws_bucket": "bucket",
            "crdc_series_uuid": f"uuid-{uid}",
            "series_aws_url": f"s3://bucket/uuid-{uid}/*",
        }
        for number, (uid, sizes) in enumerate(SERIES.items())
    ]
)


class Store:
    """As much of S3 as s5cmd asks for: what lies under a prefix, and the bytes of an object."""

    def __init__(self):
        self.objects, self.status, self.got = dict(OBJECTS), 200, []

    def __call__(self, request):
        address = urllib.parse.urlsplit(request.path)
        _, bucket, *name = address.path.split("/", 2)
        if not name or not name[0]:
            prefix = urllib.parse.parse_qs(address.query).get("prefix", [""])[0]
            rows = [
                f"<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>{len(body)}</Size></Contents>"
                for key, body in self.objects.items()
                if key.startswith(prefix)
            ]
            head = f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated>"
            text = f"<ListBucketResult>{head}{''.join(rows)}</ListBucketResult>"
            return reply(request, text.encode(), self.status)
        self.got.append(name[0])
        body = self.objects[name[0]]
        return reply(request, body, 206, Content_Range=f"bytes 0-{len(body) - 1}/{len(body)}")


@pytest.fixture(scope="module")
def real_client():
    pytest.importorskip("idc_index", reason="make extra installs idc-index")
    return download_idc.open_client("")


@pytest.fixture
def idc(real_client, serve, monkeypatch):
    """(store, get): get(folder) downloads from the store by the real client and the real s5cmd."""
    from idc_index import index

    store = Store()
    monkeypatch.setattr(index, "aws_endpoint_url", serve(store))
    monkeypatch.setattr(real_client, "index", ROWS)
    return store, lambda folder: download_idc.download_idc(folder, real_client, COUNTS)


def files_of(uid, number=0):
    row = ROWS.set_index("SeriesInstanceUID").loc[f"series-{uid}"]
    return f"cbis_ddsm/{row.PatientID}/study-{uid}/MG_series-{uid}/{uid}{number}.dcm"


DICOM = {files_of(key[5], key[-5]): body for key, body in OBJECTS.items()}


def test_the_index_that_comes_with_idc_index_is_the_published_collection(real_client):
    series = download_idc.list_series(real_client.index, download_idc.PUBLISHED)
    assert sum(one.bytes for one in series) == 163_512_966_728
    with pytest.raises(
        InputError,
        match=r"lists 6,775 series and 10,239 files, published are 6,776 and 10,239. `make extra`",
    ):
        download_idc.list_series(real_client.index, {"series": 6776, "files": 10239})


@pytest.mark.parametrize("name", ["idc", 'it\'s "here", {really}'])
def test_idc_comes_whole_and_no_patient_is_told(idc, tmp_path, capfd, monkeypatch, name):
    store, get = idc
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    found = get(tmp_path / name)
    assert (found["files"], found["folders"], found["bytes"]) == (4, 3, 9500)
    assert content(tmp_path / name) == DICOM
    assert sorted(store.got) == sorted(OBJECTS)
    assert "P_0000" not in "".join(capfd.readouterr())
    assert list((tmp_path / "tmp").iterdir()) == []
    assert "get them from https://doi.org/10.7937/K9/TCIA.2016.7O02S9CY" in found["notes"][0]


def test_idc_asks_only_for_series_that_are_not_whole(idc, tmp_path):
    store, get = idc
    # a: one of two files; b: whole; c: cut off, and what a killed s5cmd leaves.
    lay(
        tmp_path,
        {
            files_of("a"): DICOM[files_of("a")],
            files_of("b"): DICOM[files_of("b")],
            files_of("c"): b"c",
        },
    )
    lay(tmp_path, {files_of("c") + "123456": b"cc", "notes.txt": b"mine"})
    get(tmp_path)
    assert content(tmp_path) == DICOM | {"notes.txt": b"mine"}
    assert {name[5] for name in store.got} == {"a", "c"}


def test_a_complete_collection_is_verified_and_the_store_is_not_asked(idc, tmp_path, monkeypatch):
    store, get = idc
    lay(tmp_path, DICOM | {f"csv/{name}": b"x" for name in CASE_TABLES})
    monkeypatch.setattr(download_idc, "ask_store", None)
    assert get(tmp_path)["notes"] == [f"The four case tables are in {tmp_path}/csv."]
    assert store.got == []


def test_a_series_that_does_not_come_is_named(idc, tmp_path, capfd):
    store, get = idc
    del store.objects["uuid-c/c0.dcm"]
    with pytest.raises(
        InputError,
        match=r"1 series are missing or incomplete: series-c. What is there stays: give the same",
    ):
        get(tmp_path)
    assert content(tmp_path) == {
        name: body for name, body in DICOM.items() if "series-c" not in name
    }


def test_a_batch_that_brings_nothing_ends_the_download_and_tells_why(
    idc, tmp_path, monkeypatch, capfd
):
    store, get = idc
    monkeypatch.setattr(download_idc, "batches", lambda series: [[one] for one in series])
    store.objects = {name: body for name, body in OBJECTS.items() if name.startswith("uuid-a")}
    with pytest.raises(
        InputError, match=r"stopped at 0.0 of 0.0 GB \(no object found\). What is there stays"
    ):
        get(tmp_path)
    assert {name[5] for name in store.got} == {"a"}
    assert "P_0000" not in "".join(capfd.readouterr())


def test_idc_without_room_or_network_or_with_a_store_that_refuses(idc, tmp_path, monkeypatch):
    store, get = idc
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 9499))
    with pytest.raises(InputError, match="GB are needed there"):
        get(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 9500))
    store.status = 403
    with pytest.raises(
        InputError, match=r"Imaging Data Commons answers 403. By hand: .*`idc download cbis_ddsm`"
    ):
        get(tmp_path)
    from idc_index import index

    monkeypatch.setattr(index, "aws_endpoint_url", NOWHERE)
    with pytest.raises(
        InputError,
        match=r"^The Imaging Data Commons cannot be reached \(Connection refused\). By hand: ",
    ) as error:
        get(tmp_path)
    assert "\n" not in str(error.value)
    assert store.got == []


def test_batches_hold_every_series_once():
    series = [
        download_idc.Series(str(n), "", 1, size, "") for n, size in enumerate([5, 1, 1, 9, 2])
    ]
    assert [[one.uid for one in batch] for batch in download_idc.batches(series, 6)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


# Through the workflow


@pytest.mark.parametrize(
    "folder", ["/data/kaggle", "/my data", "/it's", '/a "b": {c}, #d', "/ü\\n"]
)
def test_the_command_that_follows_names_the_folder_as_a_shell_and_yaml_read_it(folder):
    *rest, option = shlex.split(study_command("config/kaggle.yaml", folder))
    assert rest == ["snakemake", "--cores", "4", "--configfile", "config/kaggle.yaml", "--config"]
    assert yaml.safe_load(option.removeprefix("dataset=")) == {"path": folder}


def test_the_closing_words_tell_what_lies_where_and_what_to_type(tmp_path):
    assert list(closing_words(tmp_path / "none.json")) == []
    found = {"files": 10239, "folders": 6775, "bytes": 163.5e9, "notes": ["A note."]}
    write_record(
        tmp_path / "idc.json", path="/d/idc", **found, seconds=1, configfile="config/dicom.yaml"
    )
    assert list(closing_words(tmp_path / "idc.json")) == [
        "Downloaded and verified: 10,239 files in 6,775 folders, 163.5 GB, in /d/idc",
        "A note.",
        "Next: snakemake --cores 4 --configfile config/dicom.yaml"
        " --config 'dataset={path: /d/idc}'",
    ]

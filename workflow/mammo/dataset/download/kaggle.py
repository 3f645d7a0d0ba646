"""CBIS-DDSM as published on Kaggle, through kagglehub.

A second call continues, or verifies that all is there.
"""

import csv
import os
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mammo.dataset.download.records import CASE_TABLES, INSTALL, ask_for_room, cause
from mammo.dataset.layout import DICOM_INFO, META
from mammo.log import InputError, some

PAGE = "https://www.kaggle.com/datasets/awsaf49/cbis-ddsm-breast-cancer-image-dataset"
# With a version, a complete copy needs no network.
HANDLE = "awsaf49/cbis-ddsm-breast-cancer-image-dataset/versions/1"
PUBLISHED: dict[str, Any] = {
    "jpegs": 10_237,
    "folders": 6_774,
    "bytes": 6.3e9,  # of all JPEGs, about: Kaggle gives no size of single files
    "room": 6.8e9,  # for the archive, and once more for what is unpacked from it
    # In bytes; None: anything but nothing.
    "tables": {**CASE_TABLES, DICOM_INFO: None, META: None},
}


def survey(folder: Path, published: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """What lies in `folder`: ({"jpeg/UID/1-001.jpg": bytes}, names of what is missing or empty).

    dicom_info.csv names every JPEG; without it one can only count them. Raises InputError for a
    table that was changed: fetching the dataset again would not show what the change was for.
    """
    tables = {name: _size(folder / "csv" / name) for name in published["tables"]}
    for name, size in published["tables"].items():
        if size and tables[name] not in (0, size):
            raise InputError(
                f"{folder / 'csv' / name}: {tables[name]:,} bytes, published are {size:,}: it was"
                " cut off or edited. Move it away and give the same command again; to study a table"
                " of your own, leave it out of the download."
            )
    found = _jpegs(folder / "jpeg")
    missing = [f"csv/{name}" for name, size in tables.items() if not size]
    if not tables[DICOM_INFO]:
        return found, missing + ["an unnamed JPEG"] * (published["jpegs"] - len(found))
    listed = _listed(folder / "csv" / DICOM_INFO)
    folders = {name.split("/")[1] for name in listed}
    if (len(listed), len(folders)) != (published["jpegs"], published["folders"]):
        raise InputError(
            f"{folder / 'csv' / DICOM_INFO}: lists {len(listed):,} JPEGs, published are"
            f" {published['jpegs']:,} in {published['folders']:,} folders: it was cut off or"
            " edited. Move it away and give the same command again."
        )
    missing += sorted(listed - set(found))
    return {name: size for name, size in found.items() if name in listed}, missing


def _jpegs(folder: Path) -> dict[str, int]:
    """{"jpeg/UID/1-001.jpg": bytes} of what is not empty in the folder jpeg/."""
    found = {}
    for series in os.scandir(folder) if folder.is_dir() else ():
        for file in os.scandir(series) if series.is_dir() else ():
            size = file.stat().st_size
            if file.name.endswith(".jpg") and size:
                found[f"jpeg/{series.name}/{file.name}"] = size
    return found


def _size(path: Path) -> int:
    """Bytes of a file; 0 of what is none."""
    return path.stat().st_size if path.is_file() else 0


def _listed(path: Path) -> set[str]:
    """The JPEGs that dicom_info.csv names, as "jpeg/UID/1-001.jpg"."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        paths = [(row.get("image_path") or "").strip() for row in csv.DictReader(file)]
    return {"jpeg/" + path.partition("jpeg/")[2] for path in paths}


def fetch(hub: Any, cache: Path, by_hand: str, pause: float = 5) -> Path:
    """Have kagglehub download and unpack below the folder `cache`; the folder that it unpacked to.

    kagglehub keeps a partial archive, continues behind its last byte and compares the whole with
    Kaggle's checksum. When the connection breaks it gives up: it is asked again after `pause`
    seconds, as long as each attempt brings something.
    """
    import requests
    from kagglehub.exceptions import DataCorruptionError

    # ValueError is kagglehub's "Unsupported archive type.": the page of a proxy, most likely.
    damaged = (DataCorruptionError, zipfile.BadZipFile, zlib.error, tarfile.TarError)
    damaged_or_foreign = (*damaged, EOFError, ValueError)
    archive = _archive(cache)
    while True:
        had = _size(archive)
        try:
            with timeouts():
                return Path(hub.dataset_download(HANDLE))
        except requests.HTTPError as error:
            raise InputError(f"{_answer(error)} {by_hand}") from None
        except requests.RequestException as error:
            if _size(archive) <= had:
                raise InputError(f"Kaggle cannot be reached ({cause(error)}). {by_hand}") from None
            print(
                f"the connection broke ({cause(error)}) at {_size(archive) / 1e9:.2f} GB;"
                " continuing from there"
            )
            time.sleep(pause)
        except damaged_or_foreign:
            # Else the next call would find it complete and stumble here again.
            archive.unlink(missing_ok=True)
            raise InputError(
                "What came is no archive, or was damaged on the way; it was removed. Give the same"
                f" command again. {by_hand}"
            ) from None
        except OSError as error:
            raise InputError(
                f"{cache}: {cause(error)}. What is there stays; mend that and give the same command"
                " again."
            ) from None


def _answer(error: Any) -> str:
    """What Kaggle's answer to a request that it refused means, and what to do."""
    status = "an error" if error.response is None else error.response.status_code
    if status in (401, 403):
        return (
            f"Kaggle answers {status}: it wants to know who asks. Make an API token on"
            " https://www.kaggle.com/settings/api, save it as ~/.kaggle/access_token, and give the"
            " same command again."
        )
    return f"Kaggle answers {status}; the same command may do better later."


def _archive(cache: Path) -> Path:
    owner, name, _, version = HANDLE.split("/")
    return cache / "datasets" / owner / name / f"{version}.archive"


@contextmanager
def timeouts(connect: float = 10, read: float = 60) -> Iterator[None]:
    """Seconds that a request waits where it names none: else kagglehub would wait for ever.

    This changes `requests` for the whole process while it lasts, because there is no other way:
    kagglehub takes no timeout and hides its session, and requests without a timeout overrule the
    default of sockets. It is a process of its own that downloads, and asks nobody else.
    """
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def with_timeout(self, request, *args, **options):
        options["timeout"] = options.get("timeout") or (connect, read)
        return send(self, request, *args, **options)

    HTTPAdapter.send = with_timeout  # type: ignore[method-assign]
    try:
        yield
    finally:
        HTTPAdapter.send = send  # type: ignore[method-assign]


def move_missing(unpacked: Path, folder: Path) -> None:
    """Move the files below `unpacked` to the same place below `folder`.

    What is there already stays as it is.
    """
    for path in unpacked.rglob("*"):
        target = folder / path.relative_to(unpacked)
        if path.is_file() and not _size(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def open_client(cache: Path, by_hand: str) -> Any:
    """kagglehub, told to write below `cache` and nowhere else.

    Raises InputError where it is not installed.
    """
    os.environ["KAGGLEHUB_CACHE"] = str(cache)
    # On Kaggle's and Google's own machines it would mount a copy instead.
    os.environ["DISABLE_KAGGLE_CACHE"] = os.environ["DISABLE_COLAB_CACHE"] = "true"
    os.environ["TQDM_MININTERVAL"] = "30"  # the progress bar goes to a log: a line in 30 s
    # Its value TEST prints every header, the token among them.
    os.environ.pop("KAGGLE_API_ENVIRONMENT", None)
    try:
        import kagglehub
    except ImportError:
        raise InputError(f"The package kagglehub is not installed. {INSTALL}. {by_hand}") from None
    try:
        kagglehub.config.get_kaggle_credentials()
    except ValueError as error:
        # A kaggle.json that is none: the message names the file and what is missing in it.
        raise InputError(f"{error}. Mend it, or move it away: this dataset is public.") from None
    return kagglehub


def download_kaggle(folder: Path, published: dict[str, Any] = PUBLISHED) -> dict[str, Any]:
    """Complete the copy in `folder` and verify it. Returns what write_record takes.

    Raises InputError where it stays incomplete.
    """
    by_hand = (
        f"By hand: download {PAGE} (6.3 GB), unzip it in {folder} so that csv/ and jpeg/ lie there,"
        " and give the same command again, which then only verifies it."
    )
    found, missing = survey(folder, published)
    if missing:
        _fetch_missing(folder, len(missing), published["room"], by_hand)
        found, missing = survey(folder, published)
    if missing:
        raise InputError(
            f"{folder}: {len(missing):,} files are missing: {some(missing, 3)}. Give the same"
            f" command again. {by_hand}"
        )
    total = sum(found.values())
    notes = []
    if total < 0.9 * published["bytes"]:
        notes = [
            f"Note: these JPEGs are {total / 1e9:.2f} GB, the published ones"
            f" {published['bytes'] / 1e9:.1f} GB."
        ]
    return {
        "files": len(found),
        "folders": len({name.split("/")[1] for name in found}),
        "tables": len(published["tables"]),
        "bytes": total,
        "notes": notes,
    }


def _fetch_missing(folder: Path, missing: int, room: float, by_hand: str) -> None:
    """Download the dataset and move what is missing to `folder`; `room` is the archive's bytes."""
    cache = folder / ".kagglehub"  # on the same disk, so that files can be moved out of it
    # Of the archive, and of what was unpacked from it.
    kept = sum(_size(path) for path in cache.rglob("*"))
    print(
        f"{missing:,} files are missing in {folder}; {kept / 1e9:.2f} GB are left of an earlier"
        " download"
    )
    client = open_client(cache, by_hand)
    ask_for_room(folder, 2 * room - kept)
    move_missing(fetch(client, cache, by_hand), folder)
    shutil.rmtree(cache)

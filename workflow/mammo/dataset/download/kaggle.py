"""Get CBIS-DDSM as published on Kaggle, through kagglehub; a second call goes on, or verifies that all is there."""

import csv
import os
import shutil
import tarfile
import time
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from mammo.dataset.download.records import (
    CASE_TABLES,
    INSTALL,
    absolute,
    ask_for_room,
    cause,
    closing_words,
    write_record,
)
from mammo.log import InputError, some

PAGE = "https://www.kaggle.com/datasets/awsaf49/cbis-ddsm-breast-cancer-image-dataset"
HANDLE = "awsaf49/cbis-ddsm-breast-cancer-image-dataset/versions/1"  # with a version, a complete copy needs no network
PUBLISHED = {
    "jpegs": 10_237,
    "folders": 6_774,
    "bytes": 6.3e9,  # of all JPEGs, about: Kaggle gives no size of single files
    "room": 6.8e9,  # for the archive, and once more for what is unpacked from it
    "tables": {
        **CASE_TABLES,
        "dicom_info.csv": None,
        "meta.csv": None,
    },  # bytes; None: anything but nothing
}


def survey(folder, published):
    """What lies in `folder`: ({"jpeg/UID/1-001.jpg": bytes}, names of what is missing or empty).

    dicom_info.csv names every JPEG; without it one can only count them. Raises InputError for a table that was changed:
    fetching the dataset again would not tell what the change was for.
    """
    tables = {name: _size(folder / "csv" / name) for name in published["tables"]}
    for name, size in published["tables"].items():
        if size and tables[name] not in (0, size):
            raise InputError(
                f"{folder / 'csv' / name}: {tables[name]:,} bytes, published are {size:,}: it was cut off or edited. "
                "Move it away and give the same command again; to study a table of your own, leave it out of the download."
            )
    found = {}
    if (folder / "jpeg").is_dir():
        for series in os.scandir(folder / "jpeg"):
            if series.is_dir():
                found |= {
                    f"jpeg/{series.name}/{file.name}": size
                    for file in os.scandir(series)
                    if file.name.endswith(".jpg") and (size := file.stat().st_size)
                }
    missing = [f"csv/{name}" for name, size in tables.items() if not size]
    if not tables["dicom_info.csv"]:
        return found, missing + ["an unnamed JPEG"] * (published["jpegs"] - len(found))
    listed = _listed(folder / "csv/dicom_info.csv")
    if (len(listed), len({name.split("/")[1] for name in listed})) != (
        published["jpegs"],
        published["folders"],
    ):
        raise InputError(
            f"{folder / 'csv/dicom_info.csv'}: lists {len(listed):,} JPEGs, published are {published['jpegs']:,} in "
            f"{published['folders']:,} folders: it was cut off or edited. Move it away and give the same command again."
        )
    return {name: size for name, size in found.items() if name in listed}, missing + sorted(
        listed - set(found)
    )


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _listed(path):
    """The JPEGs that dicom_info.csv names, as "jpeg/UID/1-001.jpg"."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        return {
            "jpeg/" + (row.get("image_path") or "").strip().partition("jpeg/")[2]
            for row in csv.DictReader(file)
        }


def fetch(hub, cache, by_hand, pause=5):
    """Have kagglehub download and unpack below the folder `cache`; the folder that it unpacked to.

    kagglehub keeps a partial archive, goes on behind its last byte and compares the whole with Kaggle's checksum. When the
    connection breaks it gives up: it is asked again after `pause` seconds, as long as each attempt brings something.
    """
    import requests
    from kagglehub.exceptions import DataCorruptionError

    archive = _archive(cache)
    while True:
        had = _size(archive)
        try:
            with timeouts():
                return Path(hub.dataset_download(HANDLE))
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "an error"
            if status in (401, 403):
                raise InputError(
                    f"Kaggle answers {status}: it wants to know who asks. Make an API token on "
                    f"https://www.kaggle.com/settings/api, save it as ~/.kaggle/access_token, and give the same command again. {by_hand}"
                ) from None
            raise InputError(
                f"Kaggle answers {status}; the same command may do better later. {by_hand}"
            ) from None
        except requests.RequestException as error:
            if _size(archive) <= had:
                raise InputError(f"Kaggle cannot be reached ({cause(error)}). {by_hand}") from None
            print(
                f"the connection broke ({cause(error)}) at {_size(archive) / 1e9:.2f} GB; going on from there"
            )
            time.sleep(pause)
        except (
            DataCorruptionError,
            zipfile.BadZipFile,
            zlib.error,
            tarfile.TarError,
            EOFError,
            ValueError,
        ):
            # ValueError is kagglehub's "Unsupported archive type.": the page of a proxy, most likely.
            archive.unlink(
                missing_ok=True
            )  # else the next call would find it complete and stumble here again
            raise InputError(
                f"What came is no archive, or was damaged on the way; it was removed. Give the same command again. {by_hand}"
            ) from None
        except OSError as error:
            raise InputError(
                f"{cache}: {cause(error)}. What is there stays; mend that and give the same command again."
            ) from None


def _archive(cache):
    owner, name, _, version = HANDLE.split("/")
    return cache / "datasets" / owner / name / f"{version}.archive"


@contextmanager
def timeouts(connect=10, read=60):
    """Seconds that a request waits, where it names none: most of kagglehub's would wait for ever."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def patient(self, request, *args, **options):
        return send(
            self, request, *args, **options | {"timeout": options.get("timeout") or (connect, read)}
        )

    HTTPAdapter.send = patient
    try:
        yield
    finally:
        HTTPAdapter.send = send


def move_missing(unpacked, folder):
    """Move the files below `unpacked` to the same place below `folder`; what is there already stays as it is."""
    for path in unpacked.rglob("*"):
        target = folder / path.relative_to(unpacked)
        if path.is_file() and not _size(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def open_client(cache, by_hand):
    """kagglehub, told to write below `cache` and nowhere else. Raises InputError where it is not installed."""
    # On Kaggle's and Google's own machines it would mount a copy instead. The progress bar goes to a log: a line in 30 s.
    os.environ.update(KAGGLEHUB_CACHE=str(cache), DISABLE_KAGGLE_CACHE="true", DISABLE_COLAB_CACHE="true", TQDM_MININTERVAL="30")  # fmt: skip
    os.environ.pop(
        "KAGGLE_API_ENVIRONMENT", None
    )  # its value TEST prints every header, the token among them
    try:
        import kagglehub
    except ImportError:
        raise InputError(f"The package kagglehub is not installed. {INSTALL}. {by_hand}") from None
    try:
        kagglehub.config.get_kaggle_credentials()
    except (
        ValueError
    ) as error:  # a kaggle.json that is none; the message names the file and what is missing in it
        raise InputError(f"{error}. Mend it, or move it away: this dataset is public.") from None
    return kagglehub


def download_kaggle(folder, published=PUBLISHED):
    """Complete the copy in `folder` and verify it. What write_record wants; raises InputError where it stays incomplete."""
    by_hand = (
        f"By hand: download {PAGE} (6.3 GB), unzip it in {folder} so that csv/ and jpeg/ lie there, "
        "and give the same command again, which then only verifies it."
    )
    found, missing = survey(folder, published)
    if missing:
        cache = folder / ".kagglehub"  # on the same disk, so that files can be moved out of it
        kept = sum(
            _size(path) for path in cache.rglob("*")
        )  # of the archive, and of what was unpacked from it
        print(
            f"{len(missing):,} files are missing in {folder}; {kept / 1e9:.2f} GB are left of an earlier download"
        )
        client = open_client(cache, by_hand)
        ask_for_room(folder, 2 * published["room"] - kept)
        move_missing(fetch(client, cache, by_hand), folder)
        shutil.rmtree(cache)
        found, missing = survey(folder, published)
    if missing:
        raise InputError(
            f"{folder}: {len(missing):,} files are missing: {some(missing, 3)}. Give the same command again. {by_hand}"
        )
    total = sum(found.values())
    notes = []
    if total < 0.9 * published["bytes"]:
        notes = [
            f"Note: these JPEGs are {total / 1e9:.2f} GB, the published ones {published['bytes'] / 1e9:.1f} GB."
        ]
    return {
        "files": len(found),
        "folders": len({name.split("/")[1] for name in found}),
        "tables": len(published["tables"]),
        "bytes": total,
        "notes": notes,
    }


def main(path, output):
    start = time.monotonic()
    folder = absolute(path) / "kaggle"
    found = download_kaggle(folder)
    seconds = round(time.monotonic() - start, 1)
    write_record(
        output, path=str(folder), **found, seconds=seconds, configfile="config/kaggle.yaml"
    )
    print(*closing_words(output), sep="\n")

"""CBIS-DDSM as DICOM from the Imaging Data Commons, through idc-index.

A second call continues, or verifies that all is there.
"""

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mammo.dataset.download.records import CASE_TABLES, INSTALL, ask_for_room, cause
from mammo.log import InputError, some

if TYPE_CHECKING:
    import pandas as pd

PAGE = "https://doi.org/10.7937/K9/TCIA.2016.7O02S9CY"
PUBLISHED = {"series": 6_775, "files": 10_239}
COLLECTION = "cbis_ddsm"
BATCH = 2e9  # bytes that are asked for at once: one line of progress each


class Series(NamedTuple):
    """A series of the collection, as idc-index describes it."""

    uid: str
    folder: str  # below the download, as idc-index lays it out
    files: int
    bytes: int
    url: str  # s3://BUCKET/UUID/*


def list_series(index: "pd.DataFrame", published: dict[str, int]) -> list[Series]:
    """The collection's series by idc-index's own index.

    Raises InputError if they are not those published.
    """
    series = []
    for row in index[index["collection_id"] == COLLECTION].itertuples():
        uid = row.SeriesInstanceUID
        folder = f"{COLLECTION}/{row.PatientID}/{row.StudyInstanceUID}/{row.Modality}_{uid}"
        size = round(row.series_size_MB * 1e6)  # the index gives MB with all six decimals
        series.append(Series(uid, folder, int(row.instanceCount), size, row.series_aws_url))
    counts = {"series": len(series), "files": sum(one.files for one in series)}
    if counts != published:
        raise InputError(
            f"The index of the installed idc-index lists {counts['series']:,} series and"
            f" {counts['files']:,} files, published are {published['series']:,} and"
            f" {published['files']:,}. {INSTALL}."
        )
    return series


def incomplete(folder: Path, series: list[Series]) -> list[Series]:
    """Those series of which a file, or a part of one, is missing below `folder`."""
    return [one for one in series if not _is_complete(folder / one.folder, one)]


def _is_complete(folder: Path, series: Series) -> bool:
    """Whether the number of files in a series' folder, and their bytes, are as they should be."""
    try:
        files = [file for file in os.scandir(folder) if file.name.endswith(".dcm")]
        size = sum(file.stat().st_size for file in files)
    except FileNotFoundError:
        return False
    return (len(files), size) == (series.files, series.bytes)


def remove_remains(folder: Path, series: list[Series]) -> None:
    """Remove what a killed download left.

    s5cmd writes UUID.dcm12345 and renames it when it is complete.
    """
    for one in series:
        for path in (folder / one.folder).glob("*.dcm?*"):
            if re.search(r"\.dcm\d+$", path.name):
                path.unlink()


def batches(series: list[Series], most: float = BATCH) -> Iterator[list[Series]]:
    """The series in lists of about `most` bytes."""
    batch: list[Series] = []
    size = 0
    for one in series:
        batch.append(one)
        size += one.bytes
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def ask_store(endpoint: str, series: Series, by_hand: str) -> None:
    """Raise InputError if the store does not answer.

    idc-index's s5cmd would try for minutes, and then not say so.
    """
    import requests

    bucket, prefix = series.url.removeprefix("s3://").removesuffix("*").split("/", 1)
    try:
        answer = requests.get(
            f"{endpoint}/{bucket}",
            params={"list-type": "2", "max-keys": "1", "prefix": prefix},
            timeout=(10, 30),
        )
    except requests.RequestException as error:
        raise InputError(
            f"The Imaging Data Commons cannot be reached ({cause(error)}). {by_hand}"
        ) from None
    if not answer.ok:
        raise InputError(f"The Imaging Data Commons answers {answer.status_code}. {by_hand}")


class Reasons(logging.Handler):
    """Keeps why files did not come.

    idc-index logs s5cmd's lines, which hold paths and with them patients: only their end is kept.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.causes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        lines = [line for line in record.getMessage().splitlines() if line.startswith("ERROR")]
        self.causes += [line.rsplit(": ", 1)[-1] for line in lines]


def fetch(client: Any, folder: Path, series: list[Series], by_hand: str) -> None:
    """Have idc-index download the series below `folder`, a batch at a time.

    Only incomplete series are asked for, so that continuing costs nothing for what is there.
    (idc-index's own use_s5cmd_sync lists all of them at the store again, and takes a listing that
    failed for "all is there".) Raises InputError if a batch brings nothing.
    """
    from idc_index.index import IDCClientInsufficientDiskSpaceError

    reasons, log = Reasons(), logging.getLogger("idc_index.index")
    log.handlers, log.propagate = [reasons], False
    total, done, start = sum(one.bytes for one in series), 0, time.monotonic()
    # idc-index leaves its lists of files in the folder for temporary files.
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        try:
            for batch in batches(series):
                client.download_from_selection(
                    str(folder),
                    seriesInstanceUID=[one.uid for one in batch],
                    quiet=True,
                    show_progress_bar=False,
                )
                if len(incomplete(folder, batch)) == len(batch):
                    why = reasons.causes[-1] if reasons.causes else "no reason was given"
                    raise InputError(
                        f"The download stopped at {done / 1e9:.1f} of {total / 1e9:.1f} GB ({why})."
                        f" What is there stays: give the same command again. {by_hand}"
                    )
                done += sum(one.bytes for one in batch)
                minutes = (time.monotonic() - start) / 60
                print(f"{done / 1e9:.1f} of {total / 1e9:.1f} GB, {minutes:.0f} min")
        except IDCClientInsufficientDiskSpaceError as error:
            raise InputError(
                f"{folder}: {error}. What is there stays: make room and give the same command"
                " again."
            ) from None
        finally:
            tempfile.tempdir = None


def open_client(by_hand: str) -> Any:
    """An idc-index client whose index holds this collection alone.

    The index came with the package: this needs no network.
    """
    try:
        from idc_index import IDCClient

        client = IDCClient()
    except (ImportError, FileNotFoundError):  # the second: without s5cmd
        raise InputError(f"The package idc-index is not installed. {INSTALL}. {by_hand}") from None
    of_collection = client.index["collection_id"] == COLLECTION  # of a million series
    client.index = client.index[of_collection].copy()
    return client


def download_idc(
    folder: Path, client: Any = None, published: dict[str, int] = PUBLISHED
) -> dict[str, Any]:
    """Complete the copy in `folder` and verify it. Returns what write_record takes.

    Raises InputError where it stays incomplete.
    """
    by_hand = (
        f"By hand: where there is a network, `idc download {COLLECTION}` (163.5 GB); move the"
        f" folder {COLLECTION} that it makes into {folder} and give the same command again, which"
        " then only verifies it."
    )
    client = client or open_client(by_hand)
    series = list_series(client.index, published)
    missing = incomplete(folder, series)
    if missing:
        print(f"{len(missing):,} of {len(series):,} series are missing in {folder}")
        ask_for_room(folder, sum(one.bytes for one in missing))
        from idc_index.index import aws_endpoint_url

        ask_store(aws_endpoint_url, missing[0], by_hand)
        remove_remains(folder, missing)
        fetch(client, folder, missing, by_hand)
        missing = incomplete(folder, missing)
    if missing:
        raise InputError(
            f"{folder}: {len(missing):,} series are missing or incomplete:"
            f" {some([one.uid for one in missing], 3)}. What is there stays: give the same command"
            f" again. {by_hand}"
        )
    return {
        "files": published["files"],
        "folders": len(series),
        "bytes": sum(one.bytes for one in series),
        "notes": [_note_of_case_tables(folder / "csv")],
    }


def _note_of_case_tables(tables: Path) -> str:
    if all((tables / name).is_file() for name in CASE_TABLES):
        return f"The four case tables are in {tables}."
    return (
        f"The four case tables are not part of it: get them from {PAGE} (or from csv/ of Kaggle's"
        f" CBIS-DDSM, which are the same) and put them into {tables}."
    )

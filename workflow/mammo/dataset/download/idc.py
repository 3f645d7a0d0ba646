"""Get CBIS-DDSM as DICOM from the Imaging Data Commons, through idc-index; a second call goes on, or verifies that all is there."""

import logging
import os
import re
import tempfile
import time
from typing import NamedTuple

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

PAGE = "https://doi.org/10.7937/K9/TCIA.2016.7O02S9CY"
PUBLISHED = {"series": 6_775, "files": 10_239}
COLLECTION = "cbis_ddsm"
BATCH = 2e9  # bytes that are asked for at once: one line of progress each


class Series(NamedTuple):
    uid: str
    folder: str  # below the download, as idc-index lays it out
    files: int
    bytes: int
    url: str  # s3://BUCKET/UUID/*


def list_series(index, published):
    """The collection's series by idc-index's own index, a DataFrame. Raises InputError if they are not those published."""
    rows = index[index["collection_id"] == COLLECTION]
    series = [
        Series(
            row.SeriesInstanceUID,
            f"{COLLECTION}/{row.PatientID}/{row.StudyInstanceUID}/{row.Modality}_{row.SeriesInstanceUID}",
            int(row.instanceCount),
            round(row.series_size_MB * 1e6),  # the index gives MB with all six decimals
            row.series_aws_url,
        )
        for row in rows.itertuples()
    ]
    counts = {"series": len(series), "files": sum(one.files for one in series)}
    if counts != published:
        raise InputError(
            f"The index of the installed idc-index lists {counts['series']:,} series and {counts['files']:,} files, published are "
            f"{published['series']:,} and {published['files']:,}. {INSTALL}."
        )
    return series


def not_whole(folder, series):
    """Those series of which a file, or a part of one, is missing below `folder`: by their number of files and their bytes."""

    def whole(one):
        try:
            sizes = [
                file.stat().st_size
                for file in os.scandir(folder / one.folder)
                if file.name.endswith(".dcm")
            ]
        except FileNotFoundError:
            return False
        return (len(sizes), sum(sizes)) == (one.files, one.bytes)

    return [one for one in series if not whole(one)]


def remove_remains(folder, series):
    """Remove what a killed download left: s5cmd writes UUID.dcm12345 and renames it when it is whole."""
    for one in series:
        for path in (folder / one.folder).glob("*.dcm?*"):
            if re.search(r"\.dcm\d+$", path.name):
                path.unlink()


def batches(series, most=BATCH):
    """The series in lists of about `most` bytes."""
    batch, size = [], 0
    for one in series:
        batch.append(one)
        size += one.bytes
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def ask_store(endpoint, series, by_hand):
    """Raise InputError if the store does not answer: idc-index's s5cmd would try for minutes, and then not say so."""
    import requests

    bucket, prefix = series.url.removeprefix("s3://").removesuffix("*").split("/", 1)
    try:
        answer = requests.get(
            f"{endpoint}/{bucket}",
            params={"list-type": 2, "max-keys": 1, "prefix": prefix},
            timeout=(10, 30),
        )
    except requests.RequestException as error:
        raise InputError(
            f"The Imaging Data Commons cannot be reached ({cause(error)}). {by_hand}"
        ) from None
    if not answer.ok:
        raise InputError(f"The Imaging Data Commons answers {answer.status_code}. {by_hand}")


class Reasons(logging.Handler):
    """Keeps why files did not come. idc-index logs s5cmd's lines, which hold paths and with them patients: only the end is kept."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.told = []

    def emit(self, record):
        lines = [line for line in record.getMessage().splitlines() if line.startswith("ERROR")]
        self.told += [line.rsplit(": ", 1)[-1] for line in lines]


def fetch(client, folder, series, by_hand):
    """Have idc-index download the series below `folder`, a batch at a time. Raises InputError if a batch brings nothing.

    Only series that are not whole are asked for, so that going on costs nothing for what is there. (idc-index's own
    use_s5cmd_sync lists all of them at the store again, and takes a listing that failed for "all is there".)
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
                left = not_whole(folder, batch)
                if len(left) == len(batch):
                    why = reasons.told[-1] if reasons.told else "no reason was given"
                    raise InputError(
                        f"The download stopped at {done / 1e9:.1f} of {total / 1e9:.1f} GB ({why}). "
                        f"What is there stays: give the same command again. {by_hand}"
                    )
                done += sum(one.bytes for one in batch)
                print(
                    f"{done / 1e9:.1f} of {total / 1e9:.1f} GB, {(time.monotonic() - start) / 60:.0f} min"
                )
        except IDCClientInsufficientDiskSpaceError as error:
            raise InputError(
                f"{folder}: {error}. What is there stays: make room and give the same command again."
            ) from None
        finally:
            tempfile.tempdir = None


def open_client(by_hand):
    """An idc-index client whose index, which came with the package, holds this collection alone. It asks no network."""
    try:
        from idc_index import IDCClient

        client = IDCClient()
    except (ImportError, FileNotFoundError):  # the second: without s5cmd
        raise InputError(f"The package idc-index is not installed. {INSTALL}. {by_hand}") from None
    client.index = client.index[
        client.index["collection_id"] == COLLECTION
    ].copy()  # of a million series
    return client


def download_idc(folder, client=None, published=PUBLISHED):
    """Complete the copy in `folder` and verify it. What write_record wants; raises InputError where it stays incomplete."""
    by_hand = (
        f"By hand: where there is a network, `idc download {COLLECTION}` (163.5 GB); move the folder {COLLECTION} that it makes into "
        f"{folder} and give the same command again, which then only verifies it."
    )
    client = client or open_client(by_hand)
    series = list_series(client.index, published)
    missing = not_whole(folder, series)
    if missing:
        print(f"{len(missing):,} of {len(series):,} series are missing in {folder}")
        ask_for_room(folder, sum(one.bytes for one in missing))
        from idc_index.index import aws_endpoint_url

        ask_store(aws_endpoint_url, missing[0], by_hand)
        remove_remains(folder, missing)
        fetch(client, folder, missing, by_hand)
        missing = not_whole(folder, missing)
    if missing:
        raise InputError(
            f"{folder}: {len(missing):,} series are missing or not whole: {some([one.uid for one in missing], 3)}. "
            f"What is there stays: give the same command again. {by_hand}"
        )
    tables = folder / "csv"
    there = all((tables / name).is_file() for name in CASE_TABLES)
    notes = [
        f"The four case tables are in {tables}."
        if there
        else f"The four case tables are not part of it: get them from {PAGE} (or from csv/ of the Kaggle edition, which "
        f"are the same) and put them into {tables}."
    ]
    total = sum(one.bytes for one in series)
    return {"files": published["files"], "folders": len(series), "bytes": total, "notes": notes}


def main(path, output):
    start = time.monotonic()
    folder = absolute(path) / "idc"
    found = download_idc(folder)
    seconds = round(time.monotonic() - start, 1)
    write_record(output, path=str(folder), **found, seconds=seconds, configfile="config/dicom.yaml")
    print(*closing_words(output), sep="\n")

"""Make the synthetic dataset: a small CBIS-DDSM in the Kaggle layout, with its traps planted.

The Bayes-optimal AUROC is 1 - lookalikes: of each class that fraction of lesions is drawn like the
other class. Who reads every drawing right has sensitivity and specificity 1 - lookalikes, and the
area under the ROC curve through that one point is 1 - lookalikes, too.
"""

import io
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mammo.dataset.layout import CASE_TABLES, DICOM_INFO, KINDS, META, PARTITIONS
from mammo.dataset.phantom import drawing
from mammo.dataset.phantom.plan import (
    File,
    Lesion,
    Listing,
    Trap,
    describe_lesions,
    plan_files,
    plan_lesions,
)
from mammo.dataset.phantom.tables import case_row, dicom_info_row, meta_row, write_csv
from mammo.dataset.settings import Phantom

DESCRIBED = 0.1  # fraction of masks and whole images of calcifications in test with a description


class Scan(NamedTuple):
    """A view of a breast: its lesions, and the files that are made of it."""

    seed: int
    view: str
    lesions: list[Lesion]
    files: list[File]


def build(folder: Path, phantom: Phantom, workers: int) -> None:
    """Write the synthetic dataset to `folder`: csv/, jpeg/ and planted.csv.

    The bytes are the same whatever the number of workers.
    """
    planted: list[Trap] = []
    lesions = plan_lesions(phantom.patients, phantom.seed, planted)
    describe_lesions(lesions, phantom.lookalikes, phantom.seed, planted)
    files, listings = plan_files(lesions, phantom.seed, planted)
    shapes = write_images(folder, scans_of(phantom.seed, lesions, files), workers)
    write_tables(folder, phantom.seed, shapes, listings, planted)
    print(
        f"{len(files)} images of {phantom.patients} patients, {len(listings)} lesions in a view;"
        f" Bayes-optimal AUROC {1 - phantom.lookalikes:g}"
    )


def scans_of(seed: int, lesions: list[Lesion], files: list[File]) -> list[Scan]:
    """The scans that lesions and files belong to, in the order of the lesions."""
    scans: dict[tuple[str, str, str], Scan] = {}
    for lesion in lesions:
        for view in lesion.drawn:
            key = (lesion.patient, lesion.side, view)
            scans.setdefault(key, Scan(seed, view, [], [])).lesions.append(lesion)
    for file in files:
        scans[file.lesion.patient, file.lesion.side, file.view].files.append(file)
    return list(scans.values())


def write_images(
    folder: Path, scans: list[Scan], workers: int
) -> list[tuple[File, tuple[int, ...]]]:
    """Draw the scans and write their files. Returns each file with its (rows, columns)."""
    shapes = []
    with ProcessPoolExecutor(workers) as pool:
        for scan, images in zip(scans, pool.map(draw_scan, scans, chunksize=4), strict=True):
            for file, (data, shape) in zip(scan.files, images, strict=True):
                path = folder / file.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                shapes.append((file, shape))
    return shapes


def draw_scan(scan: Scan) -> list[tuple[bytes, tuple[int, ...]]]:
    """(JPEG, shape) of each of a scan's files, in their order."""
    first, view = scan.lesions[0], scan.view
    shown = [
        drawing.Shape(lesion.kind, lesion.drawn[view], lesion.radius, lesion.contrast)
        for lesion in scan.lesions
    ]
    rng = drawing.seeded(scan.seed, "scan", first.patient, first.side, view)
    full, crops, masks = drawing.draw_scan(rng, first.side, view, max(1, first.density), shown)
    names = [lesion.image_id(view) for lesion in scan.lesions]
    encoded = []
    for file in scan.files:
        which = names.index(file.lesion.image_id(view))
        pixels = {"full": full, "crop": crops[which], "mask": masks[which]}[file.role]
        data = _jpeg(pixels, file.quality)
        encoded.append((data[: len(data) // 2] if file.truncated else data, pixels.shape))
    return encoded


def _jpeg(pixels: np.ndarray, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "jpeg", quality=quality)
    return stream.getvalue()


def write_tables(
    folder: Path,
    seed: int,
    shapes: list[tuple[File, tuple[int, ...]]],
    listings: list[Listing],
    planted: list[Trap],
) -> None:
    """Write csv/ and planted.csv; adds to `planted` what dicom_info.csv does not describe."""
    rng = drawing.seeded(seed, "info")
    info: list[dict] = []
    meta: dict[str, dict] = {}
    for file, shape in shapes:
        often_missing = file.role != "crop" and _in_calcification_test(file.lesion)
        described = not often_missing or rng.random() < DESCRIBED
        if not described:
            detail = f"dicom_info.csv does not say that it is a {file.role}"
            planted.append(Trap("missing_description", file=file.file, detail=detail))
        info.append(dicom_info_row(file, shape, described))
        meta[file.series] = meta_row(file, meta.get(file.series))
    tables = folder / "csv"
    tables.mkdir(parents=True, exist_ok=True)
    for (kind, part), name in CASE_TABLES.items():
        wanted = (KINDS[kind], PARTITIONS[part])
        rows = [
            case_row(listing)
            for listing in listings
            if (listing.lesion.kind, listing.lesion.partition) == wanted
        ]
        write_csv(tables / name, rows)
    write_csv(tables / DICOM_INFO, sorted(info, key=lambda row: row["image_path"]))
    write_csv(tables / META, [meta[series] for series in sorted(meta)])
    write_csv(folder / "planted.csv", [trap._asdict() for trap in planted])


def _in_calcification_test(lesion: Lesion) -> bool:
    return (lesion.kind, lesion.partition) == ("calcification", "test")

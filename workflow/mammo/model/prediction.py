"""Predict new images with an exported network, without TensorFlow or the training dataset."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.headers import printable, read_header
from mammo.dataset.images import decode
from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.exclusions import reason_in_words
from mammo.model.exported import ExportedModel, run
from mammo.model.ood import FEATURES, NEIGHBOURS, STATISTICS, Reference, compare, image_statistics
from mammo.statistics.calibration import calibrate

AT_ONCE = 256  # files that are decoded and predicted together, in bounded memory


class Decoded(NamedTuple):
    """A file's pixels, uint8 (size, size), and its width and height; or what its problem is."""

    pixels: np.ndarray | None
    width: int | None
    height: int | None
    problem: str


def decoded(path: Path, image: Image) -> Decoded:
    """Decode a file as `image` says, exactly as for training.

    The whole file is taken for the region that the network was trained on: of ROI crops, give
    crops.
    """
    header = read_header(path)
    if problem := header["problem"]:
        return Decoded(None, None, None, reason_in_words(problem))
    try:
        pixels = decode(path, image.size, image.fit)
    except ValueError:  # its message may quote the file or its path
        return Decoded(None, None, None, reason_in_words("cannot_decode"))
    return Decoded(pixels, header["width"], header["height"], "")


def predict_files(
    folder: str | Path, files: Sequence[str], model: ExportedModel, workers: int
) -> pd.DataFrame:
    """A row per file, in their order: its problem, or what `judge` says of it.

    `file` is its name below the folder, as text.
    """
    parts = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            with threadpool_limits(1):  # NumPy's threads and these would be in each other's way
                found = [*pool.map(lambda file: decoded(Path(folder, file), model.image), some)]
            rows = pd.DataFrame(
                {"file": [*map(printable, some)], "problem": [one.problem for one in found]}
            )
            good = [one for one in found if not one.problem]
            if good:
                said = predict_images(good, model)
                rows = rows.join(said.set_index(rows.index[rows["problem"] == ""]))
            parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def predict_images(images: Sequence[Decoded], model: ExportedModel) -> pd.DataFrame:
    """What `judge` says of decoded images."""
    pixels, width, height, _ = (np.array(values) for values in zip(*images, strict=True))
    statistics = image_statistics(pixels, width, height, model.reference.names)
    probability, features = run(model.session, pixels, model.views)
    return judge(probability, features, statistics, model.settings, model.reference)


def judge(
    raw: np.ndarray,
    features: np.ndarray,
    statistics: np.ndarray,
    settings: dict[str, Any],
    reference: Reference,
) -> pd.DataFrame:
    """What follows from a network's output and from image statistics, a row for each of n images.

    raw (n,): the network's probabilities. features, statistics: (n, …). settings: model.json.

    The columns are the raw and the calibrated probability, the prediction at each operating point,
    warnings, and the rows of the nearest training images in the reference with their distances.
    """
    calibrated = calibrate(raw, settings["temperature"])
    rows = pd.DataFrame({"raw": raw, "probability": calibrated})
    for point, at in settings["thresholds"].items():
        rows[point] = predicted_class(calibrated, at["threshold"])
    found = compare(features, statistics, reference)
    rows["far_in_features"] = found.far[FEATURES]
    rows["far_in_statistics"] = found.far[STATISTICS]
    rows["warnings"], rows["equal"] = found.warnings, found.equal
    for number in range(found.rows.shape[1]):
        rows[f"row_{number + 1}"] = found.rows[:, number]
        rows[f"nearest_{number + 1}_distance"] = found.distances[:, number]
    return rows


def predicted_class(calibrated: np.ndarray, threshold: float | None) -> np.ndarray | str:
    """malignant at the threshold and above, else benign; '' where validation gave no threshold."""
    if threshold is None:
        return ""
    return np.where(calibrated >= threshold, "malignant", "benign")


def as_table(rows: pd.DataFrame, table: pd.DataFrame, origin: dict[str, str]) -> pd.DataFrame:
    """The rows of predictions.csv, the most suspicious first.

    rows: of `predict_files`. table: reference.csv. origin: {model, dataset, leaks}.
    """
    rows = rows.assign(**origin)
    if "probability" not in rows:  # of none of the files
        return rows
    known = rows["problem"] == ""
    equal = rows["equal"].where(known, -1).astype(int)
    texts = []
    for warnings, row in zip(rows["warnings"].where(known, ""), equal, strict=True):
        duplicate = [f"duplicate of training image {table['image_id'][row]}"] if row >= 0 else []
        texts.append("; ".join([*warnings, *duplicate]))
    rows["warnings"] = texts
    for number in range(1, NEIGHBOURS + 1):
        if f"row_{number}" in rows:
            places = rows[f"row_{number}"].where(known, 0).astype(int)
            nearest = table.loc[places].reset_index(drop=True)
            rows[f"nearest_{number}"] = nearest["image_id"].where(known, "")
            rows[f"nearest_{number}_label"] = nearest["label"].where(known, "")
    return rows.sort_values(["probability", "file"], ascending=[False, True], kind="stable")


def nearest_tiles(rows: pd.DataFrame, pixels: Shards, index: pd.DataFrame) -> list[np.ndarray]:
    """Of rows of predictions.csv the nearest training images: uint8 (up to 3, size, size) each.

    pixels, index: the study's tensors.
    """
    place = index.set_index("image_id")["row"]
    columns = [f"nearest_{number}" for number in range(1, NEIGHBOURS + 1)]
    names = rows[[column for column in columns if column in rows]]
    return [pixels[place[list(row)].to_numpy(np.int64)] for row in names.itertuples(index=False)]

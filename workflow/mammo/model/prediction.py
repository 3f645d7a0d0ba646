"""Predict the images in a folder with an exported network: without TensorFlow, and without the dataset it was trained on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mammo.dataset.headers import printable, read_header
from mammo.dataset.images import decode
from mammo.dataset.tensors import Shards
from mammo.exclusions import reason_in_words
from mammo.model.augmentation import AS_IT_IS
from mammo.model.exported_model import run
from mammo.model.novelty import (
    FEATURES,
    NEIGHBOURS,
    STATISTICS,
    compare,
    image_statistics,
    statistic_names,
)
from mammo.statistics.calibration import calibrate
from mammo.tables import read_table

AT_ONCE = 256  # files that are decoded and predicted together, in bounded memory


def decoded(path, image):
    """(pixels, width, height, problem) of a file, prepared as `image` says, exactly as for training; no pixels with a problem.

    pixels: uint8 (size, size). width, height: of the file. The whole image is taken for the region that the network was
    trained on: of a crop, give the crop.
    """
    header = read_header(path)
    if problem := header["problem"]:
        return None, None, None, reason_in_words(problem)
    try:
        return decode(path, image["size"], image["fit"]), header["width"], header["height"], ""
    except ValueError:  # its message may quote the file or its path
        return None, None, None, reason_in_words("cannot_decode")


def predict_files(folder, files, settings, session, reference, workers):
    """A DataFrame with a row per file, in their order: its problem, or what the network says of it and what to make of that.

    file, as text; raw and calibrated probability, a call at each operating point, warnings, and the rows of the nearest
    training images in the reference with their distances.
    """
    names = statistic_names(settings["image"]["region"])
    parts = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            with threadpool_limits(1):  # NumPy's threads and these would be in each other's way
                found = list(
                    pool.map(lambda file: decoded(Path(folder, file), settings["image"]), some)
                )
            rows = pd.DataFrame(
                {"file": list(map(printable, some)), "problem": [problem for *_, problem in found]}
            )
            shown = [
                (pixels, width, height) for pixels, width, height, problem in found if not problem
            ]
            if shown:
                pixels, width, height = map(np.array, zip(*shown, strict=True))
                statistics = image_statistics(pixels, width, height, names)
                seen = run(session, pixels, np.array(settings.get("views", [AS_IT_IS]), np.float32))
                said = judge(*seen, statistics, names, settings, reference)
                rows = rows.join(said.set_index(rows.index[rows["problem"] == ""]))
            parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def judge(raw, features, statistics, names, settings, reference):
    """What follows from a network's output (n,), (n, …) and from image statistics (n, …), a DataFrame with n rows."""
    calibrated = calibrate(raw, settings["temperature"])
    rows = pd.DataFrame({"raw": raw, "probability": calibrated})
    for point, chosen in settings["thresholds"].items():
        rows[point] = call(calibrated, chosen["threshold"])
    found = compare(features, statistics, names, reference)
    rows["far_in_features"], rows["far_in_statistics"] = found[FEATURES], found[STATISTICS]
    rows["warnings"], rows["equal"] = found["warnings"], found["equal"]
    apart, nearest = found["nearest"]
    for number in range(nearest.shape[1]):
        rows[f"row_{number + 1}"] = nearest[:, number]
        rows[f"nearest_{number + 1}_distance"] = apart[:, number]
    return rows


def call(calibrated, threshold):
    """malignant at the threshold and above, else benign; nothing where validation gave no threshold."""
    if threshold is None:
        return ""
    return np.where(calibrated >= threshold, "malignant", "benign")


def as_table(rows, reference, origin):
    """The rows of predictions.csv, the most suspicious first. reference: reference.csv; origin: {model, dataset, leaks}."""
    rows = rows.assign(**origin)
    if "probability" not in rows:  # of none of the files
        return rows
    known = rows["problem"] == ""
    equal = rows["equal"].where(known, -1).astype(int)
    rows["warnings"] = [
        "; ".join(
            [
                *texts,
                *(
                    [f"shows what training image {reference['image_id'][row]} shows"]
                    if row >= 0
                    else []
                ),
            ]
        )
        for texts, row in zip(rows["warnings"].where(known, ""), equal, strict=True)
    ]
    for number in range(1, NEIGHBOURS + 1):
        if f"row_{number}" in rows:
            nearest = reference.loc[rows[f"row_{number}"].where(known, 0).astype(int)].reset_index(
                drop=True
            )
            rows[f"nearest_{number}"] = nearest["image_id"].where(known, "")
            rows[f"nearest_{number}_label"] = nearest["label"].where(known, "")
    return rows.sort_values(["probability", "file"], ascending=[False, True], kind="stable")


def tiles_of(rows, paths, image, tensors):
    """Of rows with a probability: (tiles, neighbours), uint8 (n, size, size) and, with `tensors`, (n, up to 3, size, size)."""
    tiles = [decode(path, image["size"], image["fit"]) for path in paths]
    if not tensors:
        return tiles, None
    index = read_table(tensors["index"], "index").set_index("image_id")["row"]
    pixels = Shards(tensors["pixels"])
    near = [
        f"nearest_{number}" for number in range(1, NEIGHBOURS + 1) if f"nearest_{number}" in rows
    ]
    return tiles, [
        pixels[index[list(names)].to_numpy(np.int64)]
        for names in rows[near].itertuples(index=False)
    ]

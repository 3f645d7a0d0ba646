"""An exported network: three files in a folder that predict without TensorFlow or a dataset.

model.onnx: from `image`, float32 (n, size, size, 3) in the range 0–255, to `probability` (n, 1),
the mean over its networks, and `features` (n, …), the input of their last dense layers.
model.json: how images are prepared, what follows from a probability, and where the network comes
from (workflow/schemas/exported_model.schema.yaml).
reference.csv: features and statistics of training images.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnxruntime
import pandas as pd
import yaml

from mammo.dataset.settings import Image
from mammo.hashing import sha256
from mammo.log import InputError, some
from mammo.model.augmentation import IDENTITY, views_from, warped
from mammo.model.ood import Reference
from mammo.model.reference import as_reference
from mammo.paths import WORKFLOW
from mammo.tables import read_table

READS = ["schemas/exported_model.schema.yaml"]
SCHEMA = WORKFLOW / READS[0]
FORMAT_VERSION = 1
AGREEMENT = 1e-5  # by how much the probabilities of Keras and onnxruntime may differ
FILES = ["model.onnx", "model.json", "reference.csv"]
BATCH = 64  # images that are predicted together
AGAIN = (
    "Copy the folder again, all three files, from where export_network made it, or export the"
    " network anew."
)


@dataclass(frozen=True)
class ExportedModel:
    """What the folder of an exported network holds.

    settings: model.json. image: how images are prepared. views: warps (v, 8) of an image over which
    its probability is the mean. table: reference.csv, and reference the same for `ood.compare`.
    """

    settings: dict[str, Any]
    image: Image
    views: np.ndarray
    session: onnxruntime.InferenceSession
    table: pd.DataFrame
    reference: Reference


def read_model(folder: str | Path, threads: int = 0) -> ExportedModel:
    """Read the exported network in `folder`, to run on so many threads (0: as many as cores).

    Raises InputError where a file is missing, is not what model.json says, or not what this version
    reads.
    """
    folder = Path(folder)
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise InputError(f"{folder}: no {some(missing)}, so no exported network. {AGAIN}")
    path = folder / "model.json"
    settings = _read_settings(path)
    for name, wanted in settings["sha256"].items():
        if name not in FILES:
            expected = ", ".join(FILES)
            raise InputError(f"{path}: sha256 names {name!r}; expected: {expected}. {AGAIN}")
        if sha256(folder / name) != wanted:
            raise InputError(
                f"{folder / name} is not the file that model.json was made with (sha256 {wanted})."
                f" {AGAIN}"
            )
    try:
        views = views_from(settings.get("views"))
    except ValueError as error:
        raise InputError(f"{path}: {error}. {AGAIN}") from None
    image = Image.default(**{key: settings["image"][key] for key in ("region", "fit", "size")})
    session = open_session(folder / "model.onnx", image.size, threads)
    table = read_table(folder / "reference.csv", "reference")
    reference = as_reference(table, settings["reference"], image.region, folder)
    return ExportedModel(settings, image, views, session, table, reference)


def _read_settings(path: Path) -> dict[str, Any]:
    """model.json, checked against its schema."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}. {AGAIN}") from None
    version = settings.get("format_version") if isinstance(settings, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version is {version!r}, and this workflow reads {FORMAT_VERSION}."
            " Predict with the version of the workflow that made it, or export the network again"
            " with this one."
        )
    validator = jsonschema.Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))
    if wrong := jsonschema.exceptions.best_match(validator.iter_errors(settings)):
        where = ".".join(map(str, wrong.absolute_path)) or "the file"
        raise InputError(f"{path}: {where}: {wrong.message[:300]}. {AGAIN}")
    return settings


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def as_json(settings: dict[str, Any]) -> str:
    """The text of model.json."""
    text = json.dumps(settings, indent=2, allow_nan=False, default=lambda number: number.item())
    return text + "\n"


def open_session(path: str | Path, size: int, threads: int = 0) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU.

    Raises InputError unless it takes images of this size, and gives probabilities and features.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # 0: as many as there are cores
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of many kinds, none of which is a class of its own
        raise InputError(
            f"{path} cannot be read by onnxruntime: {str(error)[:200]}. {AGAIN}"
        ) from None
    takes = {value.name: value.shape for value in session.get_inputs()}
    gives = sorted(value.name for value in session.get_outputs())
    if list(takes) != ["image"] or takes["image"][1:] != [size, size, 3]:
        raise InputError(
            f"{path} takes {takes}, and model.json says image (n, {size}, {size}, 3): image.size"
            f" {size}. {AGAIN}"
        )
    if gives != ["features", "probability"]:
        raise InputError(f"{path} gives {some(gives)}, and not probability and features. {AGAIN}")
    return session


def as_input(pixels: np.ndarray) -> np.ndarray:
    """Images (n, size, size) as the network takes them: float32 (n, size, size, 3), 0–255."""
    return np.repeat(pixels[..., None].astype(np.float32), 3, axis=-1)


def run(
    session: onnxruntime.InferenceSession,
    pixels: np.ndarray,
    views: Iterable[np.ndarray] = (IDENTITY,),
) -> tuple[np.ndarray, np.ndarray]:
    """(probability (n,), features (n, …)), float64, of uint8 images (n, size, size).

    A probability is the mean over the views, warps (v, 8); features are of the first one.
    """
    parts = []
    for start in range(0, len(pixels), BATCH):
        batch = pixels[start : start + BATCH]
        seen = [
            session.run(["probability", "features"], {"image": as_input(warped(batch, view))})
            for view in views
        ]
        parts.append((np.mean([probability for probability, _ in seen], axis=0), seen[0][1]))
    probability, features = (
        np.concatenate(values).astype(float) for values in zip(*parts, strict=True)
    )
    return probability[:, 0], features


def count_features(session: onnxruntime.InferenceSession, size: int) -> int:
    """How many features a network gives of an image."""
    return run(session, np.zeros((1, size, size), np.uint8))[1].shape[1]

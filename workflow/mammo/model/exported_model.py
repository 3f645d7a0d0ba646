"""An exported network: a folder of model.onnx, model.json and reference.csv that predicts anywhere, without TensorFlow or a dataset.

model.onnx: `image`, float32 (n, size, size, 3) of 0 to 255, to `probability` (n, 1), the mean over a fold's seeds, and
`features` (n, …), what their last layers see. model.json: how images are prepared, what follows from a probability, where
it comes from (workflow/schemas/exported_model.schema.yaml). reference.csv: features and statistics of training images.
"""

import json
from pathlib import Path

import jsonschema
import numpy as np
import onnxruntime
import yaml

from mammo.hashing import sha256
from mammo.log import InputError, some
from mammo.model.augmentation import AS_IT_IS, warped
from mammo.model.novelty import FEATURES, STATISTICS, statistic_names
from mammo.paths import WORKFLOW
from mammo.tables import further_columns, read_table

READS = ["schemas/exported_model.schema.yaml"]
SCHEMA = WORKFLOW / READS[0]
FORMAT_VERSION = 1
AGREEMENT = 1e-5  # by how much the probabilities of Keras and onnxruntime may differ
FILES = ["model.onnx", "model.json", "reference.csv"]
BATCH = 64  # images that are predicted together
AGAIN = "Copy the folder again, all three files, from where export_network made it, or export the network anew."


def read_model(folder, threads=0):
    """(settings, session, reference, table) of the network in `folder`.

    settings: model.json. session: onnxruntime's. reference: what mammo.model.novelty.compare wants. table: reference.csv.
    Raises InputError where a file is missing, is not what model.json says, or not what this version reads.
    """
    folder = Path(folder)
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise InputError(f"{folder}: no {some(missing)}, so no exported network. {AGAIN}")
    settings = _read_settings(folder / "model.json")
    for name, wanted in settings["sha256"].items():
        if name not in FILES:
            raise InputError(
                f"{folder / 'model.json'}: sha256 names {name!r}; expected: {', '.join(FILES)}. {AGAIN}"
            )
        if sha256(folder / name) != wanted:
            raise InputError(
                f"{folder / name} is not the file that model.json was made with (sha256 {wanted}). {AGAIN}"
            )
    session = open_session(folder / "model.onnx", settings["image"]["size"], threads)
    table = read_table(folder / "reference.csv", "reference")
    return settings, session, _reference(table, settings, folder), table


def _read_settings(path):
    """model.json, checked against its schema."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}. {AGAIN}") from None
    version = settings.get("format_version") if isinstance(settings, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version is {version!r}, and this workflow reads {FORMAT_VERSION}. "
            "Predict with the version of the workflow that made it, or export the network again with this one."
        )
    validator = jsonschema.Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))
    if error := jsonschema.exceptions.best_match(validator.iter_errors(settings)):
        where = ".".join(map(str, error.absolute_path)) or "the file"
        raise InputError(f"{path}: {where}: {error.message[:300]}. {AGAIN}")
    return settings


def _refuse(constant):
    raise ValueError(f"{constant} is no number")


def _reference(table, settings, folder):
    """reference.csv as arrays, with the scales and limits of model.json."""
    told, names = settings["reference"], statistic_names(settings["image"]["region"])
    columns = [f"f{number}" for number in range(len(told["scale"][FEATURES]))]
    found = [name for name in further_columns(table, "reference") if name not in names]
    if found != columns or len(table) != told["images"]:
        raise InputError(
            f"{folder / 'reference.csv'} has {len(found)} features of {len(table)} images, and model.json says "
            f"{len(columns)} of {told['images']}. {AGAIN}"
        )
    for key in ("low", "high"):
        if missing := [
            name for name in names if name not in told[key] or name not in told["scale"][STATISTICS]
        ]:
            raise InputError(
                f"{folder / 'model.json'}: reference.{key}, reference.scale: no {some(missing)}. {AGAIN}"
            )
    try:
        values = {
            FEATURES: table[columns].astype(float).to_numpy(),
            STATISTICS: table[names].to_numpy(float),
        }
    except ValueError as error:
        raise InputError(f"{folder / 'reference.csv'}: {error}. {AGAIN}") from None
    if not all(np.isfinite(part).all() for part in values.values()):
        raise InputError(
            f"{folder / 'reference.csv'}: a feature or statistic is missing or no number. {AGAIN}"
        )
    scale = {
        FEATURES: np.array(told["scale"][FEATURES]),
        STATISTICS: in_order(told["scale"][STATISTICS], names),
    }
    return values | {
        "scale": scale,
        "limit": told["limit"],
        "low": in_order(told["low"], names),
        "high": in_order(told["high"], names),
    }


def in_order(named, names):
    """The values of a dict in the order of `names`, as an array."""
    return np.array([named[name] for name in names], float)


def open_session(path, size, threads=0):
    """An onnxruntime session on the CPU. Raises InputError unless it takes images of this size and gives what is wanted of it."""
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
            f"{path} takes {takes}, and model.json says image (n, {size}, {size}, 3): image.size {size}. {AGAIN}"
        )
    if gives != ["features", "probability"]:
        raise InputError(f"{path} gives {some(gives)}, and not probability and features. {AGAIN}")
    return session


def as_input(pixels):
    """Images (n, size, size) as the network is given them: float32 (n, size, size, 3), 0 to 255."""
    return np.repeat(pixels[..., None].astype(np.float32), 3, axis=-1)


def run(session, pixels, views=(AS_IT_IS,)):
    """(probability (n,), features (n, …)) of uint8 images (n, size, size), float64: of the probability the mean over the views (v, 8)."""
    parts = []
    for start in range(0, len(pixels), BATCH):
        some = pixels[start : start + BATCH]
        seen = [
            session.run(["probability", "features"], {"image": as_input(warped(some, view))})
            for view in views
        ]
        parts.append((np.mean([probability for probability, _ in seen], axis=0), seen[0][1]))
    probability, features = (
        np.concatenate(values).astype(float) for values in zip(*parts, strict=True)
    )
    return probability[:, 0], features

"""Export the networks of a fold, or of all, as one that averages them, with all that predicting takes where there is no TensorFlow and no dataset."""

import json
import logging
import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from mammo.dataset.settings import Image
from mammo.dataset.tensors import Shards
from mammo.hashing import sha256
from mammo.log import InputError
from mammo.model.augmentation import prediction_views
from mammo.model.exported_model import AGREEMENT, FORMAT_VERSION, as_input, open_session, run
from mammo.model.exported_scores import of_fold
from mammo.model.novelty import (
    FEATURES,
    GREY,
    SHAPE,
    STATISTICS,
    compare,
    feature_spread,
    image_statistics,
    limit,
    spread,
    statistic_names,
    usual_range,
)
from mammo.tables import PARTITIONS, read_table, run_of, write_table

MOST_IMAGES, MOST_VALUES = (
    5_000,
    2_000_000,
)  # of the reference: it is read whole whenever someone predicts
COMPARED = 256  # images on which Keras and onnxruntime are compared
DIGITS = 6  # significant ones of the reference's values
LIMITS = (
    "Not for clinical use. Probabilities and decisions hold for images like those of the dataset it was trained on, prepared "
    "in the same way; elsewhere they may mean nothing, and warnings do not find every such image. The weights and "
    "reference.csv come from that dataset, whose licence and whose patients' privacy go with them."
)


def joined(paths):
    """One Keras model of the networks saved at `paths`, in single precision: from images to their mean probability and features.

    features: what the last dense layer of each is given, side by side. Raises InputError where a network has no such layer.
    """
    import keras

    networks = [convertible(keras.saving.load_model(path, compile=False)) for path in paths]
    image = keras.Input(networks[0].inputs[0].shape[1:], name="image")
    probabilities, features = [], []
    for path, network in zip(paths, networks, strict=True):
        for layer in _layers(
            network
        ):  # half precision would make each runtime round in its own way
            layer.dtype_policy = "float32"
        dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        if not dense:
            raise InputError(
                f"{path}: the network {network.name} has no dense layer, whose input would be its features."
            )
        probability, feature = keras.Model(network.inputs, [network.outputs[0], dense[-1].input])(
            image
        )
        probabilities.append(probability)
        features.append(keras.layers.Flatten()(feature))
    several = len(networks) > 1
    outputs = {
        "probability": keras.layers.Average()(probabilities) if several else probabilities[0],
        "features": keras.layers.Concatenate()(features) if several else features[0],
    }
    return keras.Model(image, outputs, name=networks[0].name)


def convertible(network):
    """A network with equals in place of what the converter to ONNX does not know; the network itself where there is no such thing.

    A convolution of as many groups as channels is a depthwise one. The activation GELU, x times the normal distribution at x, is
    computed with the error function, where TensorFlow takes its complement.
    """
    import keras

    grouped = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
        and 1 < layer.groups == layer.filters == layer.input.shape[-1]
    ]
    gelu = [
        layer
        for layer in network.layers
        if getattr(layer, "activation", None) is keras.activations.gelu
    ]
    if not grouped + gelu:
        return network
    kept = (
        "name",
        "kernel_size",
        "strides",
        "padding",
        "dilation_rate",
        "activation",
        "use_bias",
        "dtype",
    )

    def twin(layer):
        if layer in grouped:
            return keras.layers.DepthwiseConv2D(**{key: layer.get_config()[key] for key in kept})
        other = type(layer).from_config(layer.get_config())
        if layer in gelu:
            other.activation = lambda x: x * (1 + keras.ops.erf(x / 2**0.5)) / 2
        return other

    again = keras.models.clone_model(network, clone_function=twin)
    for layer in network.layers:
        weights = layer.get_weights()
        if (
            layer in grouped
        ):  # (height, width, 1, channels), and (height, width, channels, 1) in the twin
            weights[0] = weights[0].transpose(0, 1, 3, 2)
        again.get_layer(layer.name).set_weights(weights)
    return again


def _layers(layer):
    """A layer and all layers in it, at any depth."""
    yield layer
    for inner in getattr(layer, "layers", []):
        yield from _layers(inner)


def export(model, path, words):
    """Write a model to an ONNX file whose inputs and outputs bear the names of the model's; `words` is its description."""
    import onnx

    # An optimisation that the converter has to leave out is no fault, and the result is compared with Keras' own afterwards.
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))
    model.export(path, format="onnx", verbose=False)
    found = onnx.load(path)
    # The converter leaves constants that it has folded among the inputs, where nothing uses them.
    used = {name for node in found.graph.node for name in node.input}
    for value in [value for value in found.graph.input if value.name not in used]:
        found.graph.input.remove(value)
    for value in [*found.graph.input, *found.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "images"
    found.graph.name, found.doc_string = model.name, words
    onnx.checker.check_model(found)
    onnx.save(found, path)


def chosen(scores, features):
    """The rows of `scores` that are looked at, and of the training partition become the reference: all, or a fixed sample of each partition.

    features: how many an image has. So many images that neither the table nor the distances between them become too large.
    """
    most = max(100, min(MOST_IMAGES, MOST_VALUES // features))
    parts = [scores[scores["partition"] == partition] for partition in PARTITIONS]
    return pd.concat(
        [
            part.sample(most, random_state=0).sort_index() if len(part) > most else part
            for part in parts
        ]
    )


def make_reference(images, features, statistics, names):
    """(table, told, arrays): reference.csv as a DataFrame, what model.json says of it, and what `compare` wants of both.

    images: rows of the training partition with image_id, patient_id, label (1: malignant), kind; features (m, …) and
    statistics (m, len(names)) are theirs. What is kept is rounded, and limits are of what is kept.
    """
    features, statistics = rounded(features), rounded(statistics)
    least = GREY | SHAPE
    scale = {
        FEATURES: feature_spread(features),
        STATISTICS: spread(statistics, [least[name] for name in names]),
    }
    low, high = usual_range(statistics)
    table = pd.DataFrame(
        {"image_id": images["image_id"].to_numpy(), "kind": images["kind"].to_numpy()}
    )
    table["label"] = np.where(images["label"] == 1, "malignant", "benign")
    columns = pd.DataFrame(features, columns=[f"f{number}" for number in range(features.shape[1])])
    table = pd.concat([table, pd.DataFrame(statistics, columns=names), columns], axis=1)
    patients = images["patient_id"]
    told = {
        "images": len(table),
        "scale": {FEATURES: scale[FEATURES].tolist(), STATISTICS: named(names, scale[STATISTICS])},
        "limit": {
            FEATURES: limit(features, scale[FEATURES], patients),
            STATISTICS: limit(statistics, scale[STATISTICS], patients),
        },
        "low": named(names, low),
        "high": named(names, high),
    }
    arrays = {
        FEATURES: features,
        STATISTICS: statistics,
        "scale": scale,
        "limit": told["limit"],
        "low": low,
        "high": high,
    }
    return table, told, arrays


def rounded(values):
    """Values with DIGITS significant digits."""
    size = np.floor(np.log10(np.abs(values), where=values != 0, out=np.zeros_like(values)))
    factor = 10.0 ** (DIGITS - 1 - size)
    return np.rint(values * factor) / factor


def named(names, values):
    return dict(zip(names, map(float, values), strict=True))


def counted(scores):
    """How many images, malignant ones and patients each partition holds."""
    parts = scores.drop_duplicates(["image_id", "partition"]).groupby("partition")
    return {
        partition: {
            "images": len(part),
            "malignant": int(part["label"].sum()),
            "patients": part["patient_id"].nunique(),
        }
        for partition, part in parts
    }


def versions():
    """The versions of what the network was made and exported with; TensorFlow's package has several names."""
    import tensorflow

    packages = ("keras", "onnx", "tf2onnx", "onnxruntime", "numpy")
    return {"python": platform.python_version(), "tensorflow": tensorflow.__version__} | {
        name: version(name) for name in packages
    }


def main(inputs, output, experiment, fold, params):
    image = params.image
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a GPU may round to fewer digits than are compared
    scores, thresholds, images = of_fold(inputs.scores, inputs.thresholds, fold)
    shown = read_table(inputs.images, "images")[["image_id", "kind", "width", "height"]]
    index = read_table(inputs.index, "index")[["image_id", "row"]]
    images = images.merge(shown, on="image_id", validate="1:1").merge(
        index, on="image_id", validate="1:1"
    )
    pixels = Shards(inputs.pixels)

    runs = [run_of(path) for path in inputs.models]
    name = f"{experiment}-folds" if fold is None else f"{experiment}-fold{fold}"
    model = joined(inputs.models)
    weights = model.count_params() // len(runs)
    export(model, output.model, f"{name} of dataset {scores['dataset'].iloc[0]}. {LIMITS}")
    session = open_session(output.model, image["size"])

    width = run(session, np.zeros((1, image["size"], image["size"]), np.uint8))[1].shape[1]
    of_training = int((images["partition"] == "training").sum())
    images = chosen(images, width)
    seen = pixels[images["row"].to_numpy(np.int64)]
    views = prediction_views(image["size"], params.augmentation)
    probability, features = run(session, seen, views)
    agreement = {
        "images": len(images),
        "scores": float(np.abs(probability - images["probability"]).max()),
    }
    some = np.unique(np.linspace(0, len(images) - 1, COMPARED).astype(int))
    by_keras = model.predict(as_input(seen[some]), batch_size=64, verbose=0)
    agreement["keras"] = float(
        np.abs(by_keras["probability"][:, 0] - run(session, seen[some])[0]).max()
    )
    print(f"largest difference of a probability: onnxruntime and Keras {agreement['keras']:.1e}, and scores.csv {agreement['scores']:.1e}")  # fmt: skip
    if not agreement["keras"] <= AGREEMENT:
        raise InputError(
            f"{output.model}: onnxruntime's probabilities differ from Keras' by up to {agreement['keras']:.1e}, and may by "
            f"{AGREEMENT:g}: the network {model.name} has a layer that the two compute differently. Change the layer in mammo/model/networks.py."
        )

    names = statistic_names(image["region"])
    statistics = image_statistics(seen, images["width"], images["height"], names)
    training = (images["partition"] == "training").to_numpy()
    table, told, reference = make_reference(
        images[training], features[training], statistics[training], names
    )
    write_table(table, output.reference, "reference")
    warned = np.array(
        [bool(texts) for texts in compare(features, statistics, names, reference)["warnings"]]
    )
    flagged = {part: float(warned[images["partition"] == part].mean()) for part in images["partition"].unique() if part != "training"}  # fmt: skip
    print(f"reference: {len(table)} training images; unlike them: {', '.join(f'{share:.1%} of {part}' for part, share in flagged.items())}")  # fmt: skip

    settings = {
        "format_version": FORMAT_VERSION,
        "network": model.name,
        "weights": weights,
        "experiment": experiment,
        "fold": fold,
        "seeds": sorted({seed for _, _, seed in runs}),
        "edition": params.edition,
        "dataset": scores["dataset"].iloc[0],
        "leaks": scores["leaks"].iloc[0],
        "image": {key: image[key] for key in Image(**image).pixel_keys()},
        "views": views.tolist(),
        "temperature": float(thresholds["temperature"].iloc[0]),
        "thresholds": {
            row.point: {
                "threshold": None if pd.isna(row.threshold) else float(row.threshold),
                "reason": row.reason,
            }
            for row in thresholds.itertuples()
        },
        "partitions": counted(scores),
        "reference": told | {"of": of_training, "flagged": flagged},
        "agreement": agreement,
        "versions": versions(),
        "sha256": {Path(path).name: sha256(path) for path in (output.model, output.reference)},
        "limits": LIMITS,
    }
    text = json.dumps(settings, indent=2, allow_nan=False, default=lambda number: number.item())
    Path(output.facts).write_text(text + "\n", encoding="utf-8")

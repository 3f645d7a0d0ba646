"""What mammo/model/networks.py says of its networks, and what a file of weights holds, without importing Keras.

Imported while the Snakefile is parsed, so it imports nothing slow; a file of weights is opened only where one is named.
"""

import ast
import io
import os
import zipfile
from functools import lru_cache
from pathlib import Path

NETWORKS = Path(__file__).with_name("networks.py")
PUBLISHED = "https://storage.googleapis.com/tensorflow/keras-applications/"
ENDINGS = (".h5", ".keras")
FETCHED = "results/weights"  # where fetch_weights leaves what is published


@lru_cache(None)
def known():
    """{name: facts} of all networks, as mammo/model/networks.py has them: `words`, its docstring, and of a backbone what `_backbone` is given."""
    found = {}
    for node in ast.parse(NETWORKS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            said = [word for marked in node.decorator_list for word in marked.keywords]
            facts = {word.arg: ast.literal_eval(word.value) for word in said}
            found[node.name] = {"words": " ".join(ast.get_docstring(node).split())} | facts
    return found


def pretrained(network):
    """The paths of the weights that a network begins with, from the settings of `network`: one, or none where it begins at random."""
    if network.weights == "none":
        return []
    if network.weights == "imagenet":
        return [f"{FETCHED}/{Path(known()[network.name]['published']).name}"]
    return [os.path.expanduser(network.weights)]


def published(stem):
    """(address, digest) of the file of that name without its ending, as keras.applications publishes it."""
    facts = next(
        facts for facts in known().values() if Path(facts.get("published", "")).stem == stem
    )
    return PUBLISHED + facts["published"], facts["digest"]


def network_mistakes(network, image):
    """What is wrong with a study's network: (section, key, what) of each mistake."""
    name, given, size = network.name, network.weights, image.size
    facts = known()[name]
    if size < (smallest := facts.get("smallest", 0)):
        yield (
            "image",
            "size",
            f"{size}, but the network {name} takes no images of fewer than {smallest} pixels; give that, or another network.name",
        )
    if given == "none":
        return
    if "published" not in facts:
        others = ", ".join(other for other, of in known().items() if "published" in of)
        yield (
            "network",
            "weights",
            f"{given!r}, but {name} begins at random: set it to none, or network.name to one of {others}",
        )
    elif given != "imagenet" and (what := weights_mistake(os.path.expanduser(given), name)):
        yield "network", "weights", f"{given!r} {what}"


@lru_cache(None)
def weights_mistake(path, name):
    """Why a file does not hold the weights of the backbone of that name; '' where it does, as far as their number tells."""
    way_out = f"give none, imagenet, or a file of {name} without its head, such as {PUBLISHED}{known()[name]['published']}"
    if not os.path.isfile(path):
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        note = (
            "" if os.path.isabs(path) else f" (read from {Path.cwd()}, where results/ is written)"
        )
        return f"{what}{note}; {way_out}"
    if not path.endswith(ENDINGS):
        return f"is no file of weights that Keras reads: its name ends in none of {', '.join(ENDINGS)}; {way_out}"
    try:
        count = count_weights(path)
    except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        return f"cannot be read as weights: {error}; {way_out}"
    if count == known()[name]["weights"]:
        return ""
    of = [other for other, facts in known().items() if facts.get("weights") == count]
    whose = f"those of {of[0]}" if of else "of another network, or with a head"
    return f"holds {count:,} weights, {whose}; {name} has {known()[name]['weights']:,}; {way_out}"


def count_weights(path):
    """The number of weights in an .h5 or .keras file that Keras wrote: not what an optimizer or a random generator has there."""
    import h5py

    count = 0

    def add(name, item):
        nonlocal count
        if (
            isinstance(item, h5py.Dataset)
            and item.dtype.kind == "f"
            and not name.startswith("optimizer")
        ):
            count += item.size

    if path.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            path = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(path) as file:
        file.visititems(add)
    return count

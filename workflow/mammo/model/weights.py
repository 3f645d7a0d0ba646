"""The weights that a network begins with: which file they are, and whether it holds the right ones.

Imported while the Snakefile is parsed, so it imports nothing slow; a file of weights is opened only
where a configuration names one.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from mammo.dataset.settings import Image
from mammo.model.networks import NETWORKS, Published
from mammo.model.settings import Network

ENDINGS = (".h5", ".keras")
FETCHED = "results/weights"  # where fetch_weights leaves what is published


def pretrained(network: Network) -> list[str]:
    """The path of the file of weights that a network begins with; [] where these are random."""
    if network.weights == "none":
        return []
    if network.weights == "imagenet":
        return [f"{FETCHED}/{Path(_published_of(network.name).file).name}"]
    return [os.path.expanduser(network.weights)]


def published(stem: str) -> tuple[str, str]:
    """(address, digest) of the file that keras.applications publishes as `stem`.h5."""
    for architecture in NETWORKS.values():
        weights = architecture.published
        if weights and Path(weights.file).stem == stem:
            return weights.address, weights.digest
    raise KeyError(stem)


def network_mistakes(network: Network, image: Image) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a study's network: (section, key, what) of each mistake."""
    architecture = NETWORKS[network.name]
    if image.size < architecture.smallest:
        yield (
            "image",
            "size",
            f"{image.size}, but the network {network.name} takes no images of fewer than"
            f" {architecture.smallest} pixels; give that, or another network.name",
        )
    if network.weights == "none":
        return
    if architecture.published is None:
        others = ", ".join(name for name, other in NETWORKS.items() if other.published)
        yield (
            "network",
            "weights",
            f"{network.weights!r}, but {network.name} begins at random: set it to none, or"
            f" network.name to one of {others}",
        )
    elif network.weights != "imagenet":
        what = weights_mistake(os.path.expanduser(network.weights), network.name)
        if what:
            yield "network", "weights", f"{network.weights!r} {what}"


@lru_cache(None)
def weights_mistake(path: str, name: str) -> str:
    """Why a file does not hold the weights of the backbone of that name.

    '' where it does, as far as their number tells.
    """
    wanted = _published_of(name)
    way_out = f"give none, imagenet, or a file of {name} without its head, such as {wanted.address}"
    if not os.path.isfile(path):
        what = "is a folder" if os.path.isdir(path) else "does not exist"
        if not os.path.isabs(path):
            what += f" (read from {Path.cwd()}, where results/ is written)"
        return f"{what}; {way_out}"
    if not path.endswith(ENDINGS):
        endings = ", ".join(ENDINGS)
        return (
            f"is no file of weights that Keras reads: its name ends in none of {endings}; {way_out}"
        )
    if "{" in path or "}" in path:  # Snakemake takes {b} in an input for a wildcard
        return f"has braces in its path, which cannot be an input; move or rename it; {way_out}"
    try:
        count = count_weights(path)
    except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        return f"cannot be read as weights: {error}; {way_out}"
    if count == wanted.parameters:
        return ""
    return f"holds {count:,} weights, {_whose(count)}; {name} has {wanted.parameters:,}; {way_out}"


def count_weights(path: str) -> int:
    """The number of weights in an .h5 or .keras file that Keras wrote.

    The variables of an optimizer or a random generator in it do not count.
    """
    import h5py

    count = 0

    def add(name: str, item: Any) -> None:
        nonlocal count
        floats = isinstance(item, h5py.Dataset) and item.dtype.kind == "f"
        if floats and not name.startswith("optimizer"):
            count += item.size

    file: str | io.BytesIO = path
    if path.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file) as content:
        content.visititems(add)
    return count


def _published_of(name: str) -> Published:
    """The published weights of a backbone. Raises KeyError for a network that has none."""
    weights = NETWORKS[name].published
    if weights is None:
        raise KeyError(f"no weights of {name} are published")
    return weights


def _whose(count: int) -> str:
    """Whose backbone's weights are so many, in words."""
    for name, architecture in NETWORKS.items():
        if architecture.published and architecture.published.parameters == count:
            return f"those of {name}"
    return "of another network, or with a head"

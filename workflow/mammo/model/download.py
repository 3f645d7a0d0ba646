"""Get the weights of a backbone that keras.applications publishes: from its cache, or online."""

import hashlib
import os
import shutil
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from mammo.dataset.download.records import cause
from mammo.log import InputError

WAIT = 20  # seconds without an answer, or without a further byte


def cached(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where Keras keeps, or would keep, a published file of that name."""
    return Path(environment.get("KERAS_HOME") or Path.home() / ".keras", "models", name)


def is_published(path: Path, digest: str) -> bool:
    """Whether the file at `path` has this MD5 (32 hex digits) or SHA-256."""
    kind = "md5" if len(digest) == 32 else "sha256"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == digest


def fetch(address: str, digest: str, output: str | Path, cache: Path) -> None:
    """Copy or download the published file to `output`.

    Raises InputError, with what to put where, if it cannot be had or is another one.
    """
    part = Path(f"{output}.part")
    way_out = (
        f"Download {address} elsewhere and put it at {cache}, or name it by the key network.weights"
        " (--config 'network={weights: FILE}'); network.weights: none begins at random."
    )
    source = cache if cache.is_file() else address
    try:
        if source == cache:
            shutil.copyfile(cache, part)
        else:
            with urllib.request.urlopen(address, timeout=WAIT) as answer, open(part, "wb") as file:
                shutil.copyfileobj(answer, file)
        if not is_published(part, digest):
            raise InputError(
                f"{source} is not the file that keras.applications publishes (digest {digest})."
                f" {way_out}"
            )
        part.rename(output)
    except (OSError, HTTPException) as error:
        raise InputError(
            f"{cache}: no such file, and {address} cannot be downloaded: {cause(error)}. {way_out}"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    print(f"{output}: from {source}")

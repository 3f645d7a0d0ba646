"""Files by their content."""

import hashlib
from os import PathLike


def sha256(path: str | PathLike) -> str:
    """The hash of a file, 64 hex digits, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

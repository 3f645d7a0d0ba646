"""Files by their content."""

import hashlib


def sha256(path):
    """The hash of a file, 64 hex digits, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

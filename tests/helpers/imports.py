"""What a file of the library imports, read from its text."""

import ast
from pathlib import Path

from helpers.project import ROOT

PACKAGE = ROOT / "workflow/mammo"


def imports_of(path: Path):
    """The modules of the library that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mammo"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = (PACKAGE.parent / full.replace(".", "/")).with_suffix(".py").exists()
                yield full if is_module or node.module == "mammo" else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("mammo"))

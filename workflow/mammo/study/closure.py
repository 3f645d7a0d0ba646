"""What a script's result depends on in code: the script and every module that it imports.

Snakemake sees that a script was edited, but not that a module was which the script imports. A rule
carries the hash of all of these in its params, so that editing a module reruns the steps that
import it, directly or through another module, and no other.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from mammo.paths import WORKFLOW


def closure(script: str) -> str:
    """Hash, 16 hex digits, over the files that workflow/scripts/<script>.py is made of."""
    digest = hashlib.sha256()
    for path in sorted(closure_files(WORKFLOW / "scripts" / f"{script}.py")):
        name = path.relative_to(WORKFLOW).as_posix().encode()
        digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def closure_files(script: str | Path) -> set[Path]:
    """The script, the modules of workflow/mammo that it imports at any depth, and what they read.

    A module names the files that it reads beside the code in READS, relative to workflow/.
    """
    found, todo = set(), [Path(script)]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            modules, others = _next_to(path, path.stat().st_mtime_ns)
            found.update(others)
            todo += modules
    return found


@lru_cache(None)
def _next_to(path: Path, modified: int) -> tuple[list[Path], list[Path]]:
    """(modules that a file imports, files in its READS).

    A file is read once, as many scripts import the same; `modified` tells its states apart.
    """
    modules, others = [], []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and _names(node) == ["READS"]:
            others += [WORKFLOW / name for name in ast.literal_eval(node.value)]
        for name in _imported(node):
            if name.startswith("mammo."):
                modules += _files_of(WORKFLOW.joinpath(*name.split(".")))
    return modules, others


def _names(node: ast.Assign) -> list[str]:
    return [ast.unparse(target) for target in node.targets]


def _imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that may be modules: of `from mammo import tables` two."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(module: Path) -> list[Path]:
    """The files of a module.

    A package that is imported by its name finds the modules in it by itself, as that of the
    editions does: all of them are its files. A room, whose __init__ has no code, is no such
    package.
    """
    if module.with_suffix(".py").exists():
        return [module.with_suffix(".py")]
    package = module / "__init__.py"
    return sorted(module.glob("*.py")) if package.exists() and _discovers(package) else []


@lru_cache(None)
def _discovers(package: Path) -> bool:
    return "iter_modules" in package.read_text(encoding="utf-8")

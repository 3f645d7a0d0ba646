"""What a script's result depends on in code: the hash of the script and of every module in workflow/mammo that it imports.

Snakemake sees that a script was edited, but not that a module was which the script imports. A rule carries this hash in
its params, so that editing a module reruns the steps that import it, directly or through another module, and no other.
"""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

from mammo.paths import WORKFLOW


def closure(script):
    """Hash, 16 hex digits, over the files that workflow/scripts/<script>.py is made of."""
    digest = hashlib.sha256()
    for path in sorted(closure_files(WORKFLOW / "scripts" / f"{script}.py")):
        digest.update(
            path.relative_to(WORKFLOW).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
        )
    return digest.hexdigest()[:16]


def closure_files(script):
    """The script, the modules of workflow/mammo that it imports at any depth, and the files that these name in READS."""
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
def _next_to(path, modified):
    """(modules of workflow/mammo that a file imports, what it names in READS), read once, since many scripts import the same."""
    modules, others = [], []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [
            "READS"
        ]:
            others += [WORKFLOW / name for name in ast.literal_eval(node.value)]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(
            node, ast.ImportFrom
        ):  # `from mammo import tables` or `from mammo.tables import read_table`
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = WORKFLOW / Path(*name.split(".")).with_suffix(".py")
            if name.startswith("mammo.") and module.exists():
                modules.append(module)
    return modules, others

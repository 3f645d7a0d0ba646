"""What a script's result depends on in code: the hash of the script and of every module in workflow/lib that it imports.

Snakemake sees that a script was edited, but not that a module was which the script imports. A rule carries this hash in
its params, so that editing a module reruns the steps that import it, directly or through another module, and no other.
"""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[1]


def closure(script):
    """Hash, 16 hex digits, over the files that workflow/scripts/<script>.py is made of."""
    digest = hashlib.sha256()
    for path in sorted(closure_files(WORKFLOW / "scripts" / f"{script}.py")):
        digest.update(path.relative_to(WORKFLOW).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def closure_files(script):
    """The script, the modules of workflow/lib that it imports at any depth, and the schema, templates and YAML that bear a module's name."""
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
    """(modules of workflow/lib that a file imports, what else bears its name), read once, since many scripts import the same."""
    modules, others = [], []
    if path.is_relative_to(WORKFLOW / "lib"):
        for pattern in (f"schemas/{path.stem}.schema.yaml", f"templates/{path.stem}.*", f"{path.stem}.yaml"):
            others += WORKFLOW.glob(pattern)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):  # `from lib import tables` or `from lib.tables import read_table`
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = WORKFLOW / Path(*name.split(".")).with_suffix(".py")
            if name.startswith("lib.") and module.exists():
                modules.append(module)
    return modules, others

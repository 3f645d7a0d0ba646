"""The rooms of the library: imports go down only, and nothing light brings in what is heavy."""

import ast
import subprocess
import sys

import pytest

from helpers.imports import PACKAGE, imports_of
from helpers.project import ROOT

# From the ground up. A room imports from itself and from those before it.
ROOMS = ["", "dataset", "split", "statistics", "model", "study", "report"]
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(dotted):
    """'dataset' of 'mammo.dataset.images', '' of 'mammo.tables', which is on the ground floor."""
    part = [*dotted.split("."), ""][1]
    return part if part in ROOMS else ""


def name_of(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_from_its_own_room_and_those_below(path):
    here = ROOMS.index(room_of(name_of(path)))
    assert not [name for name in imports_of(path) if ROOMS.index(room_of(name)) > here]


def test_no_circle_among_modules():
    graph = {name_of(path): {*imports_of(path)} - {name_of(path)} for path in MODULES}
    while leaves := [name for name, wanted in graph.items() if not wanted & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert not graph, "these import one another, or what does"


def test_every_folder_is_a_room_of_the_drawing():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {*ROOMS} - {""}


def test_keras_is_imported_by_the_model_room_alone():
    heavy = ("keras", "tensorflow", "tf2onnx")
    importers = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] in heavy for name in names):
                importers.add(room_of(name_of(path)))
    assert importers == {"model"}


def test_scripts_and_tests_import_no_script():
    folders = ("workflow", "tests", "benchmarks", "profiles")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert not [
        path
        for path in files
        if "from scripts" in path.read_text() and path.name != "test_rooms.py"
    ]


def test_importing_the_library_brings_nothing_heavy():
    code = (
        "import sys, mammo, mammo.settings, mammo.words, mammo.study.settings; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert not {"pandas", "tensorflow", "keras", "matplotlib"} & {*done.stdout.split()}

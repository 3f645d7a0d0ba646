"""What a step depends on in code."""

from mammo.paths import WORKFLOW
from mammo.study.closure import closure, closure_files


def names(script):
    files = closure_files(WORKFLOW / f"scripts/{script}.py")
    return {path.relative_to(WORKFLOW).as_posix() for path in files}


def test_a_step_depends_on_what_it_imports_at_any_depth():
    found = names("split_patients")
    assert {"scripts/split_patients.py", "mammo/split/assignment.py", "mammo/tables.py"} <= found
    assert "schemas/tables.schema.yaml" in found  # which tables.py reads
    assert not [name for name in found if name.startswith(("mammo/model/", "mammo/report/"))]


def test_a_folder_of_records_that_finds_its_modules_counts_whole():
    found = names("take_inventory")
    assert {"mammo/dataset/editions/__init__.py", "mammo/dataset/editions/kaggle.py"} <= found
    # Settings list the formats by their files' names: training does not depend on their code.
    assert not [name for name in names("train_network") if "editions" in name]


def test_a_script_has_a_hash_of_its_own():
    before = closure("gate_split")
    assert len(before) == 16
    assert closure("gate_split") == before != closure("audit_split")

"""The records of figures: discovered, light to read, and complete."""

import re
import subprocess
import sys

import pandas as pd
import pytest

from helpers.project import ROOT
from mammo.report.figure import Figure
from mammo.report.figures import FIGURES, figures_of
from mammo.report.sections import SECTIONS
from mammo.tables import SCHEMAS

OWN_RULE = {"contact_sheet", "gradcam", "predictions"}  # each drawn by a rule of its own
RECORDS = pytest.mark.parametrize("figure", FIGURES.values(), ids=[*FIGURES])


@RECORDS
def test_a_record_is_complete(figure):
    assert figure.schema in SCHEMAS
    assert figure.title
    assert figure.plotted == (figure.name not in OWN_RULE)
    assert len(figure.caption.split()) > 5
    assert not re.search(r"[{}]|(?<!`)`(?!`)", figure.caption)  # Snakemake's report renders it
    assert (figure.describe is None) == (figure.name in {"contact_sheet", "predictions"})


@RECORDS
def test_a_figure_of_the_page_has_a_section(figure):
    source = (ROOT / "workflow/mammo/report/sections.py").read_text(encoding="utf-8")
    if figure.name != "predictions":
        assert figure.section in SECTIONS or f'"{figure.section}"' in source


def test_every_module_declares_a_figure():
    folder = ROOT / "workflow/mammo/report/figures"
    modules = {path for path in folder.glob("*.py") if path.name != "__init__.py"}
    declared = re.compile(r"^(FIGURE|FIGURES) = ", re.MULTILINE)
    assert all(declared.search(path.read_text(encoding="utf-8")) for path in modules)


def test_a_study_has_the_figures_that_it_wants():
    alone = figures_of(["baseline"], [])
    assert set(alone) == FIGURES.keys() - OWN_RULE - {"comparisons", "leakage"}
    assert {*figures_of(["baseline", "other"], [])} - {*alone} == {"comparisons"}
    several = figures_of(["baseline", "leaky"], ["leaky"])
    assert {*several} - {*alone} == {"comparisons", "leakage"}


def test_the_alternative_text_is_of_the_first_experiment_and_names_the_others():
    figure = Figure("x", "x", "x", "x", "x", describe=lambda rows: f"{len(rows)} rows.")
    table = pd.DataFrame({"experiment": ["a", "a", "b", "c"]})
    assert figure.alternative_text(table) == "2 rows. The figure also shows b, c."
    assert figure.alternative_text(table[:2]) == "2 rows."
    assert figure.alternative_text(pd.DataFrame({"n": [1]})) == "1 rows."


def test_reading_the_records_imports_nothing_heavy():
    code = "import sys, mammo.report.figures; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    folder = ROOT / "workflow"
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert not {"numpy", "pandas", "matplotlib", "PIL", "keras"} & {*done.stdout.split()}

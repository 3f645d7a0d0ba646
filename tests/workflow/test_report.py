"""Snakemake's report of the phantom study: bound without a network, complete, and opened in a browser without an error."""

import re

import pytest

from helpers.browser import browse, needs_browser
from helpers.project import SMALL, snakemake

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "workflow_report.html"
    done = snakemake(study, "--report", path, *SMALL)
    assert done.returncode == 0, done.stdout
    return path


def test_every_result_has_its_category_label_and_caption(page):
    text = page.read_text(encoding="utf-8")
    for label in [
        "summary",
        "contact sheet",
        "audit of the split",
        "metrics, CSV",
        "metrics, JSON",
        "accuracy, figure",
        "loss, figure",
        "roc, figure",
        "confusion, figure",
        "decision curve, table",
        "the study on one page",
        "model card",
        "checklists",
        "flow, table",
        "flow, figure",
        "characteristics by partition",
    ]:
        assert f'"{label}"' in text, label
    for caption in [
        "how that was determined",
        "masks, black squares",
        "It needs no internet",
        "Each claim of the split manifest",
        "recomputable from the",
        "marks the epoch",
        "A threshold of 0.2 states",
        "read from the boxes how many remain",
        "how far validation and test differ from training",
    ]:
        assert re.search(caption.replace(" ", r"\s+"), text), caption


def test_no_page_of_the_phantom_names_this_machine(page, study):
    assert str(study) not in page.read_text(encoding="utf-8")


@needs_browser
def test_a_browser_shows_it_without_an_error(page, tmp_path):
    done = browse(
        page, tmp_path, "--virtual-time-budget=8000", "--enable-logging=stderr", "--dump-dom"
    )
    shown = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    for text in ["1 Dataset", "2 Results", "Not for clinical use"]:
        assert text in shown, done.stderr[-3000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not [
        line for line in console if "Uncaught" in line or "ERROR" in line or "Failed" in line
    ], console

"""Fixtures that several test files use, and how the tests are run."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from helpers.batch import LSF, stubs
from helpers.datasets import TinyKaggle, save_image, write_csv
from helpers.project import SMALL, copy_study, copy_workflow, snakemake
from helpers.shared import made_once

# The same examples in each run, and none of them judged by the clock, which other work slows down.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


SLOW_FIXTURES = {"study", "real_client"}


def pytest_collection_modifyitems(items):
    """Mark as slow what uses a fixture that takes seconds, and begin with the slow tests.

    Those of whole runs come before all: at the end, the quick ones fill up what one process of
    pytest-xdist has left.
    """
    for item in items:
        if SLOW_FIXTURES & {*item.fixturenames}:
            item.add_marker(pytest.mark.slow)
    items.sort(key=rank)


def rank(item):
    """By what tests are sorted: False is before True."""
    slow = item.get_closest_marker("slow") is not None
    return not slow, item.path.parent.name != "workflow"


@pytest.fixture
def tiny_kaggle(tmp_path):
    return TinyKaggle(tmp_path / "data")


@pytest.fixture
def own_images(tmp_path):
    """A folder with 40 patients' images in several formats, and lesions.csv."""
    rng = np.random.default_rng(0)
    formats = [("png", np.uint8), ("pgm", np.uint8), ("tif", np.uint16), ("jpg", np.uint8)]
    rows = []
    for number in range(40):
        ending, dtype = formats[number % 4]
        file = f"images/{number:03}.{ending}"
        pixels = rng.integers(0, np.iinfo(dtype).max, (70, 80), dtype)
        save_image(tmp_path / "own" / file, pixels)
        label = ["benign", "malignant"][number // 4 % 2]
        rows.append({"file": file, "label": label, "patient": f"patient {number:03}"})
    write_csv(tmp_path / "own" / "lesions.csv", rows)
    return tmp_path / "own"


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A copy of the workflow in which a small phantom study has been run.

    Made once for all tests, so that none may change it.
    """

    def make(folder):
        done = snakemake(copy_workflow(folder), "--cores", "2", *SMALL)
        assert done.returncode == 0, done.stdout

    return made_once(tmp_path_factory, "study", make)


@pytest.fixture(scope="module")
def editable(study, tmp_path_factory):
    """A copy of the study whose code a test may edit, if it puts it back."""
    return copy_study(study, tmp_path_factory.mktemp("editable") / "project")


@pytest.fixture
def lsf(tmp_path, monkeypatch):
    """The folder of an LSF made of shell scripts, which Snakemake finds: one subfolder a job."""
    monkeypatch.setenv("PATH", stubs(tmp_path / "bin", squeue="", **LSF))
    monkeypatch.setenv("LSF", str(tmp_path / "lsf"))
    (tmp_path / "lsf").mkdir()
    return tmp_path / "lsf"

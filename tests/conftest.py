"""Fixtures that several test files use."""

import numpy as np
import pytest

from helpers.datasets import TinyKaggle, save_image, write_csv
from helpers.project import SMALL, copy_workflow, snakemake


@pytest.fixture
def tiny_kaggle(tmp_path):
    return TinyKaggle(tmp_path / "data")


@pytest.fixture
def own_images(tmp_path):
    """A folder with 40 patients' images in several formats, and lesions.csv."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        ending, dtype = [
            ("png", np.uint8),
            ("pgm", np.uint8),
            ("tif", np.uint16),
            ("jpg", np.uint8),
        ][number % 4]
        file = f"images/{number:03}.{ending}"
        pixels = rng.integers(0, np.iinfo(dtype).max, (70, 80), dtype)
        save_image(tmp_path / "own" / file, pixels)
        rows.append(
            {
                "file": file,
                "label": ["benign", "malignant"][number // 4 % 2],
                "patient": f"patient {number:03}",
            }
        )
    write_csv(tmp_path / "own" / "lesions.csv", rows)
    return tmp_path / "own"


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A copy of the workflow in which a small phantom study has been run, in a folder that no test may leave changed."""
    folder = copy_workflow(tmp_path_factory.mktemp("study") / "project")
    done = snakemake(folder, "--cores", "2", *SMALL)
    assert done.returncode == 0, done.stdout
    return folder

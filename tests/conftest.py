"""What several test files use: tiny datasets, a copy of the workflow, and a way to run it."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NAMES = [f"{kind}_case_description_{part}_set.csv" for kind in ("mass", "calc") for part in ("train", "test")]


BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome on this machine; .ci/run installs one"
)


def browse(page, tmp_path, *arguments):
    """Open a page in a headless browser that reaches no network; returns the finished process."""
    quiet = [
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
        "--hide-scrollbars",
    ]
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        *quiet,
        f"--user-data-dir={tmp_path / 'browser'}",
    ]
    done = subprocess.run([*command, *arguments, page.as_uri()], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def save_image(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


class TinyKaggle:
    """A dataset in the Kaggle layout, two lesions a patient and view, to be spoilt by a test and then written."""

    def __init__(self, folder, patients=8):
        self.folder, self.tables, self.info = folder, {name: [] for name in NAMES}, []
        rng = np.random.default_rng(0)
        for number in range(patients):
            for view in ("CC", "MLO"):
                self.add(rng, number, view)

    def add(self, rng, number, view):
        name = NAMES[number % 4]
        kind = name.split("_")[0]
        series = {role: f"2.25.{number}{view == 'CC':d}{i}" for i, role in enumerate(["full", "crop"])}
        path = "x/2.25.1/{}/00000{}.dcm"
        self.tables[name].append(
            {
                "patient_id": f"P_{number:05}",
                "breast_density" if kind == "mass" else "breast density": number % 5,
                "left or right breast": "LEFT",
                "image view": view,
                "abnormality id": 1,
                "abnormality type": {"mass": "mass", "calc": "calcification"}[kind],
                "assessment": 4,
                "pathology": ["MALIGNANT", "BENIGN", "BENIGN_WITHOUT_CALLBACK"][number // 4 % 3],
                "subtlety": 3,
                "image file path": path.format(series["full"], 0),
                "cropped image file path": path.format(series["crop"], 0) + "\n",
                "ROI mask file path": path.format(series["crop"], 1),
            }
        )
        mask = np.zeros((90, 60), np.uint8)
        mask[30:50, 20:40] = 255
        first = number % 2  # crop and mask in either order
        for file, role, bits, pixels in [
            (f"{series['full']}/1-001.jpg", "full mammogram images", 16, rng.integers(0, 255, (90, 60), np.uint8)),
            (
                f"{series['crop']}/{1 + first}-00{1 + first}.jpg",
                "cropped images",
                16,
                rng.integers(60, 200, (40, 40), np.uint8),
            ),
            (f"{series['crop']}/{2 - first}-00{2 - first}.jpg", "ROI mask images", 8, mask),
        ]:
            save_image(self.folder / "jpeg" / file, pixels, quality=95)
            self.info.append({"image_path": f"CBIS-DDSM/jpeg/{file}", "SeriesDescription": role, "BitsAllocated": bits})

    def write(self):
        for name, rows in self.tables.items():
            write_csv(self.folder / "csv" / name, rows)
        if self.info:
            write_csv(self.folder / "csv" / "dicom_info.csv", self.info)
        return self.folder


@pytest.fixture
def tiny_kaggle(tmp_path):
    return TinyKaggle(tmp_path / "data")


@pytest.fixture
def own_images(tmp_path):
    """A folder with 40 patients' images in several formats, and lesions.csv."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        ending, dtype = [("png", np.uint8), ("pgm", np.uint8), ("tif", np.uint16), ("jpg", np.uint8)][number % 4]
        file = f"images/{number:03}.{ending}"
        pixels = rng.integers(0, np.iinfo(dtype).max, (70, 80), dtype)
        save_image(tmp_path / "own" / file, pixels)
        rows.append(
            {"file": file, "label": ["benign", "malignant"][number // 4 % 2], "patient": f"patient {number:03}"}
        )
    write_csv(tmp_path / "own" / "lesions.csv", rows)
    return tmp_path / "own"


def copy_workflow(folder):
    """The project's files that a run needs, copied to `folder`, so that a test can edit them."""
    for name in (
        "Snakefile",
        "environment.yml",
        "pyproject.toml",
        "requirements.lock",
        "workflow",
        "config",
        "profiles",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


def snakemake(folder, *arguments):
    """Run Snakemake in `folder` as a person would; returns the finished process, its output in one text."""
    command = [sys.executable, "-m", "snakemake", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    return done


def rules_to_run(done):
    """The names of the rules that a dry run would run."""
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return set()
    stats = re.search(r"^job +count\n-+ +-+\n(.*?)^total", done.stdout, re.DOTALL | re.MULTILINE)
    return {line.split()[0] for line in stats[1].splitlines()} - {"all"}


SMALL = ["--config", "phantom={patients: 36}", "training={epochs: 2}"]


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A copy of the workflow in which a small phantom study has been run, in a folder that no test may leave changed."""
    folder = copy_workflow(tmp_path_factory.mktemp("study") / "project")
    done = snakemake(folder, "--cores", "2", *SMALL)
    assert done.returncode == 0, done.stdout
    return folder

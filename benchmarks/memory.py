"""Peak memory of the steps of a study of 10^5 images of 64 x 64, against one of 10^3.

In unique pages, since mapped files do not count.

The workflow runs on real files from a table, two images to a patient, its network for two epochs.
Every 50 ms it is asked what each step's processes hold of memory that no file stands behind, what
they share counted once (Pss_Anon of Linux). Writes memory.csv.
"""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from comparing import Ratio
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STEP = re.compile(r"scripts/tmp\w+\.(\w+)\.py")
COUNTS = [1_000, 100_000]
ANONYMOUS = re.compile(r"Pss_Anon:\s+(\d+) kB")


def make_dataset(folder, count):
    """A table edition of `count` different JPEGs, about 300 of them to a folder.

    Those of malignant lesions are brighter.
    """
    rng = np.random.default_rng(1)
    patient = np.arange(count) // 2
    malignant = rng.random(count // 2 + 1)[patient] < 0.4
    names = [f"{number // 300}/{number}.jpg" for number in range(count)]
    for name, bright in zip(names, malignant, strict=True):
        coarse = Image.fromarray(rng.integers(0, 200, (16, 16), np.uint8) + np.uint8(40 * bright))
        (folder / name).parent.mkdir(exist_ok=True)
        coarse.resize((64, 64), Image.Resampling.BICUBIC).save(folder / name, quality=90)
    table = {
        "file": names,
        "label": np.where(malignant, "malignant", "benign"),
        "patient": [f"patient {number:06}" for number in patient],
        "laterality": np.where(patient % 2, "left", "right"),
        "view": np.where(np.arange(count) % 2, "CC", "MLO"),
        "kind": np.where(patient % 3, "mass", "calcification"),
    }
    pd.DataFrame(table).to_csv(folder / "lesions.csv", index=False)


def anonymous(*processes):
    """MB that processes hold without a file behind them; of one that has ended meanwhile, none."""
    held = 0
    for process in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            held += sum(
                map(int, ANONYMOUS.findall(Path(f"/proc/{process.pid}/smaps_rollup").read_text()))
            )
    return held / 1024


def peaks(dataset, directory):
    """{step: its peak in MB} of a study from nothing; `snakemake` is Snakemake itself."""
    command = [
        "snakemake",
        "--cores",
        "2",
        "--directory",
        directory,
        "--configfile",
        "config/table.yaml",
        "--config",
        f"dataset={{path: {dataset}, table: lesions.csv}}",
        "training={epochs: 2}",
    ]
    found = Counter()
    # The extra packages, which the other benchmarks need, bring pyarrow, and pandas would load it
    # in every step.
    Path(directory).mkdir()
    Path(directory, "pyarrow.py").write_text("raise ImportError\n")
    environment = os.environ | {"PYTHONPATH": directory}
    with open(f"{directory}.log", "w+") as log:
        main = psutil.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        while main.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                found["snakemake"] = max(found["snakemake"], anonymous(main))
                for process in main.children():
                    for step in STEP.findall(" ".join(process.cmdline()))[:1]:
                        held = anonymous(process, *process.children(recursive=True))
                        found[step] = max(found[step], held)
            time.sleep(0.05)
        log.seek(0)
        assert main.returncode == 0, log.read()[-3000:]
    return found


def ratios(quick):
    few, many = COUNTS
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count in COUNTS:
            dataset = Path(scratch, f"dataset-{count}")
            dataset.mkdir()
            make_dataset(dataset, count)
            found[count] = peaks(dataset, f"{scratch}/study-{count}")
    table = pd.DataFrame(found).round().astype(int).rename_axis("step").add_prefix("peak_mb_of_")
    table.sort_values(table.columns[-1], ascending=False).to_csv(HERE / "memory.csv")
    most = [(max(found[many].values()), max(found[few].values()))]
    yield Ratio(
        f"peak memory of the step that takes most, {many:,} images against {few:,}",
        most,
        2,
        at_most=True,
    )
    grown = max(found[few], key=lambda step: found[many][step] / found[few][step])
    grows = [(found[many][grown], found[few][grown])]
    yield Ratio("peak memory of the step that grows most, the same", grows, 2, at_most=True)

"""A run that is killed goes on where it was, and ends as one that was not."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from helpers.project import HANGS, ROOT, epochs_saved, model_weights, snakemake

pytestmark = pytest.mark.slow

RUN = "results/runs/baseline/fold0-seed1"
# Epochs are a second or so long: time enough to be killed in between.
SETTINGS = [
    "--config",
    "phantom={patients: 60}",
    "training={epochs: 8, patience: 8, batch_size: 8}",
]
LOG = "results/logs/train_network/baseline-fold0-seed1.log"


def killed(folder, epochs, whom):
    """Train until so many epochs are saved, and end `whom` by SIGKILL.

    Returns what Snakemake then says, if it still can.
    """
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--directory",
        folder,
        f"{RUN}/predictions.csv",
        *SETTINGS,
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as main:
        while epochs_saved(folder) < epochs:
            assert main.poll() is None, main.stdout.read()
            time.sleep(0.02)
        started = psutil.Process(main.pid).children(recursive=True)
        training = [
            process
            for process in started
            if any("train_network" in part for part in process.cmdline())
        ]
        assert training
        for process in training if whom == "the job" else [psutil.Process(main.pid), *started]:
            os.kill(process.pid, signal.SIGKILL)
        return main.communicate(timeout=HANGS)[0]


def test_a_run_killed_twice_ends_as_one_that_was_not(tmp_path):
    before = snakemake(
        ROOT,
        "--cores",
        "2",
        "--directory",
        tmp_path / "killed",
        "results/splits/official-validation0.2-seed1/gate.json",
        "results/tensors/crop-64/index.csv",
        *SETTINGS,
    )
    assert before.returncode == 0, before.stdout
    shutil.copytree(tmp_path / "killed", tmp_path / "whole")
    done = snakemake(
        ROOT, "--cores", "2", "--directory", tmp_path / "whole", f"{RUN}/predictions.csv", *SETTINGS
    )
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "whole/results/checkpoints").exists()

    killed(tmp_path / "killed", 2, "everything")  # as a loss of power does
    assert (
        snakemake(ROOT, "--directory", tmp_path / "killed", "--unlock", *SETTINGS).returncode == 0
    )
    said = killed(tmp_path / "killed", 4, "the job")
    assert "What was finished stays" in said
    assert "training goes on after epoch" in said
    assert not (tmp_path / "killed" / RUN / "predictions.csv").exists()
    done = snakemake(
        ROOT,
        "--cores",
        "2",
        "--directory",
        tmp_path / "killed",
        f"{RUN}/predictions.csv",
        *SETTINGS,
    )
    assert done.returncode == 0, done.stdout
    assert "training goes on after epoch" in (tmp_path / "killed" / LOG).read_text()
    assert not (tmp_path / "killed/results/checkpoints").exists()

    for name in ("history.csv", "predictions.csv"):
        assert (tmp_path / "killed" / RUN / name).read_bytes() == (
            tmp_path / "whole" / RUN / name
        ).read_bytes()
    weights = [
        model_weights(tmp_path / folder / RUN / "model.keras") for folder in ("killed", "whole")
    ]
    for a, b in zip(*weights, strict=True):
        assert np.array_equal(a, b)

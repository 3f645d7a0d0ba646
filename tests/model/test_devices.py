"""Which GPUs a job takes: those that nobody else has, as long as it lives.

Without a GPU, by locks on imaginary ones.
"""

import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers.project import HANGS, ROOT
from mammo.log import InputError
from mammo.model import devices
from mammo.model.devices import lease, list_gpus, shared_batch, visible

GPUS = [("0", "GPU-aa"), ("1", "GPU-bb"), ("2", "GPU-cc")]
needs_gpu = pytest.mark.skipif(not list_gpus(), reason="no NVIDIA GPU on this machine")


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (None, ["GPU-aa", "GPU-bb", "GPU-cc"]),
        ("2,0", ["GPU-cc", "GPU-aa"]),
        ("GPU-b", ["GPU-bb"]),
        ("", []),
        ("-1", []),
        ("7", []),
    ],
)
def test_only_what_a_scheduler_left_visible_is_taken(named, wanted):
    assert visible(GPUS, named) == wanted


def test_gpus_are_listed_as_the_driver_names_them(tmp_path, monkeypatch):
    driver = tmp_path / "nvidia-smi"
    driver.write_text('#!/bin/sh\necho "0, GPU-aa"\necho "1, GPU-bb"\n')
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_gpus() == GPUS[:2]
    driver.write_text("#!/bin/sh\necho no driver\nexit 9\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert list_gpus() == []
    driver.unlink()
    assert list_gpus() == []


def hold(folder, number, log, seconds):
    """A job: lease GPUs, note when it has them and when it lets go."""
    found = lease(["a", "b"], number, folder, pause=0.01)
    begun = time.time()
    time.sleep(seconds)
    log.put((begun, time.time(), found))


def test_no_two_jobs_have_one_gpu_and_none_waits_for_ever(tmp_path):
    context = multiprocessing.get_context("fork")
    log = context.Queue()
    jobs = [
        context.Process(target=hold, args=(tmp_path, number, log, 0.05))
        for number in (1, 2, 1, 2, 1, 1)
    ]
    for job in jobs:
        job.start()
    held = [log.get(timeout=HANGS) for _ in jobs]
    for job in jobs:
        job.join()
    assert sorted(len(found) for *_, found in held) == [1, 1, 1, 1, 2, 2]
    for gpu in ("a", "b"):
        times = sorted((begun, ended) for begun, ended, found in held if gpu in found)
        assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(times))


def test_a_killed_job_gives_its_gpu_back(tmp_path):
    context = multiprocessing.get_context("fork")
    job = context.Process(target=hold, args=(tmp_path, 2, context.Queue(), HANGS))
    job.start()
    while not all((tmp_path / gpu).exists() for gpu in "ab"):
        time.sleep(0.01)
    time.sleep(0.05)
    waiting = context.Process(target=hold, args=(tmp_path, 1, context.Queue(), 0))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    os.kill(job.pid, signal.SIGKILL)
    waiting.join(HANGS)
    assert waiting.exitcode == 0


def in_process(code, **environment):
    """What a piece of Python prints, in a process of its own; devices are chosen once a process."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT / 'tests'}"} | environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_where_there_is_no_gpu_the_cpu_does_and_a_line_says_so(tmp_path):
    code = "from mammo.model.devices import use_devices; print(type(use_devices(2, 1)).__name__)"
    said = in_process(code, PATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
    assert "1 GPU(s) asked for (training.gpus), 0 there: the CPU will do" in said
    assert "DefaultDistributionStrategy" in said


TRAIN = """
import json
from mammo.model.devices import use_devices
strategy = use_devices(2, {gpus})
import tensorflow as tf
if {logical}:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from helpers.training import NOTHING, bright_images, training_of
from mammo.model.networks import load_model
from mammo.model.training import predict, train_network
pixels, images = bright_images({{"training": 33, "validation": 17, "test": 10}}, 32)
training = training_of(epochs=12, learning_rate=0.003, patience=12, gpus={gpus})
saved = {path!r}, "key"
with strategy.scope():
    model, history = train_network(pixels, images, 1, "seed_cnn", training, NOTHING, saved)
model.save({path!r} + ".keras")
found = predict(load_model({path!r} + ".keras"), pixels, images, 16)
test = found[found["partition"] == "test"]
right = ((test["probability"] > 0.5) == (test["label"] == 1)).mean()
print(json.dumps([strategy.num_replicas_in_sync, float(right), history["val_loss"].tolist()]))
"""


@pytest.mark.slow
def test_several_devices_share_each_batch_and_learn(tmp_path):
    """Two halves of the CPU stand for two GPUs."""
    said = in_process(TRAIN.format(gpus=0, logical=True, path=str(tmp_path / "run.npz")))
    replicas, right, _ = json.loads(said.splitlines()[-1])
    assert replicas == 2
    # Of 33 the last image would be alone, and of 17 seen by one of the two.
    assert "a batch has 14 images, not 16" in said
    assert right >= 0.9


@needs_gpu
def test_a_gpu_trains_and_the_same_seed_gives_the_same(tmp_path):
    found = []
    for run in range(2):
        said = in_process(TRAIN.format(gpus=1, logical=False, path=str(tmp_path / f"{run}.npz")))
        assert "on 1 GPU(s): GPU-" in said
        found.append(json.loads(said.splitlines()[-1]))
    assert found[0] == found[1]
    assert found[0][1] >= 0.9
    assert np.isfinite(found[0][2]).all()


def test_the_locks_are_a_users_own():
    assert str(os.getuid()) in devices.LOCKS.name


@pytest.mark.parametrize(
    ("size", "counts", "shared"),
    [(64, [640, 100], 64), (64, [641, 100], 62), (64, [20, 9], 6), (1, [40, 10], 2)],
)
def test_of_each_batch_both_gpus_have_a_share(size, counts, shared):
    assert shared_batch(size, counts, 2) == shared
    assert shared_batch(size, counts, 1) == size


def test_more_gpus_than_a_batch_can_be_shared_by_are_refused():
    with pytest.raises(
        InputError, match=r"training.gpus: 2 GPUs cannot share batches of 3 and 3 images"
    ):
        shared_batch(64, [3, 3], 2)

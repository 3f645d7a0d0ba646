"""What TensorFlow runs on: a fixed number of threads, and the GPUs that a job asked for, or none.

Snakemake counts GPUs but assigns none, so that two jobs on one machine would both take the first.
Here a job leases those that it uses: it locks a file for each, as long as the process lives, so
that a killed job gives its GPUs back.
"""

from __future__ import annotations

import csv
import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mammo.log import InputError

if TYPE_CHECKING:
    import tensorflow as tf

# Of one machine, as the GPUs are.
LOCKS = Path(tempfile.gettempdir(), f"cbis-ddsm-study-gpus-{os.getuid()}")
LEASED: list[IO[str]] = []  # the open lock files


def use_devices(threads: int, gpus: int = 0) -> tf.distribute.Strategy:
    """Give TensorFlow this many threads and GPUs, and let it compute in a deterministic order.

    Call it before TensorFlow is imported. Build the model and train inside the scope() of the
    strategy that it returns: several GPUs share each batch between them. Where there are fewer GPUs
    than asked for, these or the CPU are used, and a line says so.
    """
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    there = visible(list_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")) if gpus else []
    if len(there) < gpus:
        used = "these" if there else "the CPU"
        print(f"{gpus} GPU(s) asked for (training.gpus), {len(there)} there: {used} will do")
    leased = lease(there, min(gpus, len(there)))
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(leased) or "-1"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    found = tf.config.list_physical_devices("GPU")
    if leased:
        print(f"on {len(found)} GPU(s): {', '.join(leased)}")
    if len(found) < len(leased):
        print(
            "TensorFlow uses fewer than it was given: the README says which package has GPU kernels"
        )
    return tf.distribute.MirroredStrategy() if len(found) > 1 else tf.distribute.get_strategy()


def list_gpus() -> list[tuple[str, str]]:
    """[(index, UUID)] of the machine's GPUs, as text; [] where there is no NVIDIA driver."""
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return []
    rows = csv.reader(done.stdout.splitlines())
    return [(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2]


def visible(gpus: Sequence[tuple[str, str]], named: str | None) -> list[str]:
    """The UUIDs of those `gpus` that CUDA_VISIBLE_DEVICES names, by index or UUID.

    named: its value, as a scheduler sets it; None: all.
    """
    if named is None:
        return [uuid for _, uuid in gpus]
    found = []
    for name in filter(None, map(str.strip, named.split(","))):
        found += [uuid for index, uuid in gpus if index == name or uuid.startswith(name)]
    return found


def lease(
    gpus: Sequence[str], number: int, folder: str | Path = LOCKS, pause: float = 1.0
) -> list[str]:
    """The first `number` of some GPUs that no other process has leased.

    Waits until there are so many, and looks again after each `pause`, in seconds.
    """
    Path(folder).mkdir(exist_ok=True)
    waited = False
    while True:
        taken: dict[str, IO[str]] = {}
        for gpu in gpus:
            if len(taken) < number and (file := _lock(Path(folder, gpu))):
                taken[gpu] = file
        if len(taken) == number:
            LEASED.extend(taken.values())
            return list(taken)
        for file in taken.values():  # whoever waits holds none, so that no two wait for each other
            file.close()
        if not waited:
            print(f"waiting for {number} of {len(gpus)} GPUs: others are at work on them")
            waited = True
        time.sleep(pause)


def _lock(path: Path) -> IO[str] | None:
    """An open file that is locked as long as it is open; None where another process has it."""
    file = open(path, "w")  # noqa: SIM115 (open as long as the process lives)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def shared_batch(size: int, counts: Sequence[int], gpus: int) -> int:
    """The batch size nearest to `size` that so many GPUs can share.

    Equally, as Keras wants of the first batch; and each GPU has an image of the last one, too.
    counts: how many images each partition has that is cut into batches.
    Raises InputError where there is no such size.
    """
    if gpus == 1:
        return size
    sizes = [
        each
        for each in range(gpus, min(counts) + 1, gpus)
        if all(count % each == 0 or count % each >= gpus for count in counts)
    ]
    if not sizes:
        images = " and ".join(map(str, counts))
        raise InputError(
            f"training.gpus: {gpus} GPUs cannot share batches of {images} images. Ask for fewer."
        )
    shared = min(sizes, key=lambda each: abs(each - size))
    if shared != size:
        print(
            f"a batch has {shared} images, not {size}: {gpus} GPUs share it equally, and each has"
            " one of the last"
        )
    return shared

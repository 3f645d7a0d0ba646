"""What TensorFlow runs on, for every step that runs it: a fixed number of threads, and the GPUs that a job asked for, or none.

Snakemake counts GPUs but hands none out, so that two jobs on one machine would both take the first. Here a job leases those that it
uses: a lock on a file for each, held as long as the process lives, so that one that is killed gives its GPUs back.
"""

import csv
import fcntl
import os
import subprocess
import tempfile
import time
from pathlib import Path

from mammo.log import InputError

LOCKS = Path(
    tempfile.gettempdir(), f"cbis-ddsm-study-gpus-{os.getuid()}"
)  # of one machine, as the GPUs are
LEASED = []  # the open lock files


def use_devices(threads, gpus=0):
    """Give TensorFlow this many threads and GPUs, in an order of computing that is the same every time; returns its strategy.

    Call it before TensorFlow is imported: build the model and train inside `strategy.scope()`. Several GPUs share each batch
    between them. With fewer GPUs than asked for those that there are do, and with none the CPU does, and a line says so.
    """
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    there = visible(list_gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")) if gpus else []
    if len(there) < gpus:
        print(
            f"{gpus} GPU(s) asked for (training.gpus), {len(there)} there: {'the CPU' if not there else 'these'} will do"
        )
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


def list_gpus():
    """[(index, UUID)] of the machine's GPUs, as text; [] where there is no NVIDIA driver."""
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return []
    return [
        (row[0].strip(), row[1].strip())
        for row in csv.reader(done.stdout.splitlines())
        if len(row) == 2
    ]


def visible(gpus, named):
    """The UUIDs of those `gpus` that CUDA_VISIBLE_DEVICES names, by index or UUID, as a scheduler sets it; of all where it is None."""
    if named is None:
        return [uuid for _, uuid in gpus]
    wanted = [name.strip() for name in named.split(",")]
    return [
        uuid
        for name in wanted
        for index, uuid in gpus
        if name and (index == name or uuid.startswith(name))
    ]


def lease(gpus, number, folder=LOCKS, pause=1.0):
    """The first `number` of some GPUs that no other process has leased; waits until there are so many."""
    Path(folder).mkdir(exist_ok=True)
    waited = False
    while True:
        taken = {}
        for gpu in gpus:
            if len(taken) < number:
                file = open(Path(folder, gpu), "w")  # noqa: SIM115 (open as long as the process lives)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.close()
                else:
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


def shared_batch(size, counts, gpus):
    """The batch size nearest to `size` that so many GPUs can share: equally, and in the last batch each has an image, too.

    counts: how many images each partition has that is cut into batches. Raises InputError where there is no such size.
    """
    if gpus == 1:
        return size
    sizes = range(gpus, min(counts) + 1, gpus)  # Keras wants equal shares of the first batch
    sizes = [
        each for each in sizes if all(count % each == 0 or count % each >= gpus for count in counts)
    ]
    if not sizes:
        told = " and ".join(map(str, counts))
        raise InputError(
            f"training.gpus: {gpus} GPUs cannot share batches of {told} images. Ask for fewer."
        )
    shared = min(sizes, key=lambda each: abs(each - size))
    if shared != size:
        print(
            f"a batch has {shared} images, not {size}: {gpus} GPUs share it equally, and each has one of the last"
        )
    return shared

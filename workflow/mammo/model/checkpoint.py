"""A training's state at the end of an epoch, in one file: a run that was killed goes on from it as if it had never stopped.

What is random in an epoch comes from the seed and the epoch's number, so that weights, the optimizer's variables and what
early stopping remembers are all the state there is. A .keras file would not do: it holds neither the best weights so far nor
how long ago they were met.
"""

import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np

STOPPING = (
    "wait",
    "best",
    "best_epoch",
    "stopped_epoch",
)  # what keras.callbacks.EarlyStopping remembers, beside weights


class Checkpoint(keras.callbacks.Callback):
    """Saves a training after each epoch, and restores it when training begins. It comes after `stop` in fit's callbacks.

    path: a file, written anew each time. key: text that is the same only for the same inputs, settings and code: a file that
    bears another is not restored from. stop: the EarlyStopping of this training. start: the number of epochs after which this
    phase of the training begins, with an optimizer and a patience of its own.
    `epochs` is the number of finished epochs, `history` a list of a dict each, and `stopped` says that early stopping has ended it.
    """

    def __init__(self, path, key, stop, start=0):
        super().__init__()
        self.path, self.key, self.stop, self.start = Path(path), key, stop, start
        self.history, self.restored = [], self._read()
        if self.restored:
            self.history = self.restored["history"]

    @property
    def epochs(self):
        return len(self.history)

    @property
    def stopped(self):
        return bool(self.restored and self.restored["stopping"]["stopped_epoch"])

    def on_train_begin(self, logs=None):
        if self.restored:
            for name, value in self.restored["stopping"].items():
                setattr(self.stop, name, value)
            self.stop.best_weights = self.restored["best"]
            self.model.set_weights(self.restored["weights"])
            self.model.optimizer.build(self.model.trainable_variables)
            if self.epochs > self.start:
                for variable, value in zip(
                    self.model.optimizer.variables, self.restored["optimizer"], strict=True
                ):
                    variable.assign(value)
            else:
                self.stop.wait = 0
            self.restored["best"] = self.restored["weights"] = self.restored["optimizer"] = (
                None  # memory
            )

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({name: float(value) for name, value in logs.items()})
        said = {
            "key": self.key,
            "history": self.history,
            "stopping": {name: getattr(self.stop, name) for name in STOPPING},
        }
        arrays = {"said": np.array(json.dumps(said))}
        for kind, values in self._arrays().items():
            arrays |= {f"{kind}{number}": np.asarray(value) for number, value in enumerate(values)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        with open(part, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, self.path)  # at any moment there is one whole file

    def _arrays(self):
        return {
            "weights": self.model.get_weights(),
            "best": self.stop.best_weights,
            "optimizer": [
                keras.ops.convert_to_numpy(variable) for variable in self.model.optimizer.variables
            ],
        }

    def _read(self):
        """What the file holds; None where there is none of this key."""
        if not self.path.exists():
            return None
        try:
            with np.load(self.path) as file:
                found = json.loads(str(file["said"]))
                if found["key"] != self.key:
                    print(f"{self.path}: of other inputs, settings or code; training starts afresh")
                    return None
                for kind in ("weights", "best", "optimizer"):
                    count = sum(name.startswith(kind) for name in file.files)
                    found[kind] = [file[f"{kind}{number}"] for number in range(count)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            print(f"{self.path}: cannot be read ({error}); training starts afresh")
            return None
        if len(found["history"]) > self.start:
            print(f"{self.path}: training goes on after epoch {len(found['history'])}")
        return found


def remove(path):
    """Delete a checkpoint, and what a killed process left of it half written."""
    path = Path(path)
    for file in [path, *path.parent.glob(f"{path.stem}.*.part")]:
        file.unlink(missing_ok=True)
    with suppress(OSError):  # the folder is not there, or holds those of other runs
        path.parent.rmdir()

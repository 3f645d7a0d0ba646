"""The state of a training at the end of an epoch, in one file, to resume it from exactly.

What is random in an epoch comes from the seed and the epoch's number. So weights, the optimizer's
variables and what early stopping remembers are all the state there is. A .keras file would not do:
it holds neither the best weights so far nor how many epochs ago they were reached.
"""

import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

# What keras.callbacks.EarlyStopping remembers, beside the best weights.
STOPPING = ("wait", "best", "best_epoch", "stopped_epoch")


class Checkpoint(keras.callbacks.Callback):
    """Saves a training after each epoch, and restores it when training begins.

    It comes after `stop` in fit's callbacks.

    path: a file, written anew each time. key: text that is the same only for the same inputs,
    settings and code; a file with another key is not restored. stop: the EarlyStopping of this
    phase. start: the epoch with which the phase begins, with an optimizer and a patience of its
    own.

    `epochs` is the number of finished epochs, `history` a list of a dict each, and `stopped` says
    that early stopping has ended the training.
    """

    def __init__(
        self, path: str | Path, key: str, stop: keras.callbacks.EarlyStopping, start: int = 0
    ) -> None:
        super().__init__()
        self.path, self.key, self.stop, self.start = Path(path), key, stop, start
        self.restored = self._read()
        self.history: list[dict[str, float]] = self.restored["history"] if self.restored else []

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    @property
    def stopped(self) -> bool:
        """Whether early stopping had ended the training that was restored."""
        return bool(self.restored and self.restored["stopping"]["stopped_epoch"])

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Restore what the file holds."""
        if not self.restored:
            return
        for name, value in self.restored["stopping"].items():
            setattr(self.stop, name, value)
        self.stop.best_weights = self.restored["best"]
        self.model.set_weights(self.restored["weights"])
        optimizer = self.model.optimizer
        optimizer.build(self.model.trainable_variables)
        if self.epochs > self.start:
            for variable, value in zip(
                optimizer.variables, self.restored["optimizer"], strict=True
            ):
                variable.assign(value)
        else:  # a new phase
            self.stop.wait = 0
        for kind in ("weights", "best", "optimizer"):
            self.restored[kind] = None  # frees the memory

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save the state of the training."""
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        said = {
            "key": self.key,
            "history": self.history,
            "stopping": {name: getattr(self.stop, name) for name in STOPPING},
        }
        arrays: dict[str, Any] = {"said": np.array(json.dumps(said))}
        for kind, values in self._arrays().items():
            arrays |= {f"{kind}{number}": np.asarray(value) for number, value in enumerate(values)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        with open(part, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, self.path)  # at any moment there is one whole file

    def _arrays(self) -> dict[str, list]:
        optimizer = self.model.optimizer
        return {
            "weights": self.model.get_weights(),
            "best": self.stop.best_weights,
            "optimizer": [keras.ops.convert_to_numpy(value) for value in optimizer.variables],
        }

    def _read(self) -> dict[str, Any] | None:
        """What the file holds; None where there is none with this key."""
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


def remove(path: str | Path) -> None:
    """Delete a checkpoint, and the partial files that a killed process left."""
    path = Path(path)
    for file in [path, *path.parent.glob(f"{path.stem}.*.part")]:
        file.unlink(missing_ok=True)
    with suppress(OSError):  # the folder is not there, or holds those of other runs
        path.parent.rmdir()

"""From the first file opened to a trained network: this workflow against three pipelines.

The others are what people would write. Seconds by epochs.

`cold` is with nothing prepared; of this workflow also `warm`, with the images decoded before, as
in any second run. Writes pipelines.csv and pipelines.png.
"""

import itertools
import statistics
import tempfile
from pathlib import Path

import pandas as pd
import ways
from comparing import Ratio, apart
from images import KINDS, make_images
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
WAYS = {
    "this workflow": ways.this_workflow,
    "(a) ImageDataGenerator": ways.generator,
    "(b) image_dataset_from_directory": ways.dataset,
    "(b) with cache()": ways.cached_dataset,
}
OURS, A, B, _ = WAYS
WANTED = {("full", A): 20, ("full", B): 15, ("crop", A): 2}  # at 64 pixels, after 10 epochs, cold
# By CPU seconds, which do not reward that this workflow decodes on all cores.
QUICK_WANTED = {"full": 10, "crop": 2}
COUNT = {"full": 160, "crop": 240}
EPOCHS = [1, 3, 10, 30]
ROUNDS = {64: [30, 10, 10], 224: [10, 10]}  # how many epochs each round has: 30 are for the picture


def without_building(ends, decoded):
    """The ends of epochs as if the first had taken as long as the others do.

    That is without building graphs, which weighs more where there are few images.
    """
    lengths = [after - before for before, after in itertools.pairwise([decoded, *ends])]
    building = lengths[0] - statistics.median(lengths[1:])
    return [end - building for end in ends]


def measure(folder, kind, size, rounds, names=tuple(WAYS), building=True):
    """A DataFrame with the seconds that each way took to each number of epochs, in each round.

    Cold, and of ours warm too.

    rounds: the epochs of each. building: whether the building of graphs counts.
    """
    rows = []
    for number, most in enumerate(rounds):
        for way in names:
            ends = apart(ways.seconds, WAYS[way], folder, size, most)
            decoded = ends.pop(0) if way == OURS else 0
            if not building:
                ends = without_building(ends, decoded)
            for state, less in [("cold", 0), *([("warm", decoded)] if way == OURS else [])]:
                named = {"images": kind, "size": size, "way": way, "state": state, "round": number}
                epochs = [epoch for epoch in EPOCHS if epoch <= most]
                rows += [
                    named | {"epochs": epoch, "seconds": round(ends[epoch - 1] - less, 3)}
                    for epoch in epochs
                ]
    return pd.DataFrame(rows)


def against(table, way, epochs):
    """The pairs (their seconds, ours) of each round, cold."""
    cold = table[(table["epochs"] == epochs) & (table["state"] == "cold")]
    seconds = cold.pivot(index="round", columns="way", values="seconds")
    return list(zip(seconds[way], seconds[OURS], strict=True))


def draw(table, path):
    panels = list(table.groupby(["images", "size"], sort=False))
    figure = Figure(figsize=(4 * len(panels), 4), layout="constrained")
    for axes, ((kind, size), rows) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        for (way, state), part in rows.groupby(["way", "state"], sort=False):
            seconds = part.groupby("epochs")["seconds"]
            line = axes.loglog(
                seconds.median(),
                "o--" if state == "warm" else "o-",
                label=way + (", decoded before" if state == "warm" else ""),
            )[0]
            least, most = seconds.min(), seconds.max()
            axes.fill_between(
                least.index, least, most, color=line.get_color(), alpha=0.2, linewidth=0
            )
        axes.set_title(f"{COUNT[kind]} {KINDS[kind]}, {size} × {size}", loc="left")
        axes.set_xlabel("Epochs")
        axes.set_xticks(EPOCHS, EPOCHS)
        axes.minorticks_off()
        axes.grid(True, color="#dddddd", linewidth=0.5)
    figure.axes[0].set_ylabel("Seconds from the first file opened")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=5,
        frameon=False,
    )
    figure.savefig(path, dpi=150)


def quick_ratios(scratch):
    for kind, count in {"full": 24, "crop": 160}.items():
        make_images(scratch / kind, kind, count)
        table = measure(scratch / kind, kind, 64, [10] * 3, [OURS, A], building=False)
        yield Ratio(words(kind, 64, 10, A), against(table, A, 10), QUICK_WANTED[kind])


def words(kind, size, epochs, way):
    return f"{KINDS[kind]}, {size} px, {epochs} epochs, cold, times as fast as {way}"


def ratios(quick):
    with tempfile.TemporaryDirectory() as scratch:
        if quick:
            yield from quick_ratios(Path(scratch))
            return
        tables = []
        for kind, count in COUNT.items():
            make_images(Path(scratch, kind), kind, count)
            for size, rounds in ROUNDS.items():
                tables.append(measure(Path(scratch, kind), kind, size, rounds))
                if size == 64:
                    for (of, way), wanted in WANTED.items():
                        if of == kind:
                            yield Ratio(
                                words(kind, size, 10, way), against(tables[-1], way, 10), wanted
                            )
    table = pd.concat(tables)
    table.to_csv(HERE / "pipelines.csv", index=False)
    draw(table, HERE / "pipelines.png")

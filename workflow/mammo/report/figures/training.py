"""Learning curves: accuracy and loss by epoch."""

from functools import partial
from typing import Any

from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Panel
from mammo.report.style import PARTITION_COLOURS, Experiment, by_experiment, head
from mammo.words import number

LINES = {"training": "--", "validation": "-"}
STYLES = {
    partition: {"color": PARTITION_COLOURS[partition], "linestyle": line}
    for partition, line in LINES.items()
}
AXES = {"accuracy": "Accuracy at a threshold of 0.5", "loss": "Loss"}
KEPT = {"color": "black", "markerfacecolor": "white", "zorder": 3}
CAPTION = """
{measure} after each epoch. The training line is the mean over an epoch's augmented batches, with
dropout active and the weights still changing; the validation line is measured at the epoch's end,
on images without augmentation. It can therefore be the better of the two. The circle marks the
epoch with the lowest validation loss, whose weights were kept. With several runs the line is
their mean and the band reaches from the lowest to the highest run; it is faint where some runs
have stopped and the mean is over the others.
"""


def draw_curves(measure: str, table: DataFrame, edition: str) -> Canvas:
    """Training and validation `measure` by epoch, a panel per experiment.

    One run is shown by its lines, several by their mean. The mean is over the runs that still
    train, and its band reaches from their lowest to their highest. Both are faint from where the
    first run has stopped, because those that go on are not like the others.
    The epoch whose weights were kept is marked.
    """
    lowest, highest = table["value"].min(), table["value"].max()
    limits = (min(0.4, lowest - 0.02), 1) if measure == "accuracy" else (0, 1.05 * highest)
    last = table["epoch"].max() + 0.5

    def draw_panel(panel: Panel, experiment: Experiment) -> None:
        axes, rows = panel.subplots(), experiment.rows
        runs = len(rows[["fold", "seed"]].drop_duplicates())
        head(axes, f"{experiment.name}: {runs} run{'s' if runs > 1 else ''}")
        if runs == 1:
            _draw_one(axes, rows)
        else:
            _draw_several(axes, rows, runs)
        axes.set(xlim=(0.5, last), ylim=limits, xlabel="Epoch", ylabel=AXES[measure])
        axes.xaxis.get_major_locator().set_params(integer=True)

    title = f"{measure.capitalize()} by epoch, {edition} dataset"
    return by_experiment(table, title, (6.4, 3.9), draw_panel)


def _draw_one(axes: Axes, rows: DataFrame) -> None:
    """A run's two lines, with the kept epoch on that of validation."""
    for partition, style in STYLES.items():
        line = rows[rows["partition"] == partition].sort_values("epoch")
        _line(axes, line["epoch"], line["value"], label=partition, linewidth=1.8, **style)
    kept = _kept(rows)
    epoch = kept["epoch"].iloc[0]
    label = f"weights kept (epoch {epoch})"
    axes.plot(kept["epoch"], kept["value"], "o", label=label, markersize=7, **KEPT)
    axes.axvline(epoch, color="black", linewidth=0.8, linestyle=":", zorder=1)


def _draw_several(axes: Axes, rows: DataFrame, runs: int) -> None:
    """Means and bands of several runs, and each run's kept epoch as a small mark."""
    for partition, style in STYLES.items():
        values = rows[rows["partition"] == partition].groupby("epoch")["value"]
        epochs = values.agg(["mean", "min", "max", "count"])
        whole = epochs[epochs["count"] == runs]
        label = f"{partition}, mean"
        _line(axes, whole.index, whole["mean"], label=label, linewidth=2, **style)
        shade = {"color": style["color"], "linewidth": 0}
        label = f"{partition}, lowest to highest run"
        band = (whole.index, whole["min"], whole["max"])
        axes.fill_between(*band, alpha=0.18, label=label, **shade)
        rest = epochs.loc[whole.index.max() :]
        if len(rest) > 1:
            label = "faint: those still training, of fewer runs"
            axes.plot(rest.index, rest["mean"], linewidth=1, alpha=0.55, label=label, **style)
            axes.fill_between(rest.index, rest["min"], rest["max"], alpha=0.07, **shade)
    kept = _kept(rows)
    small = {"label": "weights kept, of each run", "markersize": 4, "markeredgewidth": 0.8}
    axes.plot(kept["epoch"], kept["value"], "o", **small, **KEPT)


def _line(axes: Axes, x: Any, y: Any, **style: Any) -> None:
    axes.plot(x, y, marker="." if len(x) == 1 else None, **style)  # a single epoch is no line


def _kept(rows: DataFrame) -> DataFrame:
    return rows[(rows["kept"] == 1) & (rows["partition"] == "validation")]


def describe(table: DataFrame) -> str:
    """Which epochs' weights were kept, and the validation value there."""
    runs = [run for _, run in table.groupby(["fold", "seed"])]
    values = _kept(table)["value"]
    if len(runs) > 1:
        between = f"between {number(values.min())} and {number(values.max())}"
        return f"{len(runs)} runs; the validation value was {between} where weights were kept."
    epoch, last = _kept(table)["epoch"].iloc[0], table["epoch"].max()
    return (
        f"Of {last} epochs, the weights of epoch {epoch} were kept, "
        f"where the validation value was {number(values.iloc[0])}."
    )


FIGURES = tuple(
    Figure(
        name=measure,
        schema="curves",
        section="training",
        order=order,
        title=f"{measure.capitalize()} by epoch",
        caption=CAPTION.format(measure=measure.capitalize()),
        draw=partial(draw_curves, measure),
        describe=describe,
    )
    for order, measure in enumerate(AXES)
)

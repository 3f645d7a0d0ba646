"""How training went: accuracy and loss over the epochs."""

from mammo.report.figures.style import COLOURS, head, legend, panels

LINES = {"training": "--", "validation": "-"}
STYLES = {
    partition: {"color": COLOURS[partition], "linestyle": line} for partition, line in LINES.items()
}
AXES = {"accuracy": "Accuracy at a threshold of 0.5", "loss": "Loss"}


def curves(table, measure, edition):
    """Training and validation `measure` over the epochs, each experiment in a panel: of one run its lines, of several their mean.

    The mean is over the runs that still train, and its band reaches from their lowest to their highest; it is faint from where
    the first of them has stopped, because those that go on are not like the others. Marked is the epoch whose weights were kept.
    """
    title = f"{measure.capitalize()} by epoch, {edition} edition"
    figure, frame, shown = panels(table, title, 6.4, 3.9)
    drawn = []
    lowest, highest = table["value"].min(), table["value"].max()
    for name, rows, panel in shown:
        axes = panel.subplots()
        drawn.append(axes)
        runs = rows[["fold", "seed"]].drop_duplicates()
        number = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        head(axes, f"{name}: {number}")
        if len(runs) == 1:
            _one(axes, rows)
        else:
            _several(axes, rows, len(runs))
        axes.set(xlim=(0.5, table["epoch"].max() + 0.5), xlabel="Epoch", ylabel=AXES[measure])
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(
            *((min(0.4, lowest - 0.02), 1) if measure == "accuracy" else (0, 1.05 * highest))
        )
    legend(frame, drawn)
    return figure


def _one(axes, rows):
    """A run's two lines, with the kept epoch on that of validation."""
    for partition, style in STYLES.items():
        line = rows[rows["partition"] == partition].sort_values("epoch")
        marker = "." if len(line) == 1 else None  # a single epoch is no line
        axes.plot(
            line["epoch"], line["value"], label=partition, linewidth=1.8, marker=marker, **style
        )
    kept = rows[(rows["kept"] == 1) & (rows["partition"] == "validation")]
    style = {"color": "black", "markerfacecolor": "white", "markersize": 7, "zorder": 3}
    axes.plot(
        kept["epoch"],
        kept["value"],
        "o",
        label=f"weights kept (epoch {kept['epoch'].iloc[0]})",
        **style,
    )
    axes.axvline(kept["epoch"].iloc[0], color="black", linewidth=0.8, linestyle=":", zorder=1)


def _several(axes, rows, runs):
    """Means and bands of several runs, and each run's kept epoch as a small mark on its own value of validation."""
    for partition, style in STYLES.items():
        epochs = (
            rows[rows["partition"] == partition]
            .groupby("epoch")["value"]
            .agg(["mean", "min", "max", "count"])
        )
        marker = "." if len(epochs) == 1 else None
        whole = epochs[epochs["count"] == runs]
        axes.plot(
            whole.index,
            whole["mean"],
            label=f"{partition}, mean",
            linewidth=2,
            marker=marker,
            **style,
        )
        axes.fill_between(whole.index, whole["min"], whole["max"], color=style["color"], alpha=0.18, linewidth=0,
                          label=f"{partition}, lowest to highest run")  # fmt: skip
        rest = epochs.loc[whole.index.max() :]
        if len(rest) > 1:
            label = "faint: those still training, of fewer runs"
            axes.plot(rest.index, rest["mean"], linewidth=1, alpha=0.55, label=label, **style)
            axes.fill_between(
                rest.index, rest["min"], rest["max"], color=style["color"], alpha=0.07, linewidth=0
            )
    kept = rows[(rows["kept"] == 1) & (rows["partition"] == "validation")]
    style = {
        "color": "black",
        "markerfacecolor": "white",
        "markersize": 4,
        "markeredgewidth": 0.8,
        "zorder": 3,
    }
    axes.plot(kept["epoch"], kept["value"], "o", label="weights kept, of each run", **style)

"""How training went: accuracy and loss over the epochs."""

from matplotlib.figure import Figure

from lib.plots.style import COLOURS

LINES = {"training": "--", "validation": "-"}
STYLES = {partition: {"color": COLOURS[partition], "linestyle": line} for partition, line in LINES.items()}


def curves(table, measure, edition):
    """Training and validation `measure` over the epochs, a line per run, the epoch whose weights were kept marked on it."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    runs = list(table.groupby(["experiment", "fold", "seed"]))
    for number, (_, run) in enumerate(runs):
        for partition, style in STYLES.items():
            line = run[run["partition"] == partition].sort_values("epoch")
            style = style | {"marker": "." if len(line) == 1 else None}  # a single epoch is no line
            name = partition if number == 0 else None
            axes.plot(
                line["epoch"], line["value"], label=name, linewidth=1.8, alpha=1 if len(runs) == 1 else 0.6, **style
            )
        kept = run[(run["kept"] == 1) & (run["partition"] == "validation")]
        name = None if number else f"weights kept (epoch {kept['epoch'].iloc[0]})" if len(runs) == 1 else "weights kept"
        axes.plot(
            kept["epoch"],
            kept["value"],
            "o",
            color="black",
            markerfacecolor="white",
            markersize=7,
            label=name,
            zorder=3,
        )
        if len(runs) == 1:
            axes.axvline(kept["epoch"].iloc[0], color="black", linewidth=0.8, linestyle=":", zorder=1)
    axes.set_xlabel("Epoch")
    axes.set_xlim(0.5, table["epoch"].max() + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if measure == "accuracy":
        axes.set_ylabel("Accuracy at a threshold of 0.5")
        axes.set_ylim(min(0.4, table["value"].min() - 0.02), 1)
    else:
        axes.set_ylabel("Loss (binary cross-entropy)")
        axes.set_ylim(0, None)
    figure.legend(loc="outside lower center", ncols=3)
    runs = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    axes.set_title(f"{measure.capitalize()} by epoch, {edition} edition, {runs}", loc="left")
    return figure

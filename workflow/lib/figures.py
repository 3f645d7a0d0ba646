"""One style for every figure, and the figures: each a function from its table and the dataset's edition to a matplotlib Figure."""

import matplotlib
from matplotlib.figure import Figure

from lib.diagram import COLOURS, flow_diagram

# Okabe and Ito's palette tells its colours apart for the colour-blind; line styles tell them apart in grey.
LINES = {"training": "--", "validation": "-"}
STYLES = {partition: {"color": COLOURS[partition], "linestyle": line} for partition, line in LINES.items()}

matplotlib.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "savefig.dpi": 200,
    }
)


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


def marked(figure, table):
    """`figure` with what every figure bears: the fingerprint of its dataset, and a banner where the split leaks on purpose."""
    figure.text(
        0.995, 0.005, f"dataset {table['dataset'].iloc[0]}", ha="right", va="bottom", fontsize=6, color="#777777"
    )
    if leaks := sorted({text for text in table["leaks"] if text}):
        words = f"NOT EVIDENCE OF PERFORMANCE: the split {' and '.join(leaks)}"
        box = {"facecolor": "#C0232C", "edgecolor": "none", "boxstyle": "square,pad=0.4"}
        figure.suptitle(words, color="white", fontsize=10, fontweight="bold", bbox=box)
    return figure


# For each figure: the schema of its table, and the function that draws it.
FIGURES = {
    "accuracy": ("curves", lambda table, edition: curves(table, "accuracy", edition)),
    "loss": ("curves", lambda table, edition: curves(table, "loss", edition)),
    "flow": ("flow", flow_diagram),
}

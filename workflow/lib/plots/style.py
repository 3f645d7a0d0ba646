"""The style that all figures share."""

import matplotlib

# Okabe and Ito's palette tells its colours apart for the colour-blind; line styles tell them apart in grey.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
COLOURS = {"training": "#0072B2", "validation": "#D55E00", "test": "#009E73"}  # of the partitions
MOST_EXPERIMENTS = len(PALETTE)  # that a figure shows

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
        "svg.hashsalt": "the same names in each file",
    }
)

"""The figures: each a function from its table and the dataset's edition to a matplotlib Figure."""

from textwrap import fill

from lib.plots.comparisons import comparisons, leakage
from lib.plots.controls import controls
from lib.plots.flow import flow_diagram
from lib.plots.forest import forest
from lib.plots.probabilities import calibration, confusion, decision_curve, scores
from lib.plots.ranking import precision_recall, roc
from lib.plots.training import curves


def marked(figure, table):
    """`figure` with what every figure bears: the fingerprint of its dataset, and a banner where the split leaks on purpose."""
    figure.text(
        0.995, 0.005, f"dataset {table['dataset'].iloc[0]}", ha="right", va="bottom", fontsize=6, color="#777777"
    )
    if leaks := sorted({text for text in table["leaks"] if text}):
        words = f"NOT EVIDENCE OF PERFORMANCE: the split {' and '.join(leaks)}"
        words = fill(words, int(11 * figure.get_figwidth()))  # bold letters of 10 points: some 12 to the inch
        box = {"facecolor": "#C0232C", "edgecolor": "none", "boxstyle": "square,pad=0.4"}
        figure.suptitle(words, color="white", fontsize=10, fontweight="bold", bbox=box)
    return figure


# For each figure: the schema of its table, and the function that draws it.
FIGURES = {
    "accuracy": ("curves", lambda table, edition: curves(table, "accuracy", edition)),
    "loss": ("curves", lambda table, edition: curves(table, "loss", edition)),
    "roc": ("roc", roc),
    "precision_recall": ("precision_recall", precision_recall),
    "calibration": ("calibration_curve", calibration),
    "scores": ("score_distribution", scores),
    "confusion": ("confusion", confusion),
    "decision_curve": ("decision_curve", decision_curve),
    "flow": ("flow", flow_diagram),
    "controls": ("control_values", controls),
    "forest": ("subgroups", forest),
    "comparisons": ("comparisons", comparisons),
    "leakage": ("leakage", leakage),
}

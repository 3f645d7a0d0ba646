"""The figures: each a function from its table and the dataset's edition to a matplotlib Figure."""

from lib.plots.comparisons import comparisons, leakage
from lib.plots.controls import controls
from lib.plots.energy import energy
from lib.plots.flow import flow_diagram
from lib.plots.forest import forest
from lib.plots.probabilities import calibration, confusion, decision_curve, scores
from lib.plots.ranking import precision_recall, roc
from lib.plots.style import marked
from lib.plots.training import curves

__all__ = ["FIGURES", "marked"]

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
    "gradcam_energy": ("gradcam_energy", energy),
}

"""The figures: each a function from its table and the dataset's edition to a matplotlib Figure."""

from mammo.report.figures.comparisons import comparisons, leakage
from mammo.report.figures.controls import controls
from mammo.report.figures.energy import energy
from mammo.report.figures.flow import flow_diagram
from mammo.report.figures.forest import forest
from mammo.report.figures.probabilities import calibration, confusion, decision_curve, scores
from mammo.report.figures.ranking import precision_recall, roc
from mammo.report.figures.style import marked
from mammo.report.figures.training import curves

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

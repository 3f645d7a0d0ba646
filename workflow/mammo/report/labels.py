"""How metrics and controls are called in figures, tables and sentences."""

from mammo.statistics.controls import CONTROLS
from mammo.statistics.metrics import METRICS

METRIC_LABELS = {name: metric.label for name, metric in METRICS.items()}
CONTROL_LABELS = {"network": "Model"} | {name: control.label for name, control in CONTROLS.items()}

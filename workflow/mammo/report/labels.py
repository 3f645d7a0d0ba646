"""How metrics and controls are called in figures, tables and sentences."""

# replaced when statistics' records are merged:
# METRIC_LABELS = {name: metric.label for name, metric in METRICS.items()}
METRIC_LABELS = {
    "auroc": "AUROC",
    "auprc": "average precision",
    "accuracy": "accuracy",
    "majority_class_accuracy": "accuracy of the majority class",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
    "f1": "F1 score",
    "brier_score": "Brier score",
    "log_loss": "log loss",
    "expected_calibration_error": "expected calibration error",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
}
# replaced when statistics' records are merged:
# CONTROL_LABELS = {"network": "model"} | {name: c.label for name, c in CONTROLS.items()}
CONTROL_LABELS = {
    "network": "model",
    "majority_class": "majority class",
    "shuffled_labels": "model trained on shuffled labels",
    "image_statistics": "image size and grey levels",
    "darkest_levels": "darkest grey levels",
    "brightest_levels": "brightest grey levels",
    "image_border": "image border",
    "technical_columns": "kind, view and side",
    "reader_assessment": "BI-RADS assessment",
    "reader_assessment_ordered": "BI-RADS assessment, ordinal",
    "reader_columns": "all reader columns",
}
# replaced when statistics' records are merged: those whose record says so
READER_CONTROLS = ("reader_assessment", "reader_assessment_ordered", "reader_columns")

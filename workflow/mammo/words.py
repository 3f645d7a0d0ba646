"""The one name of each thing that is named in several rooms, and numbers as a person reads them."""

from typing import NamedTuple

CLASSES = ("benign", "malignant")
PARTITIONS = ("training", "validation", "test")  # from far to near the result
LEVELS = ("image", "lesion", "breast", "patient")  # units in which a result is counted


class OperatingPoint(NamedTuple):
    """A threshold at which results are judged: its name in a sentence, and short, in a table."""

    name: str
    short: str


OPERATING_POINTS = {
    "youden": OperatingPoint("Youden threshold", "Youden"),
    "sensitivity_90": OperatingPoint("threshold for 0.90 sensitivity", "0.90 sensitivity"),
    "half": OperatingPoint("threshold of 0.5", "0.5"),
}

# The four outcomes of a prediction.
OUTCOMES = {
    "true_positive": "true positives",
    "true_negative": "true negatives",
    "false_positive": "false positives",
    "false_negative": "false negatives",
}


def number(value: float | None, digits: int = 3) -> str:
    """'0.915' with a true minus sign; '–' for a missing value."""
    if value is None or value != value:
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")


def percentage(value: float | None, digits: int = 1) -> str:
    """'91.5 %' of the fraction 0.915; '–' for a missing value."""
    return "–" if value is None or value != value else f"{number(100 * value, digits)} %"


def duration(seconds: float) -> str:
    """Seconds in words: '<1 s', '27 s', '2 min 31 s', '1 h 05 min', '2 d 3 h'."""
    if seconds < 1:
        return "<1 s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"

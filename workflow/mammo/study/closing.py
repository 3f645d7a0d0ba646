"""What is said when a run has ended: the test metrics, what was excluded, and where to look."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from mammo.estimates import Estimate
from mammo.words import OPERATING_POINTS

SHOWN = 10  # results of runs
# What a result is of. Those of several runs are told first: they say more than any one run.
OF = {
    "mean": "mean of {runs} runs",
    "pooled": "all folds pooled",
    "ensemble": "fold {fold}, ensemble of {runs} seeds",
    "run": "fold {fold}, seed {seed}",
}
LEAKS = "NOT EVIDENCE OF PERFORMANCE"
Row = dict[str, str]


def closing_words(results: str | Path, steps: Iterable[str]) -> Iterator[str]:
    """Lines that are printed after a run.

    `results` is the folder, `steps` the folders in it whose excluded.csv the run made or used.
    """
    results = Path(results).resolve()
    yield from _test_metrics(results / "metrics.csv")
    for path in [results / step / "excluded.csv" for step in steps]:
        reasons = Counter(row["reason"] for row in _rows(path))
        if reasons:
            counts = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
            yield f"Excluded: {counts}. Row by row: {path}"
    pictures = [results / "report.html", *sorted(results.glob("plots/*.png"))]
    if look := [str(path) for path in pictures if path.exists()]:
        yield f"Look at: {', '.join(look)}"


def _test_metrics(path: Path) -> Iterator[str]:
    rows = _rows(path)
    if leaks := sorted({row["leaks"] for row in rows if row.get("leaks")}):
        yield f"{LEAKS}: the split {' and '.join(leaks)}."
    found: dict[tuple[int, str], dict[str, Row]] = {}
    for row in rows:
        if row["partition"] == "test" and row["level"] == "image":
            of = f"{row['experiment']}, {OF[row['of']].format(**row)}"
            found.setdefault((list(OF).index(row["of"]), of), {})[row["metric"]] = row
    several = sorted(found.items(), key=lambda item: item[0][0])
    for (_, of), values in several[:SHOWN]:
        auroc, accuracy = (_in_words(values[metric]) for metric in ("auroc", "accuracy"))
        majority = _in_words(values["majority_class_accuracy"], bare=True)
        yield (
            f"Test, {of}: AUROC {auroc}, accuracy {accuracy}, majority class {majority};"
            f" {values['auroc']['n']} images."
        )
    if found:
        more = f"{len(several) - SHOWN} more, and all" if several[SHOWN:] else "All"
        levels = {f"{100 * float(row['confidence']):g} %" for row in rows if row["confidence"]}
        brackets = ", ".join(sorted(levels))
        note = f" In brackets: {brackets} confidence intervals." if levels else ""
        yield f"{more} metrics, by image, lesion, breast and patient: {path}.{note}"


def _in_words(row: Row, bare: bool = False) -> str:
    """'0.915 ± 0.010 (SD) [0.862, 0.957]', or why there is no value; bare: the value alone."""
    estimate = Estimate.of_row(row)
    if estimate.value is None:
        return f"none ({estimate.reason})"
    value, *interval = str(estimate).split(" ", 1)
    if bare:
        return value
    spread = [f"± {float(row['sd']):.3f} (SD)"] if row["sd"] else []
    return " ".join([value, *spread, *interval])


def prediction_words(path: str | Path) -> Iterator[str]:
    """Lines that are printed after predicting.

    How many images are predicted malignant, bear a warning or cannot be shown, and where to look.
    """
    path = Path(path).resolve()
    if not (rows := _rows(path)):
        return
    shown = [row for row in rows if not row["problem"]]
    yield (
        f"Predicted by {rows[0]['model']}, trained on dataset {rows[0]['dataset']}:"
        f" {len(shown)} of {len(rows)} files. Not for clinical use."
    )
    if rows[0]["leaks"]:
        yield f"{LEAKS}: the model's split {rows[0]['leaks']}."
    for key, point in OPERATING_POINTS.items():
        malignant = sum(row[key] == "malignant" for row in shown)
        yield f"Predicted malignant at the {point.name}: {malignant} of {len(shown)}"
    if warned := sum(row["warnings"] != "" for row in shown):
        yield f"{warned} bear a warning: their probability may be meaningless."
    if len(shown) < len(rows):
        yield f"{len(rows) - len(shown)} could not be shown; the column problem says why."
    yield f"Row by row: {path}. Look at: {path.with_name('gallery.png')}"


def _rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

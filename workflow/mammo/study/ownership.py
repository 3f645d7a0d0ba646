"""The results folder: whose it is when a run starts, and what to say of it when the run has ended.

Imported while the Snakefile is parsed, so it imports nothing slow; the results' tables are read at the end of a run only.
"""

import csv
import json
import os
from collections import Counter
from pathlib import Path


def owner(config, folder):
    """The dataset that a configuration names, its path absolute. `folder` is where a relative path starts."""
    edition, path, table = (config["dataset"][key] for key in ("edition", "path", "table"))
    path = (
        None if path is None else os.path.realpath(os.path.join(folder, os.path.expanduser(path)))
    )
    return {
        "edition": edition,
        "path": path,
        "table": None if table is None else os.path.normpath(table),
    }


def claim(mine):
    """The text of a record that says which dataset the results beside it belong to."""
    return json.dumps(mine, indent=2) + "\n"


def claim_results(record, mine):
    """Note in the file `record` which dataset the results beside it belong to. Called when a run starts."""
    Path(record).parent.mkdir(exist_ok=True)
    Path(record).write_text(claim(mine), encoding="utf-8")


def other_owner(record, mine):
    """A message if the results beside the file `record` are from another dataset than `mine`, else None.

    A record without results, which a run that failed at once leaves behind, binds nobody.
    """
    record = Path(record).resolve()
    made = (
        path
        for name in ("inventory", "tensors", "splits", "runs")
        for path in (record.parent / name).rglob("*")
    )
    if not record.exists() or not any(path.is_file() for path in made):
        return None
    return other_than(mine, record.read_text(encoding="utf-8"), record)


def other_than(mine, text, record, elsewhere="--directory ELSEWHERE"):
    """A message if the text of the file `record` tells of another dataset than `mine`, else None. elsewhere: the option that names another place."""
    place = str(record).rpartition("/")[0]
    try:
        theirs = json.loads(text)
        theirs = {key: theirs[key] for key in mine}
    except (ValueError, KeyError, TypeError):
        return (
            f"{record} should tell which dataset these results are from, as JSON with {', '.join(mine)}, but cannot be read.\n"
            f"If they are from the one that is asked for now, write into it: {json.dumps(mine)}\n"
            f"If not, add {elsewhere}, or move the results away."
        )
    if theirs == mine:
        return None
    return (
        f"{place} was made from another dataset:\n"
        f"  there:  {_describe(theirs)}\n"
        f"  asked:  {_describe(mine)}\n"
        "Nothing was changed. To go on, do one of these:\n"
        "  - to continue that study, give the --configfile and --config that it was made with;\n"
        f"  - to run this dataset beside it, add {elsewhere} (a dataset path is then absolute);\n"
        "  - to start over, delete all that is in that folder but its README.md and downloads/;\n"
        f"  - if the dataset has only moved to another place, correct its path in {record}; it is then read anew."
    )


def _describe(dataset):
    return f"the {dataset['edition']} edition" + "".join(
        f", {key} {dataset[key]}" for key in ("path", "table") if dataset[key] is not None
    )


def closing_words(results, steps):
    """What a person wants to know after a run: the test metrics, what was left out, and where to look.

    `results` is the folder, `steps` the folders in it whose excluded.csv the run made or used.
    """
    results = Path(results).resolve()
    yield from _test_metrics(results / "metrics.csv")
    for path in [results / step / "excluded.csv" for step in steps]:
        reasons = Counter(row["reason"] for row in _rows(path))
        if reasons:
            told = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
            yield f"Left out: {told}. Row by row: {path}"
    look = [results / "report.html", *sorted(results.glob("plots/*.png"))]
    if look := [str(path) for path in look if path.exists()]:
        yield f"Look at: {', '.join(look)}"


# What a result is of: the last words name those of several runs first, which say more than any one of them.
OF = {
    "mean": "mean of {runs} runs",
    "pooled": "all folds pooled",
    "ensemble": "fold {fold}, ensemble of {runs} seeds",
    "run": "fold {fold}, seed {seed}",
}


def _test_metrics(path):
    rows = _rows(path)
    if leaks := sorted({row["leaks"] for row in rows if row.get("leaks")}):
        yield f"NOT EVIDENCE OF PERFORMANCE: the split {' and '.join(leaks)}."
    found = {}
    for row in rows:
        if row["partition"] == "test" and row["level"] == "image":
            of = f"{row['experiment']}, {OF[row['of']].format(**row)}"
            found.setdefault((list(OF).index(row["of"]), of), {})[row["metric"]] = row
    several = sorted(found.items(), key=lambda item: item[0][0])
    for (_, of), values in several[:10]:
        auroc, accuracy = _told(values["auroc"]), _told(values["accuracy"])
        majority = _told(values["majority_class_accuracy"], bare=True)
        yield f"Test, {of}: AUROC {auroc}, accuracy {accuracy}, majority class {majority}; {values['auroc']['n']} images."
    if found:
        more = f"{len(several) - 10} more, and all" if several[10:] else "All"
        told = {f"{100 * float(row['confidence']):g} %" for row in rows if row["confidence"]}
        brackets = (
            f" In brackets: {', '.join(sorted(told))} intervals, by drawing patients."
            if told
            else ""
        )
        yield f"{more} metrics, by image, lesion, breast and patient: {path}.{brackets}"


def _told(row, bare=False):
    """'0.915 [0.862 to 0.957]', of a mean with its standard deviation over the runs; or why there is no value."""
    if not row["value"]:
        return f"none ({row['reason']})"
    parts = [f"{float(row['value']):.3f}"]
    if not bare and row["sd"]:
        parts.append(f"± {float(row['sd']):.3f} (SD)")
    if not bare and row["low"]:
        parts.append(f"[{float(row['low']):.3f} to {float(row['high']):.3f}]")
    return " ".join(parts)


def prediction_words(path):
    """What a person wants to know after predicting: how many images were called malignant, warned of or not shown, and where to look."""
    path = Path(path).resolve()
    if not (rows := _rows(path)):
        return
    shown = [row for row in rows if not row["problem"]]
    for row in rows[:1]:
        yield f"Predicted by {row['model']}, trained on dataset {row['dataset']}: {len(shown)} of {len(rows)} files. Not for clinical use."
        if row["leaks"]:
            yield f"NOT EVIDENCE OF PERFORMANCE: the network's split {row['leaks']}."
    for point in ("youden", "sensitivity_90", "half"):
        yield f"Malignant at {point}: {sum(row[point] == 'malignant' for row in shown)}"
    if warned := sum(row["warnings"] != "" for row in shown):
        yield f"{warned} bear a warning: their probability may mean nothing."
    if len(shown) < len(rows):
        yield f"{len(rows) - len(shown)} could not be shown; `problem` tells why."
    yield f"Row by row: {path}. Look at: {path.with_name('gallery.png')}"


def _rows(path):
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

"""Time and memory of inventory, image list, manifest, audit and evaluation, from a thousand to a million rows.

The images are links to a few tiny files, named in a table of one's own; each step runs in a process of its own, as Snakemake
runs it. Writes benchmarks/scale.csv and scale.png: seconds and peak memory of each step, and for each its growth from size to
size as the exponent of a power law (1 is linear).
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow"))

LINKS = 50_000  # to one file: file systems allow some 65,000
SPLIT = {
    "method": "fractions",
    "by": "patient",
    "test": 0.2,
    "validation": 0.2,
    "seed": 1,
    "duplicates": "drop_from_training",
}
EVALUATION = {"draws": 2000, "confidence": 0.95, "seed": 1}


def make_dataset(folder, rows):
    """A table edition of so many images, two to a patient."""
    rng = np.random.default_rng(1)
    names = [f"{number // 1000:04}/{number:07}.png" for number in range(rows)]
    for number, name in enumerate(names):
        path = folder / name
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        if number % LINKS == 0:
            Image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).save(path)
            source = path
        else:
            os.link(source, path)
    patient = np.arange(rows) // 2
    malignant = rng.random(rows // 2 + 1) < 0.4
    table = {
        "file": names,
        "label": np.where(malignant[patient], "malignant", "benign"),
        "patient": [f"patient {number:07}" for number in patient],
        "kind": np.where(patient % 3, "mass", "calcification"),
    }
    pd.DataFrame(table).to_csv(folder / "lesions.csv", index=False)


def take_inventory(dataset, out):
    from mammo.dataset import inventory
    from mammo.dataset.settings import Dataset
    from mammo.dataset.summary import summarize
    from mammo.tables import write_table

    given = Dataset.default(edition="table", path=str(dataset), table="lesions.csv")
    files, lesions, excluded, headers = inventory.take_inventory(given, 2)
    tables = inventory.tables_by_name(str(dataset), [dataset / "lesions.csv"])
    record = inventory.fingerprint(files, tables)
    conflicts = inventory.label_conflicts(lesions)
    write_table(files, out / "files.csv", "files")
    write_table(lesions, out / "lesions.csv", "lesions")
    write_table(headers.assign(code="code"), out / "headers.csv", "headers")
    excluded = excluded.assign(dataset=record["fingerprint"])
    write_table(excluded, out / "excluded.csv", "excluded")
    write_table(conflicts, out / "conflicts.csv", "conflicts")
    (out / "fingerprint.json").write_text(json.dumps(record))
    text = summarize("table", files, lesions, excluded, conflicts, record)
    (out / "summary.md").write_text(text)


def list_images(dataset, out):
    from mammo.dataset.regions import list_images
    from mammo.dataset.settings import Image
    from mammo.tables import read_table, write_table

    tables = (read_table(out / f"{name}.csv", name) for name in ("lesions", "files", "excluded"))
    images, _ = list_images(*tables, Image.default())
    fingerprint = json.loads((out / "fingerprint.json").read_text())["fingerprint"]
    write_table(images.assign(dataset=fingerprint), out / "images.csv", "images")


def split_patients(dataset, out):
    from mammo.split.draw import split_patients
    from mammo.tables import read_table, write_table

    groups = pd.DataFrame(
        {
            "image_id": pd.Series(dtype=str),
            "group": pd.Series(dtype=str),
            "crowd": pd.Series(dtype=bool),
        }
    )
    manifest, excluded = split_patients(read_table(out / "images.csv", "images"), groups, SPLIT)
    write_table(manifest, out / "manifest.csv", "manifest")
    write_table(excluded, out / "left_out.csv", "excluded")


def audit_split(dataset, out):
    from mammo.split.audit import audit_split
    from mammo.tables import read_table

    pairs = pd.DataFrame({"file_a": [], "file_b": [], "match": []}, dtype=str)
    tables = (read_table(out / f"{name}.csv", name) for name in ("manifest", "images", "lesions"))
    checks = audit_split(*tables, pairs, read_table(out / "left_out.csv", "excluded"), SPLIT)
    assert {check["status"] for check in checks} == {"pass"}


def evaluate_run(dataset, out):
    from mammo.statistics.evaluation import evaluate, prepared
    from mammo.statistics.settings import Evaluation
    from mammo.tables import SCHEMAS, read_table, write_table

    manifest, images = (
        read_table(out / "manifest.csv", "manifest"),
        read_table(out / "images.csv", "images"),
    )
    label = (manifest["label"] == "malignant").astype(int)
    probability = np.random.default_rng(1).normal(label - 0.5).clip(-4, 4) / 8 + 0.5
    predictions = manifest.assign(label=label, probability=probability)[
        list(SCHEMAS["predictions"]["columns"])
    ]
    values = evaluate([prepared(predictions, images, "crop")], images, "crop", Evaluation(**EVALUATION))
    write_table(
        values.assign(of="run", experiment="baseline", fold=0, seed=1),
        out / "metrics.csv",
        "metrics",
    )


STEPS = [take_inventory, list_images, split_patients, audit_split, evaluate_run]


def measured(step, *arguments):
    """(seconds, peak resident memory in MB of the process and of each of its children) of a step in a process of its own."""

    def run(pipe):
        begun = time.perf_counter()
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        step(*arguments)
        peak = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        pipe.send((time.perf_counter() - begun, peak / 1024))

    receive, send = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(send,))
    process.start()
    process.join()
    assert process.exitcode == 0, step.__name__
    return receive.recv()


def draw(table):
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, column, unit in zip(
        figure.subplots(1, 2), ["seconds", "peak_mb"], ["Seconds", "Peak memory (MB)"], strict=True
    ):
        for step, rows in table.groupby("step", sort=False):
            axes.loglog(rows["rows"], rows[column], "o-", label=step)
        axes.set_xlabel("Rows")
        axes.set_ylabel(unit)
        axes.grid(True, which="both", color="#dddddd", linewidth=0.5)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "scale.png", dpi=150)


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rows", type=int, default=100_000, help="the largest size")
    most = arguments.parse_args().rows
    found = []
    for rows in [n for n in (10**3, 10**4, 10**5, 10**6) if n <= most]:
        with tempfile.TemporaryDirectory() as scratch:
            dataset, out = Path(scratch, "dataset"), Path(scratch, "out")
            dataset.mkdir()
            out.mkdir()
            make_dataset(dataset, rows)
            for step in STEPS:
                seconds, peak = measured(step, dataset, out)
                before = next(
                    (row for row in reversed(found) if row["step"] == step.__name__), None
                )
                growth = (
                    np.log(seconds / before["seconds"]) / np.log(rows / before["rows"])
                    if before
                    else np.nan
                )
                found.append(
                    {
                        "step": step.__name__,
                        "rows": rows,
                        "seconds": round(seconds, 2),
                        "peak_mb": round(peak),
                        "exponent": round(growth, 2),
                    }
                )
                print(*found[-1].values(), sep="\t", flush=True)
    table = pd.DataFrame(found)
    table.to_csv(HERE / "scale.csv", index=False)
    draw(table)


if __name__ == "__main__":
    main()

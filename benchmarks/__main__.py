"""This workflow beside what people would use instead, on the same images.

Ratios of medians, from rounds in which all take turns.

    make bench          everything, and the pictures: two hours or so
    make bench-quick    less of it, on less, in a few minutes, by CPU seconds rather than the
                        clock: an error where a ratio misses its target by more than half

    python benchmarks pipelines memory      some of it; in results.csv the other lines stay

Writes results.csv, and the README's table from it.
"""

import argparse
import csv
import importlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ["memory", "pipelines", "throughput", "decoding", "reruns"]
BEGIN, END = "<!-- by make bench -->", "<!-- /by make bench -->"
QUICK = [name for name in NAMES if name != "memory"]


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(rows, path):
    with open(path, "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def table(path):
    """results.csv as the README has it."""
    lines = ["| what | ratio | wanted | met |", "| --- | --- | --- | --- |"]
    for row in read(path):
        spread = f" ({row['least']} to {row['most']})" if row["least"] != row["most"] else ""
        lines.append(
            f"| {row['measure']} | {row['ratio']}{spread} | {row['wanted']} | {row['met']} |"
        )
    return "\n".join(lines)


def tell(readme, path):
    """Put the table of results.csv in place of the README's."""
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(before + BEGIN + "\n" + table(path) + "\n" + END + rest.split(END)[1])


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("names", nargs="*", choices=[*NAMES, []], help=", ".join(NAMES))
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if given.quick:
        os.environ["BENCHMARKS_COUNT"] = "cpu"
    sys.path.append(str(HERE.parent / "workflow"))
    path, found = HERE / "results.csv", []
    earlier = {row["measure"]: row for row in read(path)} if given.names else {}
    for name in given.names or (QUICK if given.quick else NAMES):
        for ratio in importlib.import_module(name).ratios(given.quick):
            print(ratio, flush=True)
            found.append(ratio)
            if not given.quick:
                write([*(earlier | {ratio.measure: ratio.row for ratio in found}).values()], path)
    if not given.quick:
        tell(HERE.parent / "README.md", path)
    elif far := [ratio.measure for ratio in found if ratio.far_off]:
        sys.exit(f"Off by more than half: {'; '.join(far)}")


if __name__ == "__main__":
    main()

"""What caching saves: a second run after a change of evaluation alone, and a run with nothing to do, as ratios.

    make bench

A study of the phantom at 224 pixels with so many epochs is run from nothing, then again with other bootstrap draws: only what follows from
the predictions is made anew. Nothing to do is compared with a workflow of one rule that has nothing to do, by turns.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_RULE = 'rule all:\n    output:\n        "done.txt",\n    shell:\n        "touch {output}"\n'


def seconds(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    return time.perf_counter() - begun, "Nothing to be done" in done.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--epochs", type=int, default=30)
    arguments.add_argument("--size", type=int, default=224)
    arguments.add_argument("--patients", type=int, default=150)
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        study = ["--directory", f"{scratch}/study", "--config", f"phantom={{patients: {given.patients}}}", f"image={{size: {given.size}}}",
                 f"training={{epochs: {given.epochs}, patience: {given.epochs}}}"]  # fmt: skip
        full, _ = seconds(ROOT, *study)
        changed = [*study, "evaluation={seed: 2}"]
        second, _ = seconds(ROOT, *changed)
        print(f"after a change of evaluation alone: {full / second:.1f} x faster ({full:.0f} s and {second:.0f} s), at least 20 wanted", flush=True)  # fmt: skip
        one = Path(scratch, "one")
        one.mkdir()
        (one / "Snakefile").write_text(ONE_RULE)
        seconds(one)
        times = {"ours": [], "one rule": []}
        for _ in range(given.rounds):
            for way, (folder, *rest) in {"ours": (ROOT, *changed), "one rule": (one,)}.items():
                took, nothing = seconds(folder, *rest)
                assert nothing
                times[way].append(took)
        each = [a / b for a, b in zip(times["ours"], times["one rule"], strict=True)]
        ratio = statistics.median(times["ours"]) / statistics.median(times["one rule"])
        print(f"nothing to do, beside a workflow of one rule: {ratio:.2f} x ({min(each):.2f} to {max(each):.2f}; "
              f"{statistics.median(times['ours']):.2f} s), at most 1.5 wanted")  # fmt: skip


if __name__ == "__main__":
    main()

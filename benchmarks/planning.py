"""How long Snakemake takes, and how much memory, to see what a thousand runs need.

Of a thousand seeds, and of a thousand experiments.

make bench
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--runs", type=int, default=1000)
    runs = arguments.parse_args().runs
    rates = [round(1e-6 * number, 6) for number in range(1, runs)]  # beside the baseline
    for name, text in [
        (f"{runs} seeds", f"seeds: {list(range(runs))}"),
        (
            f"{runs} experiments of a grid",
            f"experiments: {{rates: {{training.learning_rate: {rates}}}}}",
        ),
    ]:
        with tempfile.TemporaryDirectory() as scratch:
            config = Path(scratch, "config.yaml")
            config.write_text(text)
            command = [
                "snakemake",
                "-n",
                "--quiet",
                "all",
                "--directory",
                f"{scratch}/run",
                "--configfile",
                str(config),
            ]
            begun = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _, status, used = os.wait4(process.pid, 0)
            assert status == 0
            took = time.perf_counter() - begun
        print(
            f"{name}: {took:.1f} s, {used.ru_maxrss / 1024:.0f} MB; "
            "at most 10 s and 1,000 MB wanted",
            flush=True,
        )


if __name__ == "__main__":
    main()

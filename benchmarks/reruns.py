"""What caching saves: a second run after a change of evaluation, and a run with nothing to do.

A study of the phantom at 224 pixels, 30 epochs of training, is run from nothing, then again with
bootstrap replicates from another seed: all that follows from the predictions is made anew. Nothing
to do is compared with a workflow of one rule that has nothing to do; quickly, of one figure.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import comparing
from comparing import Ratio

ROOT = Path(__file__).resolve().parents[1]
ONE_RULE = 'rule all:\n    output:\n        "done.txt",\n    shell:\n        "touch {output}"\n'


def snakemake(folder, *arguments):
    """(seconds, whether there was nothing to do) of a run in a folder."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    begun = comparing.seconds()
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return comparing.seconds() - begun, "Nothing to be done" in done.stdout


def ratios(quick):
    patients, size, epochs = (30, 64, 1) if quick else (150, 224, 30)
    with tempfile.TemporaryDirectory() as scratch:
        study = [
            "--directory",
            f"{scratch}/study",
            "--config",
            f"phantom={{patients: {patients}}}",
            f"image={{size: {size}}}",
            f"training={{epochs: {epochs}, patience: {epochs}}}",
        ]
        if quick:
            study.insert(0, "results/plots/loss.png")
        whole, _ = snakemake(ROOT, *study)
        if not quick:
            second = []
            for seed in [2, 3, 4]:
                changed = [*study, f"evaluation={{seed: {seed}}}"]
                second.append((whole, snakemake(ROOT, *changed)[0]))
            yield Ratio(
                "a second run after a change of evaluation alone, times as fast as the whole run",
                second,
                20,
            )
            study = changed
        Path(scratch, "one").mkdir()
        Path(scratch, "one/Snakefile").write_text(ONE_RULE)
        snakemake(Path(scratch, "one"))
        rounds = []
        for _ in range(3 if quick else 9):
            ours, one = snakemake(ROOT, *study), snakemake(Path(scratch, "one"))
            assert ours[1], "there was something to do"
            assert one[1], "there was something to do"
            rounds.append((ours[0], one[0]))
        yield Ratio(
            "seconds with nothing to do, against a workflow of one rule", rounds, 1.5, at_most=True
        )

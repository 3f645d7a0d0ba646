#!/usr/bin/env python3
"""Continue after Snakemake itself was killed: the same command, with this in place of `snakemake`.

    profiles/recover.py --workflow-profile profiles/slurm --configfile config/kaggle.yaml

A killed Snakemake leaves running jobs, a lock and half-written files. Started again at once, it
would run the same job a second time, on the same files. So this first ends the remaining jobs and
processes of the study's folder, in the queue and on this machine, and waits for their end. Then it
unlocks the folder and starts Snakemake, which repeats what was interrupted; a training resumes from
its last finished epoch. If nothing was left, it does the same as `snakemake`.
"""

import argparse
import getpass
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from mammo.study.clusters import SCHEDULERS, Scheduler  # noqa: E402


def queued(scheduler: Scheduler, folder: Path) -> list[str]:
    """The numbers of the user's unfinished jobs that were submitted from `folder`, as text."""
    listing = [word.format(user=getpass.getuser()) for word in scheduler.listing]
    done = subprocess.run([scheduler.watch, *listing], capture_output=True, text=True)
    if done.returncode and "No unfinished job" not in done.stderr:
        sys.exit(
            f"{scheduler.watch} does not answer, so the running jobs are unknown:"
            f" {done.stderr.strip()}\n"
            "Nothing was changed. Try again when it answers."
        )
    pairs = [line.split("|", 1) for line in done.stdout.splitlines() if "|" in line]
    return sorted(
        {number for number, where in pairs if Path(os.path.expandvars(where)).resolve() == folder}
    )


def at_work(folder: Path) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """(mains, steps): the processes of Snakemake itself in `folder`, and of its steps."""
    mains, steps = [], []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if not words or Path(process.cwd()) != folder:
                continue
        except (psutil.Error, OSError):
            continue  # has ended, or is another user's
        if any("/.snakemake/scripts/" in word for word in words):
            steps.append(process)
        elif any(Path(word).name == "snakemake" for word in words[:3]):
            (steps if "--mode" in words else mains).append(process)
    return mains, steps


def end_what_was_left(folder: Path) -> None:
    """End the jobs and steps of a killed Snakemake; exit with an error if it still runs."""
    mains, _ = at_work(folder)
    if mains:
        sys.exit(
            f"Snakemake still works in {folder}, as process {mains[0].pid}."
            " Stop it with Ctrl-C first."
        )
    for scheduler in SCHEDULERS:
        if shutil.which(scheduler.watch) and (jobs := queued(scheduler, folder)):
            print(
                f"Cancelling what was left in the queue of {folder}: {', '.join(jobs)}", flush=True
            )
            subprocess.run([scheduler.cancel, *jobs], check=True)
            while set(queued(scheduler, folder)) & set(jobs):
                time.sleep(0.5)
    _, steps = at_work(folder)
    for process in steps:
        print(f"Ending what was left on this machine: process {process.pid}", flush=True)
        process.kill()
    psutil.wait_procs(steps)


def main(arguments: list[str]) -> None:
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--directory", "-d", default=".")
    end_what_was_left(Path(options.parse_known_args(arguments)[0].directory).resolve())
    snakemake = [sys.executable, "-m", "snakemake", *arguments]
    if code := subprocess.run([*snakemake, "--unlock"]).returncode:
        sys.exit(code)
    os.execv(sys.executable, [*snakemake, "--rerun-incomplete"])


if __name__ == "__main__":
    main(sys.argv[1:])

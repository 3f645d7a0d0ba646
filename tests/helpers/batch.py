"""The programs of a batch system, Slurm or LSF, as shell scripts, as far as they are used."""

import os


def stubs(folder, **programs):
    """A folder with programs of these names, shell scripts, and a PATH that begins with it."""
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


# LSF's programs, as far as the profile uses them: jobs run on this machine, and the first is ended
# for want of memory.
LSF = {
    "bsub": """
number=$(($(ls $LSF | wc -l) + 1))
job=$LSF/$number; mkdir $job
printf '%s\\n' "$@" > $job/asked; pwd -P > $job/folder
for command; do :; done
if [ $number = 1 ] && [ -n "$STARVE" ]; then echo EXIT > $job/stat
else
    echo RUN > $job/stat
    run="($command) > $job/out 2>&1 && echo DONE > $job/stat || echo EXIT > $job/stat"
    setsid sh -c 'echo $$ > '"$job/pid; $run" > /dev/null 2>&1 &
fi
echo "Job <$number> is submitted to default queue <normal>."
""",
    "bjobs": """
for last; do :; done
case "$*" in
    *sub_cwd*)
        for job in $LSF/*; do
            grep -q RUN $job/stat && echo "${job##*/}|$(cat $job/folder)"
        done; true ;;
    *exit_reason*) echo "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit" ;;
    *) cat $LSF/$last/stat ;;
esac
""",
    "bkill": "for job; do kill -9 -$(cat $LSF/$job/pid); echo EXIT > $LSF/$job/stat; done",
}

"""Snakemake, imported once: reads a call a line from its input, runs it in a fork, prints its code.

Each call is {"folder", "arguments", "environment", "said": the file that its output goes to}. The
fork has what an interpreter of its own would have: folder, environment, arguments and path.
"""

import json
import os
import sys
import traceback

import snakemake.cli

# What Snakemake and the Snakefile import later; of the project nothing, since tests edit copies.
for name in ("pydantic", "yaml", "snakemake.executors.dryrun", "snakemake.dag"):
    __import__(name)


def main() -> None:
    for line in sys.stdin:
        call = json.loads(line)
        child = os.fork()
        if child == 0:
            run(call)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(call: dict) -> None:
    """Do one call, in a process of its own, which ends with it."""
    output = os.open(call["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.argv = ["snakemake", *call["arguments"]]
    sys.path[0] = call["folder"]
    snakemake.workflow.Workflow._rundir = call["folder"]  # noted when it was imported
    code = 1
    try:
        snakemake.cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

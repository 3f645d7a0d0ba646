"""Print the audit of every split as a table on the terminal, whether its checks passed or not."""

import json
from pathlib import Path

from mammo.split.gate import audit_lines

if __name__ == "__main__":
    lines: list[str] = []
    for path in map(Path, snakemake.input):
        audit = json.loads(path.read_text(encoding="utf-8"))
        lines += [*audit_lines(audit, path.parent.name), f"All findings: {path.resolve()}", ""]
    # The first line alone: the others name patients, and a log is sent around.
    Path(snakemake.log[0]).write_text(lines[0] + "\n", encoding="utf-8")
    print("\n".join(lines), flush=True)

"""Print the audit of every split as a table on the terminal, whether its checks passed or not."""

import json
from pathlib import Path

from mammo.split.audit_words import as_text

if __name__ == "__main__":
    text = ""
    for path in map(Path, snakemake.input):
        audit = json.loads(path.read_text(encoding="utf-8"))
        text += "\n".join(as_text(audit, path.parent.name)) + f"\nAll of it: {path.resolve()}\n\n"
    Path(snakemake.log[0]).write_text(
        text.split("\n")[0] + "\n", encoding="utf-8"
    )  # without the names of patients
    print(text, flush=True)

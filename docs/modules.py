"""Write the list of modules in docs/architecture.md from the modules' docstrings.

    python docs/modules.py

tests/test_docs.py fails while the list is out of date.
"""

import ast
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "workflow/mammo"
PAGE = HERE / "architecture.md"
BEGIN = "<!-- modules: written by docs/modules.py from the modules' docstrings -->\n"
END = "<!-- /modules -->"
# From the top of the house to the ground floor.
ROOMS = ["report", "study", "model", "statistics", "split", "dataset", ""]


def summary(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def modules_of(room: str) -> list[Path]:
    """The modules of a room in alphabetical order, those of its folders after them."""
    folder = PACKAGE / room
    paths = folder.rglob("*.py") if room else folder.glob("*.py")
    return sorted(paths, key=lambda path: (len(path.relative_to(folder).parts), path))


def listing() -> str:
    """The list as Markdown: a heading and a table for each room."""
    lines = []
    for room in ROOMS:
        lines += [f"\n### {room or 'Ground floor'}\n"]
        if room:
            lines += [summary(PACKAGE / room / "__init__.py") + "\n"]
        lines += ["| module | what it does |", "| --- | --- |"]
        for path in modules_of(room):
            if path.name == "__init__.py" and path.parent in (PACKAGE, PACKAGE / room):
                continue
            name = path.relative_to(PACKAGE / room).as_posix().removesuffix("/__init__.py")
            text = summary(path).replace("|", "\\|")
            lines.append(f"| `{name.removesuffix('.py')}` | {text} |")
    return "\n".join(lines) + "\n\n"


def updated(page: str) -> str:
    """The page with the list as it is now."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + listing() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""config/config.yaml and the tables of config/README.md, from what the keys' fields declare.

`make reference` (python -m mammo.study.reference) writes both; a test holds them equal.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mammo.paths import WORKFLOW
from mammo.settings import Section
from mammo.study.keys import Key, keys, section_of
from mammo.study.settings import Configuration

WIDTH = 100
CONFIG = WORKFLOW.parent / "config/config.yaml"
README = WORKFLOW.parent / "config/README.md"
HEAD = """\
# The default study, of a synthetic dataset made on the spot: everything runs without a download.
# Written by `make reference`. README.md beside this file explains every key; an overlay, such as
# --configfile config/kaggle.yaml, changes some of them.
"""
TABLE_HEAD = ["| key | default | allowed | what it means |", "| --- | --- | --- | --- |"]


def written() -> Iterator[tuple[Path, str]]:
    """Each of the two files with its text as it ought to be."""
    yield CONFIG, default_config()
    yield README, with_tables(README.read_text(encoding="utf-8"))


def default_config() -> str:
    """The text of config/config.yaml: each default, with what the key means in a comment."""
    parts = [HEAD]
    for name in Configuration.model_fields:
        if section := section_of(Configuration, name):
            found = {f"  {key}": facts for key, facts in keys(section).items()}
            lines = [f"{name}:  # {_lower_first(_title(section))}"]
        else:
            found, lines = {name: keys(Configuration)[name]}, []
        parts.append("\n".join([*lines, *_commented(found)]) + "\n")
    return "\n".join(parts)


def _title(section: type[Section]) -> str:
    return (section.__doc__ or "").splitlines()[0].rstrip(".")


def _commented(found: dict[str, Key]) -> Iterator[str]:
    """Lines of 'key: value  # comment', their comments below one another."""
    entries = {f"{name}: {_plain(key.default)}": key for name, key in found.items()}
    column = max(map(len, entries)) + 2
    for entry, key in entries.items():
        first, *more = textwrap.wrap(comment(key), WIDTH - column - 2, break_on_hyphens=False)
        yield f"{entry:{column}}# {first}"
        yield from (f"{' ' * column}# {line}" for line in more)


def comment(key: Key) -> str:
    """The first sentence of a key's description, and its choices where it does not name them."""
    sentence = re.split(r"(?<=\.)\s+(?=[A-Z`0-9])", key.description)[0]
    text = _lower_first(sentence.replace("`", "").rstrip("."))
    if all(choice in text for choice in key.choices):
        return text
    return f"{text}: {_in_words(key.choices)}"


def _in_words(choices: tuple[str, ...]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]])


def _lower_first(text: str) -> str:
    """A sentence as a comment begins; a name or an abbreviation keeps its capitals."""
    is_name = text[:2].isupper() or text.startswith("TensorFlow")
    return text if is_name else text[0].lower() + text[1:]


def with_tables(text: str) -> str:
    """config/README.md with the table of each section below its heading as it ought to be."""
    for heading, table in tables():
        pattern = rf"(^## {heading}\n(?:(?!## ).*\n)*?)\| key \|.*\n(?:\|.*\n)+"
        text, found = re.subn(pattern, lambda match: match[1] + table, text, flags=re.MULTILINE)  # noqa: B023
        if not found:
            raise SystemExit(
                f"{README}: below '## {heading}' there is no table that begins | key |"
            )
    return text


def tables() -> Iterator[tuple[str, str]]:
    """(section, table of its keys in Markdown)."""
    for name in Configuration.model_fields:
        section = section_of(Configuration, name)
        found = _dotted(name, section) if section else {name: keys(Configuration)[name]}
        rows = [_row(dotted, key) for dotted, key in found.items()]
        yield name, "\n".join([*TABLE_HEAD, *rows]) + "\n"


def _dotted(name: str, section: type[Section]) -> dict[str, Key]:
    return {f"{name}.{key}": facts for key, facts in keys(section).items()}


def _row(dotted: str, key: Key) -> str:
    allowed = key.allowed.removeprefix("allowed: ").replace("|", "\\|")
    if key.choices:
        allowed = ", ".join(f"`{choice}`" for choice in key.choices)
    return f"| `{dotted}` | `{_plain(key.default)}` | {allowed} | {key.description} |"


def _plain(value: Any) -> str:
    """A value as YAML in one line: 0.00003 rather than 3e-05, which YAML reads as text."""
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()


if __name__ == "__main__":
    for path, text in written():
        path.write_text(text, encoding="utf-8")

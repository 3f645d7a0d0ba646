"""Table 1 as a page whose table can be copied into a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from mammo.report.templates import text_of
from mammo.statistics.variables import VARIABLES
from mammo.words import PARTITIONS

READS = ["templates/characteristics.html.jinja"]
# What stands in one cell: a statistic, and in brackets its spread.
SPREADS = {
    "mean": ("mean (SD)", ("sd",)),
    "median": ("median (quartiles)", ("quartile_1", "quartile_3")),
}
WIDTH = len(PARTITIONS) + 2  # cells of a line: the partitions, and two differences


class Line(NamedTuple):
    """A line of the table. kind: 'variable' or 'level', for the style sheet."""

    kind: str
    name: str
    cells: Sequence[str]


def as_html(table: pd.DataFrame, edition: str) -> str:
    """The first fold of characteristics.csv as a page of HTML."""
    folds = sorted(table["fold"].unique())
    table = table[table["fold"] == folds[0]]
    undefined = table[table["reason"] != ""]
    return text_of(
        "characteristics.html.jinja",
        edition=edition,
        fold=f", fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else "",
        leaks=table["leaks"].iloc[0],
        dataset=table["dataset"].iloc[0],
        heads=["", *map(str.capitalize, PARTITIONS), "SMD, validation", "SMD, test"],
        lines=[*_lines(table)],
        undefined=[(_label(row.variable), row.reason) for row in undefined.itertuples()],
    )


def parts_of_page(html: str) -> dict[str, Any]:
    """Caption, table and notes of such a page, as HTML: they were escaped when it was made."""
    found = re.search(r"<table>\s*<caption>(.*?)</caption>(.*)</table>", html, re.DOTALL)
    if found is None:
        raise ValueError("characteristics.html has no table")
    notes = re.findall(r"<p>(.*?)</p>", html, re.DOTALL)
    caption, rows = map(Markup, found.groups())
    table = Markup("<table>") + rows + Markup("</table>")
    return {"caption": caption, "table": table, "notes": [*map(Markup, notes)]}


def _label(variable: str) -> str:
    return VARIABLES[variable].label if variable in VARIABLES else variable.replace("_", " ")


def _lines(table: pd.DataFrame) -> Iterator[Line]:
    """A variable with its differences, then its levels or statistics."""
    for variable, rows in table.groupby("variable", sort=False):
        if variable == "number of":
            for _, row in rows.iterrows():
                yield _line("variable", f"Number of {row['level']}", _counts(row))
            continue
        first = rows.iloc[0]
        differences = [_value(first[f"smd_{part}"], "{:.2f}") for part in PARTITIONS[1:]]
        yield Line("variable", _label(variable), [""] * len(PARTITIONS) + differences)
        for _, row in rows.iloc[1:].iterrows():
            if row["statistic"] == "n":
                yield _line("level", row["level"], _counts(row))
            elif row["statistic"] == "different_values":
                yield _line("level", "different values", _counts(row))
        found = rows.set_index("statistic")
        for main, (name, spread) in SPREADS.items():
            if main in found.index:
                cells = [_with_spread(found[part], main, spread) for part in PARTITIONS]
                yield _line("level", name, cells)


def _line(kind: str, name: str, cells: Sequence[str]) -> Line:
    return Line(kind, name, [*cells, *[""] * (WIDTH - len(cells))])


def _counts(row: pd.Series) -> list[str]:
    cells = []
    for part in PARTITIONS:
        share = row[f"{part}_share"]
        percentage = "" if pd.isna(share) else f" ({share:.1%})"
        cells.append(_value(row[part], "{:,.0f}") + percentage)
    return cells


def _with_spread(values: pd.Series, main: str, spread: Sequence[str]) -> str:
    return f"{_value(values[main])} ({' to '.join(_value(values[name]) for name in spread)})"


def _value(number: float, template: str = "") -> str:
    if pd.isna(number):
        return "–"
    return (template or ("{:,.1f}" if abs(number) >= 10 else "{:.3g}")).format(number)

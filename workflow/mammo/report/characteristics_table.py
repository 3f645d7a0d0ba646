"""Table 1, as CSV and as a page whose table can be copied into a text: what the lesions of each partition are like."""

from html import escape

import pandas as pd

from mammo.statistics.variables import VARIABLES
from mammo.tables import PARTITIONS

WORDS = {name: variable.label for name, variable in VARIABLES.items()}
# What stands in one cell: a statistic, and in brackets what tells of its spread.
SPREADS = {
    "mean": ("mean (SD)", ["sd"]),
    "median": ("median (quartiles)", ["quartile_1", "quartile_3"]),
}
STYLE = """
body { font: 14px/1.4 "DejaVu Sans", Verdana, sans-serif; color: #222; margin: 2em; }
table { border-collapse: collapse; border-top: 2px solid #222; border-bottom: 2px solid #222; }
caption { text-align: left; padding-bottom: 0.6em; }
th, td { padding: 0.15em 1em; text-align: right; font-weight: normal; }
thead th { border-bottom: 1px solid #222; }
th[scope=row] { text-align: left; }
tr.variable th, tr.variable td { padding-top: 0.5em; font-weight: bold; }
tr.level th { padding-left: 2.5em; }
p { max-width: 60em; font-size: 12px; color: #555; }
p.leaks { font-size: 14px; font-weight: bold; color: white; background: #C0232C; padding: 0.4em; }
"""


def as_html(table, edition):
    """The first fold of characteristics.csv as a page of HTML."""
    folds = sorted(table["fold"].unique())
    table = table[table["fold"] == folds[0]]
    fold = f", fold {folds[0]}, one of {len(folds)}" if len(folds) > 1 else ""
    leaks = table["leaks"].iloc[0]
    banner = (
        [f'<p class="leaks">NOT EVIDENCE OF PERFORMANCE: the split {escape(leaks)}</p>']
        if leaks
        else []
    )
    undefined = table[table["reason"] != ""]
    notes = [
        "Counts of lesions in a view, with their share of the partition; those of masses and of calcifications with their share of that kind.",
        "SMD: standardised mean difference from training, without its sign (levels: Yang and Dalton 2012; numbers: Cohen's d). Below 0.1 is "
        "commonly called balanced (Austin 2009); of k levels, chance alone makes about √((k − 1)(1/n₁ + 1/n₂)) of rows that are independent, "
        "and up to half as much again of lesions of the same patients.",
        *(
            f"{_words(row.variable)}: SMD not defined ({row.reason})."
            for row in undefined.itertuples()
        ),
        f"Dataset {table['dataset'].iloc[0]}, {edition} edition.",
    ]
    head = "".join(f'<th scope="col">{name}</th>' for name in ["", *map(str.capitalize, PARTITIONS), "SMD, validation", "SMD, test"])  # fmt: skip
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">',
            f"<title>Characteristics by partition</title>\n<style>{STYLE}</style>",
            *banner,
            f"<table>\n<caption>Table 1. Characteristics by partition, {escape(edition)} edition{fold}</caption>",
            f"<thead><tr>{head}</tr></thead>\n<tbody>",
            *_body(table),
            "</tbody>\n</table>",
            *(f"<p>{escape(note)}</p>" for note in notes),
            "</html>\n",
        ]
    )


def _words(variable):
    return WORDS.get(variable, variable.replace("_", " "))


def _body(table):
    """The lines of the table: a variable with its differences, then its levels or statistics."""
    for variable, rows in table.groupby("variable", sort=False):
        if variable == "number of":
            for _, row in rows.iterrows():
                yield _line(
                    "variable",
                    f"Number of {row['level']}",
                    [_count(row, part) for part in PARTITIONS],
                )
            continue
        differences = [_value(rows.iloc[0][f"smd_{part}"], "{:.2f}") for part in PARTITIONS[1:]]
        yield _line("variable", _words(variable), [""] * len(PARTITIONS) + differences)
        for _, row in rows.iloc[1:].iterrows():
            if row["statistic"] == "n":
                yield _line("level", row["level"], [_count(row, part) for part in PARTITIONS])
            elif row["statistic"] == "different_values":
                yield _line("level", "different values", [_count(row, part) for part in PARTITIONS])
        found = rows.set_index("statistic")
        for main, (name, spread) in SPREADS.items():
            if main in found.index:
                cells = [f"{_value(found.at[main, part])} ({' to '.join(_value(found.at[s, part]) for s in spread)})" for part in PARTITIONS]  # fmt: skip
                yield _line("level", name, cells)


def _line(kind, name, cells):
    cells = "".join(
        f"<td>{cell}</td>" for cell in cells + [""] * (len(PARTITIONS) + 2 - len(cells))
    )
    return f'<tr class="{kind}"><th scope="row">{escape(name)}</th>{cells}</tr>'


def _count(row, partition):
    share = row[f"{partition}_share"]
    return _value(row[partition], "{:,.0f}") + ("" if pd.isna(share) else f" ({share:.1%})")


def _value(number, template=None):
    if pd.isna(number):
        return "–"
    return (template or ("{:,.1f}" if abs(number) >= 10 else "{:.3g}")).format(number)

"""Reading and writing the tables that stand between steps, each checked against workflow/schemas/tables.schema.yaml."""

import csv
import sys
from itertools import takewhile
from pathlib import Path

import pandas as pd
import yaml

from mammo.log import InputError, some
from mammo.paths import WORKFLOW

# Whatever else is installed: with pyarrow there, as the extra packages bring it, pandas would take half as much memory again.
pd.set_option("mode.string_storage", "python")
READS = ["schemas/tables.schema.yaml"]
SCHEMAS = yaml.safe_load((WORKFLOW / READS[0]).read_text(encoding="utf-8"))
# training, validation, test: from far to near the result
PARTITIONS = SCHEMAS["manifest"]["columns"]["partition"]["allowed"]
DTYPES = {"text": "str", "integer": "Int64", "number": "float64"}
AS_TEXT = {"dtype": str, "keep_default_na": False}
CHUNK = 10_000  # rows that are read at a time: as text, numbers take some ten times the memory


def read_table(path, table, rows=None):
    """The CSV at `path` as a DataFrame with the schema's columns and types; a missing text is ''.

    rows: (start, stop) reads these alone, in bounded memory. Raises InputError where the file does not keep to the schema,
    naming the rows.
    """
    frame = pd.concat(_typed_chunks(path, table, *(rows or (0, sys.maxsize))), ignore_index=True)
    return _checked(
        frame[list(SCHEMAS[table]["columns"]) + further_columns(frame, table)], path, table
    )


def count_rows(path):
    """The number of rows of a CSV, in bounded memory; a value may hold a line's end."""
    return sum(map(len, pd.read_csv(path, usecols=[0], chunksize=CHUNK, **AS_TEXT)))


def _typed_chunks(path, table, start, stop):
    """The rows from start to stop of the CSV at `path`, some at a time, with the schema's types."""
    columns = SCHEMAS[table]["columns"]
    for chunk in pd.read_csv(path, chunksize=CHUNK, **AS_TEXT):
        if missing := [name for name in columns if name not in chunk]:
            raise InputError(
                f"{path}: no column {some(missing)}; found: {some(chunk.columns, 30)}. Make it again, or add the column."
            )
        last = chunk.index[-1] if len(chunk) else stop  # rows are numbered from the first chunk on
        chunk = chunk.loc[start : stop - 1]
        for name, column in columns.items():
            if (dtype := DTYPES[column.get("type", "text")]) != "str":
                try:
                    # By Python's float, which is exact to the last bit; pandas' own parser is not in every version.
                    chunk[name] = (
                        chunk[name].replace("", "nan").astype(object).astype(float).astype(dtype)
                    )
                except (ValueError, TypeError) as error:  # no number, no whole number
                    raise InputError(f"{path}: column {name}: {error}") from None
        yield chunk
        if last >= stop - 1:
            break


def further_columns(frame, table):
    """The columns of `frame` beside the schema's, where a table may have such: a dataset's own, as text."""
    return (
        [name for name in frame if name not in SCHEMAS[table]["columns"]]
        if SCHEMAS[table].get("further")
        else []
    )


def read_dataset_csv(path, needed):
    """A CSV that came with a dataset, as a DataFrame of stripped text; spaces in the names of columns become underscores.

    Its values may be separated by commas, semicolons or tabs. "N/A" and the like stay what they are. The index tells a row's
    place in the file, where blank lines count and are left out. Raises InputError where the file is no such table or lacks a column of `needed`.
    """
    try:
        # The first line is read as a row, so that pandas neither takes a column for an index nor renames one.
        lines = pd.read_csv(
            path, sep=_separator(path, needed), dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None,
            skiprows=_blank_lines(path), skip_blank_lines=False,
        ).fillna("")  # fmt: skip
    except pd.errors.EmptyDataError:
        raise InputError(
            f"{path} is empty: it needs a first line with the columns {', '.join(needed)}."
        ) from None
    except (pd.errors.ParserError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not a CSV in UTF-8 with as many values in each row as columns: {error}. Correct it."
        ) from None
    names = _columns(lines.iloc[0], needed)
    frame = lines.iloc[1:].set_axis(names, axis="columns").apply(lambda column: column.str.strip())
    frame = frame[(frame != "").any(axis=1)]
    frame.index -= 1
    nameless = [number for number, name in enumerate(names) if not name]
    if wrong := [number + 1 for number in nameless if (frame.iloc[:, number] != "").any()]:
        raise InputError(
            f"{path}: column {some(wrong)} holds values and has no name. Name it, or empty it."
        )
    frame = frame.iloc[
        :, [number for number, name in enumerate(names) if name]
    ]  # a spreadsheet's trailing separators
    names = [*filter(None, names)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"{path}: the column {some(twice)} stands there twice. Keep the right one."
        )
    if missing := [column for column in needed if column not in frame]:
        raise InputError(
            f"{path}: no column {some(missing)}; found: {some(frame.columns, 40)}. Add the column, or name the right table."
        )
    return frame


def _blank_lines(path):
    """How many lines are blank before the first that is not."""
    with open(path, encoding="utf-8-sig") as file:
        return sum(1 for _ in takewhile(lambda line: not line.strip(), file))


def _columns(line, needed):
    """The names in a table's first line, in this project's spelling."""
    right = {column.lower(): column for column in needed}
    names = [name.strip().replace(" ", "_") for name in line]
    return [right.get(name.lower(), name) for name in names]


def _separator(path, needed):
    """The comma, semicolon or tab that divides a table's first line into most of the columns that are needed."""

    def columns(separator):
        with open(path, newline="", encoding="utf-8-sig") as file:
            line = next(filter(None, csv.reader(file, delimiter=separator)), [])
        return len(set(_columns(line, needed)) & set(needed)), len(line)

    return max(",;\t", key=columns)


def write_table(frame, path, table):
    """Write the schema's columns of `frame` to a CSV. Raises InputError, as read_table does, before anything is written."""
    further = further_columns(frame, table)
    frame = frame.reindex(columns=[*SCHEMAS[table]["columns"], *further])
    text = [
        name
        for name, column in SCHEMAS[table]["columns"].items()
        if column.get("type", "text") == "text"
    ] + further
    # As objects: a column of nothing but missing values is one of numbers to pandas.
    frame = frame.assign(
        **{name: frame[name].astype(object).fillna("").astype(str) for name in text}
    )
    # Python's csv does not quote a carriage return by itself, though readers take one for the end of a line.
    returns = any(frame[name].str.contains("\r", regex=False).any() for name in text)
    # 17 significant digits are needed to read back a float64 as it was; pandas writes the shortest text that does.
    _checked(frame, path, table).to_csv(
        path,
        index=False,
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL,
    )


def left_in(frame, *excluded):
    """The rows of `frame` whose image_id is in none of the tables of exclusions."""
    return frame[~frame["image_id"].isin(pd.concat([table["image_id"] for table in excluded]))]


def _checked(frame, path, table):
    schema = SCHEMAS[table]
    for name, column in schema["columns"].items():
        empty = frame[name].isna() | (frame[name] == "")
        wrong = empty if not column.get("empty") else pd.Series(False, frame.index)
        if "allowed" in column:
            wrong |= ~empty & ~frame[name].isin(column["allowed"])
        if wrong.any():
            allowed = some(column.get("allowed", ["anything but nothing"]))
            values = some(
                [
                    f"line {row + 2}: {frame[name].iloc[row]!r}"
                    for row in wrong.to_numpy().nonzero()[0]
                ]
            )
            raise InputError(f"{path}: column {name} ({table}): {values}. Allowed: {allowed}.")
    if "key" in schema and (twice := frame.duplicated(schema["key"])).any():
        rows = some([f"line {row + 2}" for row in twice.to_numpy().nonzero()[0]])
        raise InputError(
            f"{path}: {', '.join(schema['key'])} must name one row each; named before: {rows}. Remove the repeats."
        )
    return frame


def run_of(path):
    """(experiment, fold, seed) from .../<experiment>/fold<k>-seed<s>/history.csv."""
    experiment, run = Path(path).parts[-3:-1]
    fold, seed = run.removeprefix("fold").split("-seed")
    return experiment, int(fold), int(seed)


def origin_of(frame):
    """{dataset, leaks} of a table: the columns that say of any table what it was made from."""
    return {column: frame[column].iloc[0] for column in ("dataset", "leaks")}


def concat_tables(tables):
    """The rows of several tables as one, each value as it is.

    To pandas a missing fold or seed is a float, which must not make floats of those that are there.
    """
    return pd.concat([table.astype(object) for table in tables], ignore_index=True)

"""Reading and writing the tables that stand between steps, each checked against workflow/schemas/tables.schema.yaml."""

from pathlib import Path

import pandas as pd
import yaml

from lib.log import InputError, some

SCHEMAS = yaml.safe_load((Path(__file__).resolve().parents[1] / "schemas/tables.schema.yaml").read_text())
DTYPES = {"text": "str", "integer": "Int64", "number": "float64"}


def read_table(path, table):
    """The CSV at `path` as a DataFrame with the schema's columns and types; a missing text is ''.

    Raises InputError where the file does not keep to the schema, naming the rows.
    """
    columns = SCHEMAS[table]["columns"]
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := [name for name in columns if name not in frame]:
        raise InputError(
            f"{path}: no column {some(missing)}; found: {some(frame.columns, 30)}. Make it again, or add the column."
        )
    for name, column in columns.items():
        if (dtype := DTYPES[column.get("type", "text")]) != "str":
            try:
                # By Python's float, which is exact to the last bit; pandas' own parser is not in every version.
                frame[name] = frame[name].replace("", "nan").astype(object).astype(float).astype(dtype)
            except (ValueError, TypeError) as error:  # no number, no whole number
                raise InputError(f"{path}: column {name}: {error}") from None
    return _checked(frame[list(columns)], path, table)


def read_dataset_csv(path, needed):
    """A CSV that came with a dataset, as a DataFrame of stripped text; spaces in the names of columns become underscores.

    "N/A" and the like stay what they are. Raises InputError where the file is no such table or lacks a column of `needed`.
    """
    try:
        # The first line is read as a row, so that pandas neither takes a column for an index nor renames one.
        lines = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None).fillna("")
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty: it needs a first line with the columns {', '.join(needed)}.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not a CSV in UTF-8 with as many values in each row as columns: {error}. Correct it."
        ) from None
    right = {column.lower(): column for column in needed}
    names = [name.strip().replace(" ", "_") for name in lines.iloc[0]]
    names = [right.get(name.lower(), name) for name in names]
    frame = lines.iloc[1:].set_axis(names, axis="columns").reset_index(drop=True)
    if len(names) == 1 and any(separator in names[0] for separator in ";\t"):
        raise InputError(f"{path}: its values are separated by semicolons or tabs; save it as a CSV with commas.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{path}: the column {some(twice)} stands there twice. Keep the right one.")
    if missing := [column for column in needed if column not in frame]:
        raise InputError(
            f"{path}: no column {some(missing)}; found: {some(frame.columns, 40)}. Add the column, or name the right table."
        )
    return frame.apply(lambda column: column.str.strip())


def write_table(frame, path, table):
    """Write the schema's columns of `frame` to a CSV. Raises InputError, as read_table does, before anything is written."""
    frame = frame.reindex(columns=list(SCHEMAS[table]["columns"]))
    text = [name for name, column in SCHEMAS[table]["columns"].items() if column.get("type", "text") == "text"]
    frame = frame.assign(**{name: frame[name].fillna("").astype(str) for name in text})
    # 17 significant digits are needed to read back a float64 as it was; pandas writes the shortest text that does.
    _checked(frame, path, table).to_csv(path, index=False, lineterminator="\n")


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
            values = some([f"line {row + 2}: {frame[name].iloc[row]!r}" for row in wrong.to_numpy().nonzero()[0]])
            raise InputError(f"{path}: column {name} ({table}): {values}. Allowed: {allowed}.")
    if "key" in schema and (twice := frame.duplicated(schema["key"])).any():
        rows = some([f"line {row + 2}" for row in twice.to_numpy().nonzero()[0]])
        raise InputError(
            f"{path}: {', '.join(schema['key'])} must name one row each; named before: {rows}. Remove the repeats."
        )
    return frame

"""Read and write the tables that stand between steps.

Each is checked against its schema in workflow/schemas/tables.schema.yaml.
"""

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mammo.log import InputError, short, some
from mammo.paths import WORKFLOW
from mammo.words import PARTITIONS as PARTITIONS

# Whether pyarrow is installed or not: with it, pandas would take half as much memory again.
pd.set_option("mode.string_storage", "python")

READS = ["schemas/tables.schema.yaml"]
SCHEMAS: dict[str, dict[str, Any]] = yaml.safe_load((WORKFLOW / READS[0]).read_text("utf-8"))
DTYPES = {"text": "str", "integer": "Int64", "number": "float64"}
AS_TEXT = {"dtype": str, "keep_default_na": False}
# How a file begins that is mistaken for a CSV, and what it is.
FORMATS = {
    b"PK\x03\x04": "an Excel workbook, or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"\x1f\x8b": "compressed with gzip",
    b"<": "HTML or XML",
}
MOST_OF_A_NAME, MOST_OF_AN_ERROR = 60, 200  # characters that a message shows
COMMENTS = ("#", "%", "//")  # what a comment begins with
CHUNK = 10_000  # rows that are read at a time: as text, numbers take some ten times the memory


def read_table(path: str | Path, table: str, rows: tuple[int, int] | None = None) -> pd.DataFrame:
    """Read a CSV, with the columns and types of the schema of `table`; a missing text is ''.

    `rows` (start, stop) reads these alone, in bounded memory. Raises InputError where the file does
    not keep to the schema, naming the rows.
    """
    start, stop = rows or (0, sys.maxsize)
    frame = pd.concat(_typed_chunks(path, table, start, stop), ignore_index=True)
    columns = [*SCHEMAS[table]["columns"], *further_columns(frame, table)]
    return _checked(frame[columns], path, table)


def count_rows(path: str | Path) -> int:
    """The number of rows of a CSV, in bounded memory; a value may hold the end of a line."""
    return sum(map(len, pd.read_csv(path, usecols=[0], chunksize=CHUNK, **AS_TEXT)))


def _typed_chunks(path: str | Path, table: str, start: int, stop: int) -> Iterator[pd.DataFrame]:
    """The rows from start to stop of a CSV, some at a time, with the types of the schema."""
    columns = SCHEMAS[table]["columns"]
    for chunk in pd.read_csv(path, chunksize=CHUNK, **AS_TEXT):
        if missing := [name for name in columns if name not in chunk]:
            raise InputError(
                f"{path}: no column {some(missing)}; found: {some(chunk.columns, 30)}. "
                "Make it again, or add the column."
            )
        # The index counts the rows of the file, not those of the chunk.
        last = chunk.index[-1] if len(chunk) else stop
        chunk = chunk.loc[start : stop - 1]
        for name in columns:
            dtype = DTYPES[_type(table, name)]
            if dtype != "str":
                chunk[name] = _numbers(chunk[name], dtype, path)
        yield chunk
        if last >= stop - 1:
            break


def _numbers(texts: pd.Series, dtype: str, path: str | Path) -> pd.Series:
    """The numbers that a column of texts holds."""
    try:
        # Python's float is exact to the last bit; pandas' own parser is not in every version.
        return texts.replace("", "nan").astype(object).astype(float).astype(dtype)
    except (ValueError, TypeError) as error:  # not a number, or not a whole number
        raise InputError(f"{path}: column {texts.name}: {error}") from None


def _type(table: str, column: str) -> str:
    """The type of a column: text, integer or number."""
    return SCHEMAS[table]["columns"][column].get("type", "text")


def further_columns(frame: pd.DataFrame, table: str) -> list[str]:
    """The dataset's own columns: those of `frame` beside the schema's, where it allows such."""
    if not SCHEMAS[table].get("further"):
        return []
    return [name for name in frame if name not in SCHEMAS[table]["columns"]]


def write_table(frame: pd.DataFrame, path: str | Path, table: str) -> None:
    """Write the schema's columns of `frame` to a CSV.

    Raises InputError, as read_table does, before anything is written.
    """
    further = further_columns(frame, table)
    columns = [*SCHEMAS[table]["columns"]]
    texts = [name for name in columns if _type(table, name) == "text"] + further
    frame = frame.reindex(columns=columns + further)
    # As objects: to pandas, a column that holds only missing values is one of numbers.
    as_text = {name: frame[name].astype(object).fillna("").astype(str) for name in texts}
    frame = frame.assign(**as_text)
    # Python's csv does not quote a carriage return, though readers take one for the end of a line.
    returns = any(frame[name].str.contains("\r", regex=False).any() for name in texts)
    # 17 significant digits are needed to read back a float64; pandas writes the shortest such text.
    _checked(frame, path, table).to_csv(
        path,
        index=False,
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL,
    )


def _checked(frame: pd.DataFrame, path: str | Path, table: str) -> pd.DataFrame:
    """`frame`, if its values are allowed and its keys unique. Raises InputError otherwise."""
    schema = SCHEMAS[table]
    for name, column in schema["columns"].items():
        wrong = _not_allowed(frame[name], column)
        if wrong.any():
            values = [
                f"line {row + 2}: {short(frame[name].iloc[row])}" for row in _positions(wrong)
            ]
            allowed = some(column.get("allowed", ["anything but nothing"]))
            raise InputError(
                f"{path}: column {name} ({table}): {some(values)}. Allowed: {allowed}."
            )
    if "key" in schema and (repeated := frame.duplicated(schema["key"])).any():
        lines = some([f"line {row + 2}" for row in _positions(repeated)])
        raise InputError(
            f"{path}: {', '.join(schema['key'])} must name one row each; named before: {lines}. "
            "Remove the repeats."
        )
    return frame


def _not_allowed(values: pd.Series, column: dict[str, Any]) -> pd.Series:
    """A mask of the values that a column of the schema does not allow."""
    empty = values.isna() | (values == "")
    wrong = pd.Series(False, values.index) if column.get("empty") else empty
    if "allowed" in column:
        wrong = wrong | (~empty & ~values.isin(column["allowed"]))
    return wrong


def _positions(mask: pd.Series) -> Sequence[int]:
    return mask.to_numpy().nonzero()[0]


def without_point_zero(texts: pd.Series) -> pd.Series:
    """Texts, with '5' for '5.0': whole numbers of a column with gaps, as pandas writes them."""
    return texts.str.replace(r"^([0-9]+)\.0+$", r"\1", regex=True)


def read_dataset_csv(path: str | Path, needed: Sequence[str]) -> pd.DataFrame:
    """Read a CSV that came with a dataset, as stripped text, in UTF-8.

    Values may be separated by commas, semicolons or tabs. "N/A" and the like stay what they are.
    Spaces in the names of columns become underscores; a name of `needed` is found in any case. The
    index tells a row's place in the file, where blank lines count; these are not returned.

    Raises InputError where the file is no such table, holds comments or lacks a column of `needed`.
    """
    _refuse_other_formats(path)
    lines = _lines(path, needed)
    names = _column_names(lines.iloc[0], needed)
    frame = lines.iloc[1:].set_axis(names, axis="columns").apply(lambda column: column.str.strip())
    frame = frame[(frame != "").any(axis=1)]
    frame.index -= 1
    # A spreadsheet leaves trailing separators, which are columns without a name.
    filled = (frame != "").any(axis=0).to_numpy()
    columns = [*enumerate(names)]
    if nameless := [number + 1 for number, name in columns if not name and filled[number]]:
        raise InputError(
            f"{path}: column {some(nameless)} holds values and has no name. Name it, or empty it."
        )
    frame = frame.iloc[:, [number for number, name in columns if name]]
    if repeated := sorted({*frame.columns[frame.columns.duplicated()]}):
        raise InputError(
            f"{path}: the column {some(repeated)} stands there twice. Keep the right one."
        )
    if missing := [column for column in needed if column not in frame]:
        if names[0].startswith(COMMENTS):
            number, text = _first_line(path)
            raise _comments(path, {number: text})
        shown = [name if len(name) <= MOST_OF_A_NAME else short(name) for name in frame.columns]
        raise InputError(
            f"{path}: no column {some(missing)}; found: {some(shown, 40)}. Add the column, "
            "or name the right table."
        )
    marked = frame.iloc[:, 0].str.startswith(COMMENTS) & (frame[[*needed]] == "").any(axis=1)
    if marked.any():
        raise _comments(path, {row + 2: text for row, text in frame.iloc[:, 0][marked].items()})
    return frame


def _refuse_other_formats(path: str | Path) -> None:
    """Raise InputError for what is no text in UTF-8, by how it begins."""
    with open(path, "rb") as file:
        beginning = file.read(4096).lstrip()
    found = [name for signature, name in FORMATS.items() if beginning.startswith(signature)]
    if not found and b"\0" in beginning:
        found = ["text in UTF-16, or no text"]
    if found:
        raise InputError(
            f"{path} is {found[0]}, not a CSV in UTF-8. Save it as CSV, in a spreadsheet as 'CSV"
            " UTF-8'."
        )


def _comments(path: str | Path, lines: dict[int, str]) -> InputError:
    """The error that names the lines of a table which are comments: {number: text}."""
    found = some([f"line {number}: {short(text)}" for number, text in lines.items()])
    return InputError(
        f"{path} holds what is no row of a table: {found}. Remove comments and notes: the first"
        " line must hold the names of the columns, and each further one a row."
    )


def _lines(path: str | Path, needed: Sequence[str]) -> pd.DataFrame:
    """The lines of a dataset's CSV from the first that is not blank, the header, as text."""
    number, text = _first_line(path)
    if re.fullmatch(r"\W*sep=.*", text, re.IGNORECASE):  # the separator, told to a spreadsheet
        raise _comments(path, {number: text})
    try:
        # The header is read as a row, so that pandas neither takes a column for an index nor
        # renames one.
        lines = pd.read_csv(
            path,
            sep=_separator(path, needed),
            header=None,
            encoding="utf-8-sig",
            skiprows=number - 1,
            skip_blank_lines=False,
            compression=None,
            **AS_TEXT,
        )
    except pd.errors.EmptyDataError:
        raise InputError(
            f"{path} is empty: it needs a first line with the columns {', '.join(needed)}."
        ) from None
    except (pd.errors.ParserError, csv.Error, UnicodeDecodeError) as error:
        if text.startswith(COMMENTS):
            raise _comments(path, {number: text}) from None
        raise InputError(
            f"{path} is not a CSV in UTF-8 with as many values in each row as columns:"
            f" {str(error)[:MOST_OF_AN_ERROR]}. Correct it, and remove comments."
        ) from None
    return lines.fillna("")


def _first_line(path: str | Path) -> tuple[int, str]:
    """(number, text) of the first line that is not blank; (1, '') where there is none."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = ((number, line.strip()) for number, line in enumerate(file, start=1))
        return next(filter(lambda line: line[1], lines), (1, ""))


def _column_names(header: Sequence[str], needed: Sequence[str]) -> list[str]:
    """The names in the first line of a table, in the spelling of `needed`."""
    spelling = {column.lower(): column for column in needed}
    names = [name.strip().replace(" ", "_") for name in header]
    return [spelling.get(name.lower(), name) for name in names]


def _separator(path: str | Path, needed: Sequence[str]) -> str:
    """Comma, semicolon or tab: which divides the first line into most of the needed columns."""

    def columns(separator: str) -> tuple[int, int]:
        with open(path, newline="", encoding="utf-8-sig") as file:
            header = next(filter(None, csv.reader(file, delimiter=separator)), [])
        return len({*_column_names(header, needed)} & {*needed}), len(header)

    return max(",;\t", key=columns)


def left_in(frame: pd.DataFrame, *excluded: pd.DataFrame) -> pd.DataFrame:
    """The rows of `frame` whose image_id is in none of the tables of exclusions."""
    return frame[~frame["image_id"].isin(pd.concat([table["image_id"] for table in excluded]))]


def origin_of(frame: pd.DataFrame) -> dict[str, str]:
    """The columns that say where a table came from, of its first row: {dataset, leaks}.

    A table that is made from `frame` passes them on: `table.assign(**origin_of(frame))`.
    """
    return {column: frame[column].iloc[0] for column in ("dataset", "leaks")}


def run_of(path: str | Path) -> tuple[str, int, int]:
    """(experiment, fold, seed) from .../<experiment>/fold<k>-seed<s>/history.csv."""
    experiment, run = Path(path).parts[-3:-1]
    fold, seed = run.removeprefix("fold").split("-seed")
    return experiment, int(fold), int(seed)


def concat_tables(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several tables as one, each value as it is.

    To pandas a missing fold or seed is a float, which must not make floats of those that are there.
    """
    return pd.concat([table.astype(object) for table in tables], ignore_index=True)

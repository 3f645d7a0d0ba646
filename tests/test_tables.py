"""The tables between steps: what is written is read back, what breaks the schema is refused."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mammo import tables
from mammo.log import InputError
from mammo.tables import (
    DTYPES,
    SCHEMAS,
    count_rows,
    left_in,
    origin_of,
    read_table,
    run_of,
    write_table,
)
from mammo.words import PARTITIONS

PREDICTION = {
    "image_id": "a",
    "patient_id": "p",
    "partition": "test",
    "label": 1,
    "probability": 0.25,
    "dataset": "d",
    "leaks": "",
}
# What a CSV can hold: no control characters but those that quoting takes care of.
CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters='\r\n,"'
)
TEXT = st.text(CHARACTERS, min_size=1).filter(str.strip)


def predictions(**columns):
    """A table of predictions, PREDICTION in each row but for some columns."""
    rows = len(next(iter(columns.values())))
    return pd.DataFrame([PREDICTION] * rows).assign(**columns)


def test_the_partitions_of_the_schemas_are_those_in_words():
    for table in ("manifest", "predictions", "metrics", "flow"):
        assert tuple(SCHEMAS[table]["columns"]["partition"]["allowed"]) == PARTITIONS


def test_every_description_of_a_schema_is_a_column_with_known_keys():
    for schema in SCHEMAS.values():
        assert {*schema} <= {"columns", "key", "further"}
        assert {*schema.get("key", [])} <= {*schema["columns"]}
        for column in schema["columns"].values():
            assert {*column} <= {"type", "empty", "allowed"}
            assert column.get("type", "text") in DTYPES


@given(st.lists(TEXT, unique=True, min_size=1), st.floats(0, 1))
def test_any_text_and_any_probability_come_back_as_they_were(tmp_path_factory, names, probability):
    path = tmp_path_factory.mktemp("tables") / "predictions.csv"
    rows = predictions(image_id=names, patient_id=names, probability=probability)
    write_table(rows, path, "predictions")
    back = read_table(path, "predictions")
    assert back["image_id"].tolist() == names
    assert back["probability"].tolist() == [probability] * len(names)


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_table_without_rows_keeps_its_columns(table, tmp_path):
    write_table(pd.DataFrame(), tmp_path / "t.csv", table)
    assert list(read_table(tmp_path / "t.csv", table)) == list(SCHEMAS[table]["columns"])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            {"partition": ["test", "tset"]},
            "column partition (predictions): line 3: 'tset'. Allowed: training, validation, test",
        ),
        ({"image_id": ["a", "a"]}, "image_id must name one row each; named before: line 3"),
        ({"patient_id": ["", "p"]}, "column patient_id (predictions): line 2: ''"),
        ({"probability": ["0.5", "high"]}, "column probability"),
    ],
)
def test_what_breaks_the_schema_is_refused(change, wanted, tmp_path):
    rows = predictions(image_id=["a", "b"]).astype(str).assign(**change)
    rows.to_csv(tmp_path / "predictions.csv", index=False)
    with pytest.raises(InputError) as error:
        read_table(tmp_path / "predictions.csv", "predictions")
    assert wanted in str(error.value)
    assert "predictions.csv" in str(error.value)


def test_a_missing_column_is_named(tmp_path):
    predictions(image_id=["a"]).drop(columns="label").to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError, match="no column label; found: image_id"):
        read_table(tmp_path / "p.csv", "predictions")


def test_nothing_is_written_where_the_rows_are_wrong(tmp_path):
    with pytest.raises(InputError):
        write_table(predictions(partition=["x"]), tmp_path / "p.csv", "predictions")
    assert not (tmp_path / "p.csv").exists()


def test_an_empty_number_is_missing_and_an_empty_text_is_empty(tmp_path):
    row = {
        "experiment": "e",
        "of": "run",
        "fold": 0,
        "seed": 1,
        "runs": 1,
        "partition": "test",
        "level": "image",
        "metric": "auroc",
        "value": None,
        "dataset": "d",
        "leaks": "",
    }
    write_table(pd.DataFrame([row]), tmp_path / "m.csv", "metrics")
    assert math.isnan(read_table(tmp_path / "m.csv", "metrics")["value"].iloc[0])


def test_left_in_excludes_what_any_table_names():
    frame = pd.DataFrame({"image_id": ["a", "b", "c"]})
    tables = [pd.DataFrame({"image_id": ["a", ""]}), pd.DataFrame({"image_id": ["c"]})]
    assert left_in(frame, *tables)["image_id"].tolist() == ["b"]


def test_a_part_of_a_table_is_read_without_the_rest(tmp_path, monkeypatch):
    rows = predictions(
        image_id=[f"a\n{n}" for n in range(23)], patient_id=[f"p,{n}" for n in range(23)]
    )
    write_table(rows, tmp_path / "p.csv", "predictions")
    monkeypatch.setattr(tables, "CHUNK", 5)
    assert count_rows(tmp_path / "p.csv") == 23
    for start, stop in [(0, 23), (0, 0), (4, 6), (5, 10), (22, 23), (23, 23)]:
        part = read_table(tmp_path / "p.csv", "predictions", rows=(start, stop))
        assert part["image_id"].tolist() == rows["image_id"].tolist()[start:stop]


def test_a_datasets_own_columns_stay_where_a_table_may_have_such(tmp_path):
    lesion = {
        "image_id": "i",
        "lesion_id": "l",
        "patient_id": "p",
        "label": "benign",
        "pathology": "b",
        "source": "s",
    }
    own = {"scanner": "one", "age": 50}
    write_table(pd.DataFrame([lesion | own]), tmp_path / "l.csv", "lesions")
    back = read_table(tmp_path / "l.csv", "lesions")
    assert back[["scanner", "age"]].to_numpy().tolist() == [["one", "50"]]
    write_table(predictions(scanner=["one"]), tmp_path / "p.csv", "predictions")
    assert "scanner" not in read_table(tmp_path / "p.csv", "predictions")


def test_a_table_says_where_it_came_from():
    frame = predictions(dataset=["d", "d"], leaks=["leaks patients", "leaks patients"])
    assert origin_of(frame) == {"dataset": "d", "leaks": "leaks patients"}
    assert run_of("results/runs/baseline/fold2-seed10/history.csv") == ("baseline", 2, 10)

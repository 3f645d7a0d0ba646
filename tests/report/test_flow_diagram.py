"""The flow diagram says what its table says, without overlaps."""

import itertools

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

from mammo.report.figures.flow import flow_diagram
from mammo.report.figures.registry import marked
from mammo.split.flow import REASONS, reason_in_words
from mammo.tables import read_table, write_table

UNITS = ["patients", "breasts", "lesions", "images"]


def drawn(reasons=(), times=1, sides=True, folds=1, leaks="", full=False):
    """flow.csv of made-up counts, read back as it is when it is drawn."""
    table = []

    def add(step, description, numbers, reason="", partition="", label=""):
        counts = dict(zip(UNITS, (times * n for n in numbers), strict=True))
        place = {
            "step": step,
            "reason": reason,
            "partition": partition,
            "label": label,
            "description": description,
        }
        table.append(
            place
            | counts
            | {"entries": counts["images"] + times, "breasts": counts["breasts"] if sides else None}
        )

    add("dataset", "In the dataset", (999, 1708, 2050, 3568))
    for number, reason in enumerate(reasons):
        add("inventory", reason_in_words(reason), [number + 1] * 4, reason)
    for step in ["inventory", "region", *["whole_images"] * full, "split", "decoding"]:
        add(step, f"After {step}", (990, 1700, 2000, 3400))
    for partition, label in itertools.product(
        ["training", "validation", "test"], ["", "benign", "malignant"]
    ):
        add("partitions", partition, (555, 666, 777, 999), partition=partition, label=label)
    return pd.concat(
        pd.DataFrame(table).assign(fold=fold, dataset="0123456789ab", leaks=leaks)
        for fold in range(folds)
    )


NINE = [
    *list(REASONS)[1:8],
    "mask_bad_transfer_syntax",
    "no_words_for_this_code_which_is_longer_than_its_box_and_has_no_space_$x$",
]
CASES = {
    "nothing left out": {},
    "one reason": {"reasons": ["missing_series"]},
    "nine reasons": {"reasons": NINE},
    "hundred thousands": {"reasons": NINE, "times": 876},
    "millions": {"reasons": NINE[:2], "times": 9876},
    "no sides": {"reasons": NINE[:2], "sides": False},
    "folds that leak": {"reasons": NINE[:2], "folds": 5, "leaks": "leaks: split by image"},
    "whole images": {"reasons": NINE[:2], "full": True},
}


@pytest.mark.parametrize("case", CASES)
def test_no_words_of_the_diagram_overlap_or_leave_their_box(case, tmp_path):
    write_table(drawn(**CASES[case]), tmp_path / "flow.csv", "flow")
    table = read_table(tmp_path / "flow.csv", "flow")
    figure = marked(flow_diagram(table, "kaggle"), table)
    figure.set_dpi(200)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    width, height = canvas.get_width_height()
    texts = [text for text in [*axes.texts, *figure.texts] if text.get_text()]
    places = {text: text.get_window_extent() for text in texts}
    if figure._suptitle is not None:
        places[figure._suptitle] = figure._suptitle.get_bbox_patch().get_window_extent()
    for text, place in places.items():
        assert place.x0 >= 0 and place.x1 <= width and place.y0 >= 0 and place.y1 <= height, text
    for (one, here), (other, there) in itertools.combinations(places.items(), 2):
        apart = (
            here.x1 <= there.x0 or there.x1 <= here.x0 or here.y1 <= there.y0 or there.y1 <= here.y0
        )
        assert apart, (one, other)
    boxes = [
        patch.get_window_extent()
        for patch in axes.patches
        if isinstance(patch, Rectangle) and not patch.get_fill()
    ]
    assert len(boxes) == 4 + 2 * bool(CASES[case].get("reasons")) + bool(CASES[case].get("full"))
    for here, there in itertools.combinations(boxes, 2):
        assert not here.overlaps(there)
    for text, place in places.items():
        for box in boxes:
            inside = (
                box.x0 <= place.x0
                and place.x1 <= box.x1
                and box.y0 <= place.y0
                and place.y1 <= box.y1
            )
            assert inside or not box.overlaps(place), text


def test_the_diagram_says_what_the_table_says():
    table = drawn(["missing_series", "duplicate_row"], folds=3)
    table.loc[table["reason"] == "duplicate_row", UNITS] = 0
    said = [text.get_text() for text in flow_diagram(table, "kaggle").axes[0].texts]
    assert "From the dataset to the partitions, kaggle edition, fold 0, one of 3" in said
    assert "Image series is missing" in said
    assert "1 patient · 1 breast · 1 lesion · 1 image" in said
    assert "9 patients left out altogether" in said
    assert "1 entry" not in said and "3 entries" in said
    assert said.count("malignant") == 3
    assert said.count("999") == 9
    for unit in UNITS:
        assert said.count(unit) == 3


def test_breasts_that_nobody_knows_are_not_in_the_diagram(tmp_path):
    table = drawn(["missing_series", "duplicate_row"], sides=False)
    table.loc[table["reason"] == "duplicate_row", UNITS] = 0
    write_table(table, tmp_path / "flow.csv", "flow")
    said = [
        text.get_text()
        for text in flow_diagram(read_table(tmp_path / "flow.csv", "flow"), "table").axes[0].texts
    ]
    assert "1 patient · 1 lesion · 1 image" in said
    assert not any("breast" in text for text in said[:-2])  # the last two lines are the note below


def test_the_diagram_of_whole_images_counts_lesions_in_a_view_until_they_are_gathered():
    table = drawn(["missing_series", "duplicate_row"], full=True)
    said = [text.get_text() for text in flow_diagram(table, "kaggle").axes[0].texts]
    assert (
        "Left out: 5 lesions in a view" in said
    )  # one of missing_series and two of duplicate_row, each with one more
    assert "990 patients · 1,700 breasts · 2,000 lesions" in said
    assert "3,401 lesions in a view" in said
    assert "After whole_images" in said
    assert "3,400 images" in " ".join(said)
    table.loc[table["reason"] == "duplicate_row", UNITS] = 0
    said = [text.get_text() for text in flow_diagram(table, "kaggle").axes[0].texts]
    assert "Left out: 5 entries" in said
    assert "3 entries" in said
    assert not any("in a view" in text for text in said)

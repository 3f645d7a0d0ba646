"""The flow: what is left out adds up with what remains, whatever the tables hold, and the diagram shows it without overlaps."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

from mammo.exclusions import REASONS, reason_in_words
from mammo.log import InputError
from mammo.report.figures.flow import draw as flow_diagram
from mammo.report.style import marked
from mammo.split.flow import count_flow, follow
from mammo.tables import read_table, write_table

UNITS = ["patients", "breasts", "lesions", "images"]
EXCLUDED = ["image_id", "patient_id", "reason", "region", "fold"]


def listed(*rows):
    """A table of exclusions from rows (image_id, reason, further columns)."""
    rows = [
        {"image_id": row[0], "reason": row[1], "region": "", "fold": None, **dict(row[2:])}
        for row in rows
    ]
    return pd.DataFrame(rows, columns=EXCLUDED).astype({"fold": "Int64"})


def lesions_of(*rows):
    """lesions.csv from rows (image_id, patient_id, laterality, lesion_id, full_file)."""
    return pd.DataFrame(
        rows, columns=["image_id", "patient_id", "laterality", "lesion_id", "full_file"]
    )


def images_of(lesions, region, lost=()):
    left = lesions[~lesions["image_id"].isin(list(lost))]
    if region != "full":
        return left.assign(file=left["image_id"] + ".jpg")[["image_id", "file"]]
    files = left["full_file"].drop_duplicates()
    return pd.DataFrame({"image_id": "whole " + files, "file": files})


def manifest_of(partitions, labels=None, fold=0):
    rows = [
        {
            "image_id": name,
            "fold": fold,
            "partition": partition,
            "label": (labels or {}).get(name, "benign"),
        }
        for name, partition in partitions.items()
    ]
    return pd.DataFrame(rows, columns=["image_id", "fold", "partition", "label"])


LESIONS = lesions_of(
    ("a1", "A", "left", "A left", "A.jpg"),
    ("a2", "A", "left", "A left", "A2.jpg"),
    ("a3", "A", "right", "A right", "A3.jpg"),
    ("b1", "B", "left", "B one", "B.jpg"),
    ("b2", "B", "left", "B two", "B.jpg"),
    ("c1", "C", "right", "C", "C.jpg"),
    ("d1", "D", "right", "D", "D.jpg"),
)


def rows_of(flow, step, *columns):
    return flow.loc[flow["step"] == step, list(columns)].values.tolist()


def test_a_flow_by_hand():
    excluded = listed(("c1", "missing_series"), ("", "duplicate_row"), ("", "duplicate_row"))
    region = listed(("b2", "no_mask"))
    split = listed(("a3", "patient_in_test"), ("c1", "patient_in_test"))  # c1 was lost before
    undecoded = listed(("a3", "cannot_decode"), ("b1", "cannot_decode"))  # so was a3
    manifest = manifest_of(
        {"a1": "test", "a2": "test", "b1": "training", "d1": "validation"}, {"a1": "malignant"}
    )
    images = images_of(LESIONS, "crop", ["c1", "b2"])
    flow = count_flow(LESIONS, excluded, images, region, undecoded, manifest, split, "crop")
    what = ("reason", *UNITS, "entries")
    assert rows_of(flow, "dataset", *what) == [["", 4, 5, 6, 7, 9]]
    assert rows_of(flow, "inventory", *what) == [
        ["duplicate_row", 0, 0, 0, 0, 2],
        ["missing_series", 1, 1, 1, 1, 1],
        ["", 3, 4, 5, 6, 6],
    ]
    assert rows_of(flow, "region", *what) == [["no_mask", 1, 1, 1, 1, 1], ["", 3, 4, 4, 5, 5]]
    assert rows_of(flow, "split", *what) == [
        ["patient_in_test", 1, 1, 1, 1, 1],
        ["", 3, 3, 3, 4, 4],
    ]
    assert rows_of(flow, "decoding", *what) == [
        ["cannot_decode", 1, 1, 1, 1, 1],
        ["", 2, 2, 2, 3, 3],
    ]
    assert rows_of(flow, "partitions", "partition", "label", *UNITS) == [
        ["training", "", 0, 0, 0, 0],
        ["training", "benign", 0, 0, 0, 0],
        ["training", "malignant", 0, 0, 0, 0],
        ["validation", "", 1, 1, 1, 1],
        ["validation", "benign", 1, 1, 1, 1],
        ["validation", "malignant", 0, 0, 0, 0],
        ["test", "", 1, 1, 1, 2],
        ["test", "benign", 1, 1, 1, 1],
        ["test", "malignant", 1, 1, 1, 1],
    ]
    assert "whole_images" not in set(flow["step"])
    assert not flow.duplicated(["fold", "step", "reason", "partition", "label"]).any()


def test_whole_images_are_lost_with_the_last_of_their_lesions():
    excluded = listed(
        ("b1", "bad_path"), ("a1", "missing_file", ("region", "crop"))
    )  # the crop of a1 alone is lost
    images = images_of(LESIONS, "full")
    names = dict.fromkeys(images["image_id"], "training")
    region = listed(("d1", "mixed_classes"))
    images, names = (
        images[images["file"] != "D.jpg"],
        {name: p for name, p in names.items() if name != "whole D.jpg"},
    )
    flow = count_flow(
        LESIONS, excluded, images, region, listed(), manifest_of(names), listed(), "full"
    )
    assert rows_of(flow, "dataset", "images", "entries") == [[6, 7]]
    assert rows_of(flow, "inventory", "reason", "lesions", "images", "entries") == [
        ["bad_path", 1, 0, 1],
        ["", 5, 6, 6],
    ]
    assert rows_of(flow, "region", "reason", "images", "entries") == [
        ["mixed_classes", 1, 1],
        ["", 5, 5],
    ]
    assert rows_of(flow, "whole_images", "reason", "images", "entries") == [["", 5, 5]]


def test_an_unlisted_loss_is_shown_and_a_contradiction_is_refused():
    partitions = dict.fromkeys(LESIONS["image_id"], "training")
    images = images_of(LESIONS, "crop")
    del partitions["d1"]
    flow = count_flow(
        LESIONS, listed(), images, listed(), listed(), manifest_of(partitions), listed(), "crop"
    )
    assert rows_of(flow, "split", "reason", "images") == [["unlisted", 1], ["", 6]]
    for wrong in ("a1", "nobody"):
        manifest = manifest_of(partitions | {wrong: "test"})
        with pytest.raises(
            InputError, match=rf"manifest.csv, fold 0, holds 1 image\(s\) .*: {wrong}\. "
        ):
            count_flow(LESIONS, listed(("a1", "no_crop")) if wrong == "a1" else listed(), images, listed(), listed(), manifest, listed(), "crop")  # fmt: skip


def test_breasts_are_not_counted_where_a_side_is_not_known():
    lesions = LESIONS.assign(
        laterality=LESIONS["laterality"].where(LESIONS["image_id"] != "d1", "")
    )
    tables = (listed(("d1", "no_crop")), images_of(lesions, "crop", ["d1"]), listed(), listed())
    manifest = manifest_of(dict.fromkeys(set(lesions["image_id"]) - {"d1"}, "training"))
    flow = count_flow(lesions, *tables, manifest, listed(), "crop")
    assert flow["breasts"].isna().tolist() == [True, True] + [False] * (len(flow) - 2)


PARTITION = st.sampled_from(["training", "validation", "test"])


@st.composite
def studies(draw):
    """Tables of a study in which anything may be left out anywhere, more than once too, and what a run would use of it."""
    region = draw(st.sampled_from(["crop", "context", "full"]))
    number = draw(st.integers(1, 12))
    rows = [
        (f"i{i}", f"P{(p := draw(st.integers(0, 4)))}", draw(st.sampled_from(["left", "right", ""])), f"L{p}.{draw(st.integers(0, 2))}", f"F{p}.{draw(st.integers(0, 2))}")
        for i in range(number)
    ]  # fmt: skip
    lesions = lesions_of(*rows)
    ids = st.lists(st.sampled_from(lesions["image_id"].tolist()), max_size=number)
    reason = st.sampled_from(["no_crop", "missing_file", "another"])
    excluded = listed(
        *((i, draw(reason), ("region", draw(st.sampled_from(["", "crop"])))) for i in draw(ids))
    )
    excluded = pd.concat(
        [excluded, listed(*[("", "duplicate_row")] * draw(st.integers(0, 2)))], ignore_index=True
    )
    region_excluded = listed(*((i, draw(reason)) for i in draw(ids)))
    lost = {
        *excluded.loc[excluded["region"].isin(["", region]), "image_id"],
        *region_excluded["image_id"],
    }
    images = images_of(lesions, region, lost)
    names = images["image_id"].tolist()
    some = st.lists(st.sampled_from(names), max_size=number) if names else st.just([])
    undecoded = listed(*((i, "cannot_decode") for i in draw(some)))
    manifests, split_excluded = [], [listed()]
    for fold in range(draw(st.integers(1, 3))):
        out = draw(some)
        split_excluded.append(listed(*((i, draw(reason), ("fold", fold)) for i in out)))
        partitions = {i: draw(PARTITION) for i in names if i not in out}
        manifests.append(
            manifest_of(
                partitions, {i: draw(st.sampled_from(["benign", "malignant"])) for i in names}, fold
            )
        )
    everywhere = draw(some)
    split_excluded.append(listed(*((i, "everywhere") for i in everywhere)))
    manifest = pd.concat(manifests)
    manifest = manifest[~manifest["image_id"].isin(everywhere)]
    return (
        lesions,
        excluded,
        images,
        region_excluded,
        undecoded,
        manifest,
        pd.concat(split_excluded),
        region,
    )


@settings(max_examples=150, deadline=None)
@given(studies())
def test_what_is_left_out_adds_up_with_what_remains(tables):
    lesions, excluded, images, _, undecoded, manifest, _, region = tables
    if manifest.empty:
        return
    flow = count_flow(*tables)
    for fold, rows in flow.groupby("fold"):
        before = rows[rows["step"] == "dataset"].iloc[0]
        assert before["entries"] == len(lesions) + (excluded["image_id"] == "").sum()
        for step in ("inventory", "region", "split", "decoding"):
            here = rows[rows["step"] == step]
            lost, left = here[here["reason"] != ""], here[here["reason"] == ""].iloc[0]
            for unit in ("images", "entries"):
                assert left[unit] == before[unit] - lost[unit].sum(), (step, unit)
            for unit in ("patients", "lesions"):  # who lost an image may have another
                assert 0 <= before[unit] - left[unit] <= lost[unit].sum()
            before = left
        parts = rows[(rows["step"] == "partitions") & (rows["label"] == "")].set_index("partition")
        classes = rows[(rows["step"] == "partitions") & (rows["label"] != "")].groupby("partition")
        used = manifest[
            (manifest["fold"] == fold) & ~manifest["image_id"].isin(undecoded["image_id"])
        ]
        assert parts["images"].to_dict() == {p: (used["partition"] == p).sum() for p in parts.index}
        assert classes["images"].sum().to_dict() == parts["images"].to_dict()
        assert parts["images"].sum() == before["images"]
        assert parts["entries"].sum() == before["entries"]
        if region != "full":
            assert before["images"] == before["entries"]
            assert set(used["image_id"]) <= set(images["image_id"])


@settings(max_examples=50, deadline=None)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(tables, random):
    if tables[5].empty:
        return
    shuffled = [table.sample(frac=1, random_state=random.randrange(2**32)) for table in tables[:7]]
    pd.testing.assert_frame_equal(count_flow(*tables), count_flow(*shuffled, tables[7]))


def test_a_fate_keeps_the_index_and_ends_at_its_first_loss():
    lesions = LESIONS.set_axis(range(10, 17))
    manifest = manifest_of(dict.fromkeys(["a1", "a2"], "test"))
    tables = (listed(("a3", "bad_path")), images_of(lesions, "crop", ["a3"]), listed(("a3", "no_mask")), listed(("a2", "cannot_decode")))  # fmt: skip
    ((fold, fate),) = follow(
        lesions, *tables, manifest, listed(("b1", "duplicate_of_test")), "crop"
    )
    assert fold == 0
    assert fate.index.tolist() == lesions.index.tolist()
    assert fate.loc[[10, 11, 12, 13, 14], ["step", "reason", "partition"]].values.tolist() == [
        ["", "", "test"],
        ["decoding", "cannot_decode", ""],
        ["inventory", "bad_path", ""],
        ["split", "duplicate_of_test", ""],
        ["split", "unlisted", ""],
    ]


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


NINE = [*list(REASONS)[1:8], "mask_bad_transfer_syntax", "no_words_for_this_code_which_is_longer_than_its_box_and_has_no_space_$x$"]  # fmt: skip
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
    assert "From the dataset to the partitions, kaggle dataset, fold 0, one of 3" in said
    assert "Image series is missing" in said
    assert "1 patient · 1 breast · 1 lesion · 1 image" in said
    assert "9 patients excluded altogether" in said
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
        "Excluded: 5 lesions in a view" in said
    )  # one of missing_series and two of duplicate_row, each with one more
    assert "990 patients · 1,700 breasts · 2,000 lesions" in said
    assert "3,401 lesions in a view" in said
    assert "After whole_images" in said
    assert "3,400 images" in " ".join(said)
    table.loc[table["reason"] == "duplicate_row", UNITS] = 0
    said = [text.get_text() for text in flow_diagram(table, "kaggle").axes[0].texts]
    assert "Excluded: 5 entries" in said
    assert "3 entries" in said
    assert not any("in a view" in text for text in said)

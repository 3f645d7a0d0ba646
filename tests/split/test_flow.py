"""The flow: what is excluded adds up with what remains, whatever the tables hold."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mammo.log import InputError
from mammo.split.flow import Account, count_flow, follow, read_account
from mammo.tables import write_table
from mammo.words import CLASSES, PARTITIONS

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
    columns = ["image_id", "patient_id", "laterality", "lesion_id", "full_file"]
    return pd.DataFrame(rows, columns=columns)


def images_of(lesions, region, lost=()):
    """images.csv of a region, without the lesions that were lost."""
    left = lesions[~lesions["image_id"].isin(list(lost))]
    if region != "full":
        return left.assign(file=left["image_id"] + ".jpg")[["image_id", "file"]]
    files = left["full_file"].drop_duplicates()
    return pd.DataFrame({"image_id": "whole " + files, "file": files})


def manifest_of(partitions, labels=None, fold=0):
    """A fold of manifest.csv from {image: partition} and {image: label}; benign, if not given."""
    labels = labels or {}
    rows = [(name, fold, part, labels.get(name, "benign")) for name, part in partitions.items()]
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
EVERYTHING = Account(
    lesions=LESIONS,
    excluded=listed(),
    images=images_of(LESIONS, "crop"),
    region_excluded=listed(),
    undecoded=listed(),
    manifest=manifest_of(dict.fromkeys(LESIONS["image_id"], "training")),
    split_excluded=listed(),
)


def rows_of(flow, step, *columns):
    return flow.loc[flow["step"] == step, list(columns)].values.tolist()


def test_a_flow_by_hand():
    partitions = {"a1": "test", "a2": "test", "b1": "training", "d1": "validation"}
    account = Account(
        lesions=LESIONS,
        excluded=listed(("c1", "missing_series"), ("", "duplicate_row"), ("", "duplicate_row")),
        images=images_of(LESIONS, "crop", ["c1", "b2"]),
        region_excluded=listed(("b2", "no_mask")),
        # a3 was lost before, and so was c1.
        undecoded=listed(("a3", "cannot_decode"), ("b1", "cannot_decode")),
        manifest=manifest_of(partitions, {"a1": "malignant"}),
        split_excluded=listed(("a3", "patient_in_test"), ("c1", "patient_in_test")),
    )
    flow = count_flow(account, "crop")
    what = ("reason", *UNITS, "entries")
    assert rows_of(flow, "dataset", *what) == [["", 4, 5, 6, 7, 9]]
    assert rows_of(flow, "inventory", *what) == [
        ["duplicate_row", 0, 0, 0, 0, 2],
        ["missing_series", 1, 1, 1, 1, 1],
        ["", 3, 4, 5, 6, 6],
    ]
    assert rows_of(flow, "region", *what) == [
        ["no_mask", 1, 1, 1, 1, 1],
        ["", 3, 4, 4, 5, 5],
    ]
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
    images = images_of(LESIONS, "full")
    images = images[images["file"] != "D.jpg"]
    account = EVERYTHING._replace(
        # Of a1 the crop alone is lost.
        excluded=listed(("b1", "bad_path"), ("a1", "missing_file", ("region", "crop"))),
        images=images,
        region_excluded=listed(("d1", "mixed_classes")),
        manifest=manifest_of(dict.fromkeys(images["image_id"], "training")),
    )
    flow = count_flow(account, "full")
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


def test_an_unlisted_loss_is_shown():
    partitions = dict.fromkeys(LESIONS["image_id"].drop(6), "training")
    flow = count_flow(EVERYTHING._replace(manifest=manifest_of(partitions)), "crop")
    assert rows_of(flow, "split", "reason", "images") == [["unlisted", 1], ["", 6]]


@pytest.mark.parametrize(
    ("image", "excluded"), [("a1", listed(("a1", "no_crop"))), ("nobody", listed())]
)
def test_a_manifest_that_holds_what_is_excluded_or_unknown_is_refused(image, excluded):
    partitions = dict.fromkeys(LESIONS["image_id"].drop(6), "training") | {image: "test"}
    account = EVERYTHING._replace(excluded=excluded, manifest=manifest_of(partitions))
    message = rf"manifest.csv, fold 0, holds 1 image\(s\) .*: {image}\. "
    with pytest.raises(InputError, match=message):
        count_flow(account, "crop")


def test_breasts_are_not_counted_where_a_side_is_not_known():
    side = LESIONS["laterality"].where(LESIONS["image_id"] != "d1", "")
    account = EVERYTHING._replace(
        lesions=LESIONS.assign(laterality=side),
        excluded=listed(("d1", "no_crop")),
        images=images_of(LESIONS, "crop", ["d1"]),
        manifest=EVERYTHING.manifest[EVERYTHING.manifest["image_id"] != "d1"],
    )
    flow = count_flow(account, "crop")
    assert flow["breasts"].isna().tolist() == [True, True] + [False] * (len(flow) - 2)


REASON = st.sampled_from(["no_crop", "missing_file", "another"])
# A lesion in a view: its patient, side, lesion and full image, the last two by number.
ENTRY = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["left", "right", ""]),
    st.integers(0, 2),
    st.integers(0, 2),
)


@st.composite
def studies(draw):
    """(account, region) of a study in which anything may be excluded anywhere, even repeatedly."""
    region = draw(st.sampled_from(["crop", "context", "full"]))
    entries = draw(st.lists(ENTRY, min_size=1, max_size=12))
    lesions = lesions_of(
        *(
            (f"i{number}", f"P{patient}", side, f"L{patient}.{lesion}", f"F{patient}.{full}")
            for number, (patient, side, lesion, full) in enumerate(entries)
        )
    )

    def some_of(ids):
        return draw(st.lists(st.sampled_from(ids), max_size=len(entries))) if ids else []

    excluded = listed(
        *(
            (name, draw(REASON), ("region", draw(st.sampled_from(["", "crop"]))))
            for name in some_of(lesions["image_id"].tolist())
        ),
        *[("", "duplicate_row")] * draw(st.integers(0, 2)),
    )
    region_excluded = listed(*((i, draw(REASON)) for i in some_of(lesions["image_id"].tolist())))
    lost = excluded.loc[excluded["region"].isin(["", region]), "image_id"]
    images = images_of(lesions, region, {*lost, *region_excluded["image_id"]})
    names = images["image_id"].tolist()
    undecoded = listed(*((name, "cannot_decode") for name in some_of(names)))

    everywhere = some_of(names)
    manifests, split_excluded = [], [listed(*((name, "everywhere") for name in everywhere))]
    for fold in range(draw(st.integers(1, 3))):
        out = some_of(names)
        split_excluded.append(listed(*((name, draw(REASON), ("fold", fold)) for name in out)))
        used = [name for name in names if name not in out and name not in everywhere]
        partitions = {name: draw(st.sampled_from(PARTITIONS)) for name in used}
        labels = {name: draw(st.sampled_from(CLASSES)) for name in used}
        manifests.append(manifest_of(partitions, labels, fold))
    account = Account(
        lesions=lesions,
        excluded=excluded,
        images=images,
        region_excluded=region_excluded,
        undecoded=undecoded,
        manifest=pd.concat(manifests),
        split_excluded=pd.concat(split_excluded),
    )
    return account, region


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(studies())
def test_what_is_excluded_adds_up_with_what_remains(study):
    account, region = study
    manifest, undecoded = account.manifest, account.undecoded["image_id"]
    if manifest.empty:
        return
    for fold, rows in count_flow(account, region).groupby("fold"):
        before = rows[rows["step"] == "dataset"].iloc[0]
        repeats = (account.excluded["image_id"] == "").sum()
        assert before["entries"] == len(account.lesions) + repeats
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
        used = manifest[(manifest["fold"] == fold) & ~manifest["image_id"].isin(undecoded)]
        assert parts["images"].to_dict() == {p: (used["partition"] == p).sum() for p in parts.index}
        assert classes["images"].sum().to_dict() == parts["images"].to_dict()
        assert parts["images"].sum() == before["images"]
        assert parts["entries"].sum() == before["entries"]
        if region != "full":
            assert before["images"] == before["entries"]
            assert set(used["image_id"]) <= set(account.images["image_id"])


@settings(max_examples=50, deadline=None)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(study, random):
    account, region = study
    if account.manifest.empty:
        return
    shuffled = Account(
        *(table.sample(frac=1, random_state=random.randrange(2**32)) for table in account)
    )
    pd.testing.assert_frame_equal(count_flow(account, region), count_flow(shuffled, region))


def test_a_fate_keeps_the_index_and_ends_at_its_first_loss():
    lesions = LESIONS.set_axis(range(10, 17))
    account = Account(
        lesions=lesions,
        excluded=listed(("a3", "bad_path")),
        images=images_of(lesions, "crop", ["a3"]),
        region_excluded=listed(("a3", "no_mask")),
        undecoded=listed(("a2", "cannot_decode")),
        manifest=manifest_of(dict.fromkeys(["a1", "a2"], "test")),
        split_excluded=listed(("b1", "duplicate_of_test")),
    )
    ((fold, fate),) = follow(account, "crop")
    assert fold == 0
    assert fate.index.tolist() == lesions.index.tolist()
    assert fate.loc[[10, 11, 12, 13, 14], ["step", "reason", "partition"]].values.tolist() == [
        ["", "", "test"],
        ["decoding", "cannot_decode", ""],
        ["inventory", "bad_path", ""],
        ["split", "duplicate_of_test", ""],
        ["split", "unlisted", ""],
    ]


def test_an_account_is_read_by_the_names_of_its_tables(tmp_path):
    schemas = {"lesions": "lesions", "images": "images", "manifest": "manifest"}
    paths = {}
    for number, name in enumerate(Account._fields):
        paths[name] = tmp_path / f"{number}.csv"
        write_table(pd.DataFrame(), paths[name], schemas.get(name, "excluded"))
    account = read_account(paths)
    assert "full_file" in account.lesions
    assert "partition" in account.manifest
    assert all("reason" in table for table in (account.excluded, account.undecoded))

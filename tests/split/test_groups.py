"""Groups of duplicates, and what the split and its audit make of them."""

import pandas as pd
import pytest

from helpers.splits import (
    FRACTIONS,
    HASH,
    NO_GROUPS,
    OFFICIAL,
    audited,
    changed,
    failed,
    make_images,
)
from mammo.split.assignment import split_patients
from mammo.split.groups import groups_of_files, groups_of_images


def test_pairs_connect_to_groups():
    pairs = pd.DataFrame({"file_a": ["a", "b", "x"], "file_b": ["b", "c", "y"]})
    groups = groups_of_files(pairs)
    assert groups["a"] == groups["c"] != groups["x"]
    assert groups["x"] == groups["y"]


def test_an_image_is_in_the_group_of_its_file_and_of_its_full_image():
    images = pd.DataFrame(
        {
            "image_id": ["i", "j", "k"],
            "patient_id": ["p", "q", "r"],
            "file": ["crop_i", "crop_j", "crop_k"],
        }
    )
    lesions = pd.DataFrame({"image_id": ["i", "j", "k"], "full_file": ["full_i", "full_j", ""]})
    pairs = pd.DataFrame(
        {
            "file_a": ["full_i", "crop_k"],
            "file_b": ["full_j", "crop_x"],
            "match": ["pixels", "near"],
        }
    )
    found = groups_of_images(pairs, images, lesions).set_index("image_id")
    assert sorted(found.index) == ["i", "j", "k"]
    assert found.loc["i", "group"] == found.loc["j", "group"] != found.loc["k", "group"]
    assert found["own_file"].to_dict() == {"i": False, "j": False, "k": True}
    # A near-duplicate of a full image does not make a duplicate of its crop.
    near = groups_of_images(pairs.assign(match="near"), images, lesions)
    assert near["image_id"].tolist() == ["k"]


def similar(images, number):
    """Pairs that make near-duplicates of the first images of so many patients; one is exact."""
    files = images.drop_duplicates("patient_id")["file"].tolist()[:number]
    pairs = pd.DataFrame({"file_a": files[0], "file_b": files[1:], "match": "near"})
    pairs.loc[3, "match"] = "pixels"
    return pairs


def test_one_picture_under_many_patients_is_dropped():
    images = make_images(100)
    groups = groups_of_images(similar(images, 25), images, images.assign(full_file=""))
    assert not groups["uninformative"].any()
    manifest, excluded = split_patients(images, groups, FRACTIONS)
    kept = manifest[manifest["image_id"].isin(groups["image_id"])]
    assert set(kept["partition"]) == {"test"}
    assert len(kept) + len(excluded) == 25


def test_where_similarity_is_uninformative_it_is_reported_and_changes_nothing():
    images = make_images(100, views=1).query("kind == 'mass'")
    lesions = images.assign(full_file="")
    pairs = similar(images, 30)  # more than a quarter of all
    groups = groups_of_images(pairs, images, lesions)
    sizes = groups.groupby("uninformative")["image_id"].nunique()
    assert sizes.to_dict() == {False: 2, True: 30}
    manifest, excluded = split_patients(images, groups, FRACTIONS)
    assert len(excluded) <= 1
    name = "no near-duplicates in two partitions, where more than 25 % of all images are similar"
    result = audited(manifest, images, FRACTIONS, excluded, pairs, lesions)[name]
    assert result["status"] == "warn"
    assert result["found"][0].count(" = ") == 29 - len(excluded)  # each is named
    stern = changed(FRACTIONS, duplicates="fail")
    manifest, excluded = split_patients(images, groups, stern)
    assert name in failed(audited(manifest, images, stern, excluded, pairs, lesions))


def planted(images, manifest, *partitions):
    """(image, image, pair of their files), one in each of two partitions of a manifest."""
    firsts = []
    for partition in partitions:
        there = manifest.loc[manifest["partition"] == partition, "image_id"]
        firsts.append(images[images["image_id"].isin(there)].iloc[0])
    a, b = firsts
    return a, b, pd.DataFrame({"file_a": [a["file"]], "file_b": [b["file"]], "match": "near"})


@pytest.mark.parametrize(
    "partitions", [("training", "test"), ("training", "validation"), ("validation", "test")]
)
@pytest.mark.parametrize("split", [OFFICIAL, FRACTIONS, HASH], ids=lambda split: split.method)
def test_a_planted_duplicate_leaves_the_partition_further_from_test_or_fails_the_audit(
    partitions, split
):
    images = make_images(100)
    lesions = images.assign(full_file="")
    plain, _ = split_patients(images, NO_GROUPS, split)
    near, far, pairs = planted(images, plain, *partitions)
    groups = groups_of_images(pairs, images, lesions)

    manifest, excluded = split_patients(images, groups, split)
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        [near["image_id"], f"duplicate_of_{partitions[1]}"]
    ]
    assert far["image_id"] in excluded["detail"].iloc[0]
    results = audited(manifest, images, split, excluded, pairs, lesions)
    assert not failed(results)
    assert near["image_id"] in results["no duplicates had to be excluded"]["found"][0]

    stern = changed(split, duplicates="fail")
    manifest, excluded = split_patients(images, groups, stern)
    assert excluded.empty
    results = audited(manifest, images, stern, excluded, pairs, lesions)
    assert failed(results) == {"no duplicates in two partitions"}
    (found,) = results["no duplicates in two partitions"]["found"]
    placed = [f"{near['image_id']} ({partitions[0]})", f"{far['image_id']} ({partitions[1]})"]
    assert sorted(found.split(" = ")) == sorted(placed)


def test_duplicates_within_a_partition_are_listed_and_unlike_labels_too():
    images = make_images(100)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    training = manifest[manifest["partition"] == "training"]
    first = training.groupby("label")["image_id"].first()
    file = images.set_index("image_id")["file"]
    files = {"file_a": [file[first["benign"]]], "file_b": [file[first["malignant"]]]}
    results = audited(manifest, images, OFFICIAL, excluded, pd.DataFrame(files | {"match": "near"}))
    within = results["no duplicates within a partition"]
    assert within["status"] == "warn"
    assert first["benign"] in within["found"][0]
    listed = ", ".join(sorted(f"{image} {label}" for label, image in first.items()))
    assert results["duplicates agree in label"]["found"] == [listed]

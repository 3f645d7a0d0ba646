"""Assigning patients to training, validation and test."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from helpers.splits import (
    FOLDS,
    FRACTIONS,
    HASH,
    NO_GROUPS,
    OFFICIAL,
    as_audit,
    audited,
    changed,
    failed,
    make_images,
)
from mammo.log import InputError
from mammo.split.assignment import split_patients
from mammo.split.gate import gate_split
from mammo.split.settings import Split

# Shrinking takes minutes.
WITHOUT_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]


@st.composite
def images_of_patients(draw):
    """Any 40 to 80 patients, each with 1 to 4 images of one label and either kind."""
    rows = []
    kind = st.sampled_from(["mass", "calcification"])
    for patient in range(draw(st.integers(40, 80))):
        of_patient = {
            "patient_id": str(patient),
            "label": ["benign", "malignant"][patient % 2],
            "official_partition": "",
            "dataset": "fingerprint",
        }
        for n, kind_of_image in enumerate(draw(st.lists(kind, min_size=1, max_size=4))):
            name = f"{patient}_{n}"
            of_image = {"image_id": name, "file": name, "lesion_id": f"{patient}_{n // 2}"}
            rows.append(of_image | of_patient | {"kind": kind_of_image})
    return pd.DataFrame(rows)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, phases=WITHOUT_SHRINKING)
@given(
    images_of_patients(),
    st.integers(0, 1000),
    st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3]),
    st.sampled_from(["fractions", "folds"]),
    st.sampled_from(["patient", "lesion", "image"]),
    st.randoms(),
)
def test_any_split_is_complete_disjoint_near_its_fractions_and_blind_to_row_order(
    images, seed, fraction, method, by, random
):
    split = Split.default(method=method, by=by, seed=seed, validation=fraction)
    folds = round(1 / fraction)
    if method == "fractions":
        split, of_test = changed(split, test=fraction), fraction
    else:
        split, of_test = changed(split, folds=folds), 1 / folds
    manifest, excluded = split_patients(images, NO_GROUPS, split)
    assert excluded.empty
    for _, fold in manifest.groupby("fold"):
        assert sorted(fold["image_id"]) == sorted(images["image_id"])
        assert (fold.groupby(f"{by}_id")["partition"].nunique() == 1).all()
        test = (fold["partition"] == "test").mean()
        validation = (fold["partition"] == "validation").sum() / (fold["partition"] != "test").sum()
        # Patients come whole, with up to 4 images: that far from the fraction a partition may end,
        # and a little for the strata.
        assert abs(test - of_test) < 0.12
        assert abs(validation - fraction) < 0.12
    if method == "folds":
        test_images = manifest.loc[manifest["partition"] == "test", "image_id"]
        assert sorted(test_images) == sorted(images["image_id"])
    shuffled = images.sample(frac=1, random_state=random.randrange(2**32))
    pd.testing.assert_frame_equal(split_patients(shuffled, NO_GROUPS, split).manifest, manifest)
    assert not failed(audited(manifest, images, split))
    assert set(manifest["leaks"]) == {"" if by == "patient" else f"leaks patients (split by {by})"}


@settings(max_examples=25, deadline=None, phases=WITHOUT_SHRINKING)
@given(st.integers(60, 200), st.integers(1, 60), st.integers(0, 1000))
def test_new_patients_move_none_where_a_hash_assigns(patients, more, seed):
    split = changed(HASH, seed=seed, validation=0.4, test=0.4)
    everyone = make_images(patients + more)
    before, _ = split_patients(make_images(patients), NO_GROUPS, split)
    after, _ = split_patients(everyone, NO_GROUPS, split)
    assert (after.groupby("patient_id")["partition"].nunique() == 1).all()
    both = before.merge(after, on="image_id")
    assert len(both) == len(before)
    assert (both["partition_x"] == both["partition_y"]).all()


def test_a_hash_comes_near_its_fractions_and_another_salt_assigns_anew():
    images = make_images(2000, views=1)
    one, two = (
        split_patients(images, NO_GROUPS, changed(HASH, seed=seed)).manifest for seed in (1, 2)
    )
    fractions = one["partition"].value_counts(normalize=True)
    assert fractions["test"] == pytest.approx(0.2, abs=0.03)
    assert fractions["validation"] == pytest.approx(0.16, abs=0.03)
    assert (one["partition"] != two["partition"]).mean() > 0.3


def test_official_test_rows_stay_test_and_patients_in_both_leave_training():
    # Patients 3, 4, 13 and 14: masses in test, calcifications in training.
    images = make_images(100, straddlers=20)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    official = manifest.merge(images[["image_id", "official_partition"]], on="image_id")
    assert ((official["official_partition"] == "test") == (official["partition"] == "test")).all()
    assert sorted(excluded["patient_id"].unique()) == ["P_00003", "P_00004", "P_00013", "P_00014"]
    assert set(excluded["reason"]) == {"patient_in_test"}
    assert excluded["image_id"].str.startswith("calcification").all()
    assert len(manifest) + len(excluded) == len(images)
    rest = manifest[manifest["partition"] != "test"]
    assert (rest["partition"] == "validation").mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("split", [FRACTIONS, FOLDS], ids=["fractions", "folds"])
def test_labels_and_kinds_are_in_proportion_in_every_fold(split):
    manifest, _ = split_patients(make_images(300), NO_GROUPS, split)
    manifest = manifest.assign(
        malignant=manifest["label"] == "malignant", mass=manifest["kind"] == "mass"
    )
    proportions = manifest.groupby(["fold", "partition"])[["malignant", "mass"]].mean()
    assert (proportions - 0.5).abs().to_numpy().max() < 0.02


def test_another_seed_is_another_split():
    images = make_images(100)
    one, two = (
        split_patients(images, NO_GROUPS, changed(FRACTIONS, seed=seed)).manifest for seed in (1, 2)
    )
    assert (one["partition"] != two["partition"]).any()


def benign(images):
    return images[images["label"] == "benign"]


def malignant(images):
    return images[images["label"] == "malignant"]


REFUSED = {
    "too few patients to draw from": (
        make_images(4),
        FRACTIONS,
        "Test cannot be drawn: 16 images of 4 patients are usable",
    ),
    "one class": (benign(make_images(100)), FRACTIONS, "All 200 usable images are benign"),
    "no official partition": (
        make_images(100).assign(official_partition=""),
        OFFICIAL,
        "400 of 400 images have no official partition: calcification_0_0",
    ),
    "one class beside the official test": (
        make_images(100).query("label == 'benign' or official_partition == 'test'"),
        OFFICIAL,
        "training malignant 0",
    ),
    "too few patients for validation": (make_images(5), OFFICIAL, "split.validation"),
    "more folds than malignant patients": (
        pd.concat([benign(make_images(40)), malignant(make_images(6))]),
        FOLDS,
        "split.folds: 5, but only 3 patients have malignant images, and each fold is to test one "
        "or more: ask for 3 folds",
    ),
    "a hash of three patients": (make_images(3), HASH, "Each partition needs both classes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_split_is_refused(case):
    images, split, message = REFUSED[case]
    with pytest.raises(InputError) as error:
        split_patients(images, NO_GROUPS, split)
    assert message in str(error.value)


@pytest.mark.parametrize("by", ["lesion", "image"])
@pytest.mark.parametrize("method", ["official", "fractions", "hash"])
def test_a_split_that_leaks_by_name_keeps_everything_is_marked_and_passes_with_a_warning(
    method, by
):
    images = make_images(100, straddlers=20)
    split = Split.default(method=method, by=by)
    manifest, excluded = split_patients(images, NO_GROUPS, split)
    assert excluded.empty
    assert set(manifest["leaks"]) == {f"leaks patients (split by {by})"}
    results = audited(manifest, images, split)
    assert results["no patient in two partitions"]["status"] == "warn"
    lesions = results["no lesion in two partitions"]["status"]
    assert lesions == ("pass" if by == "lesion" else "warn")
    gate_split(as_audit(results), "manifest.csv")


def test_a_duplicate_of_a_duplicate_is_dropped_too():
    images = make_images(100)
    plain, _ = split_patients(images, NO_GROUPS, FRACTIONS)
    training = plain.loc[plain["partition"] == "training", "image_id"].iloc[:3].tolist()
    test = plain.loc[plain["partition"] == "test", "image_id"].iloc[0]
    groups = pd.DataFrame({"image_id": [*training, test], "group": 0, "uninformative": False})
    _, excluded = split_patients(images, groups, FRACTIONS)
    assert sorted(excluded["image_id"]) == sorted(training)


def test_duplicates_across_folds_leave_training_only_in_the_fold_where_they_leak():
    images = make_images(100)
    pair = ["mass_1_0", "mass_77_0"]
    groups = pd.DataFrame({"image_id": pair, "group": 0, "uninformative": False})
    manifest, excluded = split_patients(images, groups, FOLDS)
    test_folds = manifest[manifest["partition"] == "test"].set_index("image_id")["fold"]
    for one, other in [pair, pair[::-1]]:
        lost = excluded[excluded["image_id"] == one].set_index("fold")["reason"].to_dict()
        assert lost.get(test_folds[other]) == "duplicate_of_test"
        assert test_folds[one] not in lost
    files = {"file_a": ["mass/1/0.jpg"], "file_b": ["mass/77/0.jpg"], "match": "bytes"}
    lesions = images.assign(full_file="")
    assert not failed(audited(manifest, images, FOLDS, excluded, pd.DataFrame(files), lesions))


def test_repeating_a_group_at_random_never_leaves_it_in_two_partitions():
    rng = np.random.default_rng(0)
    images = make_images(100)
    for _ in range(20):
        groups = pd.DataFrame(
            {
                "image_id": rng.choice(images["image_id"], 60),
                "group": rng.integers(0, 12, 60),
                "uninformative": False,
            }
        ).drop_duplicates()
        split = changed(FRACTIONS, seed=int(rng.integers(1000)))
        manifest, excluded = split_patients(images, groups, split)
        both = groups.merge(manifest, on="image_id")
        assert both.groupby("group")["partition"].nunique().max() == 1
        assert set(manifest["image_id"]) | set(excluded["image_id"]) == set(images["image_id"])

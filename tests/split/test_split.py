"""The split, its audit and its gate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mammo.log import InputError
from mammo.split.audit import MOST, audit_split
from mammo.split.draw import split_patients
from mammo.split.gate import gate_split
from mammo.split.groups import groups_of_files, groups_of_images

OFFICIAL = {
    "method": "official",
    "by": "patient",
    "validation": 0.2,
    "seed": 1,
    "duplicates": "drop_from_training",
}
FRACTIONS = OFFICIAL | {"method": "fractions", "test": 0.2}
HASH = FRACTIONS | {"method": "hash"}
FOLDS = OFFICIAL | {"method": "folds", "folds": 5}
NO_PAIRS = pd.DataFrame({"file_a": [], "file_b": [], "match": []}, dtype=str)
NO_GROUPS = pd.DataFrame(
    {
        "image_id": pd.Series(dtype=str),
        "group": pd.Series(dtype=str),
        "crowd": pd.Series(dtype=bool),
    }
)


def make_images(patients, views=2, straddlers=0):
    """Images of so many patients, half of them malignant, a fifth of them in the official test partition."""
    rows = [
        {
            "image_id": f"{kind}_{patient}_{view}",
            "lesion_id": f"{kind}_{patient}",
            "patient_id": f"P_{patient:05}",
            "label": ["benign", "malignant"][patient % 2],
            "kind": kind,
            "official_partition": "test"
            if patient % 10 in (3, 4) and (kind == "mass" or patient >= straddlers)
            else "training",
            "file": f"{kind}/{patient}/{view}.jpg",
            "dataset": "fingerprint",
        }
        for patient in range(patients)
        for kind in ("mass", "calcification")
        for view in range(views)
    ]
    return pd.DataFrame(rows)


def audited(manifest, images, split, excluded=None, pairs=NO_PAIRS, lesions=None):
    """{name: check} of the audit."""
    lesions = (
        images.assign(full_file="full of " + images["image_id"]) if lesions is None else lesions
    )
    excluded = (
        pd.DataFrame(columns=["image_id", "reason", "detail", "fold"])
        if excluded is None
        else excluded
    )
    checks = audit_split(
        manifest, images, lesions, pairs, excluded.astype({"fold": "Int64"}), split
    )
    return {check["name"]: check for check in checks}


def failed(checks):
    return {name for name, check in checks.items() if check["status"] == "fail"}


@st.composite
def images_of_patients(draw):
    """Any 40 to 80 patients, each with 1 to 4 images of one label and either kind."""
    rows = []
    for patient in range(draw(st.integers(40, 80))):
        label = ["benign", "malignant"][patient % 2]
        kinds = draw(st.lists(st.sampled_from(["mass", "calcification"]), min_size=1, max_size=4))
        for n, kind in enumerate(kinds):
            name = f"{patient}_{n}"
            rows.append(
                {"image_id": name, "lesion_id": f"{patient}_{n // 2}", "patient_id": str(patient), "label": label, "kind": kind,
                 "file": name, "official_partition": "", "dataset": "fingerprint"}
            )  # fmt: skip
    return pd.DataFrame(rows)


# Shrinking takes minutes.
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    images_of_patients(), st.integers(0, 1000), st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3]),
    st.sampled_from(["fractions", "folds"]), st.sampled_from(["patient", "lesion", "image"]), st.randoms(),
)  # fmt: skip
def test_any_split_is_complete_disjoint_near_its_shares_and_blind_to_row_order(
    images, seed, share, method, by, random
):
    split = OFFICIAL | {"method": method, "by": by, "seed": seed, "validation": share}
    split |= {"test": share} if method == "fractions" else {"folds": round(1 / share)}
    manifest, excluded = split_patients(images, NO_GROUPS, split)
    assert excluded.empty
    for _, fold in manifest.groupby("fold"):
        assert sorted(fold["image_id"]) == sorted(images["image_id"])
        assert (fold.groupby(f"{by}_id")["partition"].nunique() == 1).all()
        test = (fold["partition"] == "test").mean()
        validation = (fold["partition"] == "validation").sum() / (fold["partition"] != "test").sum()
        # Patients come whole, with up to 4 images: that far from the share a partition may end, and a little for the strata.
        assert abs(test - (share if method == "fractions" else 1 / round(1 / share))) < 0.12
        assert abs(validation - share) < 0.12
    if method == "folds":
        assert sorted(manifest.loc[manifest["partition"] == "test", "image_id"]) == sorted(
            images["image_id"]
        )
    shuffled = images.sample(frac=1, random_state=random.randrange(2**32))
    pd.testing.assert_frame_equal(split_patients(shuffled, NO_GROUPS, split)[0], manifest)
    assert not failed(audited(manifest, images, split))
    assert set(manifest["leaks"]) == {"" if by == "patient" else f"leaks patients (split by {by})"}


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(60, 200), st.integers(1, 60), st.integers(0, 1000))
def test_new_patients_move_none_where_a_hash_assigns(patients, more, seed):
    split = HASH | {"seed": seed, "validation": 0.4, "test": 0.4}
    everyone = make_images(patients + more)
    before, _ = split_patients(make_images(patients), NO_GROUPS, split)
    after, _ = split_patients(everyone, NO_GROUPS, split)
    assert (after.groupby("patient_id")["partition"].nunique() == 1).all()
    both = before.merge(after, on="image_id")
    assert len(both) == len(before)
    assert (both["partition_x"] == both["partition_y"]).all()


def test_a_hash_comes_near_its_shares_and_another_salt_assigns_anew():
    images = make_images(2000, views=1)
    one, two = (split_patients(images, NO_GROUPS, HASH | {"seed": seed})[0] for seed in (1, 2))
    shares = one["partition"].value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.03)
    assert shares["validation"] == pytest.approx(0.16, abs=0.03)
    assert (one["partition"] != two["partition"]).mean() > 0.3


def test_official_test_rows_stay_test_and_straddlers_leave_training():
    images = make_images(
        100, straddlers=20
    )  # patients 3, 4, 13 and 14: masses in test, calcifications in training
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    official = manifest.merge(images[["image_id", "official_partition"]], on="image_id")
    assert ((official["official_partition"] == "test") == (official["partition"] == "test")).all()
    assert sorted(excluded["patient_id"].unique()) == ["P_00003", "P_00004", "P_00013", "P_00014"]
    assert set(excluded["reason"]) == {"patient_in_test"}
    assert excluded["image_id"].str.startswith("calcification").all()
    assert len(manifest) + len(excluded) == len(images)
    rest = manifest[manifest["partition"] != "test"]
    assert (rest["partition"] == "validation").mean() == pytest.approx(0.2, abs=0.01)


def test_labels_and_kinds_are_in_proportion_in_every_fold():
    for split in (FRACTIONS, FOLDS):
        manifest, _ = split_patients(make_images(300), NO_GROUPS, split)
        shares = manifest.groupby(["fold", "partition"]).agg(
            malignant=("label", lambda c: (c == "malignant").mean()),
            mass=("kind", lambda c: (c == "mass").mean()),
        )
        assert (shares - 0.5).abs().to_numpy().max() < 0.02


def test_another_seed_is_another_split():
    one, two = (
        split_patients(make_images(100), NO_GROUPS, FRACTIONS | {"seed": seed})[0]
        for seed in (1, 2)
    )
    assert (one["partition"] != two["partition"]).any()


@pytest.mark.parametrize(
    ("images", "split", "wanted"),
    [
        (make_images(4), FRACTIONS, "Test cannot be drawn: 16 images of 4 patients are usable"),
        (
            make_images(100).query("label == 'benign'"),
            FRACTIONS,
            "All 200 usable images are benign",
        ),
        (
            make_images(100).assign(official_partition=""),
            OFFICIAL,
            "400 of 400 images have no official partition: calcification_0_0",
        ),
        (
            make_images(100).query("label == 'benign' or official_partition == 'test'"),
            OFFICIAL,
            "training malignant 0",
        ),
        (make_images(5), OFFICIAL, "split.validation"),
        (
            pd.concat(
                [
                    make_images(40).query("label == 'benign'"),
                    make_images(6).query("label == 'malignant'"),
                ]
            ),
            FOLDS | {"folds": 5},
            "split.folds: 5, but only 3 patients have malignant images, and each fold is to test one or more: ask for 3 folds",
        ),
        (make_images(3), HASH, "Each partition needs both classes"),
    ],
)
def test_what_cannot_be_split_is_refused(images, split, wanted):
    with pytest.raises(InputError) as error:
        split_patients(images, NO_GROUPS, split)
    assert wanted in str(error.value)


def test_a_test_partition_of_one_class_that_the_dataset_gives_passes_with_a_warning():
    images = make_images(100).query("label == 'benign' or official_partition == 'training'")
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert set(manifest.query("partition == 'test'")["label"]) == {"benign"}
    found = audited(manifest, images, OFFICIAL, excluded)
    told = found["the given test partition holds both classes"]
    assert (told["status"], told["found"]) == ("warn", ["test: no malignant"])
    assert found["each partition holds both classes"]["status"] == "pass"


@pytest.mark.parametrize("by", ["lesion", "image"])
def test_a_split_that_leaks_by_name_keeps_everything_is_marked_and_passes_with_a_warning(by):
    images = make_images(100, straddlers=20)
    for method in (OFFICIAL, FRACTIONS, HASH):
        split = method | {"by": by}
        manifest, excluded = split_patients(images, NO_GROUPS, split)
        assert excluded.empty
        assert set(manifest["leaks"]) == {f"leaks patients (split by {by})"}
        checks = audited(manifest, images, split)
        assert checks["no patient in two partitions"]["status"] == "warn"
        assert checks["no lesion in two partitions"]["status"] == (
            "pass" if by == "lesion" else "warn"
        )
        gate_split({"checks": [*checks.values()]}, "manifest.csv")


# Duplicates


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
    found = groups_of_images(pairs, images, lesions)
    assert sorted(found["image_id"]) == ["i", "j", "k"]
    groups = found.set_index("image_id")["group"]
    assert groups["i"] == groups["j"] != groups["k"]
    assert found.set_index("image_id")["shown"].to_dict() == {"i": False, "j": False, "k": True}
    # A crop is not what its full image nearly is.
    assert groups_of_images(pairs.assign(match="near"), images, lesions)["image_id"].tolist() == [
        "k"
    ]


def look_alike(images, number):
    """Pairs that connect the first images of so many patients by nearness, and two of them by their pixels."""
    files = images.drop_duplicates("patient_id")["file"].tolist()[:number]
    pairs = pd.DataFrame({"file_a": files[0], "file_b": files[1:], "match": "near"})
    pairs.loc[3, "match"] = "pixels"
    return pairs


def test_one_picture_under_many_patients_is_dropped():
    images = make_images(100)
    pairs = look_alike(images, 25)
    groups = groups_of_images(pairs, images, images.assign(full_file=""))
    assert not groups["crowd"].any()
    manifest, excluded = split_patients(images, groups, FRACTIONS)
    kept = manifest[manifest["image_id"].isin(groups["image_id"])]
    assert set(kept["partition"]) == {"test"}
    assert len(kept) + len(excluded) == 25


def test_where_images_are_alike_by_nature_nearness_is_told_of_and_changes_nothing():
    images = make_images(100, views=1).query("kind == 'mass'")
    lesions = images.assign(full_file="")
    pairs = look_alike(images, 30)  # more than a quarter of all
    groups = groups_of_images(pairs, images, lesions)
    assert groups.groupby("crowd")["image_id"].nunique().to_dict() == {False: 2, True: 30}
    manifest, excluded = split_patients(images, groups, FRACTIONS)
    assert len(excluded) <= 1
    name = "no near-equal images in two partitions, where more than 25% of all are alike"
    check = audited(manifest, images, FRACTIONS, excluded, pairs, lesions)[name]
    assert check["status"] == "warn"
    assert check["found"][0].count(" = ") == 29 - len(excluded)  # each is named
    stern = FRACTIONS | {"duplicates": "fail"}
    manifest, excluded = split_patients(images, groups, stern)
    assert name in failed(audited(manifest, images, stern, excluded, pairs, lesions))


def leak(images, manifest, *partitions):
    """A pair of files, one in each of two partitions of an existing split."""
    a, b = (
        images[
            images["image_id"].isin(manifest.loc[manifest["partition"] == part, "image_id"])
        ].iloc[0]
        for part in partitions
    )
    return a, b, pd.DataFrame({"file_a": [a["file"]], "file_b": [b["file"]], "match": "near"})


@pytest.mark.parametrize(
    "partitions", [("training", "test"), ("training", "validation"), ("validation", "test")]
)
@pytest.mark.parametrize("split", [OFFICIAL, FRACTIONS, HASH], ids=lambda split: split["method"])
def test_a_planted_duplicate_leaves_the_partition_further_from_test_or_fails_the_audit(
    partitions, split
):
    images = make_images(100)
    lesions = images.assign(full_file="")
    plain, _ = split_patients(images, NO_GROUPS, split)
    near, far, pairs = leak(images, plain, *partitions)
    groups = groups_of_images(pairs, images, lesions)

    manifest, excluded = split_patients(images, groups, split)
    assert excluded[["image_id", "reason"]].to_numpy().tolist() == [
        [near["image_id"], f"duplicate_of_{partitions[1]}"]
    ]
    assert far["image_id"] in excluded["detail"].iloc[0]
    checks = audited(manifest, images, split, excluded, pairs, lesions)
    assert not failed(checks)
    assert near["image_id"] in checks["no duplicates had to be left out"]["found"][0]

    stern = split | {"duplicates": "fail"}
    manifest, excluded = split_patients(images, groups, stern)
    assert excluded.empty
    checks = audited(manifest, images, stern, excluded, pairs, lesions)
    assert failed(checks) == {"no duplicates in two partitions"}
    (found,) = checks["no duplicates in two partitions"]["found"]
    assert sorted(found.split(" = ")) == sorted(
        [f"{near['image_id']} ({partitions[0]})", f"{far['image_id']} ({partitions[1]})"]
    )


def test_a_duplicate_of_a_duplicate_is_dropped_too():
    images = make_images(100)
    plain, _ = split_patients(images, NO_GROUPS, FRACTIONS)
    training = plain.loc[plain["partition"] == "training", "image_id"].iloc[:3].tolist()
    test = plain.loc[plain["partition"] == "test", "image_id"].iloc[0]
    groups = pd.DataFrame({"image_id": [*training, test], "group": 0, "crowd": False})
    _, excluded = split_patients(images, groups, FRACTIONS)
    assert sorted(excluded["image_id"]) == sorted(training)


def test_duplicates_across_folds_leave_training_in_the_fold_where_they_leak_alone():
    images = make_images(100)
    groups = pd.DataFrame({"image_id": ["mass_1_0", "mass_77_0"], "group": 0, "crowd": False})
    manifest, excluded = split_patients(images, groups, FOLDS)
    test_folds = manifest[manifest["partition"] == "test"].set_index("image_id")["fold"]
    for one, other in [("mass_1_0", "mass_77_0"), ("mass_77_0", "mass_1_0")]:
        lost = excluded[excluded["image_id"] == one].set_index("fold")["reason"].to_dict()
        assert lost.get(test_folds[other]) == "duplicate_of_test"
        assert test_folds[one] not in lost
    lesions = images.assign(full_file="")
    pairs = pd.DataFrame(
        {"file_a": ["mass/1/0.jpg"], "file_b": ["mass/77/0.jpg"], "match": "bytes"}
    )
    assert not failed(audited(manifest, images, FOLDS, excluded, pairs, lesions))


def test_duplicates_within_a_partition_are_listed_and_unlike_labels_too():
    images = make_images(100)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    training = manifest[manifest["partition"] == "training"]
    a, b = (
        training.loc[training["label"] == label, "image_id"].iloc[0]
        for label in ("benign", "malignant")
    )
    file = images.set_index("image_id")["file"]
    pairs = pd.DataFrame({"file_a": [file[a]], "file_b": [file[b]], "match": "near"})
    checks = audited(manifest, images, OFFICIAL, excluded, pairs)
    assert checks["no duplicates within a partition"]["status"] == "warn"
    assert a in checks["no duplicates within a partition"]["found"][0]
    assert checks["duplicates agree in label"]["found"] == [
        f"{min(a, b)} {'benign' if a < b else 'malignant'}, {max(a, b)} {'malignant' if a < b else 'benign'}"
    ]


def test_repeating_a_group_at_random_never_leaves_it_in_two_partitions():
    rng = np.random.default_rng(0)
    images = make_images(100)
    for _ in range(20):
        groups = pd.DataFrame(
            {
                "image_id": rng.choice(images["image_id"], 60),
                "group": rng.integers(0, 12, 60),
                "crowd": False,
            }
        ).drop_duplicates()
        manifest, excluded = split_patients(
            images, groups, FRACTIONS | {"seed": int(rng.integers(1000))}
        )
        both = groups.merge(manifest, on="image_id")
        assert both.groupby("group")["partition"].nunique().max() == 1
        assert set(manifest["image_id"]) | set(excluded["image_id"]) == set(images["image_id"])


# The audit


def move_a_view(manifest):
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, "partition"] = "test"


def move_a_patient(manifest):
    patient = manifest.loc[manifest["partition"] == "training", "patient_id"].iloc[0]
    manifest.loc[manifest["patient_id"] == patient, "partition"] = "test"


def forget_a_row(manifest):
    return manifest.drop(manifest.index[5])


def turn_a_label(manifest):
    manifest.loc[manifest.index[0], "label"] = {"benign": "malignant", "malignant": "benign"}[
        manifest["label"].iloc[0]
    ]


def hide_a_patient(manifest):
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, ["patient_id", "partition"]] = ["P_99999", "test"]


def empty(manifest):
    return manifest.iloc[:0]


def call_the_fold_another(manifest):
    manifest["fold"] = 7


def take_the_mark_away(manifest):
    manifest["leaks"] = "nothing to see"


def change_the_dataset(manifest):
    manifest.loc[manifest.index[3], "dataset"] = "deadbeef0000"


def invent_an_image(manifest):
    return pd.concat([manifest, manifest.head(1).assign(image_id="nobody")])


USABLE = "every usable image is either in the manifest or listed as left out"
FOLDS_ASKED = "the manifest holds the folds that were asked for, and no other"
PLANTED = {
    move_a_view: {
        "no patient in two partitions",
        "no lesion in two partitions",
        "test is the official test partition",
    },
    move_a_patient: {"test is the official test partition"},
    forget_a_row: {USABLE},
    turn_a_label: {"label is the inventory's"},
    hide_a_patient: {
        "patient_id is the inventory's",
        "no lesion in two partitions",
        "test is the official test partition",
    },
    empty: {FOLDS_ASKED, USABLE, "each partition holds both classes"},
    call_the_fold_another: {FOLDS_ASKED, USABLE, "each partition holds both classes"},
    take_the_mark_away: {"leaks is what it was made from"},
    change_the_dataset: {"dataset is what it was made from"},
    invent_an_image: {"every image is one that the inventory lists as usable"},
}


@pytest.mark.parametrize("spoil", PLANTED, ids=lambda spoil: spoil.__name__)
def test_the_audit_finds_what_is_wrong_with_a_manifest(spoil):
    images = make_images(100)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert {
        check["status"] for check in audited(manifest, images, OFFICIAL, excluded).values()
    } == {"pass"}
    manifest = manifest if (spoilt := spoil(manifest)) is None else spoilt
    checks = audited(manifest, images, OFFICIAL, excluded)
    assert failed(checks) == PLANTED[spoil]
    with pytest.raises(InputError) as error:
        gate_split({"checks": [*checks.values()]}, "manifest.csv")
    first = next(check for check in checks.values() if check["status"] == "fail")
    assert first["found"][0] in str(error.value)  # names the patient or the file
    assert "manifest.csv" in str(error.value)


def test_an_image_listed_as_left_out_and_a_shared_file_fail_the_audit():
    images = make_images(100)
    manifest, _ = split_patients(images, NO_GROUPS, OFFICIAL)
    excluded = manifest.head(1).assign(reason="patient_in_test", detail="", fold=None)
    checks = audited(manifest, images, OFFICIAL, excluded)
    assert failed(checks) == {USABLE}
    assert checks[USABLE]["found"] == [
        f"{manifest['image_id'].iloc[0]} (fold 0): listed as left out"
    ]
    test, training = (
        manifest.loc[manifest["partition"] == part, "image_id"].iloc[0]
        for part in ("test", "training")
    )
    images.loc[images["image_id"].isin([test, training]), "file"] = "one.jpg"
    checks = audited(manifest, images, OFFICIAL)
    assert failed(checks) == {"no image file in two partitions"}
    assert checks["no image file in two partitions"]["found"] == [
        "one.jpg: training and test (fold 0)"
    ]


def test_a_lesion_on_two_whole_images_of_two_partitions_is_found():
    images = make_images(100)
    lesions = images.assign(full_file=images["file"])
    images["lesion_id"] = images["lesion_id"] + ";" + images["lesion_id"] + "_more"
    manifest, _ = split_patients(images, NO_GROUPS, OFFICIAL | {"by": "image"})
    found = audited(manifest, images, OFFICIAL | {"by": "lesion"}, lesions=lesions)[
        "no lesion in two partitions"
    ]
    assert found["status"] == "fail"
    assert not any(";" in line for line in found["found"])


def test_a_semicolon_in_a_lesions_name_is_no_list():
    images = make_images(100)
    images["lesion_id"] = "scan;" + images["image_id"]
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert not failed(audited(manifest, images, OFFICIAL, excluded))


def test_patients_told_apart_by_case_alone_are_told_of():
    images = make_images(100)
    images.loc[images["patient_id"] == "P_00007", "patient_id"] = "p_00008"
    images.loc[images["patient_id"] == "P_00008", "patient_id"] = "P_00008"
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    check = audited(manifest, images, OFFICIAL, excluded)[
        "patients are told apart by more than the case of letters"
    ]
    assert (check["status"], check["found"]) == ("warn", ["p_00008 = P_00008"])


def test_views_that_disagree_in_label_are_listed_with_what_was_done():
    images = make_images(100)
    images.loc[0, "label"] = "malignant"
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    check = audited(manifest, images, OFFICIAL, excluded)["the views of a lesion agree in label"]
    assert check["status"] == "warn"
    assert check["found"] == [
        "mass_0: mass_0_0 malignant, mass_0_1 benign; each view keeps its own label"
    ]


def test_an_audit_of_a_worthless_manifest_stays_readable():
    images = make_images(800)
    manifest, _ = split_patients(images, NO_GROUPS, OFFICIAL)
    found = audited(manifest.assign(label="benign"), images, OFFICIAL)["label is the inventory's"]
    assert (len(found["found"]), found["more"]) == (MOST, 600)


def test_a_share_that_is_missed_is_a_warning_and_passes_the_gate():
    images = make_images(100)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    checks = audited(manifest, images, OFFICIAL | {"validation": 0.4}, excluded)
    assert {name for name, check in checks.items() if check["status"] == "warn"} == {
        "shares are as asked, within 0.05"
    }
    gate_split({"checks": [*checks.values()]}, "manifest.csv")

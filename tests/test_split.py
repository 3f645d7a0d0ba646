"""The split, its audit and its gate."""

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lib.log import InputError
from scripts.audit_split import audit_split
from scripts.gate_split import gate_split
from scripts.split_patients import split_patients

OFFICIAL = {"method": "official", "test": 0.2, "validation": 0.2, "seed": 1}
FRACTIONS = OFFICIAL | {"method": "fractions"}
NONE = pd.DataFrame({"image_id": [], "patient_id": [], "reason": [], "detail": []}).astype(str)


def make_lesions(patients, views=2, straddlers=0):
    """Lesions of so many patients, half of them malignant, a fifth of them in the official test partition."""
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
            "crop_file": f"{kind}/{patient}/{view}.jpg",
        }
        for patient in range(patients)
        for kind in ("mass", "calcification")
        for view in range(views)
    ]
    return pd.DataFrame(rows)


@st.composite
def lesions_of_patients(draw):
    """Any 40 to 80 patients, each with 1 to 4 images of one label and either kind."""
    rows = []
    for patient in range(draw(st.integers(40, 80))):
        label = ["benign", "malignant"][patient % 2]
        kinds = draw(st.lists(st.sampled_from(["mass", "calcification"]), min_size=1, max_size=4))
        for n, kind in enumerate(kinds):
            name = f"{patient}_{n}"
            rows.append(
                {
                    "image_id": name,
                    "lesion_id": name,
                    "patient_id": str(patient),
                    "label": label,
                    "kind": kind,
                    "crop_file": name,
                    "official_partition": "",
                }
            )
    return pd.DataFrame(rows)


@settings(
    max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes minutes
@given(lesions_of_patients(), st.integers(0, 1000), st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3]), st.randoms())
def test_any_split_is_complete_disjoint_by_patient_near_its_shares_and_blind_to_row_order(lesions, seed, share, random):
    split = FRACTIONS | {"seed": seed, "test": share, "validation": share}
    manifest, excluded = split_patients(lesions, split)
    assert excluded.empty
    assert sorted(manifest["image_id"]) == sorted(lesions["image_id"])
    assert (manifest.groupby("patient_id")["partition"].nunique() == 1).all()
    test = (manifest["partition"] == "test").mean()
    validation = (manifest["partition"] == "validation").sum() / (manifest["partition"] != "test").sum()
    # Patients come whole, with up to 4 images: that far from the share a partition may end, and a little for the strata.
    assert abs(test - share) < 0.12
    assert abs(validation - share) < 0.12
    shuffled = lesions.sample(frac=1, random_state=random.randrange(2**32))
    pd.testing.assert_frame_equal(split_patients(shuffled, split)[0], manifest)
    assert not [check for check in audit_split(manifest, lesions, NONE, split) if check["status"] == "fail"]


def test_official_test_rows_stay_test_and_straddlers_leave_training():
    lesions = make_lesions(100, straddlers=20)  # patients 3, 4, 13 and 14: masses in test, calcifications in training
    manifest, excluded = split_patients(lesions, OFFICIAL)
    official = manifest.merge(lesions[["image_id", "official_partition"]], on="image_id")
    assert ((official["official_partition"] == "test") == (official["partition"] == "test")).all()
    assert sorted(excluded["patient_id"].unique()) == ["P_00003", "P_00004", "P_00013", "P_00014"]
    assert set(excluded["reason"]) == {"patient_in_test"}
    assert excluded["image_id"].str.startswith("calcification").all()
    assert len(manifest) + len(excluded) == len(lesions)
    rest = manifest[manifest["partition"] != "test"]
    assert (rest["partition"] == "validation").mean() == pytest.approx(0.2, abs=0.01)


def test_labels_and_kinds_are_in_proportion():
    lesions = make_lesions(300)
    manifest, _ = split_patients(lesions, FRACTIONS)
    shares = manifest.groupby("partition").agg(
        malignant=("label", lambda c: (c == "malignant").mean()), mass=("kind", lambda c: (c == "mass").mean())
    )
    assert (shares - 0.5).abs().to_numpy().max() < 0.02


def test_another_seed_is_another_split():
    lesions = make_lesions(100)
    one, two = (split_patients(lesions, FRACTIONS | {"seed": seed})[0] for seed in (1, 2))
    assert (one["partition"] != two["partition"]).any()


@pytest.mark.parametrize(
    ("lesions", "split", "wanted"),
    [
        (make_lesions(4), FRACTIONS, "4 patients cannot be divided into 5 folds"),
        (make_lesions(100).query("label == 'benign'"), FRACTIONS, "All 200 usable lesions are benign"),
        (make_lesions(100).assign(official_partition=""), OFFICIAL, "names no official partition. Use fractions"),
        (
            make_lesions(100).query("label == 'benign' or official_partition == 'training'"),
            OFFICIAL,
            "test malignant 0",
        ),
        (make_lesions(5), OFFICIAL, "split.validation"),
    ],
)
def test_what_cannot_be_split_is_refused(lesions, split, wanted):
    with pytest.raises(InputError) as error:
        split_patients(lesions, split)
    assert wanted in str(error.value)


def move_a_view(manifest):
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, "partition"] = "test"


def move_a_patient(manifest):
    patient = manifest.loc[manifest["partition"] == "training", "patient_id"].iloc[0]
    manifest.loc[manifest["patient_id"] == patient, "partition"] = "test"


def forget_a_row(manifest):
    return manifest.drop(manifest.index[5])


def turn_a_label(manifest):
    manifest.loc[manifest.index[0], "label"] = {"benign": "malignant", "malignant": "benign"}[manifest["label"].iloc[0]]


def hide_a_patient(manifest):
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, ["patient_id", "partition"]] = ["P_99999", "test"]


PLANTED = {
    move_a_view: {
        "no patients in two partitions",
        "no lesions in two partitions",
        "test is the official test partition",
    },
    move_a_patient: {"test is the official test partition"},
    forget_a_row: {"every usable image is in the manifest or listed as left out"},
    turn_a_label: {"label is the inventory's"},
    hide_a_patient: {
        "patient_id is the inventory's",
        "no lesions in two partitions",
        "test is the official test partition",
    },
}


@pytest.mark.parametrize("spoil", PLANTED, ids=lambda spoil: spoil.__name__)
def test_the_audit_finds_what_is_wrong_with_a_manifest(spoil):
    lesions = make_lesions(100)
    manifest, excluded = split_patients(lesions, OFFICIAL)
    assert {check["status"] for check in audit_split(manifest, lesions, excluded, OFFICIAL)} == {"pass"}
    manifest = manifest if (spoilt := spoil(manifest)) is None else spoilt
    checks = audit_split(manifest, lesions, excluded, OFFICIAL)
    assert {check["name"] for check in checks if check["status"] == "fail"} == PLANTED[spoil]
    with pytest.raises(InputError) as error:
        gate_split({"checks": checks}, "manifest.csv")
    failed = next(check for check in checks if check["status"] == "fail")
    assert failed["found"][0] in str(error.value)  # names the patient or the file
    assert "manifest.csv" in str(error.value)


def test_an_excluded_image_and_a_shared_file_fail_the_audit():
    lesions = make_lesions(100)
    manifest, _ = split_patients(lesions, OFFICIAL)
    excluded = pd.concat([NONE, manifest.head(1)[["image_id", "patient_id"]].assign(reason="cannot_decode", detail="")])
    failed = {
        check["name"]: check["found"]
        for check in audit_split(manifest, lesions, excluded, OFFICIAL)
        if check["status"] == "fail"
    }
    assert failed == {"every image is in the inventory and usable": [manifest["image_id"].iloc[0]]}
    test, training = (manifest.loc[manifest["partition"] == part, "image_id"].iloc[0] for part in ("test", "training"))
    lesions.loc[lesions["image_id"].isin([test, training]), "crop_file"] = "one.jpg"
    failed = {
        check["name"]: check["found"]
        for check in audit_split(manifest, lesions, NONE, OFFICIAL)
        if check["status"] == "fail"
    }
    assert failed == {"no image file in two partitions": ["one.jpg"]}


def test_a_share_that_is_missed_is_a_warning_and_passes_the_gate():
    lesions = make_lesions(100)
    manifest, excluded = split_patients(lesions, OFFICIAL)
    checks = audit_split(manifest, lesions, excluded, OFFICIAL | {"validation": 0.4})
    assert {check["name"] for check in checks if check["status"] == "warn"} == {"shares are as asked, within 0.05"}
    gate_split({"checks": checks}, "manifest.csv")

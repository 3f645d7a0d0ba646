"""The audit of a split, the gate, and how an audit is printed."""

import pandas as pd
import pytest

from helpers.splits import (
    FOLDS,
    FRACTIONS,
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
from mammo.split.audit import CHECKS, MAX_LISTED
from mammo.split.gate import SHOWN, audit_lines, gate_split

IMAGES = make_images(100)
LOST = "every usable image is either in the manifest or listed as excluded"
FOLDS_ASKED = "the manifest holds the folds that were asked for, and no other"


def test_each_check_has_a_name_of_its_own_and_says_what_it_finds():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.function.__doc__ for check in CHECKS)


def test_checks_of_the_whole_manifest_come_first_then_those_of_each_fold():
    manifest, excluded = split_patients(IMAGES, NO_GROUPS, changed(FOLDS, folds=2))
    names = [*audited(manifest, IMAGES, changed(FOLDS, folds=2), excluded)]
    per_fold = [check.name for check in CHECKS if check.per_fold and not check.methods]
    assert names[-2 * len(per_fold) :] == [
        f"{name} (fold {fold})" for fold in range(2) for name in per_fold
    ]
    assert "each image is test in one fold" in names
    assert "test is the official test partition" not in names


def move_a_view(manifest):
    row = manifest.index[manifest["partition"] == "training"][0]
    manifest.loc[row, "partition"] = "test"


def move_a_patient(manifest):
    patient = manifest.loc[manifest["partition"] == "training", "patient_id"].iloc[0]
    manifest.loc[manifest["patient_id"] == patient, "partition"] = "test"


def forget_a_row(manifest):
    return manifest.drop(manifest.index[5])


def turn_a_label(manifest):
    other = {"benign": "malignant", "malignant": "benign"}
    manifest.loc[manifest.index[0], "label"] = other[manifest["label"].iloc[0]]


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


PLANTED = {
    move_a_view: {
        "no patient in two partitions",
        "no lesion in two partitions",
        "test is the official test partition",
    },
    move_a_patient: {"test is the official test partition"},
    forget_a_row: {LOST},
    turn_a_label: {"label is the inventory's"},
    hide_a_patient: {
        "patient_id is the inventory's",
        "no lesion in two partitions",
        "test is the official test partition",
    },
    empty: {FOLDS_ASKED, LOST, "each partition holds both classes"},
    call_the_fold_another: {FOLDS_ASKED, LOST, "each partition holds both classes"},
    take_the_mark_away: {"leaks is what it was made from"},
    change_the_dataset: {"dataset is what it was made from"},
    invent_an_image: {"every image is one that the inventory lists as usable"},
}


@pytest.mark.parametrize("spoil", PLANTED, ids=lambda spoil: spoil.__name__)
def test_the_audit_finds_what_is_wrong_with_a_manifest(spoil):
    manifest, excluded = split_patients(IMAGES, NO_GROUPS, OFFICIAL)
    sound = audited(manifest, IMAGES, OFFICIAL, excluded)
    assert {result["status"] for result in sound.values()} == {"pass"}
    spoilt = spoil(manifest)
    results = audited(manifest if spoilt is None else spoilt, IMAGES, OFFICIAL, excluded)
    assert failed(results) == PLANTED[spoil]
    with pytest.raises(InputError) as error:
        gate_split(as_audit(results), "manifest.csv")
    first = next(result for result in results.values() if result["status"] == "fail")
    assert first["found"][0] in str(error.value)  # names the patient or the file
    assert "manifest.csv" in str(error.value)


def test_an_image_listed_as_excluded_fails_the_audit():
    manifest, _ = split_patients(IMAGES, NO_GROUPS, OFFICIAL)
    excluded = manifest.head(1).assign(reason="patient_in_test", detail="", fold=None)
    results = audited(manifest, IMAGES, OFFICIAL, excluded)
    assert failed(results) == {LOST}
    image = manifest["image_id"].iloc[0]
    assert results[LOST]["found"] == [f"{image} (fold 0): listed as excluded"]


def test_a_shared_file_fails_the_audit():
    images = make_images(100)
    manifest, _ = split_patients(images, NO_GROUPS, OFFICIAL)
    first = manifest.groupby("partition")["image_id"].first()
    images.loc[images["image_id"].isin(first[["test", "training"]]), "file"] = "one.jpg"
    results = audited(manifest, images, OFFICIAL)
    name = "no image file in two partitions"
    assert failed(results) == {name}
    assert results[name]["found"] == ["one.jpg: training and test (fold 0)"]


def test_a_lesion_on_two_whole_images_of_two_partitions_is_found():
    images = make_images(100)
    lesions = images.assign(full_file=images["file"])
    images["lesion_id"] = images["lesion_id"] + ";" + images["lesion_id"] + "_more"
    manifest, _ = split_patients(images, NO_GROUPS, changed(OFFICIAL, by="image"))
    by_lesion = changed(OFFICIAL, by="lesion")
    results = audited(manifest, images, by_lesion, lesions=lesions)
    result = results["no lesion in two partitions"]
    assert result["status"] == "fail"
    assert not any(";" in line for line in result["found"])


def test_a_semicolon_in_a_lesions_name_is_no_list():
    images = make_images(100)
    images["lesion_id"] = "scan;" + images["image_id"]
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert not failed(audited(manifest, images, OFFICIAL, excluded))


def test_patients_whose_names_differ_only_in_case_are_reported():
    images = make_images(100)
    names = {"P_00007": "p_00008"}
    images["patient_id"] = images["patient_id"].replace(names)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    results = audited(manifest, images, OFFICIAL, excluded)
    result = results["patients' names differ by more than the case of letters"]
    assert (result["status"], result["found"]) == ("warn", ["p_00008 = P_00008"])


def test_a_patient_for_each_image_is_reported():
    images = make_images(100).assign(patient_id=lambda images: "of " + images["image_id"])
    manifest, excluded = split_patients(images, NO_GROUPS, FRACTIONS)
    result = audited(manifest, images, FRACTIONS, excluded)[
        "not every image has a patient of its own"
    ]
    assert (result["status"], len(result["found"])) == ("warn", 5)
    assert result["found"][0] == "mass_0_0 is of of mass_0_0"


def test_views_that_disagree_in_label_are_listed_with_what_was_done():
    images = make_images(100)
    images.loc[0, "label"] = "malignant"
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    result = audited(manifest, images, OFFICIAL, excluded)["the views of a lesion agree in label"]
    assert result["status"] == "warn"
    assert result["found"] == [
        "mass_0: mass_0_0 malignant, mass_0_1 benign; each view keeps its own label"
    ]


def test_an_audit_of_a_worthless_manifest_stays_readable():
    images = make_images(800)
    manifest, _ = split_patients(images, NO_GROUPS, OFFICIAL)
    result = audited(manifest.assign(label="benign"), images, OFFICIAL)["label is the inventory's"]
    assert (len(result["found"]), result["more"]) == (MAX_LISTED, 600)


def test_a_test_partition_of_one_class_that_the_dataset_gives_passes_with_a_warning():
    images = IMAGES.query("label == 'benign' or official_partition == 'training'")
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert set(manifest.query("partition == 'test'")["label"]) == {"benign"}
    results = audited(manifest, images, OFFICIAL, excluded)
    given = results["the given test partition holds both classes"]
    assert (given["status"], given["found"]) == ("warn", ["test: no malignant"])
    assert results["each partition holds both classes"]["status"] == "pass"


def test_a_proportion_that_is_missed_is_a_warning_and_passes_the_gate():
    manifest, excluded = split_patients(IMAGES, NO_GROUPS, OFFICIAL)
    results = audited(manifest, IMAGES, changed(OFFICIAL, validation=0.4), excluded)
    warned = {name for name, result in results.items() if result["status"] == "warn"}
    assert warned == {"proportions of partitions are as requested, within 0.05"}
    gate_split(as_audit(results), "manifest.csv")


def test_an_audit_is_printed_with_what_failed_first_and_some_findings():
    def result(name, status, found=(), more=0):
        listed = {"looked_at": "9 images", "found": [*found], "more": more}
        return {"name": name, "status": status} | listed

    checks = [
        result("one", "pass"),
        result("another", "warn", ["a"]),
        result("third", "fail", "abcdefg", more=10),
        result("fourth", "pass"),
    ]
    audit = {"dataset": "fingerprint", "leaks": "leaks patients", "checks": checks}
    assert [*audit_lines(audit, "official")] == [
        "Audit of the split official: 1 fail, 1 warn, 2 pass. Dataset fingerprint.",
        "NOT EVIDENCE OF PERFORMANCE: the split leaks patients.",
        "      check    found  looked at",
        "fail  third       17  9 images",
        *(f"          {finding}" for finding in "abcdefg"[:SHOWN]),
        "          and 12 more, in audit.json",
        "warn  another      1  9 images",
        "          a",
        "pass  one          0  9 images",
        "pass  fourth       0  9 images",
    ]
    assert [*audit_lines(audit | {"leaks": ""}, "official")][1].startswith("      check ")

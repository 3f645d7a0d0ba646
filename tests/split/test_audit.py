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
from mammo.split.checks import BOTH_CLASSES, ONE_PATIENT, SPELLING
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


@pytest.mark.parametrize(
    "other", ["p_00007", "P-7", "P 007", "P\u00a07", "P\u200b_7", "P7", "p.7.0"]
)
def test_names_that_are_probably_one_patients_fail_the_audit(other):
    images = make_images(100)
    images["patient_id"] = images["patient_id"].replace({"P_00008": other})
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    results = audited(manifest, images, OFFICIAL, excluded)
    assert failed(results) == {SPELLING}
    assert results[SPELLING]["found"] == [
        f"'P_00007' = {other!r}; correct the dataset's names, or choose split.patients: as_written"
    ]
    with pytest.raises(InputError, match=r"split\.patients: as_written") as error:
        gate_split(as_audit(results), "manifest.csv")
    assert "'P_00007' = " in str(error.value)
    as_written = audited(manifest, images, changed(OFFICIAL, patients="as_written"), excluded)
    assert as_written[SPELLING]["status"] == "warn"
    assert as_written[SPELLING]["found"] == [
        f"'P_00007' = {other!r}: different patients, by split.patients"
    ]


def test_names_that_differ_in_a_number_or_a_letter_pass():
    images = make_images(100)
    names = {"P_00007": "P1_01", "P_00008": "P10_1", "P_00009": "Q_00008", "P_00010": "P_00008a"}
    images["patient_id"] = images["patient_id"].replace(names)
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert audited(manifest, images, OFFICIAL, excluded)[SPELLING]["status"] == "pass"


def test_a_name_that_is_common_to_many_is_reported():
    images = make_images(100)
    images["patient_id"] = images["patient_id"].mask(images.index >= 150, "left")
    manifest, excluded = split_patients(images, NO_GROUPS, changed(FRACTIONS, by="image"))
    results = audited(manifest, images, changed(FRACTIONS, by="image"), excluded)
    assert results[ONE_PATIENT]["found"] == ["'left': 250 of 400 images"]


def test_numbers_that_begin_anew_in_each_class_are_reported():
    images = make_images(100)
    images["patient_id"] = "case" + (
        images["lesion_id"].str.extract(r"(\d+)$")[0].astype(int) // 2
    ).astype(str)
    manifest, excluded = split_patients(images, NO_GROUPS, FRACTIONS)
    result = audited(manifest, images, FRACTIONS, excluded)[BOTH_CLASSES]
    assert (result["status"], len(result["found"])) == ("warn", 1)
    assert result["found"][0].startswith("50 of 50 patients have images of both classes")


def with_validation(images):
    """The images, a tenth of the patients in an official validation partition."""
    patient = images["patient_id"].str[-1].astype(int)
    partition = images["official_partition"].mask(patient.isin([5, 6]), "validation")
    return images.assign(official_partition=partition)


def test_a_validation_partition_that_the_dataset_gives_is_taken_as_it_is():
    images = with_validation(make_images(100))
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert excluded.empty
    given = manifest.merge(images[["image_id", "official_partition"]], on="image_id")
    assert (given["partition"] == given["official_partition"]).all()
    results = audited(manifest, images, OFFICIAL)
    assert {result["status"] for result in results.values()} == {"pass"}
    move_a_view(manifest)
    row = manifest.index[manifest["partition"] == "validation"][0]
    manifest.loc[row, "partition"] = "training"
    assert "validation is the official validation partition" in failed(
        audited(manifest, images, OFFICIAL)
    )


def test_a_patient_in_several_official_partitions_stays_in_that_nearest_to_test():
    images = with_validation(make_images(100))
    first = images.groupby("patient_id").cumcount() == 0
    for patient, partition in [(5, "test"), (6, "training"), (7, "validation"), (8, "test")]:
        here = first & (images["patient_id"] == f"P_{patient:05}")
        images.loc[here, "official_partition"] = partition
    manifest, excluded = split_patients(images, NO_GROUPS, OFFICIAL)
    assert not failed(audited(manifest, images, OFFICIAL, excluded))
    counts = excluded.groupby(["patient_id", "reason"]).size().to_dict()
    assert counts == {
        ("P_00005", "patient_in_test"): 3,
        ("P_00006", "patient_in_validation"): 1,
        ("P_00007", "patient_in_validation"): 3,
        ("P_00008", "patient_in_test"): 3,
    }
    of_five = excluded.loc[excluded["patient_id"] == "P_00005", "detail"]
    assert of_five.str.startswith("an official validation row of a patient").all()


def test_a_duplicate_of_a_given_validation_image_leaves_training():
    images = with_validation(make_images(100))
    first = images.groupby("official_partition")["image_id"].first()
    pair = [first["validation"], first["training"]]
    groups = pd.DataFrame({"image_id": pair, "group": "one", "uninformative": False})
    excluded = split_patients(images, groups, OFFICIAL).excluded
    assert excluded["reason"].tolist() == ["duplicate_of_validation"]
    assert excluded["image_id"].tolist() == [first["training"]]


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

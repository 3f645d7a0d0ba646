"""The checks of the audit. To add one, write a function of the evidence with @check above it.

Each compares the manifest as written with the tables it was made from, and returns what it looked
at and what is wrong. The audit lists them in their order here, those of each fold last.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, Self

import pandas as pd

from mammo.dataset.patients import alike, count_patients
from mammo.log import short
from mammo.split.groups import MAX_SIMILAR, groups_of_images
from mammo.split.settings import Split
from mammo.tables import left_in
from mammo.words import CLASSES, PARTITIONS

Severity = Literal["fail", "warn"]
MOST_OF_A_PATIENT = 10  # names of one patient that are listed


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: tables of mammo.tables, and the settings of the split.

    manifest and excluded are the split's own. images, lesions and duplicates are what it was made
    from. In the evidence of one fold (`of_fold`), the manifest holds that fold alone.
    """

    manifest: pd.DataFrame
    images: pd.DataFrame
    lesions: pd.DataFrame
    duplicates: pd.DataFrame
    excluded: pd.DataFrame
    split: Split

    @property
    def folds(self) -> range:
        """The folds that the manifest must hold."""
        return range(self.split.number_of_folds)

    @property
    def extent(self) -> str:
        """'800 rows, 1 fold(s)'."""
        return f"{len(self.manifest)} rows, {len(self.folds)} fold(s)"

    @property
    def gives_validation(self) -> bool:
        """Whether the dataset itself says which images are validation."""
        return bool((self.images["official_partition"] == "validation").any())

    def in_inventory(self, column: str) -> pd.Series:
        """What the inventory says of each row of the manifest; missing if it lacks the image."""
        return self.manifest["image_id"].map(self.images_by_id[column])

    @cached_property
    def images_by_id(self) -> pd.DataFrame:
        """The images of the inventory, with image_id as index."""
        return self.images.set_index("image_id")

    @cached_property
    def groups(self) -> pd.DataFrame:
        """The groups of duplicate images, as groups_of_images returns them."""
        return groups_of_images(self.duplicates, self.images, self.lesions)

    @cached_property
    def informative(self) -> pd.DataFrame:
        """The groups of duplicates on which the split acts."""
        return self.groups[~self.groups["uninformative"]]

    @cached_property
    def grouped(self) -> pd.DataFrame:
        """The rows of the manifest that are in informative groups of duplicates."""
        return self.informative.merge(self.manifest, on="image_id")

    @property
    def pairs(self) -> str:
        """'3 pairs of files, 5 images, 1 fold(s)'."""
        images = self.informative["image_id"].nunique()
        return f"{len(self.duplicates)} pairs of files, {images} images, {len(self.folds)} fold(s)"

    def of_fold(self, fold: int) -> Self:
        """The evidence of one fold."""
        return replace(self, manifest=self.manifest[self.manifest["fold"] == fold])


class Finding(NamedTuple):
    """What a check looked at, and what is wrong, one text each."""

    looked_at: str
    found: Iterable[str]


CheckFunction = Callable[[Evidence], Finding]


@dataclass(frozen=True)
class Check:
    """A check of the audit.

    severity is its status if it finds something; it is only a warning in splits that tolerate what
    it finds. methods are the values of split.method that it applies to, () for all. A check per
    fold gets the evidence of each fold.
    """

    name: str
    function: CheckFunction
    severity: Severity = "fail"
    tolerated: Callable[[Split], bool] | None = None
    methods: tuple[str, ...] = ()
    per_fold: bool = False

    def applies_to(self, split: Split) -> bool:
        """Whether a split is checked for this."""
        return not self.methods or split.method in self.methods

    def severity_in(self, split: Split) -> Severity:
        """The status of a check that finds something in such a split."""
        return "warn" if self.tolerated and self.tolerated(split) else self.severity


REGISTERED: list[Check] = []


def check(
    name: str,
    severity: Severity = "fail",
    *,
    tolerated: Callable[[Split], bool] | None = None,
    methods: tuple[str, ...] = (),
    per_fold: bool = False,
) -> Callable[[CheckFunction], CheckFunction]:
    """Make a function of the evidence a check of the audit; see Check for the arguments."""

    def register(function: CheckFunction) -> CheckFunction:
        REGISTERED.append(Check(name, function, severity, tolerated, methods, per_fold))
        return function

    return register


# Nothing is in two partitions of a fold. What is makes every result of the split worthless.


@check("no patient in two partitions", tolerated=lambda split: split.by != "patient")
def patients_in_two_partitions(evidence: Evidence) -> Finding:
    """Tolerated in a split by lesion or image, which leaks on purpose."""
    return _in_two_partitions(evidence, evidence.manifest, "patient_id", "patients")


@check("no lesion in two partitions", tolerated=lambda split: split.by == "image")
def lesions_in_two_partitions(evidence: Evidence) -> Finding:
    """A whole image carries several lesions, joined by ; which may also stand in a name."""
    names = set(evidence.lesions["lesion_id"])
    ids = evidence.manifest["lesion_id"]
    lists = [[text] if text in names else text.split(";") for text in ids]
    rows = evidence.manifest.assign(lesion_id=lists).explode("lesion_id")
    return _in_two_partitions(evidence, rows, "lesion_id", "lesions")


@check("no image file in two partitions", tolerated=lambda split: split.by != "patient")
def files_in_two_partitions(evidence: Evidence) -> Finding:
    """Two images of one file, of which the dataset's tables are wrong about one.

    Tolerated in a split by lesion or image, which tears apart the findings on one image.
    """
    rows = evidence.manifest.assign(file=evidence.in_inventory("file"))
    return _in_two_partitions(evidence, rows, "file", "image files")


def _in_two_partitions(evidence: Evidence, rows: pd.DataFrame, column: str, noun: str) -> Finding:
    """'P_1: training and test (fold 0)' for each value of a column."""
    pairs = rows[["fold", column, "partition"]].drop_duplicates()
    pairs = pairs[pairs.duplicated(["fold", column], keep=False)]
    found = [
        f"{value}: {' and '.join(sorted(partitions, key=PARTITIONS.index))} (fold {fold})"
        for (fold, value), partitions in pairs.groupby(["fold", column])["partition"]
    ]
    return Finding(f"{rows[column].nunique()} {noun}, {len(evidence.folds)} fold(s)", found)


# Duplicates: images that differ in name, not in what they show.


@check("no duplicates in two partitions", tolerated=lambda split: bool(split.leaks))
def duplicates_in_two_partitions(evidence: Evidence) -> Finding:
    """An image in training and its duplicate in test."""
    return Finding(evidence.pairs, _groups_in_two_partitions(evidence.grouped))


@check("no duplicates within a partition", "warn")
def duplicates_within_a_partition(evidence: Evidence) -> Finding:
    """Images of different files; two lesions of one film are not duplicates."""
    place = ["fold", "partition", "group"]
    rows = evidence.grouped
    several = rows.groupby(place)["file"].transform("nunique") > 1
    found = rows[several].groupby(place)["image_id"].agg(" = ".join)
    return Finding(evidence.pairs, [f"{where[1]}: {ids}" for where, ids in found.items()])


@check("duplicates agree in label", "warn")
def duplicates_that_disagree_in_label(evidence: Evidence) -> Finding:
    """The labels of images whose own files are duplicates."""
    rows = evidence.informative[evidence.informative["own_file"]]
    rows = rows.merge(evidence.images[["image_id", "label"]], on="image_id")
    rows = rows[rows.groupby("group")["label"].transform("nunique") > 1]
    return Finding(evidence.pairs, _labels(rows.sort_values(["group", "image_id"]), "group"))


@check("no duplicates had to be excluded", "warn")
def excluded_duplicates(evidence: Evidence) -> Finding:
    """Excluded images of which a duplicate is in the manifest."""
    reasons = evidence.excluded[["image_id", "reason"]].drop_duplicates()
    kept = evidence.grouped[["group", "image_id", "partition"]]
    rows = evidence.informative.merge(reasons, on="image_id")
    rows = rows.merge(kept, on="group", suffixes=("", "_kept"))
    rows = rows[rows["image_id"] != rows["image_id_kept"]].drop_duplicates("image_id")
    excluded = rows["image_id"] + " (" + rows["reason"] + ")"
    return Finding(
        evidence.pairs,
        excluded + ", duplicate of " + rows["image_id_kept"] + " in " + rows["partition"],
    )


@check(
    "no near-duplicates in two partitions, where more than "
    f"{100 * MAX_SIMILAR:.0f} % of all images are similar",
    tolerated=lambda split: bool(split.leaks) or split.duplicates != "fail",
)
def uninformative_duplicates_in_two_partitions(evidence: Evidence) -> Finding:
    """All of them are listed. They fail the audit only where duplicates must, whatever they are."""
    rows = evidence.groups[evidence.groups["uninformative"]].merge(evidence.manifest, on="image_id")
    return Finding(evidence.pairs, _groups_in_two_partitions(rows))


def _groups_in_two_partitions(rows: pd.DataFrame) -> pd.Series:
    """'image (training) = image (test)' for each group of duplicates in several partitions."""
    several = rows.groupby(["fold", "group"])["partition"].transform("nunique") > 1
    placed = rows["image_id"] + " (" + rows["partition"] + ")"
    return placed[several].groupby([rows["fold"], rows["group"]]).agg(" = ".join)


# The manifest is complete, holds nothing else, and says what the inventory says.


@check("the manifest holds the folds that were asked for, and no other")
def missing_and_other_folds(evidence: Evidence) -> Finding:
    """Folds that are missing, and folds that nobody asked for."""
    wrong = {*evidence.folds} ^ {*evidence.manifest["fold"].tolist()}
    return Finding(evidence.extent, [f"fold {fold}" for fold in sorted(wrong)])


@check("dataset is what it was made from")
def other_datasets(evidence: Evidence) -> Finding:
    """Rows with the fingerprint of another dataset."""
    return _other_values(evidence, "dataset", evidence.images["dataset"].iloc[0])


@check("leaks is what it was made from")
def wrong_marks_of_leaks(evidence: Evidence) -> Finding:
    """Rows that do not say that the split leaks, or say it of one that does not."""
    return _other_values(evidence, "leaks", evidence.split.leaks)


def _other_values(evidence: Evidence, column: str, wanted: str) -> Finding:
    values = evidence.manifest[column]
    wrong = values[values != wanted].drop_duplicates()
    return Finding(evidence.extent, [f"{value!r}, not {wanted!r}" for value in wrong])


@check("every image is one that the inventory lists as usable")
def unknown_images(evidence: Evidence) -> Finding:
    """Images of the manifest that images.csv does not hold."""
    unknown = evidence.in_inventory("file").isna()
    return Finding(evidence.extent, evidence.manifest.loc[unknown, "image_id"].drop_duplicates())


@check("every usable image is either in the manifest or listed as excluded")
def lost_images(evidence: Evidence) -> Finding:
    """Images that are in neither of the two, or in both."""
    images, excluded = evidence.images, evidence.excluded
    found: list[str] = []
    for fold in evidence.folds:
        manifest = evidence.manifest[evidence.manifest["fold"] == fold]
        out = excluded[excluded["fold"].isna() | (excluded["fold"] == fold)]
        usable = left_in(images, out)["image_id"]
        lost = usable[~usable.isin(manifest["image_id"])]
        both = manifest.loc[manifest["image_id"].isin(out["image_id"]), "image_id"]
        found.extend(lost + f" (fold {fold})")
        found.extend(both + f" (fold {fold}): listed as excluded")
    return Finding(f"{len(images)} usable images", found)


@check("patient_id is the inventory's")
def wrong_patients(evidence: Evidence) -> Finding:
    """Rows with another patient than the inventory's."""
    return _not_the_inventorys(evidence, "patient_id")


@check("lesion_id is the inventory's")
def wrong_lesions(evidence: Evidence) -> Finding:
    """Rows with another lesion than the inventory's."""
    return _not_the_inventorys(evidence, "lesion_id")


@check("label is the inventory's")
def wrong_labels(evidence: Evidence) -> Finding:
    """Rows with another label than the inventory's."""
    return _not_the_inventorys(evidence, "label")


@check("kind is the inventory's")
def wrong_kinds(evidence: Evidence) -> Finding:
    """Rows with another kind of lesion than the inventory's."""
    return _not_the_inventorys(evidence, "kind")


def _not_the_inventorys(evidence: Evidence, column: str) -> Finding:
    known = evidence.in_inventory(column)
    wrong = evidence.manifest[(evidence.manifest[column] != known) & known.notna()]
    return Finding(evidence.extent, wrong["image_id"] + ": " + wrong[column])


@check("test is the official test partition", methods=("official",))
def moved_test_images(evidence: Evidence) -> Finding:
    """Images in test that are not in the official one, and the other way round."""
    official = evidence.in_inventory("official_partition") == "test"
    moved = official != (evidence.manifest["partition"] == "test")
    return Finding(evidence.extent, evidence.manifest.loc[moved, "image_id"])


@check("validation is the official validation partition", methods=("official",))
def moved_validation_images(evidence: Evidence) -> Finding:
    """Images that left the validation partition that the dataset gives, or joined it."""
    official = evidence.in_inventory("official_partition") == "validation"
    moved = official != (evidence.manifest["partition"] == "validation")
    if not evidence.gives_validation:
        return Finding("the dataset gives none", [])
    return Finding(evidence.extent, evidence.manifest.loc[moved, "image_id"])


@check("each image is test in one fold", methods=("folds",))
def not_once_in_test(evidence: Evidence) -> Finding:
    """Images that are in test in no fold, or in several."""
    test = evidence.manifest.loc[evidence.manifest["partition"] == "test", "image_id"]
    times = test.value_counts().reindex(evidence.images["image_id"], fill_value=0)
    return Finding(evidence.extent, [f"{name}: in {n}" for name, n in times[times != 1].items()])


# The dataset itself: what no split can mend, and a reader must know.


# What the checks below find makes it uncertain whether a patient is in one partition alone.
SPELLING = "patients' names differ by more than their spelling"
OWN_PATIENT = "not every image has a patient of its own"
ONE_PATIENT = "no patient has more than half of the images"
BOTH_CLASSES = "patients are not numbered anew in each class"


@check(SPELLING, tolerated=lambda split: split.patients == "as_written" or bool(split.leaks))
def names_that_differ_in_spelling(evidence: Evidence) -> Finding:
    """'P_1' = 'P-1': names with the same letters and numbers are probably one patient's."""
    names = evidence.images["patient_id"].unique()
    way_out = "; correct the dataset's names, or choose split.patients: as_written"
    taken = evidence.split.patients == "as_written"
    said = ": different patients, by split.patients" if taken else way_out
    return Finding(
        f"{len(names)} patients",
        [" = ".join(map(short, group[:MOST_OF_A_PATIENT])) + said for group in alike(names)],
    )


@check(OWN_PATIENT, "warn")
def a_patient_per_image(evidence: Evidence) -> Finding:
    """The patient was probably not given: the first images, if each has a patient of its own."""
    images = evidence.images
    found = images["image_id"] + " is of " + images["patient_id"]
    own = count_patients(images).one_per_image
    return Finding(f"{len(images)} images", found.head(5 if own else 0))


@check(ONE_PATIENT, "warn")
def a_patient_of_most_images(evidence: Evidence) -> Finding:
    """The name is probably not a patient's, but common to many."""
    patients = count_patients(evidence.images)
    found = f"{short(patients.largest)}: {patients.images_of_largest} of {patients.images} images"
    return Finding(f"{patients.number} patients", [found] if patients.mostly_one else [])


@check(BOTH_CLASSES, "warn")
def patients_of_both_classes(evidence: Evidence) -> Finding:
    """Patients may be numbered anew in each class, so that a name is two people's."""
    patients = count_patients(evidence.images)
    found = (
        f"{patients.both_classes} of {patients.number} patients have images of both classes: a name"
        " may be two people's"
    )
    return Finding(
        f"{patients.number} patients", [found] if patients.mostly_of_both_classes else []
    )


@check("the views of a lesion agree in label", "warn")
def views_that_disagree_in_label(evidence: Evidence) -> Finding:
    """'lesion: view benign, view malignant', among the lesions of usable images."""
    lesions, images = evidence.lesions, evidence.images
    used = lesions["image_id"].isin(images["image_id"]) | lesions["full_file"].isin(images["file"])
    rows = lesions[used]
    labels = rows[["lesion_id", "label"]].drop_duplicates()
    disagree = labels.loc[labels.duplicated("lesion_id"), "lesion_id"]
    views = _labels(rows[rows["lesion_id"].isin(disagree)], "lesion_id")
    return Finding(
        f"{lesions['lesion_id'].nunique()} lesions",
        [f"{lesion}: {texts}; each view keeps its own label" for lesion, texts in views.items()],
    )


def _labels(rows: pd.DataFrame, by: str) -> pd.Series:
    """'image benign, image malignant' for each value of the column `by`."""
    return (rows["image_id"] + " " + rows["label"]).groupby(rows[by]).agg(", ".join)


# The partitions of a fold: large enough, and alike.


@check("each partition holds both classes", per_fold=True)
def missing_classes(evidence: Evidence) -> Finding:
    """The assignment can mend any partition but a test partition that the dataset gives."""
    counts = _counts(evidence)
    given = evidence.split.method == "official" and counts["test"].any()
    drawn = counts.drop("test", level=0) if given else counts
    return Finding(f"{len(PARTITIONS)} partitions", _empty(drawn))


@check("the given test partition holds both classes", "warn", methods=("official",), per_fold=True)
def missing_classes_in_official_test(evidence: Evidence) -> Finding:
    """Metrics that a missing class leaves undefined will have no value."""
    test = _counts(evidence).loc[["test"]]
    return Finding(f"{test.sum()} images", _empty(test) if test.any() else [])


def _counts(evidence: Evidence) -> pd.Series:
    """The number of images of each (partition, label), 0 included."""
    counts = evidence.manifest.groupby(["partition", "label"]).size()
    return counts.reindex(pd.MultiIndex.from_product([PARTITIONS, CLASSES]), fill_value=0)


def _empty(counts: pd.Series) -> list[str]:
    """'test: no malignant' for each class that a partition lacks."""
    return [f"{partition}: no {label}" for partition, label in counts.index[counts == 0]]


@check("proportions of partitions are as requested, within 0.05", "warn", per_fold=True)
def proportions_of_partitions(evidence: Evidence) -> Finding:
    """Whole patients may make a partition larger or smaller than was requested."""
    split, total = evidence.split, len(evidence.manifest)
    sizes = evidence.manifest["partition"].value_counts().reindex(PARTITIONS, fill_value=0)
    not_test = total - sizes["test"]
    compared = {"validation": (sizes["validation"] / max(not_test, 1), split.validation)}
    if split.method == "official" and evidence.gives_validation:
        compared = {}
    if split.method != "official":
        requested_test = 1 / split.folds if split.method == "folds" else split.test
        compared["test"] = (sizes["test"] / max(total, 1), requested_test)
    found = [
        f"{partition}: {proportion:.3f}, requested {requested:g}"
        for partition, (proportion, requested) in compared.items()
        if abs(proportion - requested) > 0.05
    ]
    return Finding(f"{len(compared)} proportion(s) of the images", found)


@check(
    "training and validation agree in the proportion of malignant images, within 0.1",
    "warn",
    per_fold=True,
)
def proportions_of_malignant(evidence: Evidence) -> Finding:
    """For each kind of lesion; a kind that one of the two lacks is listed too."""
    manifest = evidence.manifest
    malignant = (manifest["label"] == "malignant").groupby(
        [manifest["kind"], manifest["partition"]]
    )
    table = malignant.mean().unstack().reindex(columns=PARTITIONS)
    close = (table["training"] - table["validation"]).abs() <= 0.1
    found = [
        f"{kind or 'all'}: {row['training']:.2f} in training, {row['validation']:.2f} in validation"
        for kind, row in table[~close].iterrows()
    ]
    return Finding(f"{len(table)} kind(s)", found)

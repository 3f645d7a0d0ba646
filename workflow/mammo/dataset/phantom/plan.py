"""What a synthetic dataset consists of, before anything is drawn: lesions, files, planted traps.

Each function draws from a Generator of its own, in a fixed order: the same seed gives the same
dataset.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mammo.dataset.layout import KINDS as KINDS_OF_TABLES
from mammo.dataset.layout import PARTITIONS as PARTS
from mammo.dataset.phantom.drawing import seeded

KINDS = list(KINDS_OF_TABLES.values())
PARTITIONS = list(PARTS.values())
VIEWS = ("CC", "MLO")
OTHER = {"LEFT": "RIGHT", "RIGHT": "LEFT"}
RADIUS = (21, 42)  # of a lesion, in pixels
# The standard deviation that a lesion adds to its surroundings, in grey levels.
CONTRAST = {"mass": (24, 31), "calcification": (22, 29)}
MALIGNANT = 0.45  # fraction of the lesions
QUALITY = 90  # of the JPEGs
# What a radiologist writes of a lesion, by its kind and whether it is drawn as malignant: shape and
# margins of a mass, type and distribution of calcifications.
WORDS = {
    ("mass", False): (
        ["ROUND", "OVAL", "LOBULATED"],
        ["CIRCUMSCRIBED", "OBSCURED", "N/A"],
    ),
    ("mass", True): (
        ["IRREGULAR", "IRREGULAR-ARCHITECTURAL_DISTORTION"],
        ["SPICULATED", "ILL_DEFINED"],
    ),
    ("calcification", False): (
        ["COARSE", "ROUND_AND_REGULAR"],
        ["DIFFUSELY_SCATTERED", "REGIONAL", "N/A"],
    ),
    ("calcification", True): (
        ["PLEOMORPHIC", "FINE_LINEAR_BRANCHING"],
        ["CLUSTERED", "LINEAR"],
    ),
}
# BI-RADS by label, and its probabilities; 0 is "not given". Alone it reaches an AUROC of about 0.8.
ASSESSMENTS = {
    True: ([0, 2, 3, 4, 5], [0.04, 0.01, 0.05, 0.5, 0.4]),
    False: ([0, 2, 3, 4, 5], [0.08, 0.2, 0.22, 0.47, 0.03]),
}
DENSITIES = [0.01, 0.19, 0.4, 0.28, 0.12]  # probabilities of 0 to 4
SUBTLETIES = [0.01, 0.05, 0.14, 0.25, 0.25, 0.3]  # probabilities of 0 to 5


class Trap(NamedTuple):
    """A row of planted.csv: something odd that the dataset holds, as the real one does."""

    trap: str
    image_id: str = ""
    file: str = ""
    detail: str = ""


@dataclass
class Lesion:
    """A lesion. What can differ between its views is a dict with a key for each view."""

    patient: str
    kind: str  # mass or calcification
    partition: str
    side: str
    number: int  # of its kind on this side of the patient
    malignant: dict[str, bool]
    # Set by describe_lesions.
    drawn: dict[str, bool] = field(default_factory=dict)  # whether it is drawn as malignant
    pathology: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    radius: float = 0
    contrast: float = 0
    assessment: int = 0
    density: int = 0
    subtlety: int = 0

    def image_id(self, view: str) -> str:
        """The name of a view of the lesion, as the inventory will give it."""
        return f"{self.kind}_{self.patient}_{self.side}_{view}_{self.number}"


@dataclass
class File:
    """An image file that is to be drawn."""

    file: str  # its path
    role: str  # crop, mask or full
    lesion: Lesion
    view: str
    series: str
    study: str
    quality: int = QUALITY
    truncated: bool = False


class Listing(NamedTuple):
    """A row of a case table: a lesion in a view, and where its images are said to be."""

    lesion: Lesion
    view: str
    paths: list[str]  # full image, crop, mask


def uid(*key: object) -> str:
    """A DICOM UID in the root for UUIDs, 2.25, that depends on the key alone."""
    return f"2.25.{int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:15], 'big')}"


def plan_lesions(patients: int, seed: int, planted: list[Trap]) -> list[Lesion]:
    """Every lesion with its labels. What is odd about them is added to `planted`."""
    rng = seeded(seed, "lesions")
    lesions: list[Lesion] = []
    numbers: Counter = Counter()

    def add(patient, kind, partition, side, malignant, views=VIEWS):
        numbers[patient, kind, side] += 1
        labels = dict.fromkeys(views, malignant)
        number = numbers[patient, kind, side]
        lesions.append(Lesion(patient, kind, partition, side, number, labels))
        return lesions[-1]

    for i in range(patients):
        patient, side = f"P_{i + 1:05}", str(rng.choice(list(OTHER)))
        kind, partition = KINDS[i % 2], "test" if i % 10 in (3, 8) else "training"
        views = VIEWS if rng.random() < 0.85 else (str(rng.choice(VIEWS)),)
        add(patient, kind, partition, side, i // 2 % 9 in (0, 2, 5, 7), views)  # 4 of 9
        add(patient, kind, partition, OTHER[side], rng.random() < MALIGNANT)
        if rng.random() < 0.4:
            add(patient, kind, partition, side, rng.random() < MALIGNANT)

    masses = _masses_in_both_views(lesions)
    # The same scan is listed with masses and with calcifications.
    for i, mass in enumerate(masses[: max(3, patients // 40)]):
        partition = "training" if i == 0 else "test"
        malignant = rng.random() < MALIGNANT
        other = add(mass.patient, "calcification", partition, mass.side, malignant)
        if partition == "test":
            detail = f"{mass.patient}: a mass in training, a calcification in test"
            planted.append(Trap("patient_in_both_partitions", detail=detail))
        for view in VIEWS:
            detail = "once with masses, once with calcifications, encoded anew"
            planted.append(Trap("scan_listed_twice", other.image_id(view), detail=detail))
    last, last_but_one = masses[-1], masses[-2]
    mixed = add(last.patient, "mass", "training", last.side, not last.malignant["CC"])
    for view in VIEWS:
        planted.append(Trap("full_image_with_both_classes", mixed.image_id(view)))
    last_but_one.malignant = {"CC": True, "MLO": False}
    name, detail = last_but_one.image_id("MLO"), "malignant in CC, benign in MLO"
    planted.append(Trap("label_differs_between_views", name, detail=detail))
    return lesions


def _masses_in_both_views(lesions: list[Lesion]) -> list[Lesion]:
    """The last mass of each patient in training that has two views."""
    found = {}
    for lesion in lesions:
        if lesion.kind == "mass" and lesion.partition == "training" and len(lesion.malignant) == 2:
            found[lesion.patient] = lesion
    return list(found.values())


def describe_lesions(
    lesions: list[Lesion], lookalikes: float, seed: int, planted: list[Trap]
) -> None:
    """Set how each lesion is drawn, and what radiologists and pathologists say of it."""
    rng = seeded(seed, "descriptions")
    _choose_lookalikes(rng, lesions, lookalikes, planted)
    for lesion in lesions:
        benign = "BENIGN_WITHOUT_CALLBACK" if rng.random() < 0.3 else "BENIGN"
        values, chances = ASSESSMENTS[all(lesion.malignant.values())]
        lesion.radius = rng.uniform(*RADIUS)
        lesion.contrast = rng.uniform(*CONTRAST[lesion.kind])
        for view, malignant in lesion.malignant.items():
            lesion.pathology[view] = "MALIGNANT" if malignant else benign
        lesion.assessment = int(rng.choice(values, p=chances))
        lesion.density = int(rng.choice(5, p=DENSITIES))
        lesion.subtlety = int(rng.choice(6, p=SUBTLETIES))
        for view, malignant in lesion.drawn.items():
            columns = WORDS[lesion.kind, malignant]
            lesion.words[view] = [str(rng.choice(column)) for column in columns]


def _choose_lookalikes(
    rng: np.random.Generator, lesions: list[Lesion], lookalikes: float, planted: list[Trap]
) -> None:
    """Set `drawn`: as labelled, but for a fraction of each class, drawn like the other class."""
    groups: dict[tuple, list[Lesion]] = {}
    for lesion in lesions:
        lesion.drawn = dict(lesion.malignant)
        labels = set(lesion.malignant.values())
        if len(labels) == 1:  # where the views differ, each is drawn as it is labelled
            groups.setdefault((lesion.partition, lesion.kind, *labels), []).append(lesion)
    owed = 0.0  # what is rounded off in one group is made up for in the next
    for _, group in sorted(groups.items()):
        owed += lookalikes * len(group)
        chosen = [group[i] for i in rng.permutation(len(group))[: round(owed)]]
        owed -= len(chosen)
        for lesion in chosen:
            for view, malignant in lesion.malignant.items():
                lesion.drawn[view] = not malignant
                detail = "malignant, drawn benign" if malignant else "benign, drawn malignant"
                planted.append(Trap("drawn_like_other_class", lesion.image_id(view), detail=detail))


def plan_files(
    lesions: list[Lesion], seed: int, planted: list[Trap]
) -> tuple[list[File], list[Listing]]:
    """Every file, and the rows of the case tables in their order."""
    rng = seeded(seed, "files")
    files: list[File] = []
    listings: list[Listing] = []
    fulls: dict[str, list[str]] = {}  # the series of whole images, by their study
    truncated, swapped, missing = _images_with_traps(lesions)

    def put(lesion: Lesion, view: str, role: str, series: str, study: str, number: int) -> File:
        # Names repeat across folders, as on Kaggle.
        file = f"jpeg/{series}/{number}-{rng.integers(1, 600):03}.jpg"
        files.append(File(file, role, lesion, view, series, study))
        return files[-1]

    for lesion in lesions:
        for view in lesion.drawn:
            this = lesion.image_id(view)
            apart = this == swapped or (this not in (truncated, missing) and rng.random() < 0.05)
            order = [0, 0]  # of crop and mask in their folders
            if not apart:
                order = [0, 1] if rng.random() < 0.5 else [1, 0]
            crop, mask = uid(seed, "crop", this), uid(seed, "mask" if apart else "crop", this)
            scan = (lesion.patient, lesion.side, view)
            full_study, study = uid(seed, "study", *scan), uid(seed, "study", this)
            full = uid(seed, "full", *scan, lesion.kind, lesion.partition)
            encoded = fulls.setdefault(full_study, [])
            if full not in encoded:
                put(lesion, view, "full", full, full_study, 1).quality -= 5 * len(encoded)
                encoded.append(full)
            if this == missing:
                detail = "neither crop nor mask is there"
                planted.append(Trap("missing_series", this, f"jpeg/{crop}", detail))
            else:
                crop_file = put(lesion, view, "crop", crop, study, order[0] + 1)
                put(lesion, view, "mask", mask, study, order[1] + 1)
                trap = "separate_folders" if apart else ["crop_first", "mask_first"][order[0]]
                planted.append(Trap(trap, this, crop_file.file))
                if this == truncated:
                    crop_file.truncated = True
                    detail = "its header is sound, half of its data is missing"
                    planted.append(Trap("truncated_jpeg", this, crop_file.file, detail))
                if this == swapped:
                    crop, mask = mask, crop
                    detail = "the table's crop column names the mask's series, and the reverse"
                    planted.append(Trap("swapped_pair", this, crop_file.file, detail))
            name = scan_name(lesion, view)
            paths = [f"{name}/{full_study}/{full}/000000.dcm"]
            for series, number in zip((crop, mask), order, strict=True):
                paths.append(f"{name}_{lesion.number}/{study}/{series}/{number:06}.dcm")
            paths[rng.integers(1, 3)] += "\n"  # one in every row, as published
            listings.append(Listing(lesion, view, paths))
    detail = "one path of every row of the four case tables"
    planted.append(Trap("newline_in_path", detail=detail))
    return files, listings


def _images_with_traps(lesions: list[Lesion]) -> tuple[str, str, str]:
    """The images whose crop is truncated, whose series are swapped, and whose series is missing."""
    training: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for lesion in lesions:
        if lesion.partition == "training":
            training[lesion.kind] += [lesion.image_id(view) for view in lesion.drawn]
    return training["mass"][4], training["calcification"][4], training["calcification"][7]


def scan_name(lesion: Lesion, view: str) -> str:
    """What the published paths and the DICOM PatientID call a scan.

    For a crop and its mask, the lesion's number is added.
    """
    kind = {name: short for short, name in KINDS_OF_TABLES.items()}[lesion.kind]
    part = f"{kind.title()}-{lesion.partition.title()}"
    return f"{part}_{lesion.patient}_{lesion.side}_{view}"

"""Make the phantom edition: a small CBIS-DDSM in the Kaggle layout, drawn from a seed, with the real set's traps planted.

The best AUROC to expect is 1 - lookalikes: of each class that share of lesions is drawn like the other class, so
whoever tells every drawing right has sensitivity and specificity 1 - lookalikes, and the area under the ROC curve through
that one point is 1 - lookalikes too.
"""

import hashlib
import io
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from PIL import Image

from mammo.dataset.phantom import drawing as phantom
from mammo.dataset.phantom.tables import (
    KINDS,
    PARTITIONS,
    case_row,
    dicom_info_row,
    image_id,
    meta_row,
    scan_name,
    write_csv,
)
from mammo.log import InputError

VIEWS = ("CC", "MLO")
OTHER = {"LEFT": "RIGHT", "RIGHT": "LEFT"}
RADIUS = (21, 42)  # of a lesion, in pixels
CONTRAST = {
    "mass": (24, 31),
    "calcification": (22, 29),
}  # standard deviation that a lesion adds, in grey levels
MALIGNANT = 0.45  # share of the lesions
QUALITY = 90  # of the JPEGs
# What a reader writes of a lesion, by how it is drawn: shape and margins of a mass, type and distribution of calcifications.
WORDS = {
    ("mass", False): (["ROUND", "OVAL", "LOBULATED"], ["CIRCUMSCRIBED", "OBSCURED", "N/A"]),
    ("mass", True): (
        ["IRREGULAR", "IRREGULAR-ARCHITECTURAL_DISTORTION"],
        ["SPICULATED", "ILL_DEFINED"],
    ),
    ("calcification", False): (
        ["COARSE", "ROUND_AND_REGULAR"],
        ["DIFFUSELY_SCATTERED", "REGIONAL", "N/A"],
    ),
    ("calcification", True): (["PLEOMORPHIC", "FINE_LINEAR_BRANCHING"], ["CLUSTERED", "LINEAR"]),
}
# BI-RADS by label; 0 is "not given". Alone it reaches an AUROC of about 0.8.
ASSESSMENTS = {
    True: ([0, 2, 3, 4, 5], [0.04, 0.01, 0.05, 0.5, 0.4]),
    False: ([0, 2, 3, 4, 5], [0.08, 0.2, 0.22, 0.47, 0.03]),
}


def uid(*key):
    """A DICOM UID in the root for UUIDs, 2.25, that depends on the key alone."""
    return f"2.25.{int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:15], 'big')}"


def plan_lesions(patients, seed, plant):
    """Every lesion as a dict; in `malignant`, a label for each of its views. `plant` notes what is odd about them."""
    rng = phantom.seeded(seed, "lesions")
    lesions, numbers = [], Counter()

    def add(patient, kind, partition, side, malignant, views=VIEWS):
        numbers[patient, kind, side] += 1
        lesion = {"patient": patient, "kind": kind, "partition": partition, "side": side}
        lesion |= {
            "number": numbers[patient, kind, side],
            "malignant": dict.fromkeys(views, malignant),
        }
        lesions.append(lesion)
        return lesion

    for i in range(patients):
        patient, side = f"P_{i + 1:05}", str(rng.choice(list(OTHER)))
        kind, partition = list(KINDS)[i % 2], "test" if i % 10 in (3, 8) else "training"
        views = VIEWS if rng.random() < 0.85 else (str(rng.choice(VIEWS)),)
        add(patient, kind, partition, side, i // 2 % 9 in (0, 2, 5, 7), views)  # 4 of 9
        add(patient, kind, partition, OTHER[side], rng.random() < MALIGNANT)
        if rng.random() < 0.4:
            add(patient, kind, partition, side, rng.random() < MALIGNANT)

    in_training = [
        le
        for le in lesions
        if le["kind"] == "mass" and le["partition"] == "training" and len(le["malignant"]) == 2
    ]
    masses = list({lesion["patient"]: lesion for lesion in in_training}.values())
    for i, mass in enumerate(
        masses[: max(3, patients // 40)]
    ):  # the same scan is listed with masses and with calcifications
        other = add(
            mass["patient"],
            "calcification",
            "training" if i == 0 else "test",
            mass["side"],
            rng.random() < MALIGNANT,
        )
        if other["partition"] == "test":
            plant(
                "patient_in_both_partitions",
                detail=f"{mass['patient']}: a mass in training, a calcification in test",
            )
        for view in VIEWS:
            plant(
                "scan_listed_twice",
                image_id(other, view),
                detail="once with masses, once with calcifications, encoded anew",
            )
    mixed = add(
        masses[-1]["patient"],
        "mass",
        "training",
        masses[-1]["side"],
        not masses[-1]["malignant"]["CC"],
    )
    for view in VIEWS:
        plant("full_image_with_both_classes", image_id(mixed, view))
    masses[-2]["malignant"] = {"CC": True, "MLO": False}
    plant(
        "label_differs_between_views",
        image_id(masses[-2], "MLO"),
        detail="malignant in CC, benign in MLO",
    )
    return lesions


def describe_lesions(lesions, lookalikes, seed, plant):
    """Set how each lesion is drawn, in `drawn` for each of its views, and what readers and pathologists say of it."""
    rng = phantom.seeded(seed, "descriptions")
    groups = {}
    for lesion in lesions:
        lesion["drawn"] = dict(lesion["malignant"])
        if (
            len(set(lesion["malignant"].values())) == 1
        ):  # where the views differ, each is drawn as it is labelled
            groups.setdefault(
                (lesion["partition"], lesion["kind"], all(lesion["malignant"].values())), []
            ).append(lesion)
    owed = 0.0  # what is rounded off in one group is made up for in the next
    for _, group in sorted(groups.items()):
        owed += lookalikes * len(group)
        chosen = [group[i] for i in rng.permutation(len(group))[: round(owed)]]
        owed -= len(chosen)
        for lesion in chosen:
            for view, malignant in lesion["malignant"].items():
                lesion["drawn"][view] = not malignant
                label, drawn = ("malignant", "benign") if malignant else ("benign", "malignant")
                plant(
                    "drawn_like_other_class",
                    image_id(lesion, view),
                    detail=f"{label}, drawn {drawn}",
                )
    for lesion in lesions:
        malignant, drawn = lesion["malignant"], lesion["drawn"]
        benign = "BENIGN_WITHOUT_CALLBACK" if rng.random() < 0.3 else "BENIGN"
        values, chances = ASSESSMENTS[all(malignant.values())]
        lesion |= {
            "radius": rng.uniform(*RADIUS),
            "contrast": rng.uniform(*CONTRAST[lesion["kind"]]),
            "pathology": {view: "MALIGNANT" if malignant[view] else benign for view in malignant},
            "assessment": int(rng.choice(values, p=chances)),
            "density": int(rng.choice(5, p=[0.01, 0.19, 0.4, 0.28, 0.12])),
            "subtlety": int(rng.choice(6, p=[0.01, 0.05, 0.14, 0.25, 0.25, 0.3])),
            "words": {
                view: [str(rng.choice(column)) for column in WORDS[lesion["kind"], drawn[view]]]
                for view in drawn
            },
        }


def plan_files(lesions, seed, plant):
    """(files, tables): every file as a dict, and the rows of the case tables under (kind, partition)."""
    rng = phantom.seeded(seed, "files")
    files, tables, fulls = [], {(kind, part): [] for kind in KINDS for part in PARTITIONS}, {}
    training = {kind: [] for kind in KINDS}
    for lesion in lesions:
        if lesion["partition"] == "training":
            training[lesion["kind"]] += [image_id(lesion, view) for view in lesion["drawn"]]
    truncated, swapped, missing = (
        training["mass"][4],
        training["calcification"][4],
        training["calcification"][7],
    )

    def put(lesion, view, role, series, study, number):
        file = f"jpeg/{series}/{number}-{rng.integers(1, 600):03}.jpg"  # names repeat across folders, as on Kaggle
        files.append(
            {
                "file": file,
                "role": role,
                "lesion": lesion,
                "view": view,
                "series": series,
                "study": study,
                "quality": QUALITY,
            }
        )
        return files[-1]

    for lesion in lesions:
        for view in lesion["drawn"]:
            this = image_id(lesion, view)
            apart = this == swapped or (this not in (truncated, missing) and rng.random() < 0.05)
            order = (
                [0, 0] if apart else [0, 1] if rng.random() < 0.5 else [1, 0]
            )  # of crop and mask in their folder
            crop, mask = uid(seed, "crop", this), uid(seed, "mask" if apart else "crop", this)
            full_study, study = (
                uid(seed, "study", lesion["patient"], lesion["side"], view),
                uid(seed, "study", this),
            )
            full = uid(
                seed,
                "full",
                lesion["patient"],
                lesion["side"],
                view,
                lesion["kind"],
                lesion["partition"],
            )
            listings = fulls.setdefault(full_study, [])
            if full not in listings:
                put(lesion, view, "full", full, full_study, 1)["quality"] -= 5 * len(listings)
                listings.append(full)
            if this == missing:
                plant("missing_series", this, f"jpeg/{crop}", "neither crop nor mask is there")
            else:
                crop_file = put(lesion, view, "crop", crop, study, order[0] + 1)
                put(lesion, view, "mask", mask, study, order[1] + 1)
                plant(
                    "separate_folders" if apart else ["crop_first", "mask_first"][order[0]],
                    this,
                    crop_file["file"],
                )
                if this == truncated:
                    crop_file["truncated"] = True
                    plant(
                        "truncated_jpeg",
                        this,
                        crop_file["file"],
                        "its header is sound, half of its data is missing",
                    )
                if this == swapped:
                    crop, mask = mask, crop
                    plant(
                        "swapped_pair",
                        this,
                        crop_file["file"],
                        "the table's crop column names the mask's series, and the reverse",
                    )
            scan = scan_name(lesion, view)
            paths = [f"{scan}/{full_study}/{full}/000000.dcm"]
            paths += [
                f"{scan}_{lesion['number']}/{study}/{series}/{number:06}.dcm"
                for series, number in zip((crop, mask), order, strict=True)
            ]
            paths[rng.integers(1, 3)] += "\n"  # one in every row, as published
            tables[lesion["kind"], lesion["partition"]].append(case_row(lesion, view, paths))
    plant("newline_in_path", detail="one path of every row of the four case tables")
    return files, tables


def draw_scan(job):
    """[(JPEG bytes, shape)] of one scan's files, in their order. job is (seed, lesions in the scan, files)."""
    seed, lesions, files = job
    view, side, patient = files[0]["view"], lesions[0]["side"], lesions[0]["patient"]
    shown = [
        {
            "kind": le["kind"],
            "malignant": le["drawn"][view],
            "radius": le["radius"],
            "contrast": le["contrast"],
        }
        for le in lesions
    ]
    rng = phantom.seeded(seed, "scan", patient, side, view)
    full, crops, masks = phantom.draw_scan(rng, side, view, max(1, lesions[0]["density"]), shown)
    names, encoded = [image_id(lesion, view) for lesion in lesions], []
    for file in files:
        which = names.index(image_id(file["lesion"], view))
        pixels = {"full": full, "crop": crops[which], "mask": masks[which]}[file["role"]]
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "jpeg", quality=file["quality"])
        data = stream.getvalue()
        encoded.append((data[: len(data) // 2] if file.get("truncated") else data, pixels.shape))
    return encoded


def build(folder, patients, seed, lookalikes, workers):
    """Write the phantom edition to `folder`: csv/, jpeg/ and planted.csv; the same bytes whatever the number of workers.

    Raises InputError where there are too few patients for the traps, or lookalikes is no share up to a half.
    """
    if patients < 24:
        raise InputError(
            f"phantom.patients: {patients} are too few for the planted traps; ask for at least 24."
        )
    if not 0 <= lookalikes <= 0.5:
        raise InputError(
            f"phantom.lookalikes: {lookalikes} is no share from 0 to 0.5; at 0.5 the pixels tell nothing."
        )
    planted = []

    def plant(trap, image_id="", file="", detail=""):
        planted.append({"trap": trap, "image_id": image_id, "file": file, "detail": detail})

    lesions = plan_lesions(patients, seed, plant)
    describe_lesions(lesions, lookalikes, seed, plant)
    files, tables = plan_files(lesions, seed, plant)
    scans = {}
    for lesion in lesions:
        for view in lesion["drawn"]:
            scans.setdefault((lesion["patient"], lesion["side"], view), (seed, [], []))[1].append(
                lesion
            )
    for file in files:
        scans[file["lesion"]["patient"], file["lesion"]["side"], file["view"]][2].append(file)

    rng, info, meta = phantom.seeded(seed, "info"), [], {}
    with ProcessPoolExecutor(workers) as pool:
        for (_, _, drawn), encoded in zip(
            scans.values(), pool.map(draw_scan, scans.values(), chunksize=4), strict=True
        ):
            for file, (data, shape) in zip(drawn, encoded, strict=True):
                (folder / file["file"]).parent.mkdir(parents=True, exist_ok=True)
                (folder / file["file"]).write_bytes(data)
                in_calc_test = (file["lesion"]["kind"], file["lesion"]["partition"]) == (
                    "calcification",
                    "test",
                )
                described = file["role"] == "crop" or not in_calc_test or rng.random() < 0.1
                if not described:
                    plant(
                        "missing_description",
                        file=file["file"],
                        detail=f"dicom_info.csv does not say that it is a {file['role']}",
                    )
                info.append(dicom_info_row(file, shape, described))
                meta[file["series"]] = meta_row(file, meta.get(file["series"]))
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    for (kind, partition), rows in tables.items():
        write_csv(
            folder / f"csv/{KINDS[kind]}_case_description_{PARTITIONS[partition]}_set.csv", rows
        )
    write_csv(folder / "csv/dicom_info.csv", sorted(info, key=lambda row: row["image_path"]))
    write_csv(folder / "csv/meta.csv", [meta[series] for series in sorted(meta)])
    write_csv(folder / "planted.csv", planted)
    print(
        f"{len(files)} images of {patients} patients, {sum(map(len, tables.values()))} lesions in a view"
    )
    print(f"the best AUROC to expect: {1 - lookalikes:g}")

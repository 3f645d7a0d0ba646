"""Audit a split: check what a manifest claims, on the manifest as written, against the inventory."""

import unicodedata

import pandas as pd

from mammo.split.groups import MOST_ALIKE, groups_of_images, leaks
from mammo.tables import PARTITIONS, left_in

MOST = 1000  # of what a check found is listed; a wrong manifest of a million rows must not make an audit that none can open


def audit_split(manifest, images, lesions, duplicates, left_out, split):
    """The checks, a list of {name, status, looked_at, found, more}; status is pass, warn or fail, `found` lists what is wrong.

    Each check is a few lines that tell what is wrong. A partition that shares patients with another makes every result of
    the split worthless, so that fails, unless a split by lesion or image was asked for by name: then it warns. A share that
    missed its aim because patients come whole is a warning too. `more` counts what was found beyond the first 1,000.
    """
    known = images.set_index("image_id")
    checks = []

    def check(name, looked_at, found, if_found="fail"):
        found = [str(item) for item in found]
        status = if_found if found else "pass"
        more = max(0, len(found) - MOST)
        checks.append(
            {
                "name": name,
                "status": status,
                "looked_at": looked_at,
                "found": found[:MOST],
                "more": more,
            }
        )

    wanted = list(range(split["folds"] if split["method"] == "folds" else 1))
    n_folds = len(wanted)
    folds = f"{n_folds} fold(s)"
    rows = f"{len(manifest)} rows, {folds}"
    manifest = manifest.assign(file=manifest["image_id"].map(known["file"]))
    # A whole image carries several lesions, joined by ; which may also stand in a name.
    named = set(lesions["lesion_id"])
    parts = [[ids] if ids in named else ids.split(";") for ids in manifest["lesion_id"]]
    lesion_rows = manifest.assign(lesion_id=parts).explode("lesion_id")
    for table, column, name, tolerated in [
        (manifest, "patient_id", "patient", leaks(split)),
        (lesion_rows, "lesion_id", "lesion", split["by"] == "image"),
        (manifest, "file", "image file", False),
    ]:
        looked_at = f"{table[column].nunique()} {name}s, {folds}"
        check(
            f"no {name} in two partitions",
            looked_at,
            straddling(table, column),
            "warn" if tolerated else "fail",
        )

    groups = groups_of_images(duplicates, images, lesions)
    crowds, groups = groups[groups["crowd"]], groups[~groups["crowd"]]
    grouped = groups.merge(manifest.drop(columns="file"), on="image_id")
    looked_at = f"{len(duplicates)} pairs of files, {groups['image_id'].nunique()} images, {folds}"
    across = "warn" if leaks(split) else "fail"
    check("no duplicates in two partitions", looked_at, in_two_partitions(grouped), across)
    films = grouped.groupby(["fold", "partition", "group"])["file"].transform(
        "nunique"
    )  # lesions of one film are none
    within = grouped[films > 1].groupby(["fold", "partition", "group"])["image_id"].agg(" = ".join)
    check(
        "no duplicates within a partition",
        looked_at,
        [f"{where[1]}: {ids}" for where, ids in within.items()],
        "warn",
    )
    label = (
        groups[groups["shown"]].merge(images[["image_id", "label"]], on="image_id").groupby("group")
    )
    unlike = label.filter(lambda group: group["label"].nunique() > 1).sort_values(
        ["group", "image_id"]
    )
    told = unlike["image_id"] + " " + unlike["label"]
    check(
        "duplicates agree in label", looked_at, told.groupby(unlike["group"]).agg(", ".join), "warn"
    )
    gone = groups.merge(left_out[["image_id", "reason"]].drop_duplicates(), on="image_id")
    gone = gone.merge(
        grouped[["group", "image_id", "partition"]], on="group", suffixes=("", "_kept")
    )
    gone = gone[gone["image_id"] != gone["image_id_kept"]].drop_duplicates("image_id")
    told = (
        gone["image_id"]
        + " ("
        + gone["reason"]
        + "), of "
        + gone["image_id_kept"]
        + " in "
        + gone["partition"]
    )
    check("no duplicates had to be left out", looked_at, told, "warn")
    # Told of by their names, all of them; where duplicates must fail they do, alike by nature or not.
    alike = in_two_partitions(crowds.merge(manifest.drop(columns="file"), on="image_id"))
    name = (
        f"no near-equal images in two partitions, where more than {MOST_ALIKE:.0%} of all are alike"
    )
    check(name, looked_at, alike, across if split["duplicates"] == "fail" else "warn")

    found = sorted({*wanted} ^ {*manifest["fold"].tolist()})
    check(
        "the manifest holds the folds that were asked for, and no other",
        rows,
        [f"fold {fold}" for fold in found],
    )
    for column, value in [("dataset", images["dataset"].iloc[0]), ("leaks", leaks(split))]:
        wrong = manifest.loc[manifest[column] != value, column].drop_duplicates()
        check(
            f"{column} is what it was made from",
            rows,
            [f"{text!r}, not {value!r}" for text in wrong],
        )
    missing = manifest.loc[manifest["file"].isna(), "image_id"].drop_duplicates()
    check("every image is one that the inventory lists as usable", rows, missing)
    forgotten = []
    for fold in wanted:
        part = manifest[manifest["fold"] == fold]
        gone = left_out[left_out["fold"].isna() | (left_out["fold"] == fold)]
        usable = left_in(images, gone)
        forgotten += [
            f"{i} (fold {fold})"
            for i in usable.loc[~usable["image_id"].isin(part["image_id"]), "image_id"]
        ]
        back = part.loc[part["image_id"].isin(gone["image_id"]), "image_id"]
        forgotten += [f"{i} (fold {fold}): listed as left out" for i in back]
    check(
        "every usable image is either in the manifest or listed as left out",
        f"{len(images)} usable images",
        forgotten,
    )
    for column in ["patient_id", "lesion_id", "label", "kind"]:
        there = manifest["image_id"].map(known[column])
        wrong = manifest[(manifest[column] != there) & there.notna()]
        check(f"{column} is the inventory's", rows, wrong["image_id"] + ": " + wrong[column])
    if split["method"] == "official":
        official = manifest["image_id"].map(known["official_partition"])
        moved = manifest[(official == "test") != (manifest["partition"] == "test")]
        check("test is the official test partition", rows, moved["image_id"])
    if split["method"] == "folds":
        times = (
            manifest[manifest["partition"] == "test"]["image_id"]
            .value_counts()
            .reindex(images["image_id"], fill_value=0)
        )
        check(
            "each image is test in one fold",
            rows,
            [f"{i}: in {n}" for i, n in times[times != 1].items()],
        )

    check(
        "patients are told apart by more than the case of letters",
        f"{images['patient_id'].nunique()} patients",
        alike_names(images),
        "warn",
    )
    own = images["patient_id"].nunique() == len(images)
    found = (
        [f"{row.image_id} is of {row.patient_id}" for row in images.head(5).itertuples()]
        if own
        else []
    )
    check("not every image has a patient of its own", f"{len(images)} images", found, "warn")
    conflicts = conflicting(
        lesions[
            lesions["image_id"].isin(images["image_id"]) | lesions["full_file"].isin(images["file"])
        ]
    )
    check(
        "the views of a lesion agree in label",
        f"{lesions['lesion_id'].nunique()} lesions",
        conflicts,
        "warn",
    )

    for fold in wanted:
        part = manifest[manifest["fold"] == fold]
        which = f" (fold {fold})" if n_folds > 1 else ""
        counts = part.groupby(["partition", "label"]).size().unstack(fill_value=0)
        counts = counts.reindex(index=PARTITIONS, columns=["benign", "malignant"], fill_value=0)
        sizes = counts.sum(axis=1)
        empty = [
            f"{partition}: no {label}"
            for partition, row in counts.iterrows()
            for label, n in row.items()
            if n == 0
        ]
        # What the dataset gives as test is not for a draw to mend: what one class leaves undefined has no value in the metrics.
        given = [
            line
            for line in empty
            if line.startswith("test") and split["method"] == "official" and sizes["test"]
        ]
        check(
            f"each partition holds both classes{which}",
            f"{len(PARTITIONS)} partitions",
            [line for line in empty if line not in given],
        )
        if split["method"] == "official":
            check(
                f"the given test partition holds both classes{which}",
                f"{sizes['test']} images",
                given,
                "warn",
            )

        shares = {
            "validation": (
                sizes["validation"] / max(len(part) - sizes["test"], 1),
                split["validation"],
            )
        }
        if split["method"] in ("fractions", "hash", "folds"):
            shares["test"] = (
                sizes["test"] / max(len(part), 1),
                1 / n_folds if split["method"] == "folds" else split["test"],
            )
        off = [
            f"{name}: {share:.3f}, asked {asked:g}"
            for name, (share, asked) in shares.items()
            if abs(share - asked) > 0.05
        ]
        check(
            f"shares are as asked, within 0.05{which}",
            f"{len(shares)} share(s) of the images",
            off,
            "warn",
        )

        malignant = (
            (part["label"] == "malignant")
            .groupby([part["kind"], part["partition"]])
            .mean()
            .unstack()
        )
        malignant = malignant.reindex(columns=PARTITIONS)
        uneven = [
            f"{kind or 'all'}: {row['training']:.2f} in training, {row['validation']:.2f} in validation"
            for kind, row in malignant.iterrows()
            if not abs(row["training"] - row["validation"])
            <= 0.1  # so that a kind which one of them lacks counts
        ]
        name = f"training and validation hold alike shares of malignant images, within 0.1{which}"
        check(name, f"{len(malignant)} kind(s)", uneven, "warn")
    return checks


def straddling(rows, column):
    """'value: training and test (fold 0)' for each value of a column that is in more than one partition of a fold."""
    pairs = rows[["fold", column, "partition"]].drop_duplicates()
    pairs = pairs[pairs.duplicated(["fold", column], keep=False)]
    return [
        f"{value}: {' and '.join(sorted(parts, key=PARTITIONS.index))} (fold {fold})"
        for (fold, value), parts in pairs.groupby(["fold", column])["partition"]
    ]


def alike_names(images):
    """'p1 = P1' for patients whose names differ in case, or in how an accent is written, alone."""
    names = pd.Series(images["patient_id"].unique())
    plain = names.map(lambda name: unicodedata.normalize("NFKC", name).casefold().strip())
    return names[plain.duplicated(keep=False)].groupby(plain).agg(" = ".join)


def in_two_partitions(grouped):
    """'image (training) = image (test)' for each group of duplicates that is in more than one partition of a fold."""
    several = grouped.groupby(["fold", "group"])["partition"].transform("nunique") > 1
    told = grouped["image_id"] + " (" + grouped["partition"] + ")"
    return told[several].groupby([grouped["fold"], grouped["group"]]).agg(" = ".join)


def conflicting(lesions):
    """'lesion: image benign, image malignant' for each lesion whose views bear different labels."""
    labels = lesions[["lesion_id", "label"]].drop_duplicates()
    ids = labels.loc[labels.duplicated("lesion_id"), "lesion_id"]
    rows = lesions[lesions["lesion_id"].isin(ids)]
    told = (rows["image_id"] + " " + rows["label"]).groupby(rows["lesion_id"]).agg(", ".join)
    return [f"{lesion}: {views}; each view keeps its own label" for lesion, views in told.items()]

"""Audit a split: check what a manifest claims, on the manifest as written, against the inventory."""

import json
from pathlib import Path

import pandas as pd

from lib.log import log_to
from lib.tables import left_in, read_table

PARTITIONS = ["training", "validation", "test"]


def audit_split(manifest, lesions, left_out, split):
    """The checks, a list of {name, status, looked_at, found}; status is pass, warn or fail, `found` lists what is wrong.

    Each check is a few lines that yield what is wrong. A partition that shares patients with another makes every result of
    the split worthless, so that fails; a share that missed its aim because patients come whole is a warning.
    """
    usable = left_in(lesions, left_out)
    known = lesions.set_index("image_id")
    checks = []

    def check(name, looked_at, found, if_found="fail"):
        found = [str(item) for item in found]
        checks.append({"name": name, "status": if_found if found else "pass", "looked_at": looked_at, "found": found})

    fold_rows = manifest.groupby("fold")
    folds = f"{manifest['fold'].nunique()} fold(s)"
    images = f"{len(manifest)} rows, {folds}"
    for column, name in [("patient_id", "patients"), ("lesion_id", "lesions")]:
        shared = [
            f"{value}: {' and '.join(sorted(parts.unique(), key=PARTITIONS.index))}"
            for _, rows in fold_rows
            for value, parts in rows.groupby(column)["partition"]
            if parts.nunique() > 1
        ]
        check(f"no {name} in two partitions", f"{manifest[column].nunique()} {name}, {folds}", shared)
    files = manifest[["image_id", "fold", "partition"]].merge(lesions[["image_id", "crop_file"]], on="image_id")
    parts = files.groupby(["fold", "crop_file"])["partition"].nunique()
    check(
        "no image file in two partitions",
        f"{files['crop_file'].nunique()} files",
        [file for _, file in parts[parts > 1].index],
    )

    check(
        "every image is in the inventory and usable",
        images,
        sorted(set(manifest["image_id"]) - set(usable["image_id"])),
    )
    forgotten = [
        f"{i} (fold {fold})"
        for fold, rows in fold_rows
        for i in sorted(set(usable["image_id"]) - set(rows["image_id"]))
    ]
    check("every usable image is in the manifest or listed as left out", f"{len(usable)} usable images", forgotten)
    for column in ["patient_id", "lesion_id", "label", "kind"]:
        there = manifest["image_id"].map(known[column])
        rows = manifest[(manifest[column] != there) & there.notna()]
        check(
            f"{column} is the inventory's", images, [f"{r.image_id}: {getattr(r, column)}" for r in rows.itertuples()]
        )
    if split["method"] == "official":
        official = manifest["image_id"].map(known["official_partition"])
        moved = manifest[(official == "test") != (manifest["partition"] == "test")]
        check("test is the official test partition", images, moved["image_id"])

    counts = pd.crosstab(manifest["partition"], manifest["label"]).reindex(
        index=PARTITIONS, columns=["benign", "malignant"], fill_value=0
    )
    empty = [f"{partition}: no {label}" for partition, row in counts.iterrows() for label, n in row.items() if n == 0]
    check("each partition holds both classes", f"{len(PARTITIONS)} partitions", empty)

    sizes = manifest["partition"].value_counts().reindex(PARTITIONS, fill_value=0)
    shares = {
        "validation": (sizes["validation"] / max(sizes["training"] + sizes["validation"], 1), split["validation"])
    }
    if split["method"] == "fractions":
        shares["test"] = (sizes["test"] / max(len(manifest), 1), split["test"])
    off = [
        f"{name}: {share:.3f}, asked {asked:g}" for name, (share, asked) in shares.items() if abs(share - asked) > 0.05
    ]
    check("shares are as asked, within 0.05", f"{len(shares)} share(s) of the images", off, if_found="warn")

    malignant = (
        manifest.assign(malignant=manifest["label"] == "malignant")
        .groupby(["kind", "partition"])["malignant"]
        .mean()
        .unstack()
    )
    uneven = [
        f"{kind or 'all'}: {row['training']:.2f} in training, {row['validation']:.2f} in validation"
        for kind, row in malignant.reindex(columns=PARTITIONS).iterrows()
        if not abs(row["training"] - row["validation"]) <= 0.1  # so that a kind which one of them lacks counts
    ]
    check(
        "training and validation hold alike shares of malignant images, within 0.1",
        f"{len(malignant)} kind(s)",
        uneven,
        if_found="warn",
    )
    return checks


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        checks = audit_split(
            read_table(snakemake.input.manifest, "manifest"),
            read_table(snakemake.input.lesions, "lesions"),
            pd.concat([read_table(path, "excluded") for path in snakemake.input.left_out]),
            snakemake.params.split,
        )
        Path(snakemake.output[0]).write_text(
            json.dumps({"checks": checks}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        for item in checks:
            print(f"{item['status']:4}  {item['name']} ({item['looked_at']}): {len(item['found'])} found")

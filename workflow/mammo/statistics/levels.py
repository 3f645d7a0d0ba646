"""The units in which a result is counted, image, lesion, breast and patient, and what a network says of each of them."""

LEVELS = ["image", "lesion", "breast", "patient"]


def undefined_levels(images, region):
    """{level: why a study of these `images` of a region has no such level}."""
    reasons = {}
    if region == "full":
        reasons["lesion"] = "a whole image may show several lesions"
    if unknown := int((images["laterality"] == "").sum()):
        reasons["breast"] = f"the side is not known of {unknown} of {len(images)} images"
    return reasons


def units_of(rows, level, region):
    """A DataFrame with a row per unit of a level: unit (its name), patient_id, label, probability, images (their number).

    rows: image_id, patient_id, lesion_id, laterality, label (1: malignant), probability; further columns are kept, from the
    unit's first row. A unit is malignant if any of its images is, also where views of a lesion differ. A lesion's probability
    is the mean over its views; that of a breast or patient is the highest of its lesions. Whole images have no lesions: there
    a breast's is the mean over its views, and a patient's the highest of its breasts; an image without a side stands alone.
    """
    rows = rows.assign(unit=rows["image_id"], images=1)
    if level == "image":
        return rows
    finding = ["patient_id", "laterality", "lesion_id"]
    if region == "full":
        finding = ["patient_id", "laterality"]
        rows["laterality"] = rows["laterality"].mask(rows["laterality"] == "", rows["image_id"])
    findings = _united(rows, finding, "mean")
    return _united(
        findings,
        {"lesion": finding, "breast": ["patient_id", "laterality"], "patient": ["patient_id"]}[
            level
        ],
        "max",
    )


def _united(rows, keys, probability):
    """One row for all that share the `keys`, which name it."""
    how = dict.fromkeys(rows.columns, "first") | {
        "label": "max",
        "probability": probability,
        "images": "sum",
    }
    united = rows.groupby(keys, sort=False).agg(how).reset_index(drop=True)
    return united.assign(unit=["\t".join(names) for names in united[keys].itertuples(index=False)])

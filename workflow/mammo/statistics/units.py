"""The units in which a result is counted: image, lesion, breast and patient."""

from __future__ import annotations

import pandas as pd

from mammo.words import LEVELS

BREAST = ["patient_id", "laterality"]
LESION = [*BREAST, "lesion_id"]


def undefined_levels(images: pd.DataFrame, region: str) -> dict[str, str]:
    """{level: why a study of these `images` of a region has no such level}, of `LEVELS`."""
    reasons = {}
    if region == "full":
        reasons["lesion"] = "no such level: a whole image may show several lesions"
    if unknown := int((images["laterality"] == "").sum()):
        reasons["breast"] = (
            f"no such level: the side is not known of {unknown} of {len(images)} images"
        )
    return {level: reasons[level] for level in LEVELS if level in reasons}


def units_of(rows: pd.DataFrame, level: str, region: str | None) -> pd.DataFrame:
    """A row per unit of a level: unit (its name), patient_id, label, probability, images (number).

    rows: image_id, patient_id, lesion_id, laterality, label (1: malignant), probability; further
    columns are kept, from the unit's first row.

    A unit is malignant if any of its images is, also where views of a lesion differ. A lesion's
    probability is the mean over its views; that of a breast or patient is the highest of its
    lesions. Whole images have no lesions: there a breast's is the mean over its views, and a
    patient's the highest of its breasts; an image without a side stands alone.
    """
    rows = rows.assign(unit=rows["image_id"], images=1)
    if level == "image":
        return rows
    finding = LESION
    if region == "full":
        finding = BREAST
        rows["laterality"] = rows["laterality"].mask(rows["laterality"] == "", rows["image_id"])
    findings = _merged(rows, finding, "mean")
    keys = {"lesion": finding, "breast": BREAST, "patient": ["patient_id"]}
    return _merged(findings, keys[level], "max")


def _merged(rows: pd.DataFrame, keys: list[str], probability: str) -> pd.DataFrame:
    """One row for all that share the `keys`, which name it."""
    how = dict.fromkeys(rows.columns, "first")
    how |= {"label": "max", "probability": probability, "images": "sum"}
    merged = rows.groupby(keys, sort=False).agg(how).reset_index(drop=True)
    return merged.assign(unit=["\t".join(names) for names in merged[keys].itertuples(index=False)])

"""Images to split, and what the audit says of a split."""

import pandas as pd

from mammo.split.audit import audit_split
from mammo.split.checks import Evidence
from mammo.split.settings import Split

OFFICIAL = Split.default()
FRACTIONS = Split.default(method="fractions")
HASH = Split.default(method="hash")
FOLDS = Split.default(method="folds")
NO_PAIRS = pd.DataFrame({"file_a": [], "file_b": [], "match": []}, dtype=str)
NO_GROUPS = pd.DataFrame({"image_id": [], "group": []}, dtype=str).assign(uninformative=False)
NOTHING = pd.DataFrame({"image_id": [], "reason": [], "detail": [], "fold": []}, dtype=str)


def changed(split, **changes):
    """A split with some settings changed."""
    return Split(**split.model_dump() | changes)


def make_images(patients, views=2, straddlers=0):
    """Images of so many patients, half of them malignant, a fifth in the official test partition.

    Each has a mass and a calcification. Of the first `straddlers` patients, only masses are test.
    """
    rows = []
    for patient in range(patients):
        for kind in ("mass", "calcification"):
            test = patient % 10 in (3, 4) and (kind == "mass" or patient >= straddlers)
            lesion = {
                "lesion_id": f"{kind}_{patient}",
                "patient_id": f"P_{patient:05}",
                "label": ["benign", "malignant"][patient % 2],
                "kind": kind,
                "official_partition": "test" if test else "training",
                "dataset": "fingerprint",
            }
            for view in range(views):
                names = {
                    "image_id": f"{kind}_{patient}_{view}",
                    "file": f"{kind}/{patient}/{view}.jpg",
                }
                rows.append(names | lesion)
    return pd.DataFrame(rows)


def audited(manifest, images, split, excluded=NOTHING, pairs=NO_PAIRS, lesions=None):
    """{name: result} of the audit."""
    if lesions is None:
        lesions = images.assign(full_file="full of " + images["image_id"])
    excluded = excluded.astype({"fold": "Int64"})
    evidence = Evidence(manifest, images, lesions, pairs, excluded, split)
    return {result["name"]: result for result in audit_split(evidence)["checks"]}


def failed(results):
    """The names of the checks that failed."""
    return {name for name, result in results.items() if result["status"] == "fail"}


def as_audit(results):
    """The content of audit.json, from what `audited` returns."""
    return {"dataset": "fingerprint", "leaks": "", "checks": [*results.values()]}

"""A few lesions, and what became of them, for Table 1."""

import pandas as pd

from mammo.tables import SCHEMAS


def lesions_and_fate(**columns):
    """Ten lesions in a view, four in training, three in validation, two in test, one left out."""
    lesions = pd.DataFrame(dict.fromkeys(SCHEMAS["lesions"]["columns"], ""), index=range(10))
    names = [f"i{i}" for i in range(10)]
    lesions = lesions.assign(
        image_id=names,
        lesion_id=["a", "a", "b", "c", "d", "d", "e", "f", "f", "g"],
        patient_id=["A", "A", "A", "C", "D", "D", "E", "F", "F", "G"],
        laterality=[
            "left",
            "left",
            "right",
            "left",
            "left",
            "left",
            "right",
            "left",
            "left",
            "right",
        ],
        label=[
            "benign",
            "benign",
            "malignant",
            "benign",
            "malignant",
            "malignant",
            "benign",
            "malignant",
            "malignant",
            "benign",
        ],
        pathology="BENIGN",
        **columns,
    )
    partition = ["training"] * 4 + ["validation"] * 3 + ["test"] * 2 + [""]
    return lesions, pd.DataFrame({"image": names, "partition": partition})

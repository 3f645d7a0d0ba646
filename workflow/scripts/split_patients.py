"""The split manifest: training, validation and test by patient, stratified by label and kind."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from lib.log import InputError, log_to
from lib.tables import left_in, read_table, write_table


def split_patients(lesions, split):
    """(manifest, excluded), both DataFrames, for the usable lesions and the settings of a split.

    `official`: rows of the official test partition are test. A patient who is in both official partitions leaves training,
    and is listed. `fractions`: test is drawn by patient. Validation is drawn by patient from what is not test.
    Depends on the rows, not on their order. Raises InputError where the lesions cannot make such a split.
    """
    lesions = lesions.sort_values("image_id", ignore_index=True)
    if len(classes := sorted(lesions["label"].unique())) < 2:
        raise InputError(
            f"All {len(lesions)} usable lesions are {classes[0] if classes else 'gone'}: benign against malignant needs both. "
            "See results/inventory/summary.md for what was read, and excluded.csv beside it for what was left out."
        )
    straddlers = lesions.iloc[:0]
    if split["method"] == "official":
        if (lesions["official_partition"] == "").any():
            raise InputError(
                "split.method: official, but this dataset names no official partition. Use fractions, as config/table.yaml does."
            )
        test = lesions["official_partition"] == "test"
        straddles = ~test & lesions["patient_id"].isin(lesions.loc[test, "patient_id"])
        straddlers, lesions, test = lesions[straddles], lesions[~straddles], test[~straddles]
    else:
        test = draw_patients(lesions, split["test"], split["seed"])
    rest = lesions[~test]
    validation = rest.index[draw_patients(rest, split["validation"], split["seed"])]

    manifest = lesions[["image_id", "lesion_id", "patient_id", "label", "kind"]].assign(fold=0, partition="training")
    manifest.loc[test, "partition"] = "test"
    manifest.loc[validation, "partition"] = "validation"
    refuse_missing_class(manifest, split)
    detail = "an official training row of a patient who is in the official test partition too"
    return manifest, straddlers.assign(reason="patient_in_test", detail=detail)


def draw_patients(lesions, share, seed):
    """A boolean array: the lesions of about `share` of the patients, with labels and kinds in proportion.

    The share is taken as p of q folds of scikit-learn's StratifiedGroupKFold, within 0.01 of it with as few folds as will do:
    large folds have room to hold each label and kind in proportion.
    """
    share = next(
        near for q in range(2, 101) if abs((near := Fraction(round(share * q), q)) - share) <= 0.01 and near > 0
    )
    strata = lesions["label"] + " " + lesions["kind"]
    drawn = np.zeros(len(lesions), bool)
    if min(lesions["patient_id"].nunique(), strata.value_counts().max()) < share.denominator:
        raise InputError(
            f"{len(lesions)} lesions of {lesions['patient_id'].nunique()} patients cannot be divided into {share.denominator} folds, of which "
            f"{share.numerator} would be drawn (split.test, split.validation). Add patients, choose larger shares, or correct the patients' names."
        )
    folds = StratifiedGroupKFold(share.denominator, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # a rare stratum cannot be in every fold; the audit looks at the outcome
        for _, (_, fold) in zip(
            range(share.numerator), folds.split(lesions, strata, lesions["patient_id"]), strict=False
        ):
            drawn[fold] = True
    return drawn


def refuse_missing_class(manifest, split):
    counts = manifest.groupby(["partition", "label"])["patient_id"].nunique()
    counts = counts.reindex(
        pd.MultiIndex.from_product([["training", "validation", "test"], ["benign", "malignant"]]), fill_value=0
    )
    if (counts == 0).any():
        told = ", ".join(f"{partition} {label} {n}" for (partition, label), n in counts.items())
        raise InputError(
            f"Too few patients for these partitions (split.method {split['method']}): {told}. Each partition needs both classes: "
            "add patients, choose larger split.validation or split.test, or another split.seed."
        )


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        lesions = left_in(
            read_table(snakemake.input.lesions, "lesions"), read_table(snakemake.input.excluded, "excluded")
        )
        manifest, excluded = split_patients(lesions, snakemake.params.split)
        write_table(manifest, snakemake.output.manifest, "manifest")
        write_table(excluded, snakemake.output.excluded, "excluded")
        print(
            manifest.groupby(["partition", "label"]).agg(
                images=("image_id", "size"), patients=("patient_id", "nunique")
            )
        )
        print(f"{len(excluded)} rows left out")

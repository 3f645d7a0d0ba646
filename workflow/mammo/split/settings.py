"""The section of a configuration that says who is in training, validation and test."""

from typing import Literal, Self

from mammo.settings import Section, setting


class Split(Section):
    """How patients are assigned to training, validation and test."""

    method: Literal["official", "fractions", "folds", "hash"] = setting(
        "official",
        "How the test partition comes about. `official`: the dataset's test rows are the test"
        " partition; a patient in both official partitions leaves training. Validation rows, where"
        " the dataset has any, are the validation partition under the same rule. `fractions`: test"
        " is"
        " drawn at random. `folds`: cross-validation, each image is test in one of `split.folds`,"
        " one run a fold. `hash`: the patient's name alone decides, so that adding patients moves"
        " none; classes and kinds are then in proportion only by chance.",
    )
    by: Literal["patient", "lesion", "image"] = setting(
        "patient",
        "What is kept together. `lesion` and `image` exist to measure data leakage: the same"
        " patient is then on both sides, and every table and figure of such a split says so.",
    )
    test: float = setting(
        0.2,
        "Fraction of the images that become test, with `fractions` and `hash`. Met to within 0.01"
        " and what whole patients allow.",
        ge=0.02,
        le=0.5,
    )
    folds: int = setting(5, "Number of cross-validation folds, with `folds`.", ge=2, le=50)
    validation: float = setting(
        0.2, "Fraction of what is not test that becomes validation.", ge=0.02, le=0.5
    )
    seed: int = setting(
        1,
        "Seed of the random assignment; with `hash`, the salt.",
        ge=0,
        le=4_294_967_295,
    )
    duplicates: Literal["drop_from_training", "fail"] = setting(
        "drop_from_training",
        "What becomes of duplicates (equal bytes, equal pixels, or near-duplicates; also two scans"
        " of one film). `drop_from_training`: what duplicates a test image leaves training and"
        " validation, what duplicates a validation image leaves training; all are listed. `fail`:"
        " nothing is dropped, and duplicates in two partitions fail the audit. A split by lesion or"
        " image keeps them all and warns.",
    )

    patients: Literal["compared", "as_written"] = setting(
        "compared",
        "When two names are one patient's. `compared`: names that differ only in separators,"
        " capitals or leading zeros (`P_1` and `P-1`, `P001` and `P1`) are probably one patient's,"
        " and fail the audit. `as_written`: they are different patients; the audit warns. Spellings"
        " of one whole number (`7`, `7.0`, `007`), and names that look the same, are one patient in"
        " any case; `summary.md` lists them.",
    )

    @property
    def leaks(self) -> str:
        """What every table and figure of a split that leaks on purpose says; '' of any other."""
        return "" if self.by == "patient" else f"leaks patients (split by {self.by})"

    @property
    def number_of_folds(self) -> int:
        """How many folds the manifest holds: 1, except for cross-validation."""
        return self.folds if self.method == "folds" else 1

    def used(self) -> Self:
        """The keys that the assignment depends on: an official test partition is not drawn."""
        drawn = {"official": [], "fractions": ["test"], "folds": ["folds"], "hash": ["test"]}
        keys = ["method", "by", "validation", "seed", "duplicates", "patients"]
        return self.only([*keys, *drawn[self.method]])

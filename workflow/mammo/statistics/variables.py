"""The variables that describe a lesion or an image: what each is called and how it is grouped.

A dataset's own columns are variables, too, of which nothing is known; their name is their label.
"""

from __future__ import annotations

from typing import NamedTuple

NOT_GIVEN = "not given"  # a missing value, as a level
CROP_SIZE, IMAGE_SIZE = "crop_size", "image_size"
DENSITIES = dict(zip("1234", "abcd", strict=True))  # BI-RADS 4th edition's numbers, 5th's letters


class Variable(NamedTuple):
    """label: its name in words. kind: that of the lesions which alone can have a value, if any.

    subgroups: whether results are given by its levels. level: a level in words, with {} for it.
    size: whether it is a length in pixels, which is a number whatever its values.
    """

    label: str
    kind: str = ""
    subgroups: bool = False
    level: str = "{}"
    size: bool = False


# The columns of lesions.csv in their order in Table 1, and sizes, which come after a dataset's own.
VARIABLES = {
    "label": Variable("Class"),
    "pathology": Variable("Pathology"),
    "kind": Variable("Kind", subgroups=True),
    "laterality": Variable("Side", subgroups=True),
    "view": Variable("View", subgroups=True),
    "breast_density": Variable("Breast density", subgroups=True, level="density {}"),
    "assessment": Variable("Assessment (BI-RADS)", subgroups=True, level="BI-RADS {}"),
    "subtlety": Variable("Subtlety", subgroups=True, level="subtlety {}"),
    "mass_shape": Variable("Mass shape", kind="mass"),
    "mass_margins": Variable("Mass margins", kind="mass"),
    "calc_type": Variable("Calcification type", kind="calcification"),
    "calc_distribution": Variable("Calcification distribution", kind="calcification"),
    CROP_SIZE: Variable("Longer side of the crop (pixels)", subgroups=True, size=True),
    IMAGE_SIZE: Variable("Longer side of the image (pixels)", subgroups=True, size=True),
}


def variable(name: str) -> Variable:
    """That of VARIABLES, or what is assumed of a dataset's own column."""
    own = Variable(name.replace("_", " "), subgroups=True)
    return VARIABLES.get(name, own)


def label_of(name: str) -> str:
    """The name of a variable in words."""
    return variable(name).label


def level_in_words(name: str, value: str) -> str:
    """A level of a variable in words: 'BI-RADS 4', 'density c'."""
    shown = DENSITIES.get(value, value) if name == "breast_density" else value
    return variable(name).level.format(shown)

"""Controls: what is reached without looking at the lesion, and by what radiologists wrote.

Each control is one entry of CONTROLS, which says what it may see and how it is fitted. It is fitted
on what the model was, the training images of a fold, and gives its probability of malignant for
each test image. It has nothing to be chosen, so validation is left alone.

This module is light: what is heavy is imported by the functions that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    import pandas as pd

# A value that fewer training images have is no level of its own: it need not hold for others.
FEWEST = 10
NETWORK, MODEL_LABEL = (
    "network",
    "Model",
)  # the model itself beside its controls, in tables and words

# The border is a 16th of the side wide, and each of its four sides is seen in four stretches.
RING, STRETCHES = 16, 4
BORDER = tuple(f"border_{number}" for number in range(2 * 4 * STRETCHES))
# What a radiologist wrote of a lesion.
DESCRIPTORS = (
    "assessment",
    "subtlety",
    "breast_density",
    "mass_shape",
    "mass_margins",
    "calc_type",
    "calc_distribution",
)

# Of images: their features, labels (0 or 1), whether each is in training, and which columns of the
# features are numbers and which are levels -> each one's probability of malignant, float64 (n,).
Fit = Callable[["pd.DataFrame", np.ndarray, np.ndarray, Sequence[str], Sequence[str]], np.ndarray]


def logistic_regression(
    features: pd.DataFrame,
    label: np.ndarray,
    training: np.ndarray,
    numbers: Sequence[str],
    levels: Sequence[str],
) -> np.ndarray:
    """The probability of malignant of each image, by a logistic regression on those in training.

    numbers are standardised; a missing one is the mean, and marked as missing. Each of the levels'
    values is a column of its own, a missing value too; rare or unknown values together are one. The
    penalty is scikit-learn's default, L2 with C = 1. Where training has one class alone, that is
    the prediction. label: 1 is malignant; training: bool; both (n,).
    """
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, levels = [*numbers], [*levels]
    if len(set(label[training])) == 1:
        return np.full(len(features), float(label[training][0]))
    words = {}
    for name in levels:
        given = features[name].notna()
        words[name] = features[name].astype(object).where(given, "").astype(str)
    # The same column may be both, so that each has a name of its own here.
    as_floats = features[numbers].astype(float).add_suffix(" as a number")
    inputs = pd.DataFrame(words, features.index).join(as_floats)
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    encoder = OneHotEncoder(min_frequency=FEWEST, handle_unknown="infrequent_if_exist")
    columns = make_column_transformer(
        (make_pipeline(imputer, StandardScaler()), list(as_floats)), (encoder, levels)
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    with threadpool_limits(1):  # the same sums whatever the machine's cores
        return model.fit(inputs[training], label[training]).predict_proba(inputs)[:, 1]


def prevalence(
    features: pd.DataFrame,
    label: np.ndarray,
    training: np.ndarray,
    numbers: Sequence[str],
    levels: Sequence[str],
) -> np.ndarray:
    """The fraction malignant of the training images, whatever the image."""
    return np.full(len(label), label[training].mean())


@dataclass(frozen=True)
class Control:
    """A control. label: its one name, in figures, tables and text.

    numbers, levels: the columns of mammo.statistics.control_features that it may see, as numbers
    and as levels. sees: these in words where a list of them says little. fit: how it is fitted, or
    None where a step of its own trains it. all_folds: whether it is fitted once on the training
    images of all folds rather than in each fold. reader: whether it knows what radiologists wrote.
    """

    label: str
    numbers: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    sees: str = ""
    fit: Fit | None = logistic_regression
    all_folds: bool = False
    reader: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it may see."""
        return (*self.numbers, *self.levels)


CONTROLS = {
    "majority_class": Control("Majority class", sees="nothing", fit=prevalence, all_folds=True),
    "shuffled_labels": Control(
        "Shuffled labels",
        sees="the image, with the labels shuffled among patients",
        fit=None,
    ),
    "image_statistics": Control(
        "File size and grey levels", numbers=("width", "height", "bytes", "mean", "sd")
    ),
    "darkest_levels": Control("Darkest grey levels", levels=("darkest", "darkest_peak")),
    "brightest_levels": Control("Brightest grey levels", levels=("brightest", "brightest_peak")),
    "image_border": Control(
        "Image border",
        numbers=BORDER,
        sees=f"mean and sd of {4 * STRETCHES} stretches of the outermost {RING}th of the image",
    ),
    "technical_columns": Control("Kind, view and side", levels=("kind", "view", "laterality")),
    "reader_assessment": Control("BI-RADS assessment", levels=("assessment",), reader=True),
    "reader_assessment_ordered": Control(
        "BI-RADS assessment, ordinal", numbers=("assessment",), reader=True
    ),
    "reader_columns": Control("All BI-RADS descriptors", levels=DESCRIPTORS, reader=True),
}


def label_of(name: str) -> str:
    """The one name of a control, or of the model beside it."""
    return MODEL_LABEL if name == NETWORK else CONTROLS[name].label

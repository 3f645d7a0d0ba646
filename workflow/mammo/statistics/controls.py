"""Controls: what a study's numbers would be without looking at the lesion, and what readers' words alone would reach.

Each control is fitted on what the network's weights were fitted on, the training images of a fold, and says its probability
of malignant for each test image. It has nothing to be chosen, so validation is left alone.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from mammo.statistics.bootstrap import FEWEST_PATIENTS, Draws, draw_metrics, estimate, interval

# A value that fewer training images have is no level of its own: what so few share need not hold for others.
FEWEST = 10
RING, STRETCHES = (
    16,
    4,
)  # the border is a 16th of the side wide, and each of its four sides is looked at in 4 stretches
BORDER = [f"border_{number}" for number in range(2 * 4 * STRETCHES)]
READER = [
    "assessment",
    "subtlety",
    "breast_density",
    "mass_shape",
    "mass_margins",
    "calc_type",
    "calc_distribution",
]
# Of each control that is a logistic regression: the columns that it takes as numbers, and those whose values are levels.
FITTED = {
    "image_statistics": (["width", "height", "bytes", "mean", "sd"], []),
    "darkest_levels": ([], ["darkest", "darkest_peak"]),
    "brightest_levels": ([], ["brightest", "brightest_peak"]),
    "image_border": (BORDER, []),
    "technical_columns": ([], ["kind", "view", "laterality"]),
    "reader_assessment": ([], ["assessment"]),
    "reader_assessment_ordered": (["assessment"], []),
    "reader_columns": ([], READER),
}
CONTROLS = ["majority_class", "shuffled_labels", *FITTED]
# What was given to those that are given no columns of a table.
GIVEN = {
    "network": "the image",
    "majority_class": "nothing",
    "shuffled_labels": "the image, with the labels shuffled among patients",
    "image_border": f"mean and sd of {4 * STRETCHES} stretches of the outermost {RING}th of the image",
}
NOT_TRAINED = "beside the first run of the baseline alone such a network is trained"
METRICS = ["auroc", "accuracy"]


def described(images, lesions, region):
    """A DataFrame with a row per image of a region: image_id, kind, view, laterality, and what readers said (READER).

    A whole image has the highest assessment, density and subtlety of the lesions on it, and of what is text all that was
    said, each once, in alphabetical order.
    """
    technical = images[["image_id", "file", "kind", "view", "laterality"]]
    if region != "full":
        return technical.merge(
            lesions[["image_id", *READER]], on="image_id", how="left", validate="1:1"
        )
    words = [name for name in READER if not pd.api.types.is_numeric_dtype(lesions[name])]
    how = dict.fromkeys(READER, "max") | {
        name: lambda said: ";".join(sorted({*said} - {""})) for name in words
    }
    said = lesions.groupby("full_file").agg(how)
    return technical.merge(said, left_on="file", right_index=True, how="left", validate="m:1")


def border(pixels):
    """The mean and the standard deviation of each stretch of the images' border, float32 (n, 2 x 4 x STRETCHES).

    pixels: uint8 (n, size, size). The border is a RING-th of the side wide, at least one pixel; corners belong to two sides.
    """
    width = max(1, pixels.shape[1] // RING)
    pixels = pixels.astype(np.float32)
    sides = [
        pixels[:, :width],
        pixels[:, -width:],
        pixels[:, :, :width].transpose(0, 2, 1),
        pixels[:, :, -width:].transpose(0, 2, 1),
    ]
    stretches = [part for side in sides for part in np.array_split(side, STRETCHES, axis=2)]
    return np.stack(
        [found for part in stretches for found in (part.mean((1, 2)), part.std((1, 2)))], axis=1
    )


def given_columns(table):
    """{control: (its numbers, its levels) that hold any value at all in `table`}, for each control of FITTED."""
    held = {name for name in table if (table[name].notna() & (table[name].astype(str) != "")).any()}
    return {
        control: tuple([name for name in names if name in held] for names in columns)
        for control, columns in FITTED.items()
    }


def fit_and_score(table, label, training, numbers, levels):
    """The probability of malignant of each row of `table`, by a logistic regression on the `training` rows: float64 (n,).

    numbers are standardised, a missing one is the mean and marked as missing. Each of the levels' values is a column of its own,
    a missing value too, and rare or unknown values together are one. label: 1 is malignant; training: bool; both (n,). The
    penalty is scikit-learn's default, L2 with C = 1. Where training has one class alone, that is the answer.
    """
    if len(set(label[training])) == 1:
        return np.full(len(table), float(label[training][0]))
    words = {
        name: table[name].astype(object).where(table[name].notna(), "").astype(str)
        for name in levels
    }
    # The same column may be both, so that each has a name of its own here.
    inputs = pd.DataFrame(words, table.index).join(
        table[numbers].astype(float).add_suffix(" as a number")
    )
    as_numbers = make_pipeline(
        SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    as_levels = OneHotEncoder(min_frequency=FEWEST, handle_unknown="infrequent_if_exist")
    columns = make_column_transformer(
        (as_numbers, [f"{name} as a number" for name in numbers]), (as_levels, levels)
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    with threadpool_limits(1):  # the same sums whatever the machine's cores
        return model.fit(inputs[training], label[training]).predict_proba(inputs)[:, 1]


def score_controls(rows, table, given):
    """A DataFrame with a row per control, fold and test image: the rows of an experiment's scores with control and probability.

    table: all columns of the images, by image_id; given: what `given_columns` says of it. A control of which no column holds a
    value is left out. majority_class is the share of malignant images in training, of all folds: the same for every image.
    """
    found = [
        rows.assign(
            control="majority_class", probability=rows.loc[_in(rows, "training"), "label"].mean()
        )
    ]
    for _, fold in rows.groupby("fold"):
        label, training = fold["label"].to_numpy(int), _in(fold, "training").to_numpy()
        inputs = table.loc[fold["image_id"]].reset_index(drop=True)
        for control, (numbers, levels) in given.items():
            if numbers or levels:
                probability = fit_and_score(inputs, label, training, numbers, levels)
                found.append(fold.assign(control=control, probability=probability))
    found = pd.concat(found, ignore_index=True)
    return found[_in(found, "test")]


def _in(rows, partition):
    return rows["partition"] == partition


def evaluate_controls(rows, controls, given, evaluation):
    """A DataFrame with a row per metric of the network and of each control: control, columns, metric, value, low, high,
    confidence, difference, difference_low, difference_high, n, reason.

    rows: the network's test images of all folds (fold, image_id, patient_id, label, probability); controls: rows of
    `score_controls`, and such of shuffled_labels. The difference is the network's value minus the control's, both on the
    control's images; its interval comes from drawing the same patients for both.
    """
    parts = [_values(rows, evaluation).assign(control="network", columns=GIVEN["network"])]
    for control in CONTROLS:
        scored = controls[controls["control"] == control]
        if len(scored):
            values = compared(rows, scored, evaluation)
        elif control in FITTED:
            reason = f"this dataset does not tell {_listed(FITTED[control])}"
            values = pd.DataFrame({"metric": METRICS, "reason": reason})
        else:
            values = pd.DataFrame({"metric": METRICS, "reason": NOT_TRAINED})
        columns = GIVEN.get(control) or _listed(given[control])
        parts.append(values.assign(control=control, columns=columns))
    return pd.concat([part.astype(object) for part in parts], ignore_index=True)


def _listed(columns):
    numbers, levels = columns
    return ", ".join([*numbers, *levels])


def compared(rows, scored, evaluation):
    """The values of one control, and of how much the network does better, as `evaluate_controls` has them."""
    values = _values(scored, evaluation)
    network = scored[["fold", "image_id"]].merge(rows, on=["fold", "image_id"], validate="1:1")
    best = _values(network, evaluation)
    values["difference"] = best["value"] - values["value"]
    patients, place = np.unique(scored["patient_id"].to_numpy(str), return_inverse=True)
    draws = Draws(len(patients), evaluation["draws"], evaluation["seed"])
    with threadpool_limits(1):
        ours, theirs = (
            draw_metrics(_units(table), place, draws, METRICS) for table in (network, scored)
        )
    fewest = {
        "accuracy": len(patients),
        "auroc": min(_fewest(table) for table in (network, scored)),
    }
    for at, metric in values["metric"].items():
        if fewest[metric] >= FEWEST_PATIENTS:
            low, high, _ = interval(
                ours[metric] - theirs[metric], evaluation["confidence"], fewest[metric]
            )
            values.loc[at, ["difference_low", "difference_high"]] = low, high
    return values


def _fewest(rows):
    """Of the patients with a malignant and of those with a benign image, the fewer."""
    return min(rows.loc[rows["label"] == label, "patient_id"].nunique() for label in (0, 1))


def _values(rows, evaluation):
    """The METRICS of `rows`, with their intervals, as mammo.statistics.bootstrap.estimate has them."""
    values = estimate([_units(rows)], "image", evaluation)
    return (
        values[values["metric"].isin(METRICS)].drop(columns=["sd", "runs"]).reset_index(drop=True)
    )


def _units(rows):
    """Each image as a unit by itself; what training holds most of is a control here, and no column."""
    return rows.assign(unit=rows["image_id"], images=1, majority=0)

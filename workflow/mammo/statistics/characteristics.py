"""Table 1: what the lesions of each partition are like, and how far validation and test differ from training."""

import numpy as np
import pandas as pd

from mammo.split.flow import counter
from mammo.tables import PARTITIONS, SCHEMAS

# The variables of lesions.csv, in their order in the table; a dataset's own columns follow, and the size of the crop.
KNOWN = {
    "label": "Class",
    "pathology": "Pathology",
    "kind": "Kind",
    "laterality": "Side",
    "view": "View",
    "breast_density": "Breast density",
    "assessment": "Assessment (BI-RADS)",
    "subtlety": "Subtlety",
    "mass_shape": "Shape, of masses",
    "mass_margins": "Margins, of masses",
    "calc_type": "Type, of calcifications",
    "calc_distribution": "Distribution, of calcifications",
}
# What only one kind of lesion can have is described for that kind alone: the other would be 'not given' throughout.
OF_KIND = {"mass_shape": "mass", "mass_margins": "mass", "calc_type": "calcification", "calc_distribution": "calcification"}  # fmt: skip
CROP_SIZE = "crop_size"
NOT_GIVEN = "not given"
MOST_LEVELS = 20


def with_crop_size(lesions, files):
    """`lesions` with crop_size: the longer side of the published crop in pixels, missing where there is none."""
    side = files.set_index("file")[["width", "height"]].astype(float).max(axis="columns")
    return lesions.assign(**{CROP_SIZE: lesions["crop_file"].map(side)})


def telling_columns(lesions):
    """The columns that say something of `lesions`: more than one value, a missing one counted, and not all missing.

    The pathology is left out where it only repeats the label.
    """
    further = [
        name for name in lesions if name not in SCHEMAS["lesions"]["columns"] and name != CROP_SIZE
    ]
    names = [name for name in [*KNOWN, *further, CROP_SIZE] if name in lesions]
    if "pathology" in names and (lesions["pathology"].str.lower() == lesions["label"]).all():
        names.remove("pathology")
    return [
        name for name in names if len(set(_as_text(_rows_of(name, lesions)[name]).unique())) > 1
    ]


def characteristics(lesions, fate, columns):
    """Table 1 of one fold as a DataFrame: rows are the lesions in a view that a run uses, as mammo.split.flow.follow tells in `fate`.

    Columns: variable, level, statistic, then training, validation and test, each with its share, then smd_validation and
    smd_test, the standardised mean differences of these two from training, and reason, why one of them is not defined.
    - "number of": patients, breasts (missing where a side is not known), lesions and images.
    - a variable's first row has no level; it counts the rows with a value given, and holds the differences.
    - of up to 20 different values each is a level with its count and its share of the partition.
    - more are described as numbers if all are: mean, sd (n - 1), median, quartiles; crop_size always is.
    - other values, such as free text, are counted only: how many different ones there are.
    - last comes 'not given', where a value is missing: beside levels it is one more, of numbers it is left aside.
    """
    used = fate["partition"] != ""
    lesions, partition = lesions[used], fate.loc[used, "partition"]
    count = counter(lesions, fate.loc[used, "image"])
    numbers = {name: count(partition == name) for name in PARTITIONS}
    table = [
        {"variable": "number of", "level": unit, "statistic": "n"}
        | {name: numbers[name][unit] for name in PARTITIONS}
        for unit in ("patients", "breasts", "lesions", "images")
    ]
    for column in columns:
        rows = _rows_of(column, lesions)
        table += _describe(column, rows[column], partition[rows.index])
    shares = [f"{name}_share" for name in PARTITIONS]
    order = ["variable", "level", "statistic", *np.ravel([*zip(PARTITIONS, shares, strict=True)])]
    frame = pd.DataFrame(table, dtype=object).reindex(
        columns=[*order, "smd_validation", "smd_test", "reason"]
    )
    return frame.assign(level=frame["level"].fillna(""), reason=frame["reason"].fillna(""))


def _rows_of(column, lesions):
    """The lesions that can have a value of `column`."""
    of_kind = lesions["kind"] == OF_KIND.get(column, "")
    return lesions[of_kind] if column in OF_KIND and of_kind.any() else lesions


def _as_text(values):
    """Each value as text, a missing one as ''."""
    return values.astype(object).where(values.notna(), "").astype(str)


def _describe(name, values, partition):
    """The rows of a variable; `partition` names each value's."""
    text = _as_text(values).replace(NOT_GIVEN, "")
    given = text != ""
    different = text[given].unique()
    sizes = partition.value_counts()
    numbers = pd.to_numeric(text[given], errors="coerce")
    numeric = np.isfinite(numbers).all() and (len(different) > MOST_LEVELS or name == CROP_SIZE)

    def row(level, statistic, numbers, share=False):
        shares = {
            f"{name}_share": numbers[name] / sizes[name]
            for name in PARTITIONS
            if share and name in sizes
        }
        return {"variable": name, "level": level, "statistic": statistic, **numbers, **shares}

    def each(function):
        return {part: function(partition == part) for part in PARTITIONS}

    head = row("", "n", each(lambda here: int((here & given).sum())), share=True)
    missing = row(NOT_GIVEN, "n", each(lambda here: int((here & ~given).sum())), share=True)
    if numeric:
        groups = each(lambda here: numbers[here[given]].to_numpy(float))
        compared = _differences(smd_of_numbers, groups)
        statistics = {"mean": np.mean, "sd": _sd, "median": np.median, "quartile_1": _quartile(1), "quartile_3": _quartile(3)}  # fmt: skip
        rows = [
            row(
                "",
                statistic,
                {
                    part: float(function(group)) if len(group) else None
                    for part, group in groups.items()
                },
            )
            for statistic, function in statistics.items()
        ]
    elif len(different) <= MOST_LEVELS:
        counts = pd.crosstab(text, partition).reindex(columns=PARTITIONS, fill_value=0)
        compared = _differences(
            smd_of_levels, {part: counts[part].to_numpy() for part in PARTITIONS}
        )
        levels = sorted(different, key=level_order)
        rows = [row(level, "n", {part: int(counts.at[level, part]) for part in PARTITIONS}, share=True) for level in levels]  # fmt: skip
    else:
        compared = {"reason": f"more than {MOST_LEVELS} different values that are no numbers"}
        rows = [row("", "different_values", each(lambda here: text[here & given].nunique()))]
    return [head | compared, *rows, *([] if given.all() else [missing])]


def level_order(level):
    """Numbers by their value, before text by its letters."""
    number = pd.to_numeric(level, errors="coerce")
    return (1, 0, level) if pd.isna(number) else (0, number, level)


def _sd(values):
    return np.std(values, ddof=1) if len(values) > 1 else np.nan


def _quartile(number):
    return lambda values: np.percentile(values, 25 * number)


def _differences(measure, groups):
    """{smd_validation, smd_test, reason} of the groups against training; a value that is not defined is None."""
    found = {part: measure(groups[part], groups["training"]) for part in ("validation", "test")}
    reasons = {}
    for part, (_, reason) in found.items():
        if reason:
            reasons.setdefault(reason, []).append(part)
    told = "; ".join(f"{' and '.join(parts)}: {reason}" for reason, parts in reasons.items())
    return {f"smd_{part}": value for part, (value, _) in found.items()} | {"reason": told}


def smd_of_numbers(group, reference):
    """(d, reason): the standardised mean difference of two samples; (None, why) where it is not defined.

    d = |mean1 - mean2| / sqrt((s1² + s2²) / 2), s with n - 1: Cohen's d with the variances averaged, whatever the sizes
    of the samples. J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed., 1988, chapter 2; recommended for
    comparing groups at baseline in P. C. Austin, Statistics in Medicine 28 (2009) 3083, doi 10.1002/sim.3697.
    """
    if min(len(group), len(reference)) < 2:
        return None, "fewer than two values given on one side"
    spread = np.sqrt((np.var(group, ddof=1) + np.var(reference, ddof=1)) / 2)
    if spread == 0:
        return None, "the values do not vary"
    return float(abs(np.mean(group) - np.mean(reference)) / spread), ""


def smd_of_levels(counts, reference):
    """(d, reason): the standardised difference between two samples of a variable with levels; (None, why) if undefined.

    `counts` and `reference` are (levels,) counts. d = sqrt((p - q)' S⁻ (p - q)), p and q the samples' shares, S the mean of their
    multinomial covariances diag(p) - pp' and diag(q) - qq': the Mahalanobis distance of D. Yang and J. E. Dalton, A unified
    approach to measuring the effect size between two groups using SAS, SAS Global Forum 2012, paper 335 (where the elements
    off the diagonal lack their minus sign). With two levels it is |p - q| / sqrt((p(1 - p) + q(1 - q)) / 2). Over all levels S
    is singular, and so it is with an empty level: any generalised inverse gives what leaving one level out would, as
    long as the samples share a level. Where they do not, the distance is infinite.
    """
    counts, reference = np.asarray(counts, float), np.asarray(reference, float)
    if not (counts.sum() and reference.sum()):
        return None, "no rows on one side"
    if not (counts * reference).any():
        return None, "no level in common"
    if np.count_nonzero(counts + reference) == 1:
        return None, "the values do not vary"
    p, q = counts / counts.sum(), reference / reference.sum()
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    squared = (p - q) @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ (p - q)
    return float(np.sqrt(max(squared, 0))), ""

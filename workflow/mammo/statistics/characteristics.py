"""Table 1: the lesions of each partition, and how far validation and test differ from training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mammo.split.flow import counter
from mammo.statistics.variables import CROP_SIZE, NOT_GIVEN, VARIABLES, variable
from mammo.tables import SCHEMAS
from mammo.words import PARTITIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Row = dict[str, Any]
MOST_LEVELS = 20  # of a variable; with more different values it is a number, or only counted
COUNTED = ("patients", "breasts", "lesions", "images")
REFERENCE, COMPARED = PARTITIONS[0], PARTITIONS[1:]


def with_crop_size(lesions: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """`lesions` with crop_size: the published crop's longer side in pixels, or missing."""
    side = files.set_index("file")[["width", "height"]].astype(float).max(axis="columns")
    return lesions.assign(**{CROP_SIZE: lesions["crop_file"].map(side)})


def informative_columns(lesions: pd.DataFrame) -> list[str]:
    """The columns with more than one value, where a missing one counts as a value.

    The pathology is left aside where it only repeats the label.
    """
    own = [name for name in lesions if name not in {*SCHEMAS["lesions"]["columns"], CROP_SIZE}]
    known = [name for name, of in VARIABLES.items() if name in lesions and not of.size]
    names = [*known, *own, *([CROP_SIZE] if CROP_SIZE in lesions else [])]
    if "pathology" in names and (lesions["pathology"].str.lower() == lesions["label"]).all():
        names.remove("pathology")
    return [name for name in names if as_text(_rows_of(name, lesions)[name]).nunique() > 1]


def characteristics(
    lesions: pd.DataFrame, fate: pd.DataFrame, columns: Sequence[str]
) -> pd.DataFrame:
    """Table 1 of one fold: of the lesions in a view that a run uses.

    fate: what mammo.split.flow.follow says of each lesion. columns: the variables to describe.

    Columns: variable, level, statistic, then training, validation and test, each with its
    proportion (_share), then smd_validation and smd_test, the standardised mean differences of
    these two from training, and reason, why one of them is not defined.

    - "number of": patients, breasts (missing where a side is not known), lesions and images.
    - A variable's first row has no level; it counts the rows with a value given, and holds the
      differences.
    - Of up to MOST_LEVELS different values each is a level with its count and its proportion.
    - More are described as numbers if all are: mean, sd (n - 1), median, quartiles; crop_size
      always is.
    - Other values, such as free text, are counted only: how many different ones there are.
    - Last comes 'not given', where a value is missing: beside levels it is one more, of numbers it
      is left aside.
    """
    used = fate["partition"] != ""
    lesions, partition = lesions[used], fate.loc[used, "partition"]
    count = counter(lesions, fate.loc[used, "image"])
    numbers = {name: count(partition == name) for name in PARTITIONS}
    table: list[Row] = []
    for unit in COUNTED:
        row = {"variable": "number of", "level": unit, "statistic": "n"}
        table.append(row | {name: numbers[name][unit] for name in PARTITIONS})
    for column in columns:
        rows = _rows_of(column, lesions)
        table += _describe(column, rows[column], partition[rows.index])
    order = ["variable", "level", "statistic"]
    for name in PARTITIONS:
        order += [name, f"{name}_share"]
    order += [*(f"smd_{name}" for name in COMPARED), "reason"]
    frame = pd.DataFrame(table, dtype=object).reindex(columns=order)
    return frame.assign(level=frame["level"].fillna(""), reason=frame["reason"].fillna(""))


def as_text(values: pd.Series) -> pd.Series:
    """Each value as text, a missing one as ''."""
    return values.astype(object).where(values.notna(), "").astype(str)


def level_order(level: str) -> tuple[int, float, str]:
    """By which levels are sorted: numbers by their value, before text by its letters."""
    number = pd.to_numeric(level, errors="coerce")
    return (1, 0, level) if pd.isna(number) else (0, number, level)


def _rows_of(column: str, lesions: pd.DataFrame) -> pd.DataFrame:
    """The lesions that can have a value of `column`."""
    kind = variable(column).kind
    of_kind = lesions["kind"] == kind
    return lesions[of_kind] if kind and of_kind.any() else lesions


def _describe(name: str, values: pd.Series, partition: pd.Series) -> list[Row]:
    """The rows of a variable; `partition` names each value's."""
    text = as_text(values).replace(NOT_GIVEN, "")
    given = text != ""
    sizes = partition.value_counts()

    def row(level: str, statistic: str, of: Callable[[pd.Series], Any], **further: Any) -> Row:
        """A row with `of` each partition, which is given the mask of its values."""
        found = {part: of(partition == part) for part in PARTITIONS}
        return {"variable": name, "level": level, "statistic": statistic, **found, **further}

    def counts(level: str, there: pd.Series, **further: Any) -> Row:
        """A row that counts where `there` is true, with the proportion of each partition."""
        found = row(level, "n", lambda part: int((part & there).sum()), **further)
        shares = {f"{part}_share": found[part] / sizes[part] for part in sizes.index}
        return found | shares

    different = text[given].unique()
    numbers = pd.to_numeric(text[given], errors="coerce")
    numeric = np.isfinite(numbers).all()
    missing = [] if given.all() else [counts(NOT_GIVEN, ~given)]
    if numeric and (len(different) > MOST_LEVELS or name == CROP_SIZE):
        groups = {part: numbers[partition[given] == part].to_numpy(float) for part in PARTITIONS}
        rows = [
            {"variable": name, "level": "", "statistic": statistic, **_of_each(function, groups)}
            for statistic, function in STATISTICS.items()
        ]
        return [counts("", given, **_differences(smd_of_numbers, groups)), *rows, *missing]
    if len(different) <= MOST_LEVELS:
        table = pd.crosstab(text, partition).reindex(columns=PARTITIONS, fill_value=0)
        groups = {part: table[part].to_numpy() for part in PARTITIONS}
        rows = [counts(level, text == level) for level in sorted(different, key=level_order)]
        return [counts("", given, **_differences(smd_of_levels, groups)), *rows, *missing]
    reason = f"more than {MOST_LEVELS} different values that are no numbers"
    rows = [row("", "different_values", lambda part: text[part & given].nunique())]
    return [counts("", given, reason=reason), *rows, *missing]


def _of_each(
    function: Callable[[np.ndarray], float], groups: dict[str, np.ndarray]
) -> dict[str, float | None]:
    """The statistic of each partition's numbers, None where there are none."""
    return {part: float(function(group)) if len(group) else None for part, group in groups.items()}


def _sd(values: np.ndarray) -> float:
    return np.std(values, ddof=1) if len(values) > 1 else np.nan


STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "sd": _sd,
    "median": np.median,
    "quartile_1": lambda values: np.percentile(values, 25),
    "quartile_3": lambda values: np.percentile(values, 75),
}


def _differences(
    measure: Callable[[np.ndarray, np.ndarray], tuple[float | None, str]],
    groups: dict[str, np.ndarray],
) -> Row:
    """{smd_validation, smd_test, reason} of the groups against training; None if undefined."""
    found: Row = {}
    reasons: dict[str, list[str]] = {}
    for part in COMPARED:
        found[f"smd_{part}"], reason = measure(groups[part], groups[REFERENCE])
        if reason:
            reasons.setdefault(reason, []).append(part)
    said = [f"{' and '.join(parts)}: {reason}" for reason, parts in reasons.items()]
    return found | {"reason": "; ".join(said)}


def smd_of_numbers(group: ArrayLike, reference: ArrayLike) -> tuple[float | None, str]:
    """(d, reason): the standardised mean difference of two samples, or None and why there is none.

    d = |mean1 - mean2| / sqrt((s1² + s2²) / 2), s with n - 1: Cohen's d with the variances
    averaged, whatever the sizes of the samples. J. Cohen, Statistical Power Analysis for the
    Behavioral Sciences, 2nd ed., 1988, chapter 2; recommended for comparing groups at baseline in
    P. C. Austin, Statistics in Medicine 28 (2009) 3083, doi 10.1002/sim.3697.
    """
    group, reference = np.asarray(group, float), np.asarray(reference, float)
    if min(len(group), len(reference)) < 2:
        return None, "fewer than two values given on one side"
    spread = np.sqrt((np.var(group, ddof=1) + np.var(reference, ddof=1)) / 2)
    if spread == 0:
        return None, "the values do not vary"
    return float(abs(np.mean(group) - np.mean(reference)) / spread), ""


def smd_of_levels(counts: ArrayLike, reference: ArrayLike) -> tuple[float | None, str]:
    """(d, reason): the standardised difference of two samples of levels, or None and why.

    `counts` and `reference` are counts (levels,). d = sqrt((p - q)' S⁻ (p - q)), p and q the
    samples' proportions, S the mean of their multinomial covariances diag(p) - pp' and
    diag(q) - qq': the Mahalanobis distance of D. Yang and J. E. Dalton, A unified approach to
    measuring the effect size between two groups using SAS, SAS Global Forum 2012, paper 335 (where
    the elements off the diagonal lack their minus sign). With two levels it is
    |p - q| / sqrt((p(1 - p) + q(1 - q)) / 2).

    Over all levels S is singular, and so it is with an empty level: any generalised inverse gives
    what leaving one level out would, as long as the samples share a level. Where they do not, the
    distance is infinite.
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

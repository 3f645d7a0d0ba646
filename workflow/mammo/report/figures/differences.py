"""Differences of metrics: experiments against the baseline, and inflation by data leakage."""

from collections.abc import Collection, Sequence
from typing import Any

from mammo.estimates import Estimate
from mammo.report.figure import Axes, Canvas, DataFrame, Figure, Series
from mammo.report.phrases import capitalised, in_sentence, why_not
from mammo.report.style import PALETTE, interval_bar, level_of, new_figure
from mammo.words import number

MOST_ROWS = 40  # experiments that a page holds
BAND = "#E3E3E3"
LEVELS = {"image": "by image", "patient": "by patient"}
HONEST, LEAKING = PALETTE[2], PALETTE[1]
HONEST_WORDS = "honest: split by patient, threshold chosen on validation"
TRAINING = (
    "intervals do not include the variation between trainings of the same network: "
    "use several seeds for that"
)


def draw_comparisons(table: DataFrame, edition: str) -> Canvas:
    """AUROC of each other experiment minus the baseline's, by image and by patient.

    Behind it is the band of differences that the test partition is too small to show.
    """
    from matplotlib.patches import Patch

    table = table[table["metric"] == "auroc"]
    names = list(dict.fromkeys(table["experiment_b"]))
    figure = new_figure(11, 2.5 + 0.5 * min(len(names), MOST_ROWS), layout="constrained")
    panels = figure.subplots(1, len(LEVELS), sharex=True, sharey=True)
    for axes, level in zip(panels, LEVELS, strict=True):
        rows = table[table["level"] == level].set_index("experiment_b").loc[names[:MOST_ROWS]]
        _draw_panel(axes, rows)
        axes.set_title(LEVELS[level], loc="left", fontsize=10)
    title = f"Experiments against the baseline on test, {edition} dataset"
    panels[0].set_title(f"{title}\n{LEVELS['image']}", loc="left")
    _around_zero(panels)
    comparisons = int(table.groupby("level")["p"].count().max())
    band = "differences that this test partition is too small to show (80 % power, 5 % two-sided)"
    notes = [
        "p by DeLong's test: too small by image, as a patient's images are not independent; "
        f"adjusted (Holm) for {comparisons} comparison{'' if comparisons == 1 else 's'}",
        TRAINING,
    ]
    if len(names) > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {len(names)} experiments; all are in the table")
    handles = [_difference_handle(table, PALETTE[0]), Patch(color=BAND, label=band)]
    _add_legend(figure, handles, notes)
    return figure


def _draw_panel(axes: Axes, rows: DataFrame) -> None:
    for y, (_, row) in enumerate(rows.iterrows()):
        detectable = row["detectable"]
        if detectable == detectable:
            axes.barh(y, 2 * detectable, left=-detectable, height=0.8, color=BAND)
        _draw_difference(axes, y, row, PALETTE[0])
    baseline = rows["value_a"].iloc[0]
    value = f", {number(baseline)}" if baseline == baseline else ""
    axes.set_xlabel(f"AUROC minus the baseline's{value}")
    _set_rows(axes, list(rows.index))


def describe_comparisons(table: DataFrame) -> str:
    """The difference of each experiment's AUROC, by image."""
    rows = table[(table["metric"] == "auroc") & (table["level"] == "image")]
    return " ".join(_describe_difference(row["experiment_b"], row) for _, row in rows.iterrows())


def _several(experiments: Collection[str], leaking: Collection[str]) -> bool:
    return len(experiments) > 1


def draw_leakage(table: DataFrame, edition: str) -> Canvas:
    """The honest and the leaking value of each metric, and their difference with its interval."""
    from matplotlib.lines import Line2D

    figure = new_figure(10.4, 2.4 + 0.34 * len(table), layout="constrained")
    values, differences = figure.subplots(1, 2, sharey=True)
    for y, (_, row) in enumerate(table.iterrows()):
        honest, leaking = row["honest"], row["leaking"]
        if row["difference"] == row["difference"]:
            values.plot([honest, leaking], [y, y], color="#666666", linewidth=1, zorder=1)
            values.plot(honest, y, "o", color=HONEST)
            values.plot(leaking, y, "D", color=LEAKING)
        _draw_difference(differences, y, row, LEAKING)
    lowest = table[["honest", "leaking"]].min(axis=None)
    left = min(0.5, lowest if lowest == lowest else 0.5) - 0.02
    values.set(xlabel="Value on test", xlim=(left, 1.01))
    values.set_title(f"Inflation by data leakage, {edition} dataset", loc="left")
    differences.set_xlabel("Inflation: leaking minus honest")
    names = [capitalised(_name(row)) for _, row in table.iterrows()]
    _set_rows(values, names)
    _set_rows(differences, names)
    _around_zero([differences])
    handles = [
        Line2D([], [], color=HONEST, marker="o", linestyle="", label=HONEST_WORDS),
        Line2D([], [], color=LEAKING, marker="D", linestyle="", label="leaking"),
        _difference_handle(table, LEAKING),
    ]
    _add_legend(figure, handles, [TRAINING])
    return figure


def _name(row: Series) -> str:
    """'split by image: AUROC', 'threshold picked on test: balanced accuracy'."""
    from mammo.report.labels import METRIC_LABELS

    return f"{row['what'].replace('_', ' ')}: {in_sentence(METRIC_LABELS[row['metric']])}"


def describe_leakage(table: DataFrame) -> str:
    """How much each kind of leakage inflates a metric."""
    rows = table[table["metric"] != "accuracy"]
    return " ".join(_describe_difference(_name(row), row) for _, row in rows.iterrows())


def _leaking(experiments: Collection[str], leaking: Collection[str]) -> bool:
    return len(leaking) > 0


def _draw_difference(axes: Axes, y: float, row: Series, colour: str) -> None:
    """A difference with its interval, drawn and in numbers; without one in numbers alone."""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.has_interval:
        interval_bar(axes, y, estimate, color=colour, markersize=5)
    place = axes.get_yaxis_transform()
    axes.text(1.02, y, _in_numbers(row), transform=place, va="center", fontsize=8)


def _in_numbers(row: Series) -> str:
    """'+0.021 [−0.010, +0.052]', and below it the p values where there are some."""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.value is None:
        return "not defined"
    words = estimate.text(signed=True)
    if not estimate.has_interval:
        words += ", no CI"
    if "p" in row and row["p"] == row["p"]:
        words += f"\np {_p_value(row['p'])}, adjusted {_p_value(row['p_holm'])}"
    return words


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _describe_difference(what: str, row: Series) -> str:
    """'split by image: AUROC: a difference of +0.021 [−0.010, +0.052].'"""
    estimate = Estimate.of_row(row, value="difference")
    if estimate.value is None:
        return f"{what}: {why_not(estimate.reason)}."
    return f"{what}: a difference of {estimate.text(signed=True)}."


def _set_rows(axes: Axes, names: Sequence[str]) -> None:
    """A row for each name, from the top."""
    axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)


def _around_zero(panels: Sequence[Axes]) -> None:
    """Zero in the middle of the panels, which share their limits, and marked."""
    reach = max(0.05, *(abs(limit) for axes in panels for limit in axes.get_xlim()))
    for axes in panels:
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=5)
        axes.axvline(0, color="black", linewidth=0.8, zorder=1)


def _difference_handle(table: DataFrame, colour: str) -> Any:
    """The legend's entry of a difference, which names the confidence level."""
    from matplotlib.lines import Line2D

    level = level_of(table)
    label = "difference" + (level and f" with its {level} (cluster bootstrap by patient)")
    return Line2D([], [], color=colour, marker="o", linewidth=1.6, label=label)


def _add_legend(figure: Canvas, handles: Sequence[Any], notes: Sequence[str]) -> None:
    """The handles, and below them, without a mark, what else is to be said."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], linestyle="", label=note) for note in notes]
    figure.legend(handles=[*handles, *lines], loc="outside lower left", fontsize=8)


FIGURES = (
    Figure(
        name="comparisons",
        schema="comparisons",
        section="comparisons",
        title="Experiments against the baseline",
        caption="""
The AUROC of each other experiment on test minus that of the baseline, with confidence intervals
from a cluster bootstrap that draws the same patients for both. Within the grey band lie
differences that this test partition is too small to show with a power of 80 %. The p values are
DeLong's, and adjusted (Holm) for the number of comparisons.
""",
        draw=draw_comparisons,
        describe=describe_comparisons,
        wanted=_several,
    ),
    Figure(
        name="leakage",
        schema="leakage",
        section="leakage",
        title="Inflation by data leakage",
        caption="""
Inflation by data leakage: the same model under splits that put a patient, or a lesion, on both
sides, and with a threshold chosen on the test images. Left the honest and the leaking value, right
their difference with its confidence interval.
""",
        draw=draw_leakage,
        describe=describe_leakage,
        wanted=_leaking,
    ),
)

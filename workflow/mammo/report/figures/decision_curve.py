"""Decision curves: net benefit by threshold."""

from mammo.report.figure import Canvas, DataFrame, Figure, Panel
from mammo.report.style import OTHERS, PALETTE, Experiment, band, by_experiment, head, say, sized
from mammo.words import number

TOLD_AT = (0.2, 0.5)  # the thresholds that the alternative text names


def draw(table: DataFrame, edition: str) -> Canvas:
    """Net benefit of the model, and of predicting every or no image malignant."""
    title = f"Decision curve by image, test partition, {edition} dataset"
    return by_experiment(table, title, (6.2, 4.4), _draw_panel)


def _draw_panel(panel: Panel, experiment: Experiment) -> None:
    axes, rows = panel.subplots(), experiment.rows
    labels = ("Threshold on the calibrated probability", "Net benefit per image")
    axes.set(xlim=(0, 1), xlabel=labels[0], ylabel=labels[1])
    head(axes, experiment.name, sized(rows))
    model, all_malignant = _of(rows, "network"), _of(rows, "treat_all")
    if model["net_benefit"].isna().all():
        say(axes, model["reason"].iloc[0])
        return
    best = rows["net_benefit"].max()
    axes.set_ylim(-0.25 * best, 1.05 * max(best, model["high"].max()))

    def plot(line: DataFrame, label: str, **style: object) -> None:
        axes.plot(line["threshold"], line["net_benefit"], label=label, **style)

    for other in experiment.others:
        plot(_of(other, "network"), "other experiments", color=OTHERS, linewidth=1)
    plot(all_malignant, "all predicted malignant", color=PALETTE[1], linestyle="--")
    none = {"color": "black", "linewidth": 1, "linestyle": ":"}
    axes.axhline(0, label="none predicted malignant", **none)
    plot(model, "model", color=PALETTE[0], linewidth=2)
    band(axes, model, "threshold")


def _of(rows: DataFrame, strategy: str) -> DataFrame:
    return rows[rows["strategy"] == strategy]


def describe(table: DataFrame) -> str:
    """The net benefit at two thresholds, and that of predicting every image malignant."""
    sentences = []
    for threshold in TOLD_AT:
        near = table[(table["threshold"] - threshold).abs() < 1e-9]
        benefit = near.set_index("strategy")["net_benefit"]
        if {"network", "treat_all"} <= set(benefit.index):
            sentences.append(
                f"At a threshold of {threshold:g} the net benefit of the model is "
                f"{number(benefit['network'])}, and {number(benefit['treat_all'])} if all images "
                "are predicted malignant."
            )
    return " ".join(sentences) or "It is not defined for a test partition of one class."


FIGURE = Figure(
    name="decision_curve",
    schema="decision_curve",
    section="results",
    order=3,
    title="Decision curve",
    caption="""
Net benefit per test image by threshold. A threshold of 0.2 states that a missed cancer is four
times as bad as a false positive. The curve holds for the proportion of malignant images in this
test partition, which is far above that of screening.
""",
    draw=draw,
    describe=describe,
    gathered="described",
)

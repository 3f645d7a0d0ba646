"""What a figure shows, in words and numbers from its own table: for those who cannot see it, and for a search.

Each function takes the figure's table, and tells of the first experiment in it.
"""

import pandas as pd

from mammo.report.answer import WORDS, estimate, number, why_not


def told(function, table):
    """What `function` says of the first experiment of `table`, and how many others the figure shows."""
    if "experiment" not in table:
        return function(table)
    names = list(dict.fromkeys(table["experiment"]))
    others = f" The figure also shows {', '.join(names[1:])}." if names[1:] else ""
    return function(table[table["experiment"] == names[0]]) + others


def flow(table):
    first = table[table["fold"] == table["fold"].min()]
    remains = first[(first["reason"] == "") & (first["partition"] == "")]
    steps = [
        f"{row.description}: {row.images:,} images of {row.patients:,} patients"
        for row in remains.itertuples()
    ]
    whole = first[(first["partition"] != "") & (first["label"] == "")]
    parts = [f"{row.description.lower()} {row.images:,}" for row in whole.itertuples()]
    return f"{'; '.join(steps)}. Images by partition: {', '.join(parts)}."


def curves(table):
    runs = list(table[table["partition"] == "validation"].groupby(["fold", "seed"]))
    kept = [run[run["kept"] == 1].iloc[0] for _, run in runs]
    if len(kept) == 1:
        last = runs[0][1]["epoch"].max()
        return f"Of {last} epochs, the weights of epoch {kept[0]['epoch']} were kept, where validation stood at {number(kept[0]['value'])}."
    values = [row["value"] for row in kept]
    return f"{len(kept)} runs; validation stood between {number(min(values))} and {number(max(values))} where weights were kept."


def roc(table):
    area = table[(table["part"] == "area") & (table["curve"] == "network")].iloc[0]
    points = table[(table["part"] == "point") & (table["curve"] == "network")]
    at = [
        f"{_point(row.point)} the sensitivity is {number(row.sensitivity, share=True)} and the specificity "
        f"{number(1 - row.one_minus_specificity, share=True)}"
        for row in points.itertuples()
        if pd.notna(row.sensitivity) and pd.notna(row.one_minus_specificity)
    ]
    return ". ".join([_area("The area under the curve", area, "auroc"), *at]) + "."


def precision_recall(table):
    area = table[table["part"] == "area"].iloc[0]
    share = number(area["malignant"] / area["n"], share=True) if area["n"] else "–"
    return f"{_area('Average precision', area, 'auprc')}; {share} of the images are malignant."


def _area(what, row, column):
    row = row.to_dict() | {"value": row[column]}
    return (
        f"There is none: {why_not(row)}" if pd.isna(row["value"]) else f"{what} is {estimate(row)}"
    )


def _point(point):
    return {"youden": "At Youden's threshold", "sensitivity_90": "At the threshold for a sensitivity of 0.90", "half": "At 0.5"}[point]  # fmt: skip


def calibration(table):
    bins = table[(table["probabilities"] == "calibrated") & (table["n"] > 0)].sort_values("lower")
    ends = [bins.iloc[0], bins.iloc[-1]] if len(bins) > 1 else [bins.iloc[0]]
    return " ".join(
        f"Of the {row['n']} images with a calibrated probability of {row['lower']:g} to {row['upper']:g}, "
        f"{number(row['share_malignant'], share=True)} are malignant."
        for row in ends
    )


def scores(table):
    columns = table[table["part"] == "column"]
    upper = columns[columns["lower"] >= 0.5].groupby("label")["share"].sum(min_count=1)
    return " ".join(
        f"Of the {label} images, {number(upper[label], share=True)} have a calibrated probability of 0.5 or more."
        for label in ("malignant", "benign")
        if label in upper and pd.notna(upper[label])
    )


def confusion(table):
    chosen = table[(table["partition"] == "test") & (table["level"] == "image")]
    return " ".join(
        _counts(point, rows.set_index("metric")["value"])
        for point, rows in chosen.groupby("point", sort=False)
    )


def _counts(point, value):
    if pd.isna(value["true_positives"]):
        return f"{_point(point)} there is no table."
    return (
        f"{_point(point)}, {value['true_positives']:.0f} malignant and {value['true_negatives']:.0f} benign images are called right, "
        f"{value['false_negatives']:.0f} malignant ones are missed and {value['false_positives']:.0f} benign ones are called malignant."
    )


def decision_curve(table):
    texts = []
    for threshold in (0.2, 0.5):
        near = table[(table["threshold"] - threshold).abs() < 1e-9].set_index("strategy")[
            "net_benefit"
        ]
        if {"network", "treat_all"} <= set(near.index):
            texts.append(f"At a threshold of {threshold:g} the net benefit is {number(near['network'])}, and {number(near['treat_all'])} if all are called malignant.")  # fmt: skip
    return " ".join(texts) or "It is not defined for a test partition of one class."


def forest(table):
    groups = table[(table["variable"] != "all") & table["low"].notna()].sort_values("value")
    if not len(groups):
        return "No subgroup is large enough for an interval."
    low, high = groups.iloc[0], groups.iloc[-1]
    return f"Of {len(groups)} subgroups that are large enough for an interval, the AUROC is lowest in {_group(low)}, {estimate(low)}, and highest in {_group(high)}, {estimate(high)}."


def _group(row):
    return f"{row['variable'].replace('_', ' ')}: {row['group']} ({row['n']} images)"


def controls(table):
    rows = table[(table["metric"] == "auroc") & table["value"].notna()]
    if not len(rows):
        return "No control has an AUROC."
    return (
        "AUROC: "
        + "; ".join(
            f"{WORDS.get(row['control'], row['control'])} {estimate(row)}"
            for row in rows.to_dict("records")
        )
        + "."
    )


def gradcam_energy(table):
    values = table[table["group"] == "all"].set_index("measure").to_dict("index")
    inside, even, others = (
        values[name] for name in ("energy_inside", "chance", "energy_in_others")
    )
    if pd.isna(inside["value"]):
        return f"No value: {inside['reason']}."
    return (
        f"{number(inside['value'], share=True)} of the map's energy lies inside the lesion's outline; of an even map {number(even['value'], share=True)} would, "
        f"and inside the outlines of other patients' lesions lies {number(others['value'], share=True)}."
    )


OUTCOMES = {"false_negative": "missed cancers", "false_positive": "false alarms", "true_positive": "cancers that were found", "true_negative": "benign ones that were called so"}  # fmt: skip


def gradcam(table):
    counts = table["outcome"].value_counts()
    shown = [
        f"{counts[outcome]} {words}" for outcome, words in OUTCOMES.items() if outcome in counts
    ]
    return f"Test images with their Grad-CAM maps, the surest of each kind at a probability of 0.5, not calibrated: {', '.join(shown)}."


def comparisons(table):
    rows = table[(table["metric"] == "auroc") & (table["level"] == "image")]
    return " ".join(_difference(row["experiment_b"], row) for row in rows.to_dict("records"))


def leakage(table):
    rows = table[table["metric"] != "accuracy"].to_dict("records")
    return " ".join(
        _difference(f"{row['what'].replace('_', ' ')}, {row['metric'].replace('_', ' ')}", row)
        for row in rows
    )


def _difference(what, row):
    difference = estimate(row | {"value": row["difference"]})
    return (
        f"{what}: a difference of {difference}."
        if pd.notna(row["difference"])
        else f"{what}: {row['reason']}."
    )

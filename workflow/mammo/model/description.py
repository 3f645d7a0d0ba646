"""Write the model.json of an exported network: what its export found, and how well it does on test images, with intervals."""

import json
from pathlib import Path

from mammo.model.exported_scores import of_fold
from mammo.statistics.estimation import estimate


def tested(scores, thresholds, evaluation):
    """The metrics of a fold's test images that tell how far its predictions can be trusted, as a list of dicts.

    Discrimination of the probability, the calibrated one's error, and what each operating point makes of it, as metrics.csv
    defines them. Empty without test images.
    """
    test = scores[scores["partition"] == "test"].assign(
        unit=lambda rows: rows["image_id"], images=1
    )
    if test.empty:
        return []
    training = scores.loc[scores["partition"] == "training", "label"]
    test["majority"] = int(training.mean() > 0.5)
    wanted = [
        ("", test, ["auroc", "auprc"]),
        ("", test.assign(probability=test["calibrated"]), ["brier_score"]),
    ]
    for point in thresholds[thresholds["threshold"].notna()].itertuples():
        rows = test.assign(probability=test["calibrated"], threshold=point.threshold)
        wanted.append((point.point, rows, ["sensitivity", "specificity", "ppv", "npv"]))
    found = []
    for point, rows, metrics in wanted:
        values = (
            estimate([rows], "image", evaluation).set_index("metric").loc[metrics].reset_index()
        )
        values = values[["metric", "value", "low", "high", "confidence", "n", "reason"]].astype(
            object
        )
        found += [
            {"point": point} | row for row in values.where(values.notna(), None).to_dict("records")
        ]
    return found


def main(inputs, output, fold, evaluation):
    settings = json.loads(Path(inputs.facts).read_text(encoding="utf-8"))
    scores, thresholds, _ = of_fold(inputs.scores, inputs.thresholds, fold)
    settings["test"] = tested(scores, thresholds, evaluation)
    text = json.dumps(settings, indent=2, allow_nan=False, default=lambda number: number.item())
    Path(output).write_text(text + "\n", encoding="utf-8")
    for row in settings["test"]:
        print("{point:15} {metric:12} {value} [{low}, {high}] {reason}".format(**row))

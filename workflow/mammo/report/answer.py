"""What a study found, in sentences that claim no more than its tables do."""

import pandas as pd

# What a study's result is of, the first that there is: all folds pooled, the seeds of the one fold together, or its one run.
# The mean over runs is told beside it: it says of no images what a network would have called them.
HEADLINES = ["pooled", "ensemble", "run"]
READERS = "reader_"  # begins the name of a control that knows what readers wrote
AUROC = "The AUROC is the chance that of a malignant and a benign image the malignant one gets the higher probability: 0.5 is guessing, 1 without fault."
WORDS = {
    "image_statistics": "size and grey levels of the file",
    "darkest_levels": "the darkest grey level",
    "brightest_levels": "the brightest grey level",
    "image_border": "the image's border",
    "technical_columns": "kind, view and side",
    "majority_class": "always the commoner class",
    "shuffled_labels": "the network, trained on shuffled labels",
    "reader_assessment": "the readers' assessment (BI-RADS)",
    "reader_assessment_ordered": "the readers' assessment (BI-RADS), as a number",
    "reader_columns": "all that readers wrote",
    "network": "the network",
}


def number(value, share=False):
    """'0.915', or '91.5 %' of a share; '–' where there is none."""
    if pd.isna(value):
        return "–"
    return (f"{100 * value:.1f} %" if share else f"{value:.3f}").replace("-", "−")


def estimate(row, share=False):
    """'0.915 [0.842 to 0.975]' or '91.5 % [84.2 to 97.5]' of a row with value, low and high; without an interval the value alone."""
    text = number(row["value"], share)
    if pd.isna(row["value"]) or pd.isna(row["low"]):
        return text
    low, high = (number(row[end], share).removesuffix(" %") for end in ("low", "high"))
    return f"{text} [{low} to {high}]"


def why_not(row):
    """Why a row has no value or no interval, without the words that say which of both is missing."""
    return (
        row["reason"]
        .removeprefix("not defined: ")
        .removeprefix("no interval: ")
        .removeprefix("no such level: ")
    )


def headline(metrics, experiment="baseline"):
    """The rows of metrics.csv that say what an experiment ends in: those of the first of HEADLINES that there is."""
    rows = metrics[metrics["experiment"] == experiment]
    return rows[rows["of"] == next(of for of in HEADLINES if (rows["of"] == of).any())]


def of_metric(rows, partition="test", level="image"):
    """{metric: its row} of a partition at a level."""
    chosen = rows[(rows["partition"] == partition) & (rows["level"] == level)]
    return {row["metric"]: row for row in chosen.to_dict("records")}


def answer(metrics, edition, lookalikes=0.0, controls=None):
    """What the study found: {verdict, lead, sentences, warnings}, all text.

    metrics: metrics.csv. lookalikes: the share of the phantom's lesions that are drawn like the other class. controls:
    control_values of all experiments, or None. The verdict is one of `leaking`, `undefined`, `uncertain` (there is no interval), `chance`, `worse`
    and `above`.
    """
    rows = headline(metrics)
    test = of_metric(rows)
    auroc, accuracy, majority = test["auroc"], test["accuracy"], test["majority_class_accuracy"]
    leaks = auroc["leaks"]
    verdict = "leaking" if leaks else _verdict(auroc)
    sentences = [
        AUROC,
        _beside_chance(verdict, auroc),
        "" if verdict == "undefined" else _accuracy(accuracy, majority),
    ]
    sentences += _spread(metrics)
    if controls is not None:
        sentences += controls_in_words(controls, verdict)
    if pd.notna(auroc["confidence"]):
        sentences.append(
            f"In brackets: {100 * auroc['confidence']:g} % intervals, by drawing patients with replacement."
        )
    return {
        "verdict": verdict,
        "lead": _lead(auroc, test, leaks, of=auroc["of"]),
        "sentences": [text for text in sentences if text],
        "warnings": [*_warnings(leaks), *_drawn(edition, lookalikes)],
    }


def _verdict(auroc):
    if pd.isna(auroc["value"]):
        return "undefined"
    if pd.isna(auroc["low"]):
        return "uncertain"
    if auroc["low"] <= 0.5 <= auroc["high"]:
        return "chance"
    return "worse" if auroc["high"] < 0.5 else "above"


def _lead(auroc, test, leaks, of):
    whose = f"{_count(test['images']['value'], 'test image')} of {_count(test['patients']['value'], 'patient')}"
    if leaks:
        known = ", some of whose other images it was trained on,"
    elif of == "pooled":
        known = ", each by a network that was trained on other patients,"
    else:
        known = ", none of whom it was trained on,"
    if pd.isna(auroc["value"]):
        return f"There is no AUROC on the {whose}: {why_not(auroc)}."
    lead = f"On {whose}{known} the network reaches an AUROC of {estimate(auroc)}"
    return (
        f"{lead}." if pd.notna(auroc["low"]) else f"{lead}, without an interval: {why_not(auroc)}."
    )


def _count(value, noun):
    return f"{value:,.0f} {noun}" + ("" if value == 1 else "s")


def _beside_chance(verdict, auroc):
    return {
        "leaking": "",
        "undefined": "",
        "uncertain": "Without an interval, the value may be luck: it is no evidence for or against the network.",
        "chance": "The interval includes 0.5, which guessing reaches: the network cannot be told from chance.",
        "worse": "That is worse than guessing, which reaches 0.5: look for labels that were exchanged.",
        "above": "The interval lies above 0.5, which guessing reaches.",
    }[verdict]


def _accuracy(accuracy, majority):
    if pd.isna(accuracy["value"]):
        return ""
    told = f"Calling every image training's commoner class is right in {number(majority['value'], share=True)} of them"
    same = "" if accuracy["value"] > majority["value"] else ": no more than that"
    return f"{told}; the network, from a probability of 0.5 on, in {estimate(accuracy, share=True)}{same}."


def _spread(metrics):
    mean = metrics[(metrics["experiment"] == "baseline") & (metrics["of"] == "mean")]
    if not len(mean):
        return []
    auroc = of_metric(mean)["auroc"]
    if pd.isna(auroc["value"]):
        return []
    return [
        f"Over {auroc['runs']} runs the AUROC is {number(auroc['value'])} ± {number(auroc['sd'])} (mean and SD)."
    ]


def controls_in_words(controls, verdict, experiment="baseline"):
    """What the controls reach, in a few sentences: those that do not look at the lesion, shuffled labels, and readers.

    That the network may have learnt what tells the classes apart is said of one whose verdict is that it tells them apart.
    """
    rows = controls[
        (controls["experiment"] == experiment)
        & (controls["metric"] == "auroc")
        & controls["value"].notna()
    ]
    rows = {row["control"]: row for row in rows.to_dict("records")}
    trivial = {
        name: row
        for name, row in rows.items()
        if name not in ("network", "majority_class", "shuffled_labels")
        and not name.startswith(READERS)
    }
    if trivial:
        best = max(trivial, key=lambda name: trivial[name]["value"])
        gain = {"value": trivial[best]["difference"], "low": trivial[best]["difference_low"], "high": trivial[best]["difference_high"]}  # fmt: skip
        text = f"Of {len(trivial)} trivial controls, the best, {_told(best)} alone, has an AUROC of {estimate(trivial[best])}"
        yield f"{text}; the network's less that is {estimate(gain)}."
        if telling := [name for name, row in trivial.items() if row["low"] > 0.5]:
            part = (
                "in part " if all(trivial[name]["difference_low"] > 0 for name in telling) else ""
            )
            learnt = (
                f", and the network may {part}have learnt just that" if verdict == "above" else ""
            )
            yield f"A warning: the classes can be told apart by {' and by '.join(map(_told, telling))}{learnt}."
    if "shuffled_labels" in rows:
        yield f"Trained and tested on shuffled labels, the same network reaches {estimate(rows['shuffled_labels'])}."
    readers = [name for name in ("reader_assessment", "reader_columns") if name in rows]
    if len(readers) == 2 and rows[readers[0]]["columns"] == rows[readers[1]]["columns"]:
        readers = readers[:1]  # they wrote nothing else
    for name in readers:
        row = rows[name]
        above = "" if pd.isna(row["difference_low"]) else _against_readers(row)
        yield f"{_told(name).capitalize().replace('bi-rads', 'BI-RADS')} alone reaches {estimate(row)}{above}."


def _against_readers(row):
    if row["difference_low"] > 0:
        return ", less than the network"
    return (
        ", more than the network"
        if row["difference_high"] < 0
        else ", which cannot be told from the network's"
    )


def _told(control):
    return WORDS.get(control, control.replace("_", " "))


def _warnings(leaks):
    return [f"NOT EVIDENCE OF PERFORMANCE: the split {leaks}."] if leaks else []


def _drawn(edition, lookalikes):
    if edition != "phantom":
        return []
    best = f" {100 * lookalikes:g} % of its lesions are drawn like the other class, so the best AUROC to expect is {1 - lookalikes:.2f}, which chance moves by some hundredths on a test partition of this size."
    return [
        "These images, and what readers are said to have written, are drawn by a program: the result shows that the workflow works, and says "
        "nothing about mammograms." + best
    ]

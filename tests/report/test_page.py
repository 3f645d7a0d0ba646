"""The page: sentences that claim no more than the tables, and text that stays text."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from mammo.dataset.edition import OPEN
from mammo.dataset.editions import EDITIONS
from mammo.dataset.settings import Image, Phantom
from mammo.model.settings import Augmentation, Network, Training
from mammo.report.answer import answer, controls_in_words, headline
from mammo.report.cards import datasheet, model_card
from mammo.report.checklists import CHECKLISTS, answered
from mammo.report.page_tables import changed_settings, every_result, failures
from mammo.report.sections import limits
from mammo.report.templates import from_line, from_rst, plain, text_of
from mammo.split.settings import Split

VALUES = {
    "auroc": (0.915, 0.842, 0.975),
    "accuracy": (0.896, 0.822, 0.959),
    "majority_class_accuracy": (0.486, 0.4, 0.57),
    "benign": (70, None, None),
    "malignant": (74, None, None),
    "images": (144, None, None),
    "patients": (32, None, None),
}


def measured(of="run", reason="", leaks="", runs=1, experiment="baseline", sd=None, **other):
    """Rows of metrics.csv on test by image; `other` replaces a metric's (value, low, high)."""
    rows = []
    for metric, (value, low, high) in (VALUES | other).items():
        estimate = {"value": value, "low": low, "high": high, "reason": reason}
        rows.append({"metric": metric, "confidence": None if low is None else 0.95} | estimate)
    frame = pd.DataFrame(rows).assign(experiment=experiment, of=of, fold=0, seed=1)
    frame = frame.assign(partition="test", level="image", n=144, dataset="d", leaks=leaks)
    frame = frame.assign(runs=runs, sd=sd)
    return frame.astype(dict.fromkeys(("value", "low", "high", "confidence", "sd"), float))


def told(metrics, edition="kaggle", **phantom):
    warning = EDITIONS[edition].warning(Phantom.default(**phantom))
    found = answer(metrics, warning)
    return found, " ".join([*found.warnings, found.lead, *found.sentences])


def test_the_answer_has_the_interval_and_the_majority_class_beside_it():
    found, text = told(measured())
    assert found.verdict == "above"
    assert found.lead == (
        "On 144 test images of 32 patients, none of whom it was trained on, the model reaches an "
        "AUROC of 0.915 [0.842, 0.975]."
    )
    assert (
        "majority class of the training set has an accuracy of 0.486; the model, at a threshold of "
        "0.5, 0.896 [0.822, 0.959]." in text
    )
    assert "95 % confidence intervals from a cluster bootstrap by patient" in text
    assert found.warnings == []


@pytest.mark.parametrize(
    ("auroc", "verdict", "words"),
    [
        ((0.55, 0.45, 0.66), "chance", "not distinguishable from chance"),
        ((0.6, 0.5, 0.7), "chance", "not distinguishable from chance"),  # at its edge, too
        ((0.3, 0.2, 0.4), "worse", "worse than chance"),
        ((0.6, 0.501, 0.7), "above", "lies above 0.5"),
    ],
)
def test_an_interval_is_read_against_chance(auroc, verdict, words):
    found, text = told(measured(auroc=auroc))
    assert (found.verdict, words in text) == (verdict, True)


def test_no_better_than_the_majority_class_is_said():
    assert "no more than that" in told(measured(accuracy=(0.486, 0.4, 0.57)))[1]
    assert "no more than that" not in told(measured())[1]


def test_one_class_has_no_value_and_says_why():
    metrics = measured(auroc=(None, None, None), reason="not defined: no image is benign")
    found, text = told(metrics)
    assert found.verdict == "undefined"
    assert (
        found.lead == "There is no AUROC on the 144 test images of 32 patients: no image is benign."
    )
    assert not re.search(r"\bnan\b", text.lower())


def test_few_patients_have_no_interval_and_say_why():
    reason = "no interval: 3 patients with a benign image, and it takes 10"
    metrics = measured(
        auroc=(0.9, None, None), accuracy=(0.9, None, None), patients=(1, None, None), reason=reason
    )
    found, text = told(metrics)
    assert found.verdict == "uncertain"
    assert "144 test images of 1 patient," in found.lead
    assert (
        "0.900, without a confidence interval: 3 patients with a benign image, and it takes 10."
        in found.lead
    )
    assert "no evidence for or against" in text
    assert "[" not in text.replace("In brackets", "")


def test_a_leaking_split_is_no_evidence_whatever_its_number():
    found, text = told(measured(leaks="leaks patients (split by image)"))
    assert found.verdict == "leaking"
    assert found.warnings == [
        "NOT EVIDENCE OF PERFORMANCE: the split leaks patients (split by image)."
    ]
    assert "none of whom" not in text
    assert "lies above 0.5" not in text


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (["run"], "run"),
        (["run", "mean", "ensemble"], "ensemble"),
        (["run", "mean", "ensemble", "pooled"], "pooled"),
    ],
)
def test_the_headline_is_what_all_runs_together_say_and_the_mean_stands_beside_it(there, wanted):
    metrics = pd.concat(
        [
            measured(of=of, runs=5, sd=0.05, auroc=(0.5 + number / 10, 0.1, 0.9))
            for number, of in enumerate(there)
        ]
    )
    metrics = pd.concat([metrics, measured(of="pooled", experiment="other")])
    assert set(headline(metrics)["of"]) == {wanted}
    text = told(metrics)[1]
    assert ("Over 5 runs the AUROC is 0.600 ± 0.050" in text) == (len(there) > 1)
    assert ("by a model that was trained on other patients" in text) == (wanted == "pooled")


def test_synthetic_images_are_no_mammograms():
    found, _ = told(measured(), "phantom", lookalikes=0.1)
    assert (
        "says nothing about mammograms. 10 % of the lesions are drawn like the other class (label "
        "noise), so the Bayes-optimal AUROC is 0.90"
    ) in found.warnings[0]


def control(name, value, low, high, gain):
    row = {"experiment": "baseline", "control": name, "columns": "x", "metric": "auroc"}
    difference = dict(zip(("difference", "difference_low", "difference_high"), gain, strict=True))
    return row | {"value": value, "low": low, "high": high, "reason": ""} | difference


def test_controls_stand_beside_the_answer_and_one_that_tells_the_classes_apart_warns():
    rows = [
        control("network", 0.9, 0.8, 0.95, (None, None, None)),
        control("image_border", 0.52, 0.4, 0.6, (0.38, 0.3, 0.5)),
        control("image_statistics", 0.71, 0.6, 0.8, (0.19, 0.1, 0.3)),
        control("shuffled_labels", 0.48, 0.4, 0.6, (0.42, 0.3, 0.5)),
        control("majority_class", 0.5, None, None, (0.4, 0.3, 0.5)),
        control("reader_assessment", 0.79, 0.7, 0.85, (0.11, -0.01, 0.2)),
    ]
    text = " ".join(controls_in_words(pd.DataFrame(rows), "above"))
    assert (
        "Of 2 trivial controls, the best, file size and grey levels, has an AUROC of 0.710 "
        "[0.600, 0.800]" in text
    )
    assert "the model's minus that is +0.190 [+0.100, +0.300]" in text
    assert (
        "Warning: the class can be predicted without the lesion, by means of file size and grey "
        "levels, and the model may in part have learnt just that." in text
    )
    assert "shuffled labels, the same network reaches 0.480" in text
    assert (
        "Radiologist baseline (BI-RADS assessment): 0.790 [0.700, 0.850], not distinguishable from "
        "the model's." in text
    )
    assert list(controls_in_words(pd.DataFrame(rows[:1]), "above")) == []


def test_mistakes_are_counted_at_each_folds_own_threshold_and_the_surest_stand_first():
    rows = [
        ("a", 0, 1, 0.2),
        ("b", 0, 1, 0.6),
        ("c", 0, 0, 0.7),
        ("d", 1, 0, 0.4),
        ("e", 1, 0, 0.1),
        ("f", 1, 1, 0.95),
    ]
    columns = ["image_id", "fold", "label", "calibrated"]
    test = pd.DataFrame(rows, columns=columns).assign(partition="test")
    training = pd.DataFrame([("t", 0, 1, 0.0)], columns=columns).assign(partition="training")
    scores = pd.concat([test, training], ignore_index=True)
    scores["patient_id"] = scores["image_id"].str.upper()
    points = [(0, "youden", 0.5), (1, "youden", 0.3), (0, "half", 0.5), (1, "half", 0.5)]
    thresholds = pd.DataFrame(points, columns=["fold", "point", "threshold"])
    thresholds = thresholds.assign(experiment="baseline", level="image")
    sentence, table = failures(scores, thresholds)
    # Wrong are a (malignant at 0.2, below 0.5), c (benign at 0.7) and d (benign at 0.4, above 0.3).
    assert (
        "3 of 6 test images are predicted wrong: 1 false negatives and 2 false positives, of 3 of "
        "6 patients."
    ) in sentence
    assert [row[0] for row in table.rows] == ["a", "c", "d"]
    thresholds.loc[1, "threshold"] = float("nan")
    sentence, table = failures(scores, thresholds)
    assert "a calibrated probability of 0.5, 2 of 6" in sentence
    right = scores.assign(calibrated=scores["label"].astype(float))
    assert failures(right, thresholds)[1] is None


def test_results_of_several_experiments_say_which_of_them_leak():
    metrics = pd.concat(
        [measured(), measured(experiment="by_image", leaks="leaks patients (split by image)")]
    )
    table = every_result(metrics)
    assert [row[0] for row in table.rows] == ["baseline", "by_image"]
    assert [row[-1] for row in table.rows] == ["", "leaks patients (split by image)"]
    assert every_result(measured()) is None
    assert every_result(pd.concat([measured(), measured(of="mean")])).columns[-1] != "Leaks"


def study_with(**changes):
    """A study with the default's settings, but for some of its sections."""
    classes = (Phantom, Image, Split, Network, Training, Augmentation)
    sections = {section.__name__.lower(): section.default() for section in classes}
    return SimpleNamespace(**sections | {"seeds": [1]} | changes)


def test_only_what_differs_from_the_default_is_a_change():
    default = {"seeds": [1], "training": {"epochs": 40, "patience": 3}}
    assert changed_settings(default, default) is None
    table = changed_settings({"seeds": [1, 2], "training": {"epochs": 40, "patience": 5}}, default)
    assert table.rows == [["seeds", "[1, 2]", "[1]"], ["training.patience", "5", "3"]]


def test_limits_name_what_is_so_in_this_study():
    study = study_with()
    text = " ".join(limits(measured(), study, "", ["the views of a lesion agree in label"]))
    assert "Not for clinical use" in text
    assert "51.4 % of the test images are malignant" in text
    assert "One seed was trained" in text
    assert "the views of a lesion agree in label" in text
    assert "synthetic" not in text
    limitation = EDITIONS["phantom"].limitation
    assert "The images are synthetic" in " ".join(limits(measured(), study, limitation, []))


# The numbers that the checklists have, written down once more.
SUB = {
    3: "abc",
    5: "ab",
    6: "abc",
    8: "abc",
    9: "abc",
    12: "abcdefg",
    18: "abcdef",
    20: "abc",
    23: "ab",
    27: "abc",
}
WANTED = {
    "CLAIM 2024": [str(number) for number in range(1, 45)],
    "TRIPOD+AI": [f"{number}{part}" for number in range(1, 28) for part in SUB.get(number, [""])],
    "STARD-AI": [
        f"{number}{part}"
        for number in range(1, 41)
        for part in {15: "abcd", 16: "abc", 17: "ab", 26: "ab", 40: "ab"}.get(number, [""])
    ],
}


def test_checklists_have_every_item_once():
    assert {
        checklist["name"]: [str(number) for number in checklist["items"]]
        for checklist in CHECKLISTS
    } == WANTED
    assert [len(items) for items in WANTED.values()] == [44, 52, 48]
    for checklist in CHECKLISTS:
        for number, item in checklist["items"].items():
            assert set(item) <= {"asks", "by", "only", "note"}, (checklist["name"], number)
            assert item["asks"]
            assert set(item.get("only", [])) <= {"synthetic", "published", "own"}


def test_an_item_is_filled_by_what_is_there_and_by_nothing_else():
    items = {
        1: {"asks": "a", "by": ["a.csv", "runs/*/b.csv"]},
        "2a": {"asks": "b", "by": ["a.csv"], "only": ["published"]},
        3: {"asks": "c"},
    }
    checklist = [{"name": "x", "items": items}]
    both = answered({"a.csv", "runs/baseline/b.csv"}, EDITIONS["kaggle"], checklist)
    assert both["status"].tolist() == ["filled", "filled", "open"]
    assert both["where"].tolist() == ["a.csv; runs/baseline/b.csv", "a.csv", ""]
    assert answered({"a.csv"}, EDITIONS["phantom"], checklist)["status"].eq("open").all()


NASTY = "<script>alert(1)</script>"


def test_text_is_shown_as_text():
    for shown in (
        from_rst(f"``{NASTY}`` **{NASTY}**"),
        from_line(f"`{NASTY}` {NASTY}"),
        plain(NASTY),
    ):
        assert "<script" not in shown
    assert from_rst("a ``b`` **c**") == "a <code>b</code> <strong>c</strong>"
    assert from_line(OPEN + "who") == '<span class="open">open</span> who'
    card = text_of("cards.md.jinja", title="x", about=NASTY, leaks="", sections=[("h", [NASTY])])
    assert "<script" not in card


def test_an_unknown_dataset_leaves_the_datasheet_open():
    study = study_with()
    fingerprint = {"files": 1, "bytes": 1, "fingerprint": "f"}
    sheet = {
        name: dict(datasheet(study, edition, ["held"], fingerprint))
        for name, edition in EDITIONS.items()
    }
    assert all(
        any(line.startswith(OPEN) for line in sheet["table"][heading])
        for heading in ("Motivation", "Collection process", "Distribution", "Maintenance")
    )
    assert "10.7937/K9/TCIA.2016.7O02S9CY" in sheet["kaggle"]["Motivation"][0]
    assert sheet["kaggle"] == sheet["dicom"]
    assert not any(line.startswith(OPEN) for lines in sheet["phantom"].values() for line in lines)


def test_the_model_card_says_how_this_study_trains():
    def lines(**changes):
        card = model_card(study_with(**changes), EDITIONS["kaggle"], ["found"], "tensorflow 2", 9)
        assert all(lines for _, lines in card)
        return " ".join(line for _, lines in card for line in lines)

    plain_study = lines()
    assert "initialised at random" in plain_study
    assert "not weighted" in plain_study
    assert "label smoothing" not in plain_study
    assert "Test-time augmentation" not in plain_study
    network = Network.default(name="mobilenet_v3_small", weights="imagenet")
    training = Training.default(label_smoothing=0.1, class_weights="balanced", loss="focal")
    other = lines(
        network=network,
        training=training,
        augmentation=Augmentation.default(test_views=3),
        image=Image.default(region="full"),
        split=Split.default(by="lesion"),
    )
    assert "pretrained with weights from ImageNet (https://" in other
    assert "focal loss (gamma of 2) with label smoothing of 0.1," in other
    assert "weighted by the inverse" in other
    assert "means over 3 views" in other
    assert "a whole mammogram" in other
    assert "so that patients leak" in other

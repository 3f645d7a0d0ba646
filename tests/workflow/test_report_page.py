"""The page of the phantom study: complete, text that stays text, and shown by a browser."""

import html
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from helpers.browser import browse, needs_browser
from helpers.project import SMALL, dry_run, edited, rules_to_run
from mammo.dataset.editions import EDITIONS
from mammo.report.answer import answer
from mammo.report.page import report_of
from mammo.report.page_tables import metrics_by_level
from mammo.report.results import Results
from mammo.statistics.curves import curve_tables
from mammo.statistics.evaluation import evaluate, prepared
from mammo.statistics.scores import calibration_metrics, operating_points
from mammo.statistics.settings import Evaluation
from mammo.study.provenance import made_with
from mammo.study.settings import Study
from mammo.tables import read_table, write_table

pytestmark = pytest.mark.slow


NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(study):
    return (study / "results/report.html").read_text(encoding="utf-8")


def test_the_page_has_the_answer_of_metrics_csv(study, page):
    metrics = read_table(study / "results/metrics.csv", "metrics")
    lead = answer(metrics).lead
    assert html.escape(lead) in page
    assert "says nothing about mammograms" in page
    assert "Not for clinical use" in page
    for level in metrics_by_level(metrics, "baseline").rows:
        assert all(cell in page for cell in level)


def test_every_figure_of_the_study_is_on_the_page_with_words_of_its_own(study, page):
    drawn = {path.stem for path in (study / "results/plots").glob("*.svg")}
    shown = dict(
        re.findall(
            r'<figure id="figure-([\w-]+)">\s*<img src="data:image/[^"]+" alt="([^"]+)"', page
        )
    )
    assert set(shown) == drawn
    assert len(set(shown.values())) == len(drawn)
    assert all(len(words) > 40 for words in shown.values()), shown
    assert not [words for words in shown.values() if "nan" in words.lower().split()]
    assert len(page) < 10_000_000


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.loaded, self.places, self.names, self.tags, self.attributes = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.attributes += attributes
        self.names += filter(None, [attributes.get("id")])
        if tag == "a":
            self.places.append(attributes["href"])
        else:
            self.loaded += [
                attributes[name] for name in ("src", "href", "srcset", "data") if name in attributes
            ]


def test_nothing_is_loaded_and_every_link_leads_somewhere(study, page):
    links = Links()
    links.feed(page)
    assert all(source.startswith("data:image/") for source in links.loaded)
    assert "script" not in links.tags
    assert "url(" not in page.split("</style>")[0]
    assert len(set(links.names)) == len(links.names)
    for place in links.places:
        if place.startswith("#"):
            assert place[1:] in links.names, place
        else:
            assert (study / "results" / place).is_file(), place


def test_filled_items_lead_to_what_is_there_and_the_others_stand_open(study, page):
    items = read_table(study / "results/checklists.csv", "checklists")
    filled = items[items["status"] == "filled"]
    assert 60 < len(filled) < len(items) - 30
    assert (filled["where"] != "").all()
    assert (items.loc[items["status"] == "open", "where"] == "").all()
    for place in sorted({place for text in filled["where"] for place in text.split("; ")}):
        file, _, name = place.partition("#")
        assert (study / "results" / file).is_file(), place
        assert not name or f'id="{name}"' in page, place
    rows = re.findall(r'<tr class="(filled|open)">', page)
    assert (rows.count("filled"), rows.count("open")) == (len(filled), len(items) - len(filled))


def test_the_cards_have_every_heading_and_say_what_is_open(study):
    card, sheet = (
        (study / f"results/{name}.md").read_text(encoding="utf-8")
        for name in ("model_card", "datasheet")
    )
    assert re.findall("^## (.*)$", card, re.MULTILINE) == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    assert re.findall("^## (.*)$", sheet, re.MULTILINE) == [
        "Motivation",
        "Composition",
        "Collection process",
        "Preprocessing, cleaning and labelling",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    assert card.count("- open: ") >= 4
    assert "Not for clinical use" in card


def test_the_page_does_not_name_this_machine(study, page):
    for file in ("report.html", "model_card.md", "datasheet.md", "checklists.csv"):
        assert str(study) not in (study / "results" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "file",
    [
        "templates/page.css",
        "templates/cards.md.jinja",
        "templates/model_card.jinja",
        "mammo/report/checklists.yaml",
    ],
)
def test_editing_a_template_writes_the_page_again(editable, file):
    with edited(editable / "workflow" / file):
        assert rules_to_run(dry_run(editable, *SMALL)) == {"write_report", "record_provenance"}


def written(results):
    """The page that is made of a folder of results."""
    artifacts = {
        path.relative_to(results).as_posix(): path for path in results.rglob("*") if path.is_file()
    }
    settings = json.loads((results / "provenance.json").read_text())["experiments"]["baseline"]
    found = Results(
        artifacts=artifacts,
        audit=next(results.glob("splits/*/audit.json")),
        edition=EDITIONS["phantom"],
        study=Study(**Study.default().model_dump() | settings),
        settings=settings,
        default=settings,
        overlays={},
        described=1,
        made=made_with(),
    )
    return report_of(found).page


def spoil(results, file, schema, **columns):
    """Write other values into columns of a table."""
    frame = read_table(results / file, schema)
    for column, value in columns.items():
        frame[column] = value
    write_table(frame, results / file, schema)


@pytest.fixture
def copied(study, tmp_path):
    """A copy of the study's results, to be spoilt."""
    unused = shutil.ignore_patterns(
        "phantom", "tensors", "logs", "benchmarks", "*.npy", "*.keras", "*.onnx"
    )
    return shutil.copytree(study / "results", tmp_path / "results", ignore=unused)


def test_names_from_the_data_stay_text(copied):
    quotes = """a"b'c.png" onerror="alert(1)"""
    scores = read_table(copied / "runs/baseline/scores.csv", "scores")
    spoil(
        copied,
        "runs/baseline/scores.csv",
        "scores",
        patient_id=NASTY,
        image_id=scores["image_id"] + quotes,
    )
    spoil(copied, "inventory/conflicts.csv", "conflicts", views=NASTY)
    spoil(copied, "plots/forest.csv", "subgroups", variable=NASTY + quotes)
    page = written(copied)
    links = Links()
    links.feed(page)
    assert "script" not in links.tags
    assert page.count(html.escape(NASTY)) >= 3
    assert "<script" not in page
    assert not [name for name in links.attributes if name.startswith("on")]
    assert html.escape(quotes).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


def test_a_test_partition_of_one_class_has_a_page_that_says_what_is_missing(copied):
    evaluation = Evaluation.default(draws=100)
    run, here = copied / "runs/baseline", {"experiment": "baseline", "dataset": "d", "leaks": ""}
    images = read_table(copied / "regions/crop/images.csv", "images")
    predictions = read_table(run / "fold0-seed1/predictions.csv", "predictions")
    scores = read_table(run / "scores.csv", "scores")
    for rows in (predictions, scores):
        rows.loc[rows["partition"] == "test", "label"] = 1
    values = evaluate([prepared(predictions, images, "crop")], images, "crop", evaluation)
    write_table(values.assign(**here, of="run", fold=0, seed=1), copied / "metrics.csv", "metrics")
    write_table(scores, run / "scores.csv", "scores")
    thresholds = read_table(run / "thresholds.csv", "thresholds")
    points = operating_points(scores, thresholds, "crop", evaluation)
    tables = curve_tables(scores, thresholds, points, evaluation) | {"confusion": points}
    files = {"calibration_curve": "calibration", "score_distribution": "scores"}
    for schema, table in tables.items():
        write_table(table.assign(**here), copied / f"plots/{files.get(schema, schema)}.csv", schema)
    write_table(
        calibration_metrics(scores, "crop", evaluation).assign(**here),
        copied / "calibrated_metrics.csv",
        "calibrated_metrics",
    )
    none = {"value": None, "low": None, "high": None, "reason": "not defined: no image is benign"}
    spoil(copied, "plots/forest.csv", "subgroups", **none)
    spoil(
        copied,
        "plots/controls.csv",
        "control_values",
        **none,
        difference=None,
        difference_low=None,
        difference_high=None,
    )
    page = re.sub(r'data:image/[^"]*', "", written(copied))
    assert "There is no AUROC on the " in page
    assert "no image is benign." in page
    assert not re.search(r"\bnan\b|None|inf\b", page)


def test_a_leaking_split_is_marked_everywhere(copied):
    spoil(copied, "metrics.csv", "metrics", leaks="leaks patients (split by image)")
    page = written(copied)
    banner = "NOT EVIDENCE OF PERFORMANCE: the split leaks patients (split by image)"
    assert page.count(banner) >= page.count("<h2")
    assert "none of whom it was trained on" not in page


def test_what_a_study_does_not_have_is_not_on_its_page(copied):
    for file in copied.glob("plots/*.svg"):
        if file.stem not in ("flow", "accuracy", "loss"):
            file.unlink()
    for file in ["plots/controls.csv", "plots/confusion.csv", "calibrated_metrics.csv"]:
        (copied / file).unlink()
    page = written(copied)
    assert re.findall(r'<figure id="figure-([\w-]+)"', page) == ["flow", "accuracy", "loss"]
    for place in (
        "operating-points",
        "calibration",
        "subgroups",
        "gradcam",
        "leakage",
        "comparisons",
        "ensemble",
    ):
        assert f'id="{place}"' not in page
        assert f'href="#{place}"' not in page


def asked_for(log):
    """The addresses that a page asked for, by a browser's log of its network.

    What the browser wants for itself has no origin.
    """
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    return {
        event["url"]
        for event in events
        if event.get("initiator", "not an origin") != "not an origin"
    }


@needs_browser
def test_a_browser_shows_it_without_an_error_or_a_request_and_prints_it(study, page, tmp_path):
    log, pdf = tmp_path / "net.json", tmp_path / "page.pdf"
    done = browse(
        study / "results/report.html",
        tmp_path,
        "--enable-logging=stderr",
        f"--log-net-log={log}",
        f"--print-to-pdf={pdf}",
    )
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not asked_for(log)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) > 3
    # What would be asked for does stand in that log, and the page's own policy is what forbids it.
    free, bound = tmp_path / "free.html", tmp_path / "bound.html"
    picture = '<img src="http://localhost:9/x.png">'
    free.write_text(picture)
    bound.write_text(page.replace("</main>", f"{picture}</main>"), encoding="utf-8")
    browse(free, tmp_path, f"--log-net-log={log}", "--dump-dom")
    assert asked_for(log) == {"http://localhost:9/x.png"}
    done = browse(bound, tmp_path, f"--log-net-log={log}", "--enable-logging=stderr", "--dump-dom")
    assert not asked_for(log)
    assert "Content Security Policy" in done.stderr


MEASURE = """<!DOCTYPE html><meta charset="utf-8"><body>
<iframe style="width: 360px; height: 800px; border: 0" srcdoc="{}"></iframe>
<script>document.querySelector("iframe").addEventListener("load", event => {{
  const shown = event.target.contentDocument;
  const wide = [...shown.querySelectorAll("body *")]
    .filter(part => part.getBoundingClientRect().right > 360.5 && !part.closest(".scroll, pre"))
    .map(part => part.outerHTML.slice(0, 80));
  document.body.dataset.wide = JSON.stringify([shown.documentElement.scrollWidth, wide]);
}});</script>"""


@needs_browser
def test_on_a_phone_nothing_sticks_out_but_what_scrolls_by_itself(page, tmp_path):
    frame = tmp_path / "phone.html"
    frame.write_text(MEASURE.format(html.escape(page)), encoding="utf-8")
    done = browse(frame, tmp_path, "--virtual-time-budget=8000", "--dump-dom")
    width, wide = json.loads(html.unescape(re.search(r'data-wide="([^"]*)"', done.stdout)[1]))
    assert (width, wide) == (360, [])

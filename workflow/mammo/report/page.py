"""results/report.html: what stands where on the page that a person reads, and how it becomes HTML."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jinja2
from markupsafe import Markup, escape
from PIL import Image

from mammo.paths import WORKFLOW
from mammo.report import descriptions
from mammo.report.answer import headline, number, of_metric
from mammo.report.cards import OPEN
from mammo.report.descriptions import told

READS = ["templates/page.html.jinja", "templates/page.css", "templates/cards.md.jinja"]
TEMPLATES = WORKFLOW / "templates"
SVG_BYTES = 600_000  # above it a figure is embedded as pixels
PNG_BYTES = 600_000  # above it these are compressed, with a loss that nobody sees
WIDEST = 2400  # pixels of such an image


class Shown(NamedTuple):
    """A figure of the page: its file under plots/, the section that it stands in, its title, its table's schema, what tells of it."""

    name: str
    section: str
    title: str
    schema: str
    tell: object


# To add a figure is to add a line. One that this study does not have is left out.
FIGURES = [
    Shown("flow", "flow", "From the dataset to the partitions", "flow", descriptions.flow),
    Shown("roc", "results", "ROC curve", "roc", descriptions.roc),
    Shown("precision_recall", "results", "Precision and recall", "precision_recall", descriptions.precision_recall),
    Shown("scores", "results", "Probabilities by class", "score_distribution", descriptions.scores),
    Shown("decision_curve", "results", "Decision curve", "decision_curve", descriptions.decision_curve),
    Shown("confusion", "operating-points", "Confusion matrices", "confusion", descriptions.confusion),
    Shown("calibration", "calibration", "Calibration", "calibration_curve", descriptions.calibration),
    Shown("forest", "subgroups", "Subgroups", "subgroups", descriptions.forest),
    Shown("comparisons", "comparisons", "Experiments against the baseline", "comparisons", descriptions.comparisons),
    Shown("accuracy", "training", "Accuracy by epoch", "curves", descriptions.curves),
    Shown("loss", "training", "Loss by epoch", "curves", descriptions.curves),
    Shown("controls", "controls", "The network and its controls", "control_values", descriptions.controls),
    Shown("leakage", "leakage", "What leaking would add", "leakage", descriptions.leakage),
    Shown("gradcam", "gradcam", "What spoke for the call", "gradcam", descriptions.gradcam),
    Shown("gradcam_energy", "gradcam", "How much of that lies inside the lesion's outline", "gradcam_energy", descriptions.gradcam_energy),
]  # fmt: skip


def figures(artifacts, captions, read):
    """{section: [what the template shows of a figure]} of the FIGURES that are among the artifacts.

    artifacts: {path relative to results/: path}. captions: {name of a file in workflow/report: its text}. read: from a path and
    a schema to a table.
    """
    found = {}
    for shown in FIGURES:
        files = {
            ending: artifacts.get(f"plots/{shown.name}.{ending}")
            for ending in ("csv", "svg", "png")
        }
        if not all(files.values()):
            continue
        found.setdefault(shown.section, []).append(
            {
                "name": shown.name,
                "title": shown.title,
                "alt": told(shown.tell, read(files["csv"], shown.schema)),
                "caption": caption(captions, shown.name),
                "source": data_uri(
                    files["svg"] if files["svg"].stat().st_size <= SVG_BYTES else files["png"]
                ),
            }
        )
    return found


def caption(captions, name):
    """The caption that Snakemake's own report gives a figure, as HTML: one text for both."""
    text = captions["gallery" if name == "gradcam" else "figure"]
    job = SimpleNamespace(wildcards=SimpleNamespace(figure=name, gallery=name))
    return from_rst(jinja2.Template(text, undefined=jinja2.StrictUndefined).render(snakemake=job))


def from_rst(text):
    """HTML of the little reStructuredText that captions use: **strong** and ``code``."""
    html = str(escape(" ".join(text.split())))
    html = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html)
    return Markup(re.sub(r"``(.+?)``", r"<code>\1</code>", html))


def from_line(line):
    """HTML of a line of the cards: `code`, and what is open marked so."""
    html = re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(line)))
    return Markup(
        html.replace(OPEN, f'<span class="open">{OPEN.strip(": ")}</span> ', 1)
        if line.startswith(OPEN)
        else html
    )


def data_uri(path):
    """An image file as the text of a link that holds it. In an <img>, an SVG runs no script and loads nothing."""
    data, kind = Path(path).read_bytes(), {".svg": "svg+xml", ".png": "png"}[Path(path).suffix]
    if kind == "png" and len(data) > PNG_BYTES:
        data, kind = _compressed(data), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _compressed(data):
    with Image.open(io.BytesIO(data)) as image:
        image = image.convert("RGB")
        image.thumbnail((WIDEST, 4 * WIDEST))
        compressed = io.BytesIO()
        image.save(compressed, "JPEG", quality=85, optimize=True)
    return compressed.getvalue()


def table_of_page(path):
    """Caption, table and notes of characteristics.html, as HTML: they were escaped when that page was made."""
    html = Path(path).read_text(encoding="utf-8")
    caption, rows = re.search(
        r"<table>\s*<caption>(.*?)</caption>(.*)</table>", html, re.DOTALL
    ).groups()
    notes = re.findall(r"<p>(.*?)</p>", html, re.DOTALL)
    return {
        "caption": Markup(caption),
        "table": Markup(f"<table>{rows}</table>"),
        "notes": [*map(Markup, notes)],
    }


def limits(metrics, study, edition, warned):
    """What the result does not say, as far as the workflow can know. warned: names of the audit's checks that found something."""
    test = of_metric(headline(metrics))
    share = number(test["malignant"]["value"] / test["images"]["value"], share=True)
    yield "Not for clinical use: not for screening, diagnosis or triage, and no medical device."
    if edition == "phantom":
        yield "The images are drawn. No number here says anything about mammograms or about patients."
    if leaks := test["auroc"]["leaks"]:
        yield f"The split {leaks}: the numbers are higher than they would be on new patients, and are no evidence of performance."
    yield "Tested on one dataset, from which training came too. How it does elsewhere, on other scanners and in other populations, is not known."
    yield f"{share} of the test images are malignant. Predictive values, accuracy and net benefit hold for that share; in screening it is below one in a hundred."
    if study["image"]["region"] != "full":
        yield "It judges lesions that somebody has found and cut out. It finds none."
    yield "Intervals tell how the choice of patients moves a result, with the trained networks as they are."
    if len(study["seeds"]) == 1:
        yield "One seed was trained: how another would differ is not known. Give several (`seeds`) before a difference between networks is believed."
    if study["split"]["method"] == "folds":
        yield "With folds, the pooled images were scored by different networks: it is an estimate for networks trained this way, and for none of them by itself."
    yield "Subgroups and controls are looked at without adjusting for their number: some differ by chance."
    yield "Whether the test images were looked at before, in earlier runs, this page cannot know. Each look spends some of what they prove."
    for name in warned:
        yield f"The audit of the split warns: not true of every row is “{name}”."


def render(template, **context):
    """A page from a template of workflow/templates. In one of HTML all text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=".html" in template, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"line": from_line, "plain": plain}
    environment.globals["link"] = link
    return environment.get_template(template).render(**context).lstrip()


def plain(text):
    """Text for Markdown in which nothing is taken for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def link(where):
    """Where a link of the page leads: within it, or to a file beside it."""
    return where.removeprefix("report.html") if where.startswith("report.html#") else where

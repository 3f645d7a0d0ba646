"""Text and HTML from the templates in workflow/templates."""

import re
from typing import Any

import jinja2
from markupsafe import Markup, escape

from mammo.dataset.edition import OPEN
from mammo.paths import WORKFLOW

TEMPLATES = WORKFLOW / "templates"


def text_of(template: str, **context: Any) -> str:
    """A rendered template. In one of HTML all text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=".html" in template,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": from_line, "plain": plain}
    environment.globals["link"] = link
    return environment.get_template(template).render(**context).lstrip()


def from_rst(text: str) -> Markup:
    """HTML of the little reStructuredText that captions use: **strong** and ``code``."""
    html = str(escape(" ".join(text.split())))
    html = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html)
    return Markup(re.sub(r"``(.+?)``", r"<code>\1</code>", html))


def from_line(line: str) -> Markup:
    """HTML of a line of the cards: `code`, and what is open marked so."""
    html = re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(line)))
    if line.startswith(OPEN):
        mark = f'<span class="open">{OPEN.strip(": ")}</span> '
        html = html.replace(OPEN, mark, 1)
    return Markup(html)


def plain(text: str) -> str:
    """Text for Markdown in which nothing is taken for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def link(where: str) -> str:
    """Where a link of the page leads: within it, or to a file beside it."""
    return where.removeprefix("report.html") if where.startswith("report.html#") else where

"""The documentation: links lead somewhere, commands can be typed, words are the field's."""

import ast
import functools
import re
import runpy
import shlex
import subprocess

import pytest
import yaml

from helpers.project import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "config/*.md", "results/README.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {
    *("make", "snakemake", "profiles/recover.py", "python", "git", "pre-commit", "conda"),
    *("export", "."),
}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def prose_of(page):
    """A page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings]
    return {text.replace(" ", "-") for text in words}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_anchors_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


def commands_of(page):
    """The commands in the bash blocks of a page, each as a list of words without its comment."""
    text = page.read_text(encoding="utf-8")
    blocks = [block for language, block in FENCED.findall(text) if language == "bash"]
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


COMMANDS = [(name_of(page), words) for page in PAGES for words in commands_of(page)]


def test_there_are_commands_and_every_block_names_its_language():
    assert len(COMMANDS) > 30
    for page in PAGES:
        languages = {language for language, _ in FENCED.findall(page.read_text(encoding="utf-8"))}
        assert "" not in languages, page


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: str(value)[:60])
def test_a_command_can_be_typed(page, words):
    """It begins with a program, and its targets, files and keys are there."""
    assert words[0] in PROGRAMS or words[0].startswith(".venv/bin/"), page
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets
    text = " ".join(words)
    for path in re.findall(r"\b(?:config/\w+\.yaml|profiles/[\w.-]+)", text):
        assert (ROOT / path).exists() or path == "profiles/mine", path


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: str(value)[:60])
def test_the_keys_of_a_command_are_those_of_the_configuration(page, words):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for section, value in re.findall(r"(\w+)=(\{[^}]*\}|\[[^\]]*\])", " ".join(words)):
        given = yaml.safe_load(value)
        assert section in config, page
        if isinstance(given, dict):
            assert set(given) <= set(config[section]), page


# The field's word is on the right; the left must not come back. Only what is safe to match is here.
PRIVATE = {
    r"commoner class": "majority class",
    r"(told|tells?|telling) (\w+ )?apart": "distinguish",
    r"without fault": "perfect",
    r"near-equal": "near-duplicate",
    r"\breader('?s|s')? lines?\b": "radiologist (BI-RADS) baseline",
    r"drawn dataset": "synthetic dataset",
    r"drawing (the )?patients": "bootstrap by patient",
    r"leakage meter": "inflation by data leakage",
    r"gate is shut": "the audit failed",
    r"unlike the training": "out of distribution",
    r"shows? the same\b": "duplicate",
    r"called (malignant|benign)": "predicted malignant",
    r"views at test time": "test-time augmentation",
    r"without a word": "silently",
    r"lookalike(?!s)": "label noise",
}


@functools.cache
def texts():
    """(file, text) of everything that a person reads: pages, templates, captions, strings."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    found = []
    for name in done.stdout.split():
        path = ROOT / name
        if not path.exists() or name.startswith(("tests/", "benchmarks/")):
            continue
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append((f"{name}:{node.lineno}", " ".join(node.value.split())))
        elif path.suffix in (".md", ".rst", ".jinja", ".smk", ".yaml", ".yml", ""):
            for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
                found.append((name, " ".join(paragraph.split())))
    return found


@pytest.mark.parametrize("pattern", PRIVATE)
def test_the_words_are_those_of_the_field(pattern):
    """In pages, messages, docstrings, captions and comments of the configuration."""
    expression = re.compile(pattern, re.IGNORECASE)
    found = [f"{where}: {text[:80]}" for where, text in texts() if expression.search(text)]
    assert not found, f"write: {PRIVATE[pattern]}"


def test_the_architecture_page_lists_the_modules_as_they_are():
    modules = runpy.run_path(str(ROOT / "docs/modules.py"))
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert modules["updated"](page) == page, "run: python docs/modules.py"


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=name_of)
def test_workflows_of_github_are_yaml_and_run_targets_that_there_are(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    runs = [step["run"] for step in steps if "run" in step]
    assert runs
    for target in re.findall(r"make ([\w-]+)", " ".join(runs)):
        assert target in targets

"""What the project promises beside its code: the lock, the conda twin, the tools' settings, and what must never be in it."""

import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WANTED = [
    Requirement(line)
    for line in [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
]
LOCK = (ROOT / "requirements.lock").read_text()
PINS = re.findall(r"^([\w.-]+)==([\w.]+)( ;[^\\\n]*)?", LOCK, re.MULTILINE)


def test_every_package_of_the_lock_is_pinned_and_hashed_and_no_host_is_named():
    entries = re.split(
        r"\n(?=\S)",
        "\n".join(line for line in LOCK.splitlines() if not line.startswith("#")).strip(),
    )
    assert len(entries) == len(PINS) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK
    assert "index-url" not in LOCK


def test_the_lock_fulfils_pyproject():
    for requirement in WANTED:
        versions = [
            version
            for name, version, _ in PINS
            if canonicalize_name(name) == canonicalize_name(requirement.name)
        ]
        assert versions, requirement
        assert any(requirement.specifier.contains(version) for version in versions), requirement


def test_the_conda_twin_has_the_same_packages_and_ranges():
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {canonicalize_name((r := Requirement(line)).name): r.specifier for line in lines}
    assert conda.pop("python") == SpecifierSet(PROJECT["project"]["requires-python"])
    # Conda's tensorflow-cpu is there for every platform; PyPI's is not, so pyproject.toml names two.
    wanted = {canonicalize_name(r.name): r.specifier for r in WANTED if r.name != "tensorflow"}
    assert conda == wanted
    for name, specifier in conda.items():
        versions = [version for pinned, version, _ in PINS if canonicalize_name(pinned) == name]
        assert any(specifier.contains(version) for version in versions), name


def test_the_gpu_line_of_the_readme_names_the_version_of_the_lock():
    pinned = {version for name, version, _ in PINS if name in ("tensorflow", "tensorflow-cpu")}
    assert (
        set(re.findall(r"tensorflow\[and-cuda\]==([\d.]+)", (ROOT / "README.md").read_text()))
        == pinned
    )


def test_every_rule_names_the_environment_a_log_a_benchmark_and_resources():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            name = rule.split(":")[0]
            parts = [
                "log:",
                "resources:",
                'conda:\n        "../../environment.yml"',
                "code=closure(",
            ]
            # The first three leave nothing, so that they print each time they are asked; the fourth is theirs.
            if name not in ("audit", "verify", "preflight", "check_node"):
                parts += ["benchmark:"]
            for part in parts:
                assert part in rule, (name, part)
            assert f'closure("{name}")' in rule
            assert f'"../scripts/{name}.py"' in rule
            # A step looks at its outputs, and records what they were made with.
            script = (ROOT / f"workflow/scripts/{name}.py").read_text()
            assert ("output:" in rule) == ("with step(snakemake):" in script), name


def test_no_param_is_a_function_of_the_input():
    """Snakemake does not note such params, so that a change of one would rerun nothing."""
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        params = re.findall(r"^    params:\n((?:        .*\n|\n)+)", path.read_text(), re.MULTILINE)
        assert not [
            part for part in params if re.search(r"lambda wildcards, \w|\binput\b", part)
        ], path


def tracked():
    try:
        return subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")


def test_results_are_ignored_by_git_but_for_their_readme():
    assert [name for name in tracked() if name.startswith("results/")] == ["results/README.md"]


def test_links_in_the_documentation_lead_somewhere():
    for page in [ROOT / "README.md", *ROOT.glob("*/README.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert "://" in link or (page.parent / link).exists(), (page, link)


def test_the_citation_file_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["project"]["version"]
    assert "10.7937/K9/TCIA.2016.7O02S9CY" in [
        reference["doi"] for reference in citation["references"]
    ]

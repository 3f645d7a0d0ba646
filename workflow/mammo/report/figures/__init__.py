"""The figures: each module of this folder declares one as FIGURE, or several as FIGURES."""

from collections.abc import Collection
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mammo.report.figure import Figure

__all__ = ["FIGURES", "figures_of"]

FIGURES: dict[str, Figure]  # by name; read when it is first asked for


def __getattr__(name: str) -> dict[str, Figure]:
    # Not at import: a step that draws one gallery would depend on the modules of all figures.
    if name == "FIGURES":
        return _discovered()
    raise AttributeError(name)


@cache
def _discovered() -> dict[str, Figure]:
    found: list[Figure] = []
    for module in iter_modules(__path__):
        declared = import_module(f"{__name__}.{module.name}")
        found += getattr(declared, "FIGURES", None) or [declared.FIGURE]
    return {figure.name: figure for figure in sorted(found, key=lambda figure: figure.name)}


def figures_of(experiments: Collection[str], leaking: Collection[str]) -> list[str]:
    """The names of the figures that rule draw_figure draws in a study.

    Its experiments are given by name, and those among them that measure data leakage.
    """
    return [
        name
        for name, figure in _discovered().items()
        if figure.plotted and figure.wanted(experiments, leaking)
    ]

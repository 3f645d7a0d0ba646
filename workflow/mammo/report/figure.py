"""The record of a figure: everything that rules, the page and Snakemake's report ask of it.

Each module of `mammo.report.figures` declares one. It is read while the Snakefile is parsed, so
such a module imports nothing heavy: pandas and matplotlib come in when it draws.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy import ndarray as Array
    from pandas import DataFrame, Series
else:
    Array = DataFrame = Series = Any  # named, and not imported

# matplotlib's figures, subfigures and axes. Their own annotations refuse every style that is given
# as a dict, so they are not checked.
Canvas: TypeAlias = Any
Panel: TypeAlias = Any
Axes: TypeAlias = Any


def always(experiments: Collection[str], leaking: Collection[str]) -> bool:
    """Every study has the figure."""
    return True


@dataclass(frozen=True)
class Figure:
    """A figure of a study.

    Attributes:
        name: of its files, `results/plots/<name>.csv`, `.png` and `.svg`.
        schema: of its table, in `schemas/tables.schema.yaml`.
        section: the id of the page's section that it stands in.
        title: its heading on the page.
        caption: how to read it, in Snakemake's report and on the page. reStructuredText of which
            only `**strong**` and double-backtick `code` are used.
        describe: what its table says, in a sentence or two: the alternative text. It is given the
            rows of one experiment. None if it is no figure of the page's sections.
        draw: from the table and the dataset's format to a matplotlib figure; None if a rule of its
            own draws it.
        order: its place among the figures of the section.
        category: in Snakemake's report.
        gathered: of which experiments its table is made, each by itself under
            `results/runs/<experiment>/plots/`, before the tables are gathered into one:
            those that are `described`, or the `baseline`. Empty: there is one table from the start.
        wanted: whether a study has it, given the names of its experiments and of those that
            measure data leakage.
    """

    name: str
    schema: str
    section: str
    title: str
    caption: str
    describe: Callable[[DataFrame], str] | None = None
    draw: Callable[[DataFrame, str], Canvas] | None = None
    order: int = 0
    category: Literal["1 Dataset", "2 Results", "3 Predictions"] = "2 Results"
    gathered: Literal["", "described", "baseline"] = ""
    wanted: Callable[[Collection[str], Collection[str]], bool] = always

    @property
    def label(self) -> str:
        """Its name in Snakemake's report."""
        return self.name.replace("_", " ")

    @property
    def plotted(self) -> bool:
        """Whether rule draw_figure draws it."""
        return self.draw is not None

    def alternative_text(self, table: DataFrame) -> str:
        """What the table says of its first experiment, and which others the figure shows."""
        if self.describe is None:
            return ""
        if "experiment" not in table:
            return self.describe(table)
        first, *others = dict.fromkeys(table["experiment"])
        words = self.describe(table[table["experiment"] == first])
        return words + (f" The figure also shows {', '.join(others)}." if others else "")

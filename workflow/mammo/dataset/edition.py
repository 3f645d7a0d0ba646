"""What an edition is: one record with all that differs between the formats of a dataset.

The records are read while the Snakefile is parsed, so they import nothing slow at their top: what
reads images and tables is imported in the function that does it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mammo.dataset.settings import Dataset, Phantom

OPEN = "open: "  # begins a line of a datasheet that only a person can fill in
# What an image shows, by image.region, where a dataset has ROI crops, masks and whole images.
REGIONS_SHOWN = {
    "crop": "the published ROI crop of a lesion",
    "context": "a lesion with its surroundings, cut from the whole image",
    "full": "a whole mammogram",
}

Look = Callable[[list[str]], dict[str, dict]]  # files, relative to dataset.path → their headers
Found = tuple[Any, Any, Any]  # files, lesions and excluded rows: DataFrames, or lists of dicts


@dataclass(frozen=True)
class Datasheet:
    """What an edition says under each heading of the datasheet, in lines of a sentence or two.

    Headings after T. Gebru et al., Datasheets for Datasets, Communications of the ACM 64 (2021) 86.
    """

    motivation: tuple[str, ...]
    composition: tuple[str, ...]
    collection: tuple[str, ...]
    labels: tuple[str, ...]
    uses: tuple[str, ...]
    distribution: tuple[str, ...]
    maintenance: tuple[str, ...]


def no_warning(phantom: Phantom) -> str:
    """Most editions have nothing to warn of."""
    return ""


@dataclass(frozen=True)
class Edition:
    """A format in which a dataset comes. A module in editions/ holds one as `EDITION`.

    Functions:

    - `read(dataset, look, workers)` returns the rows of inventory/files.csv, lesions.csv and
      excluded.csv. It raises InputError where the dataset cannot be used.
    - `watched(path, table)` lists the tables that describe the dataset in the folder `path`:
      editing one takes the inventory again.
    - `datasheet(phantom)` and `warning(phantom)` take that section of the configuration.
    """

    name: str  # as in dataset.edition; the name of its module, too
    description: str  # a sentence
    origin: Literal["synthetic", "published", "own"]
    read: Callable[[Dataset, Look, int], Found]
    watched: Callable[[str, str | None], list[str]]
    datasheet: Callable[[Phantom], Datasheet]
    needs: tuple[str, ...] = ("path",)  # of path, table and patient; the others must be null
    given: str = "--config 'dataset={path: DIR}'"  # how to give them, in messages
    overlay: str | None = None  # the configuration file that selects this edition
    citation: str | None = None
    subject: str = "mammograms"  # what its images are
    pictures: str = "Crops, masks and whole images"  # what contact sheets show
    shown: Mapping[str, str] = field(default_factory=lambda: dict(REGIONS_SHOWN))
    warning: Callable[[Phantom], str] = no_warning  # stands above a result; '' for none
    limitation: str = ""  # what the images keep a result from saying

    @property
    def synthetic(self) -> bool:
        """Whether the workflow makes this dataset itself, under results/."""
        return self.origin == "synthetic"

    @property
    def own_images(self) -> bool:
        """Whether the images are a user's own, of which the workflow knows only what they bring."""
        return self.origin == "own"

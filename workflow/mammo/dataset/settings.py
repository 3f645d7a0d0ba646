"""The sections of a configuration that say what the images are."""

from pathlib import Path
from typing import Literal

from mammo.settings import Section, setting

# By the names of their modules: importing the records would make every step that has settings
# depend on the code of every edition.
EDITION_NAMES = sorted(path.stem for path in (Path(__file__).parent / "editions").glob("[a-z]*.py"))


class Dataset(Section):
    """Which dataset is studied, in which of its published forms."""

    edition: str = setting(
        "phantom",
        "The dataset's format, by its name. `phantom` is a synthetic dataset, made on the spot;"
        " the others are CBIS-DDSM in its published forms, or images of your own: see the formats"
        " below.",
        allowed=EDITION_NAMES,
    )
    path: str | None = setting(
        None,
        "The dataset's folder. Best absolute: a relative path starts where `results/` is written."
        " The phantom has none.",
        min_length=1,
    )
    table: str | None = setting(
        None,
        "The table format's CSV, relative to `dataset.path`; its columns are below.",
        min_length=1,
    )
    patient: str | None = setting(
        None,
        "The folder format's regular expression that finds the patient in a file's path below"
        " `benign/` or `malignant/`: its group `patient`, else its first group, else all that it"
        " matches. A file in which it finds none is refused: a guessed patient could be on both"
        " sides of a split. `([^/_]+)_` finds `P001` in `P001_left_CC.png`; `summary.md` shows what"
        " was found.",
        min_length=1,
    )

    def required(self, key: str) -> str:
        """The value of path, table or patient, where the edition needs it."""
        value = getattr(self, key)
        if value is None:
            raise ValueError(f"dataset.{key}: null, but the {self.edition} edition needs it")
        return value


class Phantom(Section):
    """The synthetic dataset."""

    patients: int = setting(150, "Number of patients.", ge=24, le=10_000)
    seed: int = setting(1, "Seed of the synthetic data: another one gives other patients.", ge=0)
    lookalikes: float = setting(
        0.1,
        "Label noise: the fraction of each class's lesions that look like the other class. No"
        " reader of the pixels can identify these, so the Bayes-optimal AUROC is 1 minus this"
        " fraction.",
        ge=0,
        le=0.5,
    )


class Image(Section):
    """What part of a mammogram an image shows, and how it becomes a square of pixels."""

    region: Literal["crop", "context", "full"] = setting(
        "crop",
        "What an image shows. `crop`: the published ROI crop of each lesion (own images: each"
        " `file`). `context`: the ROI with its context, cut from the whole image around the"
        " lesion's mask. `full`: each whole image once, with all lesions on it.",
    )
    margin: float = setting(
        25,
        "With `context`: what is added to the mask's bounding box on each side, in `margin_unit`.",
        ge=0,
        le=1000,
    )
    margin_unit: Literal["percent", "mm"] = setting(
        "percent",
        "Unit of `margin`. `percent` of the box's longer side, or `mm`, where the dataset gives the"
        " pixel spacing; an image without it is then excluded.",
    )
    mixed: Literal["malignant", "leave_out"] = setting(
        "malignant",
        "With `full`: what becomes of an image with lesions of both classes. It is labelled"
        " `malignant`, or excluded (`leave_out`). Their number stands in the flow diagram. With"
        " `crop`, the same where a table names one `file` for several lesions.",
    )
    fit: Literal["stretch", "pad", "crop"] = setting(
        "stretch",
        "How a region becomes a square: `stretch`, `pad` with black, or `crop` to its centre.",
    )
    size: int = setting(
        64,
        "Side of that square in pixels, by area average. The original network at 224 pixels has"
        " 12.0 million parameters.",
        ge=16,
        le=1024,
    )
    shards: int = setting(
        1,
        "Number of files over which the decoded images are spread. Each is made by a job of its"
        " own, whose memory shrinks with their number. It changes no result.",
        ge=1,
        le=1000,
    )

    def where(self) -> "Image":
        """The keys that decide which images a study has, before any is decoded."""
        further = {"crop": ["mixed"], "context": ["margin_unit"], "full": ["mixed"]}[self.region]
        return self.only(["region", *further])

    def pixel_keys(self) -> list[str]:
        """The names of the keys that the decoded pixels depend on."""
        further = ["margin", "margin_unit"] if self.region == "context" else []
        return ["region", *further, "fit", "size"]

    def pixels(self) -> "Image":
        """The keys that the decoded pixels depend on."""
        return self.only(self.pixel_keys())


class Download(Section):
    """Where downloads of the public dataset go."""

    path: str = setting(
        "results/downloads",
        "The folder in which `snakemake download_kaggle` makes `kaggle/` (6.3 GB, 13.6 GB while it"
        " unpacks) and `download_idc` makes `idc/` (163.5 GB). A relative path starts where"
        " `results/` is written.",
        min_length=1,
    )

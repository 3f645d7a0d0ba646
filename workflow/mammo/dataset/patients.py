"""Patients' names: which spellings are one person's, and whether they look like patients' names."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

import pandas as pd

# Characters that show nothing and are not of the category Cf: joiners, fillers.
BLANKS = {"\u034f", "\u115f", "\u1160", "\u2800", "\u3164"}
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
MINUS = "\u2212"  # a dash to the eye, a mathematical symbol to Unicode


def plain(name: str) -> str:
    """A name without what a reader cannot see.

    Compatibility forms are unified (NFKC, Unicode Standard Annex 15), invisible characters are
    dropped, all dashes are hyphens, all digits are ASCII, and spaces are single.
    """
    if not name.isascii():
        name = "".join(map(_plain_character, unicodedata.normalize("NFKC", name)))
        name = unicodedata.normalize("NFKC", name)
    return " ".join(name.split())


def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in BLANKS or ord(character) in VARIATION_SELECTORS:
        return ""
    if category == "Pd" or character == MINUS:
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return " " if category == "Cc" else character


def first_spellings(names: Iterable[str]) -> dict[str, str]:
    """{name: the first of the names that is the same}.

    The same are spellings of one whole number (7, 7.0 and 00007), and names that differ only in
    what `plain` unifies. Takes time in proportion to the number of names.
    """
    first: dict[str, str] = {}
    return {name: first.setdefault(_identity(name), name) for name in dict.fromkeys(names)}


def _identity(name: str) -> str:
    text = plain(name)
    number = re.fullmatch(r"([0-9]+)(?:\.0+)?", text)
    return _number(number[1]) if number else text


def _number(digits: str) -> str:
    """Digits without leading zeros: as text, since int() takes no more than 4300 of them."""
    return digits.lstrip("0") or "0"


def tokens(name: str) -> tuple[str, ...]:
    """The runs of letters of a name, casefolded, and its runs of digits, as numbers.

    All else only separates them. Names with the same tokens are probably one person's: `P001`,
    `P_1` and `p 1.0`; not `P1_01` and `P10_1`. A name without letters and digits is its own token.
    """
    text = unicodedata.normalize("NFKC", plain(name).casefold())
    text = re.sub(r"(?<![0-9])(?<![0-9]\.)([0-9]+)\.0+(?![0-9.])", r"\1", text)
    if text.isascii():
        runs = re.findall("[a-z]+|[0-9]+", text)
    else:
        classes = groupby(text, _class)
        runs = ["".join(characters) for name, characters in classes if name]
    return tuple(_number(run) if run[0].isdecimal() else run for run in runs) or (text,)


def _class(character: str) -> str:
    """'letter' (with the accents on it), 'digit', or '' for a separator."""
    if character.isalpha() or unicodedata.category(character).startswith("M"):
        return "letter"
    return "digit" if character.isdecimal() else ""


def alike(names: Iterable[str]) -> list[list[str]]:
    """The groups of names that have the same tokens, two or more each, in their order.

    Takes time in proportion to the number of names.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(tokens(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


class Patients(NamedTuple):
    """How many patients there are, and what their names would look like if they were none.

    both_classes: those with benign and malignant images. rarer_class: those with images of the
    class that fewer have, whatever else they have. single: those with one image. largest: the
    one with most images, which are `images_of_largest`.
    """

    number: int
    images: int
    both_classes: int
    rarer_class: int
    single: int
    largest: str
    images_of_largest: int

    @property
    def one_per_image(self) -> bool:
        """Whether every image has a patient of its own: the patient was probably not given."""
        return self.number == self.images

    @property
    def mostly_of_both_classes(self) -> bool:
        """Whether the names may be numbers that begin anew in each class.

        Then all names of the rarer class (here: 95 %) occur in the other one, too. Where these are
        no more than half of all patients, it is nothing unusual: the other breast may be healthy.
        """
        all_of_rarer = 20 * self.both_classes >= 19 * self.rarer_class
        return all_of_rarer and 2 * self.both_classes > self.number

    @property
    def mostly_one(self) -> bool:
        """Whether one has more than half of the images: the name may be common to many patients."""
        return self.number > 1 and 2 * self.images_of_largest > self.images


def count_patients(images: pd.DataFrame) -> Patients:
    """Count the patients of images: patient_id, label, file. A file is one image."""
    labels = images[["patient_id", "label"]].drop_duplicates()
    of_class = labels["label"].value_counts()
    files = images.drop_duplicates(["patient_id", "file"])["patient_id"].value_counts()
    return Patients(
        number=len(files),
        images=images["file"].nunique(),
        both_classes=int(labels["patient_id"].duplicated().sum()),
        rarer_class=int(of_class.min()) if len(of_class) else 0,
        single=int((files == 1).sum()),
        largest=str(files.index[0]) if len(files) else "",
        images_of_largest=int(files.iloc[0]) if len(files) else 0,
    )

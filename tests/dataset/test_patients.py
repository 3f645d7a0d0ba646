"""Patients' names: which spellings are one person's, and what names give away."""

import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mammo.dataset.inventory import in_one_spelling
from mammo.dataset.patients import alike, count_patients, first_spellings, plain, tokens

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    "spellings",
    [
        ["7", "7.0", "00007", "7.00", "٧", "７"],
        ["0", "000", "0.0"],
        ["P 7", "P  7", "P\u00a07", "P\u2009 7", "P\u200b 7", "\ufeffP 7", "P\t7"],
        ["P-7", "P\u20107", "P\u20137", "P\u22127"],
        [unicodedata.normalize(form, "Zoë Å") for form in ("NFC", "NFD")],
        ["1" * 5000, "0" + "1" * 5000],
    ],
)
def test_spellings_that_are_the_same_are_the_first_one(spellings):
    assert set(first_spellings(spellings).values()) == {spellings[0]}


@pytest.mark.parametrize(
    "names",
    [
        ["P_1", "P-1", "P 1", "p.1", "P1", "P001", "P_1.0", "p.1.0", "(P) #1", "P\u200b01"],
        ["Patient 7", "patient_7", "PATIENT-007"],
        ["Straße 2", "STRASSE_2"],
        ["Müller", unicodedata.normalize("NFD", "müller")],
        ["7", "#7", "7."],
        ["कि 1", "कि_01"],
    ],
)
def test_names_with_the_same_letters_and_numbers_are_alike(names):
    assert alike(names) == [names]


@pytest.mark.parametrize(
    "names",
    [
        ["P1_01", "P10_1", "P101", "P1_1_0", "P_10_10"],
        ["7", "70", "P7", "7a", "7.5", "-"],
        ["1.2.0", "1.2", "1.20", "12.0"],
        ["ab_c", "a_bc", "abc"],
        ["कि", "की", "क"],
        ["*", "**", "?"],
        [f"P_{number:05}" for number in range(2000)],
        [str(number) for number in range(2000)],
    ],
)
def test_different_patients_stay_different(names):
    assert alike(names) == []
    assert first_spellings(names) == dict(zip(names, names, strict=True))


@given(st.lists(NAMES, min_size=1, max_size=8))
def test_what_is_one_patient_is_alike_and_is_found_once_only(names):
    first = first_spellings(names)
    assert set(first) == set(names)
    for name, kept in first.items():
        assert tokens(name) == tokens(kept)
        assert first_spellings([kept, name])[name] == kept
    assert {*first_spellings(first.values()).values()} == {*first.values()}
    assert plain(plain(names[0])) == plain(names[0])


def test_each_spelling_that_is_replaced_is_listed():
    lesions = pd.DataFrame({"patient_id": ["7", "7.0", "8", "007", "7.0"]})
    excluded = pd.DataFrame({"patient_id": ["7.0", ""]})
    lesions, excluded, spellings = in_one_spelling(lesions, excluded)
    assert lesions["patient_id"].tolist() == ["7", "7", "8", "7", "7"]
    assert excluded["patient_id"].tolist() == ["7", ""]
    assert spellings.to_numpy().tolist() == [["7", "7.0", 2], ["7", "007", 1]]


def images(patients, labels=None, files=None):
    """Images of these patients, in their order."""
    number = len(patients)
    files = files or [f"{place}.png" for place in range(number)]
    labels = labels or ["benign"] * number
    return pd.DataFrame({"patient_id": list(patients), "label": labels, "file": files})


def test_patients_are_counted_by_their_images():
    found = count_patients(images("aab", ["benign", "malignant", "benign"]))
    assert found == (2, 3, 1, 1, 1, "a", 2)
    assert (found.one_per_image, found.mostly_one, found.mostly_of_both_classes) == (0, 1, 0)
    assert count_patients(images("abc")).one_per_image
    both = ["benign", "malignant"]
    assert count_patients(images("aabbc", [*both, *both, "benign"])).mostly_of_both_classes
    assert not count_patients(images("aabbcd", [*both, *both, *both])).mostly_of_both_classes
    # The other breast of each patient with cancer is healthy.
    assert not count_patients(images("aabcde", [*both, *4 * ["benign"]])).mostly_of_both_classes
    # Two findings on a file are one image.
    assert count_patients(images("aab", files=["x", "x", "y"])).one_per_image
    assert not count_patients(images("aa")).mostly_one  # nothing to divide: refused elsewhere

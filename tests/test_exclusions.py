"""Reasons of exclusions: one text for each code that a step writes."""

import inspect
import re

from helpers.project import ROOT
from mammo.dataset import dicom
from mammo.dataset.readers import cbis_ddsm
from mammo.dataset.regions import MISSING
from mammo.exclusions import REASONS, reason_in_words

NAMED = [  # how code names a reason
    r'problem(?:": |"\] = | = )"(\w+)"',
    r'_excluding\(.*"(\w+)"\)',
    r'exclusion\(\w+, "(\w+)"',
    r'mask\(outside, "(\w+)"',
    r'reason="(\w+)"',
]


def test_every_reason_that_a_step_names_is_in_words():
    modules = (ROOT / "workflow").rglob("*.py")
    code = "\n".join(path.read_text() for path in modules)
    codes = {name for pattern in NAMED for name in re.findall(pattern, code)} | {*MISSING.values()}
    codes |= {*re.findall(r'return "(\w+)"', inspect.getsource(dicom._problem))}
    codes |= {*re.findall(r'return "(\w+)"', inspect.getsource(cbis_ddsm._why_no_crop))}
    assert {"missing_file", "no_spacing", "ambiguous_crop", "no_pixels", "cannot_decode"} <= codes
    assert {"outside_dataset", "duplicate_row", "mixed_classes", "no_crop", "too_large"} <= codes
    assert codes <= set(REASONS)


def test_a_code_says_whose_file_it_is():
    assert reason_in_words("mask_empty_file") == "Mask: file is empty"
    assert reason_in_words("full_no_pixels") == "Whole image: DICOM file without pixels"
    assert reason_in_words("mask_of_another_shape") == REASONS["mask_of_another_shape"]
    assert reason_in_words("a_new_code") == "a_new_code"


def test_every_text_is_a_phrase_that_begins_with_a_capital_and_ends_without_a_stop():
    for code, text in REASONS.items():
        assert text[0].isupper(), code
        assert text[-1].isalnum() or text[-1] == ")", code
    assert len({*REASONS.values()}) == len(REASONS)

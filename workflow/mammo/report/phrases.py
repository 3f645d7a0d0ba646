"""Pieces of sentences that figures, page and cards share."""

PREFIXES = ("not defined: ", "no interval: ", "no such level: ")


def capitalised(words: str) -> str:
    """Words at the beginning of a line: 'Log loss'. What follows stays: 'BI-RADS assessment'."""
    return words[:1].upper() + words[1:]


def in_sentence(label: str) -> str:
    """A label within a sentence: 'image border', 'BI-RADS assessment', 'F1 score'."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def counted(number: float, noun: str) -> str:
    """'1 patient', '1,566 patients'."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def why_not(reason: str) -> str:
    """Why there is no value or no interval, without the words that say which of both is missing."""
    for prefix in PREFIXES:
        reason = reason.removeprefix(prefix)
    return reason

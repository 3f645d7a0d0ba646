"""An estimate with its confidence interval: how it is kept in a table, and how it is printed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from mammo.words import number


@dataclass(frozen=True)
class Estimate:
    """A value, the ends of its confidence interval, and why one of them is missing.

    `confidence` is the level of the interval (0.95), None where there is none. `reason` says why
    there is no value, or no interval; '' where both are there.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    reason: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, Any], prefix: str = "", *, value: str = "value") -> Self:
        """The estimate in the columns value, low, high, confidence and reason of a table's row.

        With the prefix 'difference' the columns are difference, difference_low, difference_high;
        with value='difference' they are difference, low, high.
        """
        found, low, high = (_given(row[name]) for name in _names(prefix, value))
        return cls(found, low, high, _given(row.get("confidence")), row.get("reason") or "")

    @property
    def has_interval(self) -> bool:
        """Whether there is a confidence interval."""
        return self.low is not None and self.high is not None

    def columns(self, *, value: str = "value") -> dict[str, float | str | None]:
        """The estimate as columns of a table's row; `value` is the name of the value's column."""
        return {
            value: self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence if self.has_interval else None,
            "reason": self.reason,
        }

    def ends(self, prefix: str) -> dict[str, float | None]:
        """The value and its interval alone, as the columns `prefix`, `prefix`_low and _high."""
        names = _names(prefix)
        return dict(zip(names, (self.value, self.low, self.high), strict=True))

    def __str__(self) -> str:
        """'0.915 [0.815, 0.963]'; without an interval the value alone, '–' without a value."""
        return self.text()

    def text(self, digits: int = 3, signed: bool = False) -> str:
        """As printed everywhere; `signed` is for differences: '+0.021 [−0.010, +0.052]'."""
        if self.value is None:
            return "–"
        shown = [self._number(end, digits, signed) for end in (self.value, self.low, self.high)]
        return f"{shown[0]} [{shown[1]}, {shown[2]}]" if self.has_interval else shown[0]

    @staticmethod
    def _number(value: float | None, digits: int, signed: bool) -> str:
        plus = "+" if signed and value is not None and value >= 0 else ""
        return plus + number(value, digits)


def _names(prefix: str, value: str = "value") -> tuple[str, str, str]:
    """The columns of the value and of the interval's ends."""
    return (prefix, f"{prefix}_low", f"{prefix}_high") if prefix else (value, "low", "high")


def _given(value: Any) -> float | None:
    """A number of a table, None where it is missing (None, NaN, pandas' NA or '')."""
    if value is None or value == "" or str(value) in ("nan", "<NA>"):
        return None
    return float(value)

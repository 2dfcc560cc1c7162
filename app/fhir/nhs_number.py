"""The NHS number: ten digits, the last a modulus-11 check digit.

https://www.datadictionary.nhs.uk/attributes/nhs_number.html
"""

import re
from dataclasses import dataclass
from operator import mul

_SEPARATED = re.compile(r"([0-9]{3})[ -]?([0-9]{3})[ -]?([0-9]{4})")
_WEIGHTS = range(10, 1, -1)


@dataclass(frozen=True, slots=True)
class NHSNumber:
    """A number that passes the check digit and lies in a range that is issued in England or for tests.

    Its `repr` and `str` hide all but the last three digits, so that it cannot reach a log by accident; `value` is the
    whole number.
    """

    value: str

    @classmethod
    def parse(cls, text: str) -> "NHSNumber":
        """Accept `9990000018`, `999 000 0018` and `999-000-0018`. Raise ValueError (without the digits) otherwise."""
        match = _SEPARATED.fullmatch(text.strip())
        if match is None:
            raise ValueError("An NHS number is ten digits.")
        digits = "".join(match.groups())
        if check_digit(digits[:9]) != int(digits[9]):
            raise ValueError("This is not an NHS number: its check digit does not match.")
        if not _is_issued(digits):
            raise ValueError("This number is outside the ranges that are issued as NHS numbers.")
        return cls(digits)

    @property
    def is_synthetic(self) -> bool:
        """Whether it lies in the range kept for tests, from which no person has a number."""
        return self.value.startswith("9")

    def __repr__(self) -> str:
        return f"NHSNumber(*******{self.value[-3:]})"

    __str__ = __repr__


def check_digit(nine: str) -> int | None:
    """The tenth digit for nine given ones, or None where no number exists (the remainder is 10)."""
    remainder = 11 - sum(map(mul, map(int, nine), _WEIGHTS)) % 11
    if remainder == 10:
        return None
    return 0 if remainder == 11 else remainder


def _is_issued(digits: str) -> bool:
    """England, Wales and the Isle of Man (4, 6, 7), or synthetic (9); repeated digits pass the check but are fillers."""
    return digits[0] in "4679" and len(set(digits)) > 1

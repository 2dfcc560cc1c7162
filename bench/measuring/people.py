"""Synthetic NHS numbers, and the examples of `fhir_profiles/` told of whoever has them.

https://www.datadictionary.nhs.uk/attributes/nhs_number.html
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.fhir.nhs_number import check_digit

_EXAMPLES = Path(__file__).resolve().parents[2] / "fhir_profiles" / "examples"


def numbers(first: int) -> Iterator[str]:
    """One after another, without end; `first` are eight digits."""
    for serial in itertools.count(first):
        nine = f"9{serial:08}"
        digit = check_digit(nine)
        if digit is not None:
            yield f"{nine}{digit}"


def some(first: int, count: int) -> list[str]:
    """The first so many of them."""
    return list(itertools.islice(numbers(first), count))


def example(name: str, instead: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An example, with texts replaced wherever they stand."""
    resource: dict[str, Any] = json.loads(text(name, instead))
    return resource


def text(name: str, instead: Mapping[str, str] | None = None) -> str:
    """The same without blanks between its elements."""
    compact = json.dumps(json.loads((_EXAMPLES / f"{name}.json").read_text("utf-8")), separators=(",", ":"))
    for old, new in (instead or {}).items():
        compact = compact.replace(old, new)
    return compact

"""The examples of `fhir_profiles/examples`, told of other people than those they were written about.

The tests share one database, so everybody in a test has NHS numbers of their own.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.fhir import nhs_number, systems

FOLDER = Path(__file__).parents[2] / "fhir_profiles" / "examples"

CHILD, MOTHER, FATHER, BROTHER, FORMER = "9990000018", "9990000123", "9990000247", "9990000360", "9990000484"
"""The NHS numbers in the examples: of Amelia, Olivia, the father, Noah, and the one that Amelia's replaced."""

HEALTH_VISITING, MATERNITY, PRACTICE = "RX999", "RX998", "Y99999"
COUNCIL, CENTRE = "LA901", "CC901"

issued: set[str] = set()
"""Every NHS number that a test has used."""


def _numbers() -> Iterator[str]:
    for nine in map(str, itertools.count(970_000_000)):
        check = nhs_number.check_digit(nine)
        if check is not None:
            yield f"{nine}{check}"


_fresh = _numbers()


def new_number() -> str:
    """A synthetic NHS number that nobody has been given."""
    number = next(_fresh)
    issued.add(number)
    return number


def example(name: str, instead: Mapping[str, str] | None = None, /, **elements: Any) -> dict[str, Any]:
    """An example, with texts replaced wherever they stand, and with elements of the outermost object set."""
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    for old, new in (instead or {}).items():
        text = text.replace(old, new)
    resource: dict[str, Any] = json.loads(text)
    return resource | elements


def number_token(nhs_number: str) -> str:
    """An NHS number as a search parameter's value."""
    return f"{systems.NHS_NUMBER}|{nhs_number}"


def organization(ods_code: str, name: str | None = None) -> dict[str, Any]:
    """A reference by ODS code."""
    identifier = {"system": systems.ODS_CODE, "value": ods_code}
    return {"type": "Organization", "identifier": identifier} | ({"display": name} if name else {})


def labelled(code: str) -> dict[str, Any]:
    """A meta that states a confidentiality."""
    return {"security": [{"system": systems.CONFIDENTIALITY, "code": code}]}

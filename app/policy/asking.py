"""What a search would tell by its answer: nobody finds a resource by what they are not shown of it.

https://hl7.org/fhir/R4/security-labels.html (REDACTED)

Whoever may not see an address could otherwise learn it by asking for one after the other. `redaction` leaves the same
elements out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.fhir import search_parameters
from app.fhir.search_expression import Extension, Path
from app.policy import subtraction

_OF_META = ("_tag", "_profile", "_source")  # labels of our own making may name a place
_NOWHERE = ("_id", "_lastUpdated", "_security")


@dataclass(frozen=True, slots=True)
class Told:
    """Whether it would tell how to reach somebody, or where a restricted person is."""

    contact: bool
    location: bool


def told(type: str, codes: Iterable[str]) -> Told:
    """By asking for these parameters of a type. The resources to find are those of which this may be shown."""
    contact = subtraction.CONTACT.get(type, ())
    location = subtraction.LOCATION.get(type, ())
    asked = frozenset(codes)
    paths = [path for code in asked for path in _paths(type, code)]
    return Told(
        contact=any(_elements(path) & set(contact) for path in paths),
        location=bool(location)
        and (not asked.isdisjoint(_OF_META) or any(_locates(path, frozenset(location)) for path in paths)),
    )


def _paths(type: str, code: str) -> tuple[Path, ...]:
    return () if code in (*_OF_META, *_NOWHERE) else search_parameters.parameters(type)[code].expression.paths


def _locates(path: Path, location: frozenset[str]) -> bool:
    first = path.steps[0]
    if isinstance(first, Extension):
        return first.url not in subtraction.HARMLESS_EXTENSIONS
    return bool(_elements(path) & {*location, "identifier"})


def _elements(path: Path) -> frozenset[str]:
    """The names in JSON of what it begins with."""
    first = path.steps[0]
    return frozenset(getattr(first, "names", ()))

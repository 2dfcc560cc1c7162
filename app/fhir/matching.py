"""How well a Patient record fits what is known of somebody: a score that a person can work out by hand.

https://hl7.org/fhir/R4/patient-operation-match.html

Each element that both sides have gives points, for or against. The score is the share of the points that what was asked
could have given at best, between 0 and 1. What only one side has gives none, so that a sparse question finds little and is
never certain: it takes 50 points to ask at all, and 70 to be certain.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from app.fhir import coding, systems
from app.fhir.search_index import folded

Grade: TypeAlias = Literal["certain", "probable", "possible"]

_CERTAIN, _PROBABLE, _POSSIBLE = 0.95, 0.8, 0.6
_APART = 0.15  # a certain match is so far ahead of the next: twins share all but a given name
_ENOUGH, _ENOUGH_TO_BE_CERTAIN = 50, 70
_ALIKE = 0.8  # of difflib's ratio: one letter in five

# Points where it agrees, where it nearly agrees, where it does not.
POINTS = {
    "NHS number": (50, 0, -50),
    "birthDate": (25, 10, -25),
    "family": (20, 10, -15),
    "given": (15, 8, -10),
    "gender": (5, 0, -10),
    "postalCode": (10, 4, 0),
    "telecom": (5, 0, 0),
}


@dataclass(frozen=True, slots=True)
class Match:
    """A score between 0 and 1, and what it is worth."""

    score: float
    grade: Grade


def score(asked: Mapping[str, Any], patient: Mapping[str, Any]) -> float:
    """The share of the points that `patient` reaches of those that `asked` could give. Both may be incomplete."""
    total = best = 0
    there = dict(_known(patient))
    for element, values in _known(asked):
        agrees, nearly, differs = POINTS[element]
        best += agrees
        found = there.get(element)
        if found:
            how = max(_likeness(element, one, other) for one in values for other in found)
            total += (differs, nearly, agrees)[how]
    return round(max(0.0, total / best), 3) if best else 0.0


def is_enough(asked: Mapping[str, Any]) -> bool:
    """Whether what is asked could tell somebody apart at all: an NHS number, or about a name and a date of birth."""
    return _best(asked) >= _ENOUGH


def graded(asked: Mapping[str, Any], scores: list[float]) -> list[Match | None]:
    """What each score is worth beside the others; None where it is no match. At most one is certain."""
    may_be_certain = _best(asked) >= _ENOUGH_TO_BE_CERTAIN
    ahead = [
        may_be_certain and all(score - other >= _APART for other in (*scores[:place], *scores[place + 1 :]))
        for place, score in enumerate(scores)
    ]
    return [_graded(score, is_ahead) for score, is_ahead in zip(scores, ahead, strict=True)]


def _best(asked: Mapping[str, Any]) -> int:
    return sum(POINTS[element][0] for element, _ in _known(asked))


def _graded(score: float, may_be_certain: bool) -> Match | None:
    if score >= _CERTAIN and may_be_certain:
        return Match(score, "certain")
    if score >= _PROBABLE:
        return Match(score, "probable")
    return Match(score, "possible") if score >= _POSSIBLE else None


def nhs_number(patient: Mapping[str, Any]) -> str | None:
    """The NHS number as it was given, which may be none."""
    for identifier in _dicts(patient, "identifier"):
        if identifier.get("system") == systems.NHS_NUMBER and "value" in identifier:
            return str(identifier["value"]).replace(" ", "").replace("-", "")
    return None


def _known(patient: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each element that there is, with its values as they are compared."""
    names = _dicts(patient, "name")
    found: dict[str, list[Any]] = {
        "NHS number": [nhs_number(patient)],
        "birthDate": [patient.get("birthDate")],
        "family": [folded(str(name["family"])) for name in names if "family" in name],
        "given": [folded(str(each)) for name in names for each in coding.items(name.get("given"))[:1]],
        "gender": [patient.get("gender")],
        "postalCode": [_postcode(each["postalCode"]) for each in _dicts(patient, "address") if "postalCode" in each],
        "telecom": [_contact(each["value"]) for each in _dicts(patient, "telecom") if "value" in each],
    }
    for element, values in found.items():
        if stated := [value for value in values if value]:
            yield element, stated


def _dicts(patient: Mapping[str, Any], element: str) -> list[Mapping[str, Any]]:
    return [each for each in coding.items(patient.get(element)) if isinstance(each, Mapping)]


def _likeness(element: str, one: str, other: str) -> int:
    """2 where they agree, 1 where they nearly do, 0 where they differ."""
    if one == other:
        return 2
    match element:
        case "birthDate":
            return int(_is_slip(one, other))
        case "family" | "given":
            return int(difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE)
        case "postalCode":
            return int(one[:-3] == other[:-3])
        case _:
            return 0


def _is_slip(one: str, other: str) -> bool:
    """Day and month changed over, or one digit different; also where one knows the date less exactly."""
    if one.startswith(other) or other.startswith(one):
        return True
    if len(one) != len(other):
        return False
    changed_over = one[:5] == other[:5] and one[5:7] == other[8:10] and one[8:10] == other[5:7]
    return changed_over or sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _postcode(text: object) -> str:
    return "".join(str(text).upper().split())


def _contact(text: object) -> str:
    """A telephone number by its last ten digits, however it is written; an address of another kind as it is."""
    digits = "".join(character for character in str(text) if character.isdigit())
    return digits[-10:] if len(digits) >= 10 else str(text).strip().casefold()

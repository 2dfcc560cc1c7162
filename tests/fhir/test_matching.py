"""The score of $match, as a person would work it out.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from typing import Any

import pytest

from app.fhir import matching, systems

AMELIA = {
    "resourceType": "Patient",
    "identifier": [{"system": systems.NHS_NUMBER, "value": "9990000018"}],
    "name": [{"family": "Example", "given": ["Amelia", "Rose"]}],
    "gender": "female",
    "birthDate": "2024-05-11",
    "address": [{"postalCode": "LS1 4AP"}],
    "telecom": [{"system": "phone", "value": "+44 7700 900 123"}],
}


def asked(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def name(family: str, *given: str) -> dict[str, Any]:
    return {"name": [{"family": family, "given": list(given)}]}


def number(value: str) -> dict[str, Any]:
    return {"identifier": [{"system": systems.NHS_NUMBER, "value": value}]}


def test_the_same_is_one() -> None:
    assert matching.score(AMELIA, AMELIA) == 1.0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (asked(**number("999 000 0018")), 1.0),
        (asked(**number("9990000026")), 0.0),  # another number
        (asked(**number("9990000018"), birthDate="2019-01-30"), 0.333),  # (50 - 25) / 75
        (asked(**name("EXAMPLE", "amelia"), birthDate="2024-05-11"), 1.0),  # case and accents do not count
        (asked(**name("Exampel", "Amelia"), birthDate="2024-05-11"), 0.833),  # (10 + 15 + 25) / 60
        (asked(**name("Example", "Amelia"), birthDate="2024-11-05"), 0.75),  # day and month: (20 + 15 + 10) / 60
        (asked(**name("Example", "Amelia"), birthDate="2024-05-12"), 0.75),  # one digit
        (asked(**name("Example", "Amelia"), birthDate="2024-05"), 0.75),  # known to the month
        (asked(**name("Example", "Noah"), birthDate="2024-05-11"), 0.583),  # a twin: (20 - 10 + 25) / 60
        (asked(birthDate="2024-05-11", gender="female", address=[{"postalCode": "ls14ap"}]), 1.0),
        (asked(birthDate="2024-05-11", address=[{"postalCode": "LS1 9ZZ"}]), 0.829),  # (25 + 4) / 35
        (asked(birthDate="2024-05-11", telecom=[{"value": "07700900123"}]), 1.0),
        (asked(gender="male"), 0.0),
        (asked(), 0.0),
    ],
)
def test_a_score_is_the_share_of_the_points(question: dict[str, Any], expected: float) -> None:
    assert matching.score(question, AMELIA) == expected


def test_what_only_the_question_has_is_points_not_reached() -> None:
    question = asked(**name("Example", "Amelia"), birthDate="2024-05-11", address=[{"postalCode": "LS1 4AP"}])
    without = {key: value for key, value in AMELIA.items() if key != "address"}
    assert matching.score(question, without) == 0.857  # 60 of 70


@pytest.mark.parametrize(
    ("question", "enough"),
    [
        (asked(**number("9990000018")), True),
        (asked(**name("Example", "Amelia"), birthDate="2024-05-11"), True),
        (asked(**name("Example", "Amelia")), False),
        (asked(birthDate="2024-05-11", gender="female"), False),
        (asked(birthDate="2024-05-11", gender="female", **name("Example")), True),
    ],
)
def test_who_could_be_anybody_is_not_asked_for(question: dict[str, Any], enough: bool) -> None:
    assert matching.is_enough(question) is enough


FULL = asked(**name("Example", "Amelia"), birthDate="2024-05-11", gender="female", address=[{"postalCode": "LS1 4AP"}])


@pytest.mark.parametrize(
    ("question", "scores", "grades"),
    [
        (FULL, [1.0], ["certain"]),
        (FULL, [1.0, 0.8], ["certain", "probable"]),
        (FULL, [0.96, 0.9, 0.61, 0.3], ["probable", "probable", "possible", None]),  # the next is too near
        (FULL, [1.0, 1.0], ["probable", "probable"]),
        (asked(**number("9990000018")), [1.0], ["probable"]),  # a number alone may be mistyped
        (FULL, [], []),
    ],
)
def test_what_a_score_is_worth(question: dict[str, Any], scores: list[float], grades: list[str | None]) -> None:
    assert [each.grade if each else None for each in matching.graded(question, scores)] == grades

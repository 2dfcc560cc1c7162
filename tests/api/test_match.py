"""$match: who is meant, among the people whom the caller may see, and by what they are shown of them.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

import hashlib
import json
from typing import Any

import pytest
from httpx import Response

from tests.api import examples, family
from tests.api.callers import Caller, Callers
from tests.api.family import Child

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
SAME = {"X-Request-ID": "7a0d6a5e-3a6e-4b0e-8f5e-1c1d1e1f1a1b"}


async def match(caller: Caller, patient: dict[str, Any], **more: Any) -> Response:
    listed = [{"name": "resource", "resource": {"resourceType": "Patient", **patient}}]
    listed += [{"name": name, ("valueInteger" if name == "count" else "valueBoolean"): v} for name, v in more.items()]
    body = {"resourceType": "Parameters", "parameter": listed}
    return await caller.send_text("POST", "Patient/$match", json.dumps(body), SAME)


def found(answer: Response) -> list[tuple[str, float, str]]:
    """Id, score and grade of each."""
    assert answer.status_code == 200, answer.text
    entries = [each for each in answer.json().get("entry", ()) if each["search"]["mode"] == "match"]
    assert answer.json()["total"] == len(entries)
    return [
        (each["resource"]["id"], each["search"]["score"], each["search"]["extension"][0]["valueCode"])
        for each in entries
    ]


def known_of(child: Child, *elements: str) -> dict[str, Any]:
    return {element: child.patient[element] for element in elements}


def surname() -> str:
    """One that nobody else has, since the tests share a database; and like no other."""
    digest = hashlib.sha256(examples.new_number().encode()).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest[:12])


async def named_child(as_: Callers, family_name: str, given: str, **elements: Any) -> Child:
    return await family.child(as_, name=[{"family": family_name, "given": [given]}], **elements)


async def test_one_person_is_certain(as_: Callers) -> None:
    child = await named_child(as_, surname(), "Amelia")
    answer = await match(as_["health-visiting"], known_of(child, "name", "birthDate", "gender", "address"))
    assert (child.id, 1.0, "certain") in found(answer)
    assert GRADE in answer.text


async def test_a_number_finds_its_person_and_says_how_sure(as_: Callers, child: Child) -> None:
    number = {"identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": child.nhs_number}]}
    assert found(await match(as_["health-visiting"], number)) == [(child.id, 1.0, "probable")]
    with_birth = number | known_of(child, "birthDate")
    assert (child.id, 1.0, "certain") in found(await match(as_["health-visiting"], with_birth))


async def test_twins_are_told_apart_by_their_names_and_not_certain_without(as_: Callers) -> None:
    shared = surname()
    one, other = await named_child(as_, shared, "Amelia"), await named_child(as_, shared, "Freya")
    asked = known_of(one, "name", "birthDate", "gender", "address")
    first = found(await match(as_["health-visiting"], asked))[0]
    assert first == (one.id, 1.0, "certain")
    without = asked | {"name": [{"family": shared}]}
    both = {(one.id, "probable"), (other.id, "probable")}
    assert {(id, grade) for id, _, grade in found(await match(as_["health-visiting"], without))} == both
    assert found(await match(as_["health-visiting"], without, onlyCertainMatches=True)) == []
    assert len(found(await match(as_["health-visiting"], without, count=1))) == 1


async def test_with_nobody_at_the_screen_there_is_one_or_none(as_: Callers) -> None:
    shared = surname()
    one, _ = await named_child(as_, shared, "Amelia"), await named_child(as_, shared, "Freya")
    system = await as_.as_said("health-visiting", user=None)
    asked = known_of(one, "name", "birthDate", "gender", "address")
    assert found(await match(system, asked)) == [(one.id, 1.0, "certain")]
    answer = await match(system, asked | {"name": [{"family": shared}]})
    assert found(answer) == []
    assert answer.json()["entry"][0]["resource"]["issue"][0]["severity"] == "information"


async def test_whom_the_caller_may_not_see_is_not_matched(as_: Callers) -> None:
    child = await named_child(as_, surname(), "Amelia")
    asked = known_of(child, "name", "birthDate", "gender", "address", "identifier")
    hidden = await match(as_["stranger"], asked)
    assert found(hidden) == []
    number = examples.new_number()
    nobody = asked | {"name": [{"family": surname(), "given": ["Amelia"]}], "birthDate": "1999-01-01"}
    nobody["identifier"] = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}]
    absent = await match(as_["stranger"], nobody)
    assert (hidden.status_code, hidden.content, hidden.headers) == (absent.status_code, absent.content, absent.headers)


async def test_what_is_kept_back_is_not_compared(as_: Callers) -> None:
    """Of a restricted person no address is shown, so no postcode of theirs makes a match better."""
    child = await named_child(as_, surname(), "Amelia", meta=examples.labelled("R"))
    asked = known_of(child, "name", "birthDate")
    answers = []
    for postcode in ("LS1 4AP", "ZZ9 9ZZ"):
        answers.append(found(await match(as_["health-visiting"], asked | {"address": [{"postalCode": postcode}]})))
    assert answers[0] == answers[1]
    assert child.id in [id for id, _, _ in answers[0]]


@pytest.mark.parametrize(
    "patient",
    [
        {"birthDate": "2024-05-11"},
        {"name": [{"family": "Example"}]},
        {"name": "Example", "birthDate": "2024-05-11"},
        {"birthDate": "yesterday", "name": [{"family": "Example", "given": ["Amelia"]}]},
    ],
)
async def test_too_little_and_what_is_not_valid_is_refused(patient: dict[str, Any], as_: Callers) -> None:
    answer = await match(as_["health-visiting"], patient)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"]


@pytest.mark.parametrize("count", [0, 51, "1", True])
async def test_count_is_bounded(count: Any, as_: Callers, child: Child) -> None:
    assert (await match(as_["health-visiting"], known_of(child, "name", "birthDate"), count=count)).status_code == 400

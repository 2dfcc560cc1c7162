"""Conditional create: nothing new where the caller's search finds something, however many ask at once.

https://hl7.org/fhir/R4/http.html#ccreate
"""

import asyncio
import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from httpx import Response

from tests.api import answers, bundles, examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

SYSTEM = "https://example.org/letters"


def letter(child: Child, number: str, /, **elements: Any) -> dict[str, Any]:
    """Of the health visitors about this child, with a number of theirs."""
    numbers = child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    identifier = [{"system": SYSTEM, "value": number}]
    return examples.example("communication-request-family-contact", numbers, identifier=identifier, **elements)


async def create(caller: Caller, resource: dict[str, Any], **condition: str) -> Response:
    return await caller.create(resource, {"If-None-Exist": urlencode(condition)})


async def test_what_is_there_is_answered_and_nothing_is_made(as_: Callers, child: Child, running: Running) -> None:
    number = str(uuid4())
    first = await create(as_["health-visiting"], letter(child, number), identifier=f"{SYSTEM}|{number}")
    kept = family.created(first)
    again = await create(as_["health-visiting"], letter(child, number), identifier=f"{SYSTEM}|{number}")
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, kept, 'W/"1"')
    assert again.headers["location"] == f"{running.settings.fhir_base}/CommunicationRequest/{kept['id']}/_history/1"
    found = await as_["health-visiting"].get("CommunicationRequest", {"identifier": f"{SYSTEM}|{number}"})
    assert answers.ids(found) == [kept["id"]]


async def test_where_several_are_there_none_is_answered(as_: Callers, child: Child) -> None:
    number = str(uuid4())
    for _ in range(2):
        family.created(await as_["health-visiting"].create(letter(child, number)))
    answer = await create(as_["health-visiting"], letter(child, number), identifier=f"{SYSTEM}|{number}")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (412, "conflict")


async def test_of_64_at_once_one_is_created(as_: Callers, child: Child, running: Running) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    asked = (create(caller, letter(child, number), identifier=f"{SYSTEM}|{number}") for _ in range(64))
    together = await asyncio.gather(*asked)
    assert Counter(each.status_code for each in together) == {201: 1, 200: 63}
    assert len({each.json()["id"] for each in together}) == 1
    assert await running.connection.fetchval("SELECT count(*) FROM conditional_key") == 0


async def test_of_64_at_once_in_several_words_one_is_created(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    token = f"{SYSTEM}|{number}"
    more: list[dict[str, str]] = [{}, {"status": "draft,active"}, {"patient": child.id}]
    asked = (create(caller, letter(child, number), identifier=token, **more[turn % 3]) for turn in range(64))
    together = await asyncio.gather(*asked)
    assert Counter(each.status_code for each in together) == {201: 1, 200: 63}


async def test_of_many_at_once_one_is_created_that_is_about_nobody(as_: Callers) -> None:
    system = "https://fhir.nhs.uk/Id/sds-user-id"
    number = f"555{uuid4().int % 10**9:09}"
    sent = examples.example("practitioner-midwife", identifier=[{"system": system, "value": number}])
    asked = (create(as_["stranger"], sent, identifier=f"{system}|{number}") for _ in range(32))
    together = await asyncio.gather(*asked)
    assert Counter(each.status_code for each in together) == {201: 1, 200: 31}
    assert len({each.json()["id"] for each in together}) == 1


async def test_of_64_at_once_one_patient_is_created(as_: Callers) -> None:
    number = examples.new_number()
    patient = examples.example("patient-toddler", {examples.CHILD: number})
    caller, token = as_["health-visiting"], examples.number_token(number)
    together = await asyncio.gather(*(create(caller, patient, identifier=token) for _ in range(64)))
    assert Counter(each.status_code for each in together) == {201: 1, 200: 63}
    assert len({each.json()["id"] for each in together}) == 1


async def test_those_with_another_condition_do_not_wait(as_: Callers, child: Child) -> None:
    numbers, caller = [str(uuid4()) for _ in range(8)], as_["health-visiting"]
    asked = (create(caller, letter(child, each), identifier=f"{SYSTEM}|{each}") for each in numbers)
    assert {each.status_code for each in await asyncio.gather(*asked)} == {201}


async def test_what_is_hidden_is_as_if_it_were_not_there(as_: Callers, child: Child) -> None:
    """Another's record with the same number is nobody's business: one's own is made beside it."""
    number = str(uuid4())
    theirs = family.created(await as_["health-visiting"].create(letter(child, number)))
    sent = letter(child, number, sender=examples.organization("RX909"))
    mine = await create(as_["stranger"], sent, identifier=f"{SYSTEM}|{number}")
    assert mine.status_code == 201
    assert mine.json()["id"] != theirs["id"]


async def test_a_patient_who_is_hidden_is_told_as_in_any_create(as_: Callers, child: Child) -> None:
    patient = examples.example("patient-toddler", child.numbers | {examples.HEALTH_VISITING: "RX909"})
    token = examples.number_token(child.nhs_number)
    conditional, plain = await create(as_["stranger"], patient, identifier=token), await as_["stranger"].create(patient)
    assert (conditional.status_code, conditional.content) == (409, plain.content)
    assert child.id not in conditional.text


async def test_what_was_deleted_is_not_there(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    kept = family.created(await caller.create(letter(child, number)))
    place = f"CommunicationRequest/{kept['id']}"
    assert (await caller.send("DELETE", place, headers={"If-Match": 'W/"1"'})).status_code == 204
    answer = await create(caller, letter(child, number), identifier=f"{SYSTEM}|{number}")
    assert (answer.status_code, answer.json()["id"] == kept["id"]) == (201, False)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("", 412),
        ("status=active", 412),
        ("patient=018f0000-0000-8000-8000-000000000000", 412),
        ("_id=018f0000-0000-8000-8000-000000000000", 400),
        ("identifier=a|b&_count=1", 400),
        ("CommunicationRequest?identifier=a|b", 400),
        ("identifer=a|b", 400),
        ("identifier=", 400),
        ("identifier:not=a|b", 412),
        ("identifier:missing=true", 412),
        ("identifier=%ff", 400),
    ],
)
async def test_what_could_meet_more_than_is_meant_is_refused(
    condition: str, status: int, as_: Callers, child: Child
) -> None:
    answer = await as_["health-visiting"].create(letter(child, "x"), {"If-None-Exist": condition})
    assert answer.status_code in (status, 400)  # 400 where the modifier is not served


async def test_a_condition_needs_the_scope_to_search(as_: Callers, child: Child) -> None:
    without = await as_.as_said("health-visiting", scope="system/CommunicationRequest.cru")
    answer = await create(without, letter(child, "x"), identifier=f"{SYSTEM}|x")
    assert answer.status_code == 403


async def test_what_is_not_valid_is_refused_though_something_is_there(as_: Callers, child: Child) -> None:
    number = str(uuid4())
    family.created(await as_["health-visiting"].create(letter(child, number)))
    sent = letter(child, number, status="never")
    assert (await create(as_["health-visiting"], sent, identifier=f"{SYSTEM}|{number}")).status_code == 422


async def test_what_is_found_is_audited(as_: Callers, child: Child) -> None:
    patient = examples.example("patient-toddler", child.numbers)
    answer = await create(as_["health-visiting"], patient, identifier=examples.number_token(child.nhs_number))
    assert answer.status_code == 200
    events = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    codes = [each["subtype"][0]["code"] for each in events if each["outcomeDesc"].startswith("released")]
    assert codes.count("create") >= 2


async def test_it_is_answered_as_preferred(as_: Callers, child: Child) -> None:
    patient = examples.example("patient-toddler", child.numbers)
    condition = urlencode({"identifier": examples.number_token(child.nhs_number)})
    headers = {"If-None-Exist": condition, "Prefer": "return=minimal"}
    answer = await as_["health-visiting"].create(patient, headers)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_the_condition_may_stand_in_the_url_but_not_in_both_places(as_: Callers, child: Child) -> None:
    number = str(uuid4())
    asked, sent = urlencode({"identifier": f"{SYSTEM}|{number}"}), json.dumps(letter(child, number))
    url = f"CommunicationRequest?{asked}"
    first, again = [await as_["health-visiting"].send_text("POST", url, sent) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    both = await as_["health-visiting"].send_text("POST", url, sent, {"If-None-Exist": asked})
    assert both.status_code == 400
    unknown = await as_["health-visiting"].send_text("POST", f"{url}&identifer=1", sent)
    assert unknown.status_code == 400


async def test_transactions_and_single_requests_with_one_condition_make_one(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    token, sent = f"{SYSTEM}|{number}", letter(child, number)
    entry = bundles.create(sent, ifNoneExist=urlencode({"identifier": token}))
    other = bundles.create(examples.example(family.REFUSES, child.numbers))
    together = await asyncio.gather(
        *(create(caller, sent, identifier=token) for _ in range(12)),
        *(bundles.send(caller, "transaction", other, entry) for _ in range(12)),
    )
    assert {each.status_code for each in together} <= {200, 201}, [each.text for each in together]
    found = await caller.get("CommunicationRequest", {"identifier": token})
    assert len(answers.ids(found)) == 1


async def test_all_of_a_system_is_no_condition(as_: Callers, child: Child) -> None:
    for value in (f"{SYSTEM}|", f"{SYSTEM}|,{SYSTEM}|17"):
        answer = await create(as_["health-visiting"], letter(child, str(uuid4())), identifier=value)
        assert answer.status_code == 412

"""Conditional update, patch and delete: the URL says by a search which resource is meant.

https://hl7.org/fhir/R4/http.html#cond-update
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from httpx import Response

from tests.api import answers, examples, family
from tests.api.callers import Caller, Callers
from tests.api.family import Child
from tests.api.test_conditional_create import SYSTEM, letter

NOTED = [{"op": "replace", "path": "/status", "value": "completed"}]


def where(number: str) -> str:
    return f"CommunicationRequest?{urlencode({'identifier': f'{SYSTEM}|{number}'})}"


async def put(
    caller: Caller, url: str, resource: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return await caller.send_text("PUT", url, json.dumps(resource), headers)


async def patch(caller: Caller, url: str, headers: Mapping[str, str] | None = None) -> Response:
    media_type = {"Content-Type": "application/json-patch+json"}
    return await caller.send_text("PATCH", url, json.dumps(NOTED), {**media_type, **(headers or {})})


async def test_where_nothing_is_there_it_is_created_and_then_updated(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    kept = family.created(await put(caller, where(number), letter(child, number)))
    for sent in (letter(child, number, status="completed"), kept | {"status": "completed"}):
        answer = await put(caller, where(number), sent)
        assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, kept["id"], "completed")
    assert answer.headers["etag"] == 'W/"3"'


async def test_of_many_at_once_one_creates_and_the_others_update(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    together = await asyncio.gather(*(put(caller, where(number), letter(child, number)) for _ in range(16)))
    assert Counter(each.status_code for each in together) == {201: 1, 200: 15}
    assert len({each.json()["id"] for each in together}) == 1


async def test_a_patient_is_created_and_updated_by_number(as_: Callers) -> None:
    number = examples.new_number()
    url = f"Patient?{urlencode({'identifier': examples.number_token(number)})}"
    patient = examples.example("patient-toddler", {examples.CHILD: number})
    together = await asyncio.gather(*(put(as_["health-visiting"], url, patient) for _ in range(8)))
    assert Counter(each.status_code for each in together) == {201: 1, 200: 7}


async def test_ids_are_not_chosen_by_callers(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    answer = await put(caller, where(number), letter(child, number, id="mine"))
    assert (answer.status_code, answers.expressions(answer)) == (400, {"CommunicationRequest.id"})
    family.created(await caller.create(letter(child, number)))
    answer = await put(caller, where(number), letter(child, number, id="mine"))
    assert (answer.status_code, answers.expressions(answer)) == (400, {"CommunicationRequest.id"})


async def test_a_version_that_is_named_has_to_be_there(as_: Callers, child: Child) -> None:
    number, caller, seen = str(uuid4()), as_["health-visiting"], {"If-Match": 'W/"1"'}
    assert (await put(caller, where(number), letter(child, number), seen)).status_code == 412
    family.created(await caller.create(letter(child, number)))
    assert (await put(caller, where(number), letter(child, number), seen)).status_code == 200
    assert (await put(caller, where(number), letter(child, number), seen)).status_code == 409
    assert (await put(caller, where(number), letter(child, number), {"If-None-Match": "*"})).status_code == 412


async def test_where_several_are_met_nothing_is_done(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    kept = [family.created(await caller.create(letter(child, number))) for _ in range(2)]
    for answer in (
        await put(caller, where(number), letter(child, number)),
        await patch(caller, where(number)),
        await caller.send("DELETE", where(number)),
    ):
        assert answer.status_code == 412
    for each in kept:
        assert (await caller.get(f"CommunicationRequest/{each['id']}")).headers["etag"] == 'W/"1"'


async def test_what_is_met_is_patched(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    kept = family.created(await caller.create(letter(child, number)))
    answer = await patch(caller, where(number))
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, kept["id"], "completed")
    assert (await patch(caller, where(number), {"If-Match": 'W/"1"'})).status_code == 409


async def test_what_is_met_is_deleted(as_: Callers, child: Child) -> None:
    number, caller = str(uuid4()), as_["health-visiting"]
    kept = family.created(await caller.create(letter(child, number)))
    assert (await caller.send("DELETE", where(number), headers={"If-Match": 'W/"2"'})).status_code == 409
    assert (await caller.send("DELETE", where(number))).status_code == 204
    assert (await caller.get(f"CommunicationRequest/{kept['id']}")).status_code == 410
    assert (await caller.send("DELETE", where(number))).status_code == 404


async def test_hidden_and_absent_are_one_answer(as_: Callers, child: Child) -> None:
    number = str(uuid4())
    kept = family.created(await as_["health-visiting"].create(letter(child, number)))
    for ask in (patch, lambda caller, url: caller.send("DELETE", url)):
        both = [await ask(as_["stranger"], where(each)) for each in (number, str(uuid4()))]
        assert {(each.status_code, each.content) for each in both} == {(404, both[0].content)}
    mine = await put(as_["stranger"], where(number), letter(child, number, sender=examples.organization("RX909")))
    assert mine.status_code == 201
    assert (await as_["health-visiting"].get(f"CommunicationRequest/{kept['id']}")).json() == kept


async def test_a_hidden_person_is_not_told_of(as_: Callers, child: Child) -> None:
    """A condition on a family that is hidden, and on one that is not known, are answered alike."""
    for number in (child.nhs_number, examples.new_number()):
        url = f"RelatedPerson?{urlencode({'patient:identifier': examples.number_token(number), 'active': 'true'})}"
        answer = await as_["stranger"].send("DELETE", url)
        assert (answer.status_code, answers.diagnostics(answer)) == (404, "There is nothing here that you may see.")


async def test_who_sees_what_is_met_may_not_therefore_write_it(as_: Callers, child: Child) -> None:
    number = str(uuid4())
    sent = letter(child, number, recipient=[examples.organization("RX909")])
    kept = family.created(await as_["health-visiting"].create(sent))
    stranger = as_["stranger"]
    assert (await put(stranger, where(number), kept)).status_code == 403
    assert (await patch(stranger, where(number))).status_code == 403
    assert (await stranger.send("DELETE", where(number))).status_code == 403
    assert (await as_["health-visiting"].get(f"CommunicationRequest/{kept['id']}")).json() == kept


@pytest.mark.parametrize(
    "url", ["Consent", "Consent?status=active", "Consent?patient=018f0000-0000-8000-8000-000000000000"]
)
async def test_a_wide_condition_is_refused(url: str, as_: Callers) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await as_["stranger"].send(method, url)).status_code == 412


async def test_a_patient_is_not_deleted_by_a_condition_either(as_: Callers, child: Child) -> None:
    url = f"Patient?{urlencode({'identifier': examples.number_token(child.nhs_number)})}"
    answer = await as_["stranger"].send("DELETE", url)
    assert (answer.status_code, "Set active to false" in answers.diagnostics(answer)) == (405, True)


async def test_what_met_nothing_is_audited_with_whom_it_named(as_: Callers, child: Child) -> None:
    url = (
        f"RelatedPerson?{urlencode({'patient:identifier': examples.number_token(child.nhs_number), 'active': 'true'})}"
    )
    await as_["stranger"].send("DELETE", url)
    events = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert ("delete", "nothing: nothing") in {(e["subtype"][0]["code"], e["outcomeDesc"]) for e in events}


async def test_the_statement_says_so(as_: Callers) -> None:
    statement = (await as_.nobody.get("metadata")).json()
    types = {each["type"]: each for each in statement["rest"][0]["resource"]}
    told = {name: types["Consent"][name] for name in ("conditionalCreate", "conditionalUpdate", "conditionalDelete")}
    assert told == {"conditionalCreate": True, "conditionalUpdate": True, "conditionalDelete": "single"}
    assert types["Patient"]["conditionalDelete"] == "not-supported"
    assert (types["AuditEvent"]["conditionalCreate"], types["Consent"]["updateCreate"]) == (False, False)

"""The audit: a row for each disclosure and each refusal, in the shape of IHE's patterns, for the auditor alone.

https://profiles.ihe.net/ITI/BALP/; https://hl7.org/fhir/R4/auditevent.html
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response

from app.fhir import systems, validation
from tests.api import answers, examples, family
from tests.api.answers import ids, link, resources
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

Ask = Callable[[Callers, Child, dict[str, str]], Awaitable[Response]]

CLIENT_OF = {"R": "110152", "E": "110153", "C": "110153", "U": "110153"}  # on a read, the data's destination
SERVER_OF = {"R": "110153", "E": "110152", "C": "110152", "U": "110152"}


async def _rows(running: Running, request_id: str) -> list[Any]:
    rows: list[Any] = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    return rows


async def _create(as_: Callers, child: Child, headers: dict[str, str]) -> Response:
    return await as_["gp-practice"].create(examples.example(family.REFUSES, child.numbers), headers)


async def _write_anothers(as_: Callers, child: Child, headers: dict[str, str]) -> Response:
    return await as_["maternity"].create(examples.example("patient-toddler", child.numbers), headers)


async def _register_again(as_: Callers, child: Child, headers: dict[str, str]) -> Response:
    numbers = child.numbers | {examples.HEALTH_VISITING: "RX909"}
    return await as_["stranger"].create(examples.example("patient-toddler", numbers), headers)


def _get(client: str, url: str, **params: str) -> Ask:
    async def ask(as_: Callers, child: Child, headers: dict[str, str]) -> Response:
        about = {name: value.format(child=child) for name, value in params.items()}
        return await as_[client].get(url.format(child=child), about or None, headers)

    return ask


CASES: list[tuple[Ask, int, tuple[str, str, str, str]]] = [
    (_get("health-visiting", "Patient/{child.id}"), 200, ("read", "Patient", "released", "own_data")),
    (_get("health-visiting", "Patient/{child.id}/_history/1"), 200, ("vread", "Patient", "released", "own_data")),
    (_get("health-visiting", "Patient/{child.id}/_history/9"), 404, ("vread", "Patient", "nothing", "nothing")),
    (_get("stranger", "Patient/{child.id}"), 404, ("read", "Patient", "nothing", "nothing")),
    (_get("stranger", "Patient/x"), 404, ("read", "Patient", "nothing", "nothing")),
    (_get("health-visiting", "RelatedPerson", patient="{child.id}"), 200, ("search", "RelatedPerson", "released", "own_data")),
    (_get("stranger", "RelatedPerson", patient="{child.id}"), 200, ("search", "RelatedPerson", "nothing", "nothing")),
    (_get("stranger", "Patient", family="nobody"), 200, ("search", "Patient", "nothing", "nothing")),
    (_get("emergency-department", "Patient/{child.id}"), 403, ("read", "Patient", "refused", "scope_required")),
    (_get("unregistered-purpose", "Patient/{child.id}"), 403, ("read", "Patient", "refused", "purpose_required")),
    (_get("stranger", "AuditEvent"), 200, ("search", "AuditEvent", "nothing", "nothing")),
    (_create, 201, ("create", "Consent", "released", "own_data")),
    (_write_anothers, 403, ("create", "Patient", "refused", "not_yours_to_write")),
    (_register_again, 409, ("create", "Patient", "nothing", "nothing")),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "status", "expected"), CASES)
async def test_each_request_leaves_one_row(
    ask: Ask, status: int, expected: tuple[str, str, str, str], as_: Callers, child: Child, running: Running
) -> None:
    request_id = str(uuid4())
    answer = await ask(as_, child, {"X-Request-ID": request_id})
    assert answer.status_code == status, answer.text
    (row,) = await _rows(running, request_id)
    assert (row["interaction"], row["type"], row["outcome"], row["rule"]) == expected


async def test_a_row_for_each_person_returned(as_: Callers, running: Running) -> None:
    children = [await family.child(as_) for _ in range(3)]
    request_id = str(uuid4())
    named = {"patient": ",".join(each.id for each in children)}
    answer = await as_["health-visiting"].get("RelatedPerson", named, {"X-Request-ID": request_id})
    assert len(ids(answer)) == 3
    rows = await _rows(running, request_id)
    assert {row["patient_id"]: list(row["resources"]) for row in rows} == {
        UUID(each.id): [f"RelatedPerson/{each.mother['id']}/_history/1"] for each in children
    }


async def test_a_row_for_each_person_named_too(as_: Callers, child: Child, running: Running) -> None:
    hidden = await family.child(as_)
    request_id = str(uuid4())
    named = {"patient": f"{child.id},{hidden.id}"}
    await as_["stranger"].get("RelatedPerson", named, {"X-Request-ID": request_id})
    rows = await _rows(running, request_id)
    assert {row["patient_id"] for row in rows} == {UUID(child.id), UUID(hidden.id)}
    assert {row["outcome"] for row in rows} == {"nothing"}


async def test_what_is_included_is_in_the_audit(as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    request_id = str(uuid4())
    params = {**child.about(), "_include": "Flag:detail"}
    await as_["local-authority-a"].get("Flag", params, {"X-Request-ID": request_id})
    (row,) = await _rows(running, request_id)
    assert set(row["resources"]) == {
        f"Flag/{plan.flag['id']}/_history/1",
        f"CarePlan/{plan.care_plan['id']}/_history/1",
    }


async def test_a_refusal_says_whose_record_was_asked_for(as_: Callers, child: Child, running: Running) -> None:
    request_id = str(uuid4())
    caller = await as_.as_said("emergency-department", activity_codes=[])
    await caller.get("Flag", child.about(), {"X-Request-ID": request_id})
    (row,) = await _rows(running, request_id)
    assert row["query"]


async def test_a_total_is_a_disclosure(as_: Callers, child: Child, running: Running) -> None:
    request_id = str(uuid4())
    params = {"patient": child.id, "_count": "0"}
    answer = await as_["health-visiting"].get("RelatedPerson", params, {"X-Request-ID": request_id})
    assert answer.json()["total"] == 1
    (row,) = await _rows(running, request_id)
    assert row["outcome"] == "released"


async def test_the_auditor_finds_who_saw_a_child(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    await as_["emergency-department"].get("Flag", child.about())
    await as_["stranger"].get(f"Patient/{child.id}")
    refused = await as_.as_said("emergency-department", activity_codes=[])
    await refused.get("Flag", child.about())
    auditor = as_["auditor"]
    found = await auditor.get("AuditEvent", child.about())
    events = resources(found)
    assert found.json()["total"] == len(events) == 7  # Patient, mother, team, plan, flag; two looks
    assert [event["recorded"] for event in events] == sorted((e["recorded"] for e in events), reverse=True)
    for event in events:
        _check_shape(event, child)
        assert (await auditor.get(f"AuditEvent/{event['id']}")).json() == event
    assert ids(await auditor.get("AuditEvent", {"patient": child.id})) != []
    look = next(event for event in events if event["subtype"][0]["code"] == "search-type")
    assert base64.b64decode(_entity(look, "24")["query"]).decode().startswith("patient%3Aidentifier=")
    assert {"type": "IsUnscheduledAccessEvent", "valueString": "true"} in _entity(look, "24")["detail"]


def _check_shape(event: dict[str, Any], child: Child) -> None:
    """BALP: the profile, and the roles by where the data goes."""
    assert validation.base_faults(event) == []
    assert event["type"]["code"] == "rest"
    assert event["meta"]["profile"][0].startswith(
        "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
    )
    codes = [agent["type"]["coding"][0]["code"] for agent in event["agent"]]
    assert codes[:2] == [CLIENT_OF[event["action"]], SERVER_OF[event["action"]]]
    assert codes[2] == "PROV"
    assert [agent["requestor"] for agent in event["agent"]].count(True) == 1
    assert event["agent"][2]["who"]["identifier"]["system"] == systems.ODS_CODE
    assert _entity(event, "1")["what"]["reference"] == f"Patient/{child.id}"
    assert event["entity"][0]["type"]["code"] == "XrequestId"
    assert event["purposeOfEvent"][0]["coding"][0]["code"]
    assert event["outcome"] == ("4" if event["outcomeDesc"].startswith("refused") else "0")


def _entity(event: dict[str, Any], role: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in event["entity"] if each.get("role", {}).get("code") == role)
    return found


async def test_every_event_is_valid(as_: Callers, child: Child) -> None:
    """Whatever the other tests have left behind, refusals among it."""
    await _write_anothers(as_, child, {})
    page: Response | None = await as_["auditor"].get("AuditEvent", {"_count": "300"})
    assert page is not None
    events = resources(page)
    assert {event["outcome"] for event in events} == {"0", "4"}
    for event in events:
        assert validation.base_faults(event) == []


async def test_pages_of_the_audit_are_the_whole(as_: Callers, child: Child) -> None:
    for _ in range(5):
        await as_["stranger"].get(f"Patient/{child.id}")
    auditor = as_["auditor"]
    whole = ids(await auditor.get("AuditEvent", child.about()))
    page = await auditor.get("AuditEvent", {**child.about(), "_count": "2"})
    found = ids(page)
    while next := link(page, "next"):
        page = await auditor.get(next)
        found += ids(page)
    assert [each for each in found if each in whole] == whole
    counted = await auditor.get("AuditEvent", {**child.about(), "_count": "0"})
    assert ids(counted) == []
    assert counted.json()["total"] >= len(whole)


async def test_the_audit_is_found_by_time_and_id(as_: Callers, child: Child, running: Running) -> None:
    auditor = as_["auditor"]
    events = resources(await auditor.get("AuditEvent", child.about()))
    some = events[0]["id"]
    assert ids(await auditor.get("AuditEvent", {"_id": some})) == [some]
    assert ids(await auditor.get("AuditEvent", {"patient": child.id, "date": "lt2026-01-01"})) == []
    day = running.clock.now.date().isoformat()
    assert some in ids(await auditor.get("AuditEvent", {"patient": child.id, "date": day}))


async def test_the_audit_is_for_auditors(as_: Callers, child: Child) -> None:
    (first, *_) = ids(await as_["auditor"].get("AuditEvent", child.about()))
    for client in as_:
        if client == "auditor":
            continue
        for url, params in (("AuditEvent", child.about()), ("AuditEvent", {}), (f"AuditEvent/{first}", {})):
            await _sees_no_event(as_[client], url, params)


async def _sees_no_event(caller: Caller, url: str, params: dict[str, str]) -> None:
    answer = await caller.get(url, params)
    if answer.status_code == 200:
        assert (ids(answer), answer.json()["total"]) == ([], 0)
    else:
        assert answer.status_code in (403, 404)


async def test_the_auditor_sees_the_audit_and_nothing_else(as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "Patient", "Flag", "Consent"):
        assert (await as_["auditor"].get(url)).status_code == 403


async def test_reading_the_audit_is_in_the_audit(as_: Callers, child: Child, running: Running) -> None:
    auditor = as_["auditor"]
    searched, read = str(uuid4()), str(uuid4())
    events = ids(await auditor.get("AuditEvent", child.about(), {"X-Request-ID": searched}))
    await auditor.get(f"AuditEvent/{events[0]}", headers={"X-Request-ID": read})
    for request_id, interaction in ((searched, "search"), (read, "read")):
        (row,) = await _rows(running, request_id)
        assert (row["interaction"], row["type"], row["rule"]) == (interaction, "AuditEvent", "audit")
        assert (row["patient_id"], row["user_name"]) == (UUID(child.id), "Ruth Adler")
        assert f"AuditEvent/{events[0]}" in row["resources"]
    again = ids(await auditor.get("AuditEvent", child.about()))
    assert len(again) == len(events) + 2


async def test_an_event_that_is_not_there(as_: Callers) -> None:
    answer = await as_["auditor"].get("AuditEvent/018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b")
    assert (answer.status_code, answers.diagnostics(answer)) == (404, "There is nothing here that you may see.")

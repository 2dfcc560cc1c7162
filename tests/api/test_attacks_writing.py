"""What somebody with a registration of their own tries by writing: to find out what is hidden, and to change what is others'.

https://owasp.org/API-Security/ (API1, API3, API6)
"""

import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from app.fhir import systems
from tests.api import answers, bundles, examples, family, records
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.api.test_refusals_audited import names, rows

SAME = {"X-Request-ID": "0d4f8e1c-6a3b-4c2d-8e5f-7a9b1c3d5e7f"}


def parameters(*, source: str, target: str, **more: Any) -> str:
    """Two records to be merged, each by NHS number."""
    listed = [
        {"name": f"{which}-patient-identifier", "valueIdentifier": {"system": systems.NHS_NUMBER, "value": number}}
        for which, number in (("source", source), ("target", target))
    ]
    listed += [{"name": name, "valueBoolean": value} for name, value in more.items()]
    return json.dumps({"resourceType": "Parameters", "parameter": listed})


async def test_a_merge_does_not_tell_whether_a_number_is_known(as_: Callers, child: Child) -> None:
    nobody, stranger = examples.new_number(), as_["stranger"]
    known, unknown = [
        await stranger.send_text("POST", "Patient/$merge", parameters(source=number, target=number), SAME)
        for number in (child.nhs_number, nobody)
    ]
    assert known.status_code == unknown.status_code == 404
    assert known.content == unknown.content


async def test_a_merge_does_not_tell_whether_two_numbers_are_one_persons(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    keeper, stranger = as_["health-visiting"], as_["stranger"]
    merged = parameters(source=old.nhs_number, target=child.nhs_number)
    assert (await keeper.send_text("POST", "Patient/$merge", merged)).status_code == 200
    assert (await stranger.send_text("POST", "Patient/$merge", merged)).status_code == 404
    assert (await keeper.send_text("POST", "Patient/$merge", merged)).status_code == 422


async def test_a_preview_of_a_merge_is_in_the_audit_as_what_was_shown(
    as_: Callers, child: Child, running: Running
) -> None:
    old, request_id = await family.child(as_), str(uuid4())
    body = parameters(source=old.nhs_number, target=child.nhs_number, preview=True)
    answer = await as_["health-visiting"].send_text("POST", "Patient/$merge", body, {"X-Request-ID": request_id})
    assert answer.status_code == 200
    kept = {str(row["patient_id"]): row for row in await rows(running, request_id)}
    assert kept.keys() == {old.id, child.id}
    for id, row in kept.items():
        assert (row["outcome"], row["rule"], row["resources"]) == ("released", "own_data", [f"Patient/{id}/_history/1"])


async def test_a_refused_merge_is_remembered_with_both(as_: Callers, child: Child, running: Running) -> None:
    request_id = str(uuid4())
    body = parameters(source=child.nhs_number, target=child.nhs_number)
    answer = await as_["health-visiting"].send_text("POST", "Patient/$merge", body, {"X-Request-ID": request_id})
    assert answer.status_code == 422
    (row,) = await rows(running, request_id)
    assert row["outcome"] == "refused"
    assert names(row, child)


async def test_whom_a_match_names_is_in_the_audit_found_or_not(as_: Callers, child: Child, running: Running) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": systems.NHS_NUMBER, "value": child.nhs_number}]}
    body = json.dumps({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]})
    for client, outcome in (("stranger", "nothing"), ("health-visiting", "released")):
        request_id = str(uuid4())
        answer = await as_[client].send_text("POST", "Patient/$match", body, {"X-Request-ID": request_id})
        assert answer.status_code == 200
        (row,) = await rows(running, request_id)
        assert (str(row["patient_id"]), row["outcome"]) == (child.id, outcome)


async def _task(as_: Callers, child: Child) -> dict[str, Any]:
    """One of the stranger's to do, at a place that they are not shown."""
    elements = {"owner": examples.organization("RX909"), "location": {"reference": "Location/a1"}}
    labelled = {"meta": {**examples.labelled("R"), "tag": [{"system": "https://example.org/tags", "code": "theirs"}]}}
    task = records.record("task-contact-the-family", child, **elements, **labelled)
    task["owner"]["display"] = "A centre in Example Street"
    made = family.created(await as_["health-visiting"].create(task))
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("R")}))
    return made


async def _patched(caller: Caller, id: str, version: int, *operations: dict[str, Any]) -> Any:
    headers = {"If-Match": f'W/"{version}"', "Content-Type": "application/json-patch+json", **SAME}
    return await caller.send("PATCH", f"Task/{id}", content=json.dumps(operations), headers=headers)


@pytest.mark.parametrize("guess", ["Location/a1", "Location/b2"])
async def test_who_carries_a_task_out_cannot_guess_what_is_hidden_of_it(as_: Callers, child: Child, guess: str) -> None:
    made, stranger = await _task(as_, child), as_["stranger"]
    shown = (await stranger.get(f"Task/{made['id']}")).json()
    assert "location" not in shown
    told = {**shown, "location": {"reference": guess}, "owner": shown["owner"] | {"display": "A centre in " + guess}}
    family.updated(await stranger.update(told))
    patched = await _patched(stranger, made["id"], 2, {"op": "add", "path": "/location", "value": {"reference": guess}})
    family.updated(patched)
    kept = (await as_["maternity"].get(f"Task/{made['id']}")).status_code
    assert kept == 404
    lifted = family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("U")}, 2))
    assert lifted["id"] == child.id
    now = (await as_["health-visiting"].get(f"Task/{made['id']}")).json()
    assert (now["location"], now["owner"]) == (made["location"], made["owner"])


async def test_who_carries_a_task_out_changes_no_label_of_it(as_: Callers, child: Child) -> None:
    task = records.record("task-contact-the-family", child, owner=examples.organization("RX909"))
    task |= {"meta": {"tag": [{"system": "https://example.org/tags", "code": "theirs"}]}}
    made = family.created(await as_["health-visiting"].create(task))
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Not theirs</div>'
    meta = {**examples.labelled("U"), "versionId": "1"}
    told = {**made, "meta": meta, "text": {"status": "additional", "div": div}, "note": [{"text": "Telephoned"}]}
    family.updated(await as_["stranger"].update(told))
    now = (await as_["health-visiting"].get(f"Task/{made['id']}")).json()
    assert now["note"] == [{"text": "Telephoned"}]
    assert (now["meta"]["tag"], "security" in now["meta"], "text" in now) == (task["meta"]["tag"], False, False)


async def test_a_child_is_not_looked_up_by_a_reference_either(as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    look_up = f"Flag?patient:identifier={quote(examples.number_token(child.nhs_number))}"
    referring = plan.flag | {"subject": {"reference": look_up}}
    for entry in (bundles.create(referring), bundles.create(plan.flag, ifNoneExist=look_up.partition("?")[2])):
        before = await running.connection.fetchval("SELECT count(*) FROM child_protection_access")
        answer = await bundles.send(
            as_["emergency-department"], "transaction", entry, headers={"IsUnscheduledAccessEvent": "true"}
        )
        assert (answer.status_code, "batch" in answers.diagnostics(answer)) == (400, True)
        assert await running.connection.fetchval("SELECT count(*) FROM child_protection_access") == before


async def test_a_practice_that_is_named_in_a_record_does_not_take_it_by_a_merge(as_: Callers, child: Child) -> None:
    keeper, practice = as_["health-visiting"], as_["gp-practice"]
    number = examples.new_number()
    own = examples.example("patient-toddler", {examples.CHILD: number, examples.HEALTH_VISITING: examples.PRACTICE})
    family.created(await practice.create(own))
    for source, target in ((child.nhs_number, number), (number, child.nhs_number)):
        body = parameters(source=source, target=target)
        assert (await practice.send_text("POST", "Patient/$merge", body)).status_code == 403
    link = examples.example("patient-superseded-number", {examples.CHILD: number})["link"]
    assert (await practice.update(child.patient | {"active": False, "link": link})).status_code == 403
    found = await keeper.get("Patient", {"identifier": examples.number_token(child.nhs_number)})
    assert answers.resources(found) == [child.patient]
    superseded = examples.example("patient-superseded-number", child.numbers | {examples.FORMER: examples.new_number()})
    superseded["managingOrganization"] = examples.organization(examples.PRACTICE)
    assert (await practice.create(superseded)).status_code == 403

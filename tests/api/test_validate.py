"""$validate: every fault with its place, nothing stored, and nothing told that the caller may not see.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

import json
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from app.fhir import validation
from tests.api import examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

Json = dict[str, Any]
CRADLE_PATIENT = "https://fhir.cradle.example/StructureDefinition/Cradle-Patient"
BASE_PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"
ALL_OK = [{"severity": "information", "code": "informational", "diagnostics": "All OK."}]


def issues(answer: Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert validation.base_faults(answer.json()) == []
    found: list[Json] = answer.json()["issue"]
    return found


def places(answer: Response) -> set[tuple[str, str]]:
    return {(issue["code"], issue.get("expression", [""])[0]) for issue in issues(answer)}


def parameters(**given: Any) -> Json:
    members = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, members[name]: value} for name, value in given.items()],
    }


async def validated(caller: Caller, sent: Json, url: str = "Patient/$validate") -> Response:
    return await caller.send_text("POST", url, json.dumps(sent))


def toddler(**elements: Any) -> Json:
    return examples.example("patient-toddler", {examples.CHILD: examples.new_number()}, **elements)


async def test_of_what_is_valid_it_says_so(as_: Callers) -> None:
    assert issues(await validated(as_["health-visiting"], toddler())) == ALL_OK
    assert issues(await validated(as_["health-visiting"], parameters(resource=toddler(), mode="create"))) == ALL_OK


async def test_every_fault_is_told_with_its_place(as_: Callers) -> None:
    wrong = toddler(gender="girl", birthDate="2025-02-30", nickname="x", contact=[{"period": {"start": 1}}])
    assert places(await validated(as_["health-visiting"], wrong)) == {
        ("code-invalid", "Patient.gender"),
        ("value", "Patient.birthDate"),
        ("structure", "Patient.nickname"),
        ("structure", "Patient.contact[0].period.start"),
    }


async def test_a_rule_that_a_schema_cannot_say_is_told_too(as_: Callers) -> None:
    wrong = toddler(contact=[{"gender": "female"}])
    assert places(await validated(as_["health-visiting"], wrong)) == {("invariant", "Patient.contact[0]")}


async def test_it_is_held_to_the_profile_that_is_named(as_: Callers) -> None:
    unnamed = {"resourceType": "Patient", "name": [{"text": "No number"}]}
    health_visiting = as_["health-visiting"]
    assert ("invariant", "Patient.identifier") in places(await validated(health_visiting, unnamed))
    for url in (CRADLE_PATIENT, f"{CRADLE_PATIENT}|1.0.0"):
        named = await validated(health_visiting, parameters(resource=unnamed, profile=url))
        assert ("invariant", "Patient.identifier") in places(named)
    url = f"Patient/$validate?profile={BASE_PATIENT}"
    assert issues(await validated(health_visiting, unnamed, url)) == ALL_OK


async def test_nothing_is_stored(as_: Callers, running: Running) -> None:
    sent = toddler()
    number = sent["identifier"][0]["value"]
    assert issues(await validated(as_["health-visiting"], parameters(resource=sent, mode="create"))) == ALL_OK
    found = await as_["health-visiting"].get("Patient", {"identifier": examples.number_token(number)})
    assert found.json()["total"] == 0
    family.created(await as_["health-visiting"].create(sent))


async def test_of_a_new_resource_it_says_whether_the_caller_could_ever_write_it(as_: Callers) -> None:
    sent = parameters(resource=toddler(), mode="create")
    assert places(await validated(as_["stranger"], sent)) == {("forbidden", "")}
    assert issues(await validated(as_["stranger"], toddler())) == ALL_OK


async def test_whether_somebody_is_known_is_not_told(as_: Callers, child: Child) -> None:
    known = examples.example("patient-toddler", {examples.CHILD: child.nhs_number})
    sent = parameters(resource=known, mode="create")
    assert issues(await validated(as_["health-visiting"], sent)) == ALL_OK


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("Patient/$validate", {"resourceType": "Parameters"}),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "x", "valueCode": "y"}]}),
        ("Patient/$validate", parameters(mode="create")),
        ("Patient/$validate", parameters(resource={"resourceType": "Patient"}, mode="delete")),
        ("Patient/$validate", parameters(resource={"resourceType": "Patient"}, mode="guess")),
        ("Patient/$validate?mode=create", parameters(resource={"resourceType": "Patient"}, mode="create")),
        ("Patient/$validate?mode=create&mode=update", {"resourceType": "Patient"}),
        ("Patient/$validate?nothing=1", {"resourceType": "Patient"}),
        ("Patient/$validate?profile=https://example.org/other", {"resourceType": "Patient"}),
        ("Patient/$validate?profile=http://hl7.org/fhir/StructureDefinition/Flag", {"resourceType": "Patient"}),
    ],
)
async def test_a_request_that_cannot_be_understood_is_refused(url: str, sent: Json, as_: Callers) -> None:
    answer = await validated(as_["health-visiting"], sent, url)
    assert answer.status_code == 400, answer.text


async def test_another_type_is_a_fault_and_no_failure(as_: Callers) -> None:
    flag = examples.example("flag-other-than-child-protection")
    assert places(await validated(as_["health-visiting"], flag)) == {("structure", "resourceType")}


async def test_any_scope_on_the_type_will_do_and_none_will_not(as_: Callers) -> None:
    assert issues(await validated(as_["local-authority-a"], toddler())) == ALL_OK
    assert (await validated(as_["school-nursing"], toddler())).status_code == 403
    assert (await validated(as_.nobody, toddler())).status_code == 401


async def test_what_is_kept_is_validated_for_who_may_read_it(as_: Callers, child: Child) -> None:
    url = f"Patient/{child.id}/$validate"
    assert issues(await as_["health-visiting"].get(url)) == ALL_OK
    assert places(await as_["health-visiting"].get(url, {"mode": "delete"})) == {("not-supported", "")}
    consent = await family.says(as_["health-visiting"], child)
    ending = await as_["health-visiting"].get(f"Consent/{consent['id']}/$validate", {"mode": "delete"})
    assert issues(ending) == ALL_OK
    assert issues(await as_["health-visiting"].send("POST", url)) == ALL_OK
    changed = child.patient | {"gender": "girl"}
    assert places(await validated(as_["health-visiting"], changed, url)) == {("code-invalid", "Patient.gender")}
    other = parameters(resource=child.patient | {"id": "other"}, mode="update")
    assert places(await validated(as_["health-visiting"], other, url)) == {("value", "Patient.id")}


async def test_what_is_hidden_is_not_there(as_: Callers, child: Child) -> None:
    for sent in (None, child.patient, parameters(resource=child.patient, mode="update")):
        text = json.dumps(sent) if sent else ""
        hidden = await as_["stranger"].send_text("POST", f"Patient/{child.id}/$validate", text)
        absent = await as_["stranger"].send_text("POST", f"Patient/{uuid4()}/$validate", text)
        assert (hidden.status_code, hidden.content) == (404, absent.content)


async def test_reading_to_validate_is_in_the_audit(as_: Callers, child: Child) -> None:
    await as_["health-visiting"].get(f"Patient/{child.id}/$validate")
    found = await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"})
    codes = [entry["resource"]["subtype"][0]["code"] for entry in found.json()["entry"]]
    assert codes.count("operation") == 1


async def test_an_update_names_what_it_updates(as_: Callers) -> None:
    sent = parameters(resource=toddler(), mode="update")
    assert places(await validated(as_["health-visiting"], sent)) == {("required", "Patient.id")}


async def test_a_number_of_another_range_is_told(as_: Callers) -> None:
    sent = examples.example("patient-toddler", {examples.CHILD: "4010232137"})
    assert places(await validated(as_["health-visiting"], sent)) == {("invariant", "identifier")}

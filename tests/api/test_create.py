"""create: what is kept is what was sent, and who may send it.

https://hl7.org/fhir/R4/http.html#create
"""

import json
import re
from typing import Any

import pytest

from app.fhir import resource_id
from tests.api import answers, examples, family
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child

ODD = """\
 {  "birthDate" : "2025-02-11",\t"active":true, "resourceType":"Patient" ,
  "managingOrganization": {"identifier": {"value": "RX999", "system": "https://fhir.nhs.uk/Id/ods-organization-code"}},
  "extension":[{"url":"https://example.org/weight","valueDecimal": 1.10},{"url":"https://example.org/n","valueDecimal":1E2}],
  "name":[{"given":["Zo\\u00eb","Ömür 👶"],"family":"O\\/Neill \\"\\\\"}],
  "identifier":[{"system":"https:\\/\\/fhir.nhs.uk/Id/nhs-number","value":"NUMBER"}] }
"""


async def test_a_new_resource_has_its_place_and_version(as_: Callers, running: Running) -> None:
    answer = await as_["health-visiting"].create(examples.example("patient-toddler", {examples.CHILD: _number()}))
    resource = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{running.settings.fhir_base}/Patient/{resource['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert resource["meta"]["versionId"] == "1"
    assert resource_id.parse(resource["id"])
    location = await as_["health-visiting"].get(answer.headers["location"])
    assert location.content == answer.content


async def test_what_is_kept_is_what_was_sent_to_the_byte(as_: Callers) -> None:
    sent = ODD.replace("NUMBER", _number())
    answer = await as_["health-visiting"].send_text("POST", "Patient", sent.encode())
    assert answer.status_code == 201, answer.text
    for served in (answer, await as_["health-visiting"].get(f"Patient/{answer.json()['id']}")):
        given = re.sub(r',"id":"[^"]+","meta":\{[^}]+\}', "", served.text, count=1)
        assert given == sent


async def test_id_and_version_are_ours_and_labels_are_theirs(as_: Callers) -> None:
    meta = {"versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z", "tag": [{"code": "x"}], **examples.labelled("N")}
    sent = examples.example("patient-toddler", {examples.CHILD: _number()}, id="chosen", meta=meta)
    kept = family.created(await as_["health-visiting"].create(sent))
    assert kept["id"] != "chosen"
    assert kept["meta"] | {"lastUpdated": ""} == meta | {"versionId": "1", "lastUpdated": ""}
    assert kept["meta"]["lastUpdated"] > "2026"


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, "Patient"),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
        ('handling=strict, return="OperationOutcome"', "OperationOutcome"),
        ("return=minimal", None),
        ("respond-async", "Patient"),
    ],
)
async def test_the_answer_is_as_the_caller_prefers(prefer: str | None, expected: str | None, as_: Callers) -> None:
    sent = examples.example("patient-toddler", {examples.CHILD: _number()})
    answer = await as_["health-visiting"].create(sent, {"Prefer": prefer} if prefer else None)
    assert answer.status_code == 201
    assert answer.headers["location"].endswith("/_history/1")
    assert (answer.json()["resourceType"] if answer.content else None) == expected


async def test_a_preference_that_there_is_not_is_refused_before_anything_is_kept(as_: Callers) -> None:
    number = _number()
    sent = examples.example("patient-toddler", {examples.CHILD: number})
    assert (await as_["health-visiting"].create(sent, {"Prefer": "return=everything"})).status_code == 400
    found = await as_["health-visiting"].get("Patient", {"identifier": examples.number_token(number)})
    assert answers.ids(found) == []


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", 400, "This is not JSON. (at character 0)"),
        ("{", 400, "This is not JSON. (at character 1)"),
        ("[]", 400, "A resource is a JSON object: { }. (at character 0)"),
        ('{"resourceType":"Patient","resourceType":"Patient"}', 400, "A member is given twice in one object."),
        ('{"resourceType":"Patient","a":{"b":1,"b":2}}', 400, "A member is given twice in one object."),
        ('{"resourceType":"Patient","a":NaN}', 400, "A number is too large, or is none."),
        ('{"resourceType":"Patient","a":' + "[" * 70 + "]" * 70 + "}", 400, "More than 64 levels are nested."),
        ('{"resourceType":"Flag"}', 400, "This takes a Patient: resourceType must say so."),
        ('{"resourceType":["Patient"]}', 400, "This takes a Patient: resourceType must say so."),
        ("{}", 400, "This takes a Patient: resourceType must say so."),
        ("\ufeff{}", 400, "This is not JSON."),
    ],
)
async def test_what_cannot_be_read_as_the_type_is_refused(text: str, status: int, said: str, as_: Callers) -> None:
    answer = await as_["health-visiting"].send_text("POST", "Patient", text)
    assert answer.status_code == status
    assert answers.diagnostics(answer).startswith(said)


async def test_what_is_not_utf8_is_refused(as_: Callers) -> None:
    answer = await as_["health-visiting"].send_text("POST", "Patient", '{"resourceType":"Ä"}'.encode("latin-1"))
    assert (answer.status_code, answers.diagnostics(answer)) == (400, "This is not UTF-8. (at character 17)")


_EXPECTED: dict[str, dict[str, str]] = json.loads((examples.FOLDER / "invalid" / "expected.json").read_text("utf-8"))


_SENT = [name for name in sorted(_EXPECTED) if examples.example(f"invalid/{name}")["resourceType"] != "AuditEvent"]


@pytest.mark.parametrize("name", _SENT)
async def test_an_invalid_resource_is_refused_with_the_place(name: str, as_: Callers) -> None:
    resource = examples.example(f"invalid/{name}")
    expected = _EXPECTED[name]
    answer = await as_["stranger"].create(resource)
    assert answer.status_code == 422
    assert (expected["expression"], expected["code"]) in {
        (issue["expression"][0], issue["code"]) for issue in answer.json()["issue"]
    }


async def test_a_real_persons_number_is_not_taken_here(as_: Callers) -> None:
    sent = examples.example("patient-toddler", {examples.CHILD: "4857773457"})
    answer = await as_["health-visiting"].create(sent)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"identifier"})
    assert "4857773457" not in answer.text


async def test_a_registered_person_is_answered_to_whoever_may_read_them(as_: Callers, child: Child) -> None:
    again = examples.example("patient-toddler", child.numbers, gender="male")
    answer = await as_["health-visiting"].create(again)
    assert answer.status_code == 200
    assert answer.json() == child.patient
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["location"].endswith(f"/Patient/{child.id}/_history/1")


async def test_a_registered_person_is_a_conflict_without_id_for_others(as_: Callers, child: Child) -> None:
    sent = examples.example("patient-toddler", child.numbers | {examples.HEALTH_VISITING: "RX909"})
    answer = await as_["stranger"].create(sent)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (409, "conflict")
    assert child.id not in answer.text
    assert "location" not in answer.headers
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    ("caller", "name", "changes"),
    [
        ("maternity", "patient-toddler", {}),
        ("local-authority-b", "organization-local-authority", {}),
        ("health-visiting", "communication-request-access-notice", {"sender": examples.organization("RX999")}),
        ("health-visiting", "communication-request-family-contact", {}),
        ("local-authority-b", "child-protection-care-team", {}),
        ("stranger", "child-protection-care-team", {}),
        ("stranger", "child-protection-care-plan-active", {}),
        ("stranger", "child-protection-flag-active-plan", {}),
        ("local-authority-b", "child-protection-flag-active-plan", {}),
        ("childrens-centre", "consent-parent-permits-childrens-centre", {}),
    ],
)
async def test_nobody_writes_in_anothers_name(caller: str, name: str, changes: dict[str, Any], as_: Callers) -> None:
    numbers = {examples.CHILD: _number(), examples.MOTHER: _number()}
    answer = await as_[caller].create(examples.example(name, numbers, **changes))
    assert answer.status_code == 403
    assert answers.diagnostics(answer) == "This is written by another organisation or kind of service than yours."


async def test_a_token_without_the_scope_creates_nothing(as_: Callers) -> None:
    answer = await as_["emergency-department"].create(examples.example("patient-toddler"))
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")
    assert "scope" in answers.diagnostics(answer)


async def test_a_refusal_is_kept_for_somebody_whom_nobody_knows(as_: Callers) -> None:
    numbers = {examples.CHILD: _number(), examples.FATHER: _number()}
    kept = family.created(await as_["gp-practice"].create(examples.example(family.REFUSES, numbers)))
    assert kept["provision"] == {"type": "deny"}


async def test_about_whom_is_said_by_number(as_: Callers, child: Child) -> None:
    by_id = examples.example("flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"})
    assert (await as_["stranger"].create(by_id)).status_code == 201
    nobody = by_id | {"subject": {"reference": "Patient/018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4f"}}
    answer = await as_["stranger"].create(nobody)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"subject"})


def _number() -> str:
    return examples.new_number()


async def test_systems_are_kept_and_found_in_one_spelling(as_: Callers) -> None:
    older = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus"
    number = _number()
    sent = json.dumps(examples.example("patient-toddler", {examples.CHILD: number})).replace(f"{older}England", older)
    sent = sent.replace("https://fhir.nhs.uk/Id/", "http://fhir.nhs.uk/Id/")
    answer = await as_["health-visiting"].send_text("POST", "Patient", sent)
    assert answer.status_code == 201, answer.text
    assert f'"{older}England"' in answer.text
    assert "http://fhir.nhs.uk" not in answer.text
    for system in ("http://fhir.nhs.uk/Id/nhs-number", "https://fhir.nhs.uk/Id/nhs-number"):
        found = await as_["health-visiting"].get("Patient", {"identifier": f"{system}|{number}"})
        assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [answer.json()["id"]]

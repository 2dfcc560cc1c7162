"""patch: what changes, told by JSON Patch or FHIRPath Patch, with the rules of an update.

https://hl7.org/fhir/R4/http.html#patch
"""

import asyncio
import json
from typing import Any

import pytest
from httpx import Response

from app.fhir import resource_id, systems
from tests.api import answers, examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.fhir.test_fhirpath_patch import operation
from tests.security.clients import START

JSON_PATCH, FHIR_JSON = "application/json-patch+json", "application/fhir+json"
BIRTH = [{"op": "replace", "path": "/gender", "value": "unknown"}]


async def patched(
    caller: Caller, resource: dict[str, Any], patch: Any, media_type: str = JSON_PATCH, version: int = 1
) -> Response:
    headers = {"If-Match": f'W/"{version}"', "Content-Type": media_type}
    place = f"{resource['resourceType']}/{resource['id']}"
    return await caller.send_text("PATCH", place, json.dumps(patch), headers)


def parameters(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


async def test_a_json_patch_makes_the_next_version(as_: Callers, child: Child, running: Running) -> None:
    answer = await patched(as_["health-visiting"], child.patient, BIRTH)
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert answer.headers["location"] == f"{running.settings.fhir_base}/Patient/{child.id}/_history/2"
    assert {**answer.json(), "meta": None} == {**child.patient, "meta": None, "gender": "unknown"}
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).content == answer.content


async def test_it_may_be_wrapped_as_the_national_service_takes_it(as_: Callers, child: Child) -> None:
    answer = await patched(as_["health-visiting"], child.patient, {"patches": BIRTH})
    assert (answer.status_code, answer.json()["gender"]) == (200, "unknown")


async def test_a_fhirpath_patch_makes_the_next_version(as_: Callers, child: Child) -> None:
    change = parameters(
        operation("replace", "Patient.gender", value={"valueCode": "unknown"}),
        operation("add", "Patient", name="telecom", value={"valueContactPoint": {"system": "phone", "value": "1"}}),
    )
    answer = await patched(as_["health-visiting"], child.patient, change, FHIR_JSON)
    assert answer.status_code == 200
    assert answer.json()["gender"] == "unknown"
    assert {"system": "phone", "value": "1"} in answer.json()["telecom"]


async def test_what_was_sent_keeps_its_digits(as_: Callers, child: Child) -> None:
    text = json.dumps(examples.example("related-person-father-without-responsibility", child.numbers))
    text = text[:-1] + ',"extension":[{"url":"https://example.org/amount","valueDecimal":1.50}]}'
    kept = family.created(await as_["health-visiting"].send_text("POST", "RelatedPerson", text))
    answer = await patched(as_["health-visiting"], kept, [{"op": "add", "path": "/gender", "value": "male"}])
    assert '"valueDecimal":1.50' in answer.text


async def test_nobody_patches_what_they_have_not_seen(as_: Callers, child: Child) -> None:
    place, headers = f"Patient/{child.id}", {"Content-Type": JSON_PATCH}
    answer = await as_["health-visiting"].send_text("PATCH", place, json.dumps(BIRTH), headers)
    assert answer.status_code == 412
    assert (await patched(as_["health-visiting"], child.patient, BIRTH, version=2)).status_code == 409


async def test_of_many_who_saw_the_same_version_one_patches(as_: Callers, child: Child) -> None:
    together = await asyncio.gather(*(patched(as_["health-visiting"], child.patient, BIRTH) for _ in range(6)))
    assert sorted(answer.status_code for answer in together) == [200] + 5 * [409]


@pytest.mark.parametrize(
    "media_type", ["application/xml-patch+xml", "application/merge-patch+json", "application/json", "text/plain"]
)
async def test_another_kind_of_patch_is_told_which_are_taken(media_type: str, as_: Callers, child: Child) -> None:
    answer = await patched(as_["health-visiting"], child.patient, {"gender": "unknown"}, media_type)
    assert answer.status_code == 415
    assert answer.headers["accept-patch"] == f"{JSON_PATCH}, {FHIR_JSON}"
    assert JSON_PATCH in answers.diagnostics(answer)


async def test_a_test_that_fails_changes_nothing(as_: Callers, child: Child) -> None:
    change = [*BIRTH, {"op": "test", "path": "/birthDate", "value": "1900-01-01"}]
    answer = await patched(as_["health-visiting"], child.patient, change)
    assert (answer.status_code, answers.diagnostics(answer)[:18]) == (422, "Operation 2 (test)")
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).headers["etag"] == 'W/"1"'


async def test_what_comes_of_it_has_to_be_valid(as_: Callers, child: Child) -> None:
    change = [{"op": "replace", "path": "/gender", "value": "girl"}]
    answer = await patched(as_["health-visiting"], child.patient, change)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"Patient.gender"})
    change = [{"op": "add", "path": "/colour", "value": "red"}]
    assert (await patched(as_["health-visiting"], child.patient, change)).status_code == 422


async def test_a_parameters_that_is_not_valid_is_refused_with_its_place(as_: Callers, child: Child) -> None:
    change = parameters(operation("replace", "Patient.gender", value={"valueCode": 7}))
    answer = await patched(as_["health-visiting"], child.patient, change, FHIR_JSON)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"Parameters.parameter[0].part[2].value"})
    answer = await patched(as_["health-visiting"], child.patient, child.patient, FHIR_JSON)
    assert (answer.status_code, answers.expressions(answer)) == (400, {"resourceType"})


OURS = [
    ("/id", "018f0000-0000-8000-8000-000000000000"),
    ("/resourceType", "RelatedPerson"),
    ("/meta/versionId", "9"),
    ("/meta/lastUpdated", "2020-01-01T00:00:00Z"),
    ("/meta", {}),
]


@pytest.mark.parametrize(("path", "value"), OURS)
async def test_what_the_service_gives_is_not_patched(path: str, value: Any, as_: Callers, child: Child) -> None:
    change = [{"op": "add", "path": path, "value": value}]
    assert (await patched(as_["health-visiting"], child.patient, change)).status_code == 422


async def test_a_resource_is_not_patched_to_be_about_another_child(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    change = [{"op": "replace", "path": "/patient/identifier/value", "value": other.nhs_number}]
    answer = await patched(as_["health-visiting"], child.mother, change)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"patient"})
    change = [{"op": "add", "path": "/patient/reference", "value": f"Patient/{other.id}"}]
    assert (await patched(as_["health-visiting"], child.mother, change)).status_code == 422
    change = [{"op": "replace", "path": "/identifier/0/value", "value": other.nhs_number}]
    assert (await patched(as_["health-visiting"], child.patient, change)).status_code == 422


async def test_a_restriction_is_not_patched_away_by_leaving_it_out(as_: Callers) -> None:
    child = await family.child(as_, meta=examples.labelled("R"))
    away, lower = [{"op": "remove", "path": "/meta/security"}], {"system": systems.CONFIDENTIALITY, "code": "U"}
    lowered = [{"op": "replace", "path": "/meta/security", "value": [lower]}]
    for version, (caller, change) in enumerate(
        [("gp-practice", away), ("gp-practice", lowered), ("health-visiting", away)], 1
    ):
        answer = await patched(as_[caller], child.patient, change, version=version)
        assert answer.status_code == 200
        stated = {f"{each['system']}|{each['code']}" for each in answer.json()["meta"]["security"]}
        assert f"{systems.CONFIDENTIALITY}|R" in stated
        assert "address" not in answer.json()


async def test_what_is_hidden_of_a_restricted_person_stays(as_: Callers, running: Running) -> None:
    child = await family.child(as_, meta=examples.labelled("R"), text=NARRATIVE)
    health_visiting = as_["health-visiting"]
    assert "address" not in (await health_visiting.get(f"Patient/{child.id}")).json()
    answer = await patched(health_visiting, child.patient, BIRTH)
    assert (answer.status_code, answer.json()["gender"]) == (200, "unknown")
    assert "address" not in answer.json()
    content = json.loads(
        await running.connection.fetchval("SELECT content FROM resource WHERE id = $1::uuid", child.id)
    )
    assert content["address"] == child_example()["address"]
    assert content["text"] == NARRATIVE


NARRATIVE = {"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Kept.</p></div>'}


def child_example() -> dict[str, Any]:
    return examples.example("patient-toddler")


async def test_a_patch_cannot_ask_what_is_hidden(as_: Callers) -> None:
    child = await family.child(as_, meta=examples.labelled("R"))
    postcode = child_example()["address"][0]["postalCode"]
    answers_to = [
        await patched(as_["health-visiting"], child.patient, [{"op": "test", "path": path, "value": value}])
        for path, value in (("/address/0/postalCode", postcode), ("/address/0/postalCode", "X"), ("/nothing", "X"))
    ]
    assert {(each.status_code, each.content) for each in answers_to} == {(422, answers_to[0].content)}


async def test_masked_contacts_are_not_patched_by_who_may_not_write(as_: Callers, child: Child) -> None:
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    consent["provision"]["code"] = consent["provision"]["code"][:1]
    family.created(await as_["health-visiting"].create(consent))
    centre = await as_.as_said("childrens-centre", scope="system/Patient.rs")
    assert (await patched(centre, child.patient, [{"op": "remove", "path": "/telecom"}])).status_code == 403
    for change in ([{"op": "remove", "path": "/address/0"}], BIRTH):
        assert (await patched(as_["stranger"], child.patient, change)).status_code == 404
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).json() == child.patient


async def test_whoever_sees_a_record_may_not_therefore_patch_it(as_: Callers, child: Child) -> None:
    sent = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    sent["recipient"] = [examples.organization("RX909")]
    kept = family.created(await as_["health-visiting"].create(sent))
    change = [{"op": "replace", "path": "/status", "value": "completed"}]
    assert (await patched(as_["stranger"], kept, change)).status_code == 403
    assert (await as_["health-visiting"].get(f"CommunicationRequest/{kept['id']}")).json() == kept


async def test_a_refusal_is_not_patched_into_a_yes(as_: Callers, child: Child) -> None:
    refusal = await family.says(as_["gp-practice"], child, family.REFUSES)
    for path, value in (("/provision/type", "permit"), ("/performer/0/identifier/value", child.mother_number)):
        answer = await patched(as_["gp-practice"], refusal, [{"op": "replace", "path": path, "value": value}])
        assert answer.status_code == 422
    change = [{"op": "replace", "path": "/status", "value": "inactive"}]
    assert (await patched(as_["health-visiting"], refusal, change)).status_code in (403, 404)


async def test_what_is_not_there_and_what_is_hidden_answer_the_same(as_: Callers, child: Child) -> None:
    absent = child.patient | {"id": str(resource_id.new(7, START))}
    both = [await patched(as_["stranger"], each, BIRTH) for each in (child.patient, absent)]
    assert {(each.status_code, each.content) for each in both} == {(404, both[0].content)}


async def test_what_is_deleted_is_not_patched(as_: Callers, child: Child) -> None:
    place = f"RelatedPerson/{child.mother['id']}"
    await as_["health-visiting"].send("DELETE", place, headers={"If-Match": 'W/"1"'})
    change = [{"op": "replace", "path": "/active", "value": True}]
    assert (await patched(as_["health-visiting"], child.mother, change, version=2)).status_code == 410


async def test_a_patch_is_audited_as_one(as_: Callers, child: Child) -> None:
    await patched(as_["health-visiting"], child.patient, BIRTH)
    events = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert ("U", "patch") in {(each["action"], each["subtype"][0]["code"]) for each in events}


async def test_it_is_answered_as_preferred(as_: Callers, child: Child) -> None:
    headers = {"If-Match": 'W/"1"', "Content-Type": JSON_PATCH, "Prefer": "return=minimal"}
    answer = await as_["health-visiting"].send_text("PATCH", f"Patient/{child.id}", json.dumps(BIRTH), headers)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", 'W/"2"')

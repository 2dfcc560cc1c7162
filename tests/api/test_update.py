"""update: the next version, by the owner, on what the owner has seen.

https://hl7.org/fhir/R4/http.html#update
"""

import asyncio
import json
from typing import Any

import pytest

from app.fhir import resource_id
from tests.api import answers, examples, family
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.security.clients import START

SEEN = {"If-Match": 'W/"1"'}


async def test_the_owner_writes_the_next_version(as_: Callers, child: Child, running: Running) -> None:
    answer = await as_["health-visiting"].update(child.patient | {"gender": "unknown"})
    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["location"] == f"{running.settings.fhir_base}/Patient/{child.id}/_history/2"
    assert (answer.json()["gender"], answer.json()["meta"]["versionId"]) == ("unknown", "2")
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).content == answer.content


async def test_nobody_overwrites_what_they_have_not_seen(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    text = json.dumps(without_version(child.patient))
    unseen: list[tuple[dict[str, str], int]] = [({}, 412), ({"If-Match": 'W/"2"'}, 409), ({"If-Match": '"7"'}, 409)]
    for headers, status in unseen:
        answer = await health_visiting.send_text("PUT", f"Patient/{child.id}", text, headers)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (status, "conflict")
    family.updated(await health_visiting.update(child.patient))
    assert (await health_visiting.update(child.patient)).status_code == 409
    assert (await health_visiting.get(f"Patient/{child.id}")).headers["etag"] == 'W/"2"'


def without_version(resource: dict[str, Any]) -> dict[str, Any]:
    return resource | {"meta": {name: value for name, value in resource["meta"].items() if name != "versionId"}}


async def test_the_version_that_comes_back_says_what_was_seen(as_: Callers, child: Child) -> None:
    """As client libraries send it that know no If-Match. The header goes before it."""
    sent = as_["health-visiting"].send_text
    place, text = f"Patient/{child.id}", json.dumps(child.patient)
    assert (await sent("PUT", place, text, {"If-Match": 'W/"2"'})).status_code == 409
    assert (await sent("PUT", place, text)).json()["meta"]["versionId"] == "2"
    assert (await sent("PUT", place, text)).status_code == 409


@pytest.mark.parametrize("sent", ["2", "*", "W/2", 'W/"x"', 'W/"0"', 'W/"1", W/"2"', ""])
async def test_if_match_is_a_version(sent: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].send_text(
        "PUT", f"Patient/{child.id}", json.dumps(child.patient), {"If-Match": sent}
    )
    assert (answer.status_code, answers.diagnostics(answer)) == (400, 'If-Match is a version: W/"2".')


async def test_of_many_who_saw_the_same_version_one_writes(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    together = await asyncio.gather(*(health_visiting.update(child.patient) for _ in range(6)))
    assert sorted(answer.status_code for answer in together) == [200] + 5 * [409]


async def test_whoever_sees_a_record_may_not_therefore_change_it(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    sees = await as_["childrens-centre"].get(f"Patient/{child.id}")
    assert sees.status_code == 200
    assert (await as_["childrens-centre"].update(child.patient)).status_code == 403  # no scope to update
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).headers["etag"] == 'W/"1"'


async def test_a_recipient_does_not_change_what_was_sent_to_them(as_: Callers, child: Child) -> None:
    sent = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    sent["recipient"] = [examples.organization("RX909")]
    kept = family.created(await as_["health-visiting"].create(sent))
    stranger = as_["stranger"]
    assert (await stranger.get(f"CommunicationRequest/{kept['id']}")).status_code == 200
    answer = await stranger.update(kept | {"sender": examples.organization("RX909")})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")
    assert (await as_["health-visiting"].get(f"CommunicationRequest/{kept['id']}")).json() == kept


async def test_what_is_not_there_and_what_is_hidden_answer_the_same(as_: Callers, child: Child) -> None:
    absent = str(resource_id.new(7, START))
    for resource in (child.patient, child.patient | {"id": absent}):
        answer = await as_["stranger"].update(resource)
        assert (answer.status_code, answer.content) == (404, (await as_["stranger"].update(child.mother)).content)
        assert "POST" in answers.diagnostics(answer)


async def test_ids_are_not_chosen_by_callers(as_: Callers) -> None:
    patient = examples.example("patient-toddler", {examples.CHILD: examples.new_number()}, id="mine")
    assert (await as_["health-visiting"].update(patient)).status_code == 404


async def test_the_body_names_the_resource_of_the_url(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    for sent in (other.patient, {k: v for k, v in child.patient.items() if k != "id"}):
        answer = await as_["health-visiting"].send_text("PUT", f"Patient/{child.id}", json.dumps(sent), SEEN)
        assert (answer.status_code, answers.expressions(answer)) == (400, {"Patient.id"})
    answer = await as_["health-visiting"].send_text("PUT", f"Patient/{child.id}", json.dumps(child.mother), SEEN)
    assert (answer.status_code, answers.expressions(answer)) == (400, {"resourceType"})


async def test_a_put_does_not_create_what_must_not_be_there(as_: Callers, child: Child) -> None:
    headers = SEEN | {"If-None-Match": "*"}
    answer = await as_["health-visiting"].send_text("PUT", f"Patient/{child.id}", json.dumps(child.patient), headers)
    assert answer.status_code == 412
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).headers["etag"] == SEEN["If-Match"]


async def test_an_invalid_version_is_refused(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].update(child.patient | {"gender": "girl"})
    assert (answer.status_code, answers.expressions(answer)) == (422, {"Patient.gender"})


async def test_an_nhs_number_is_not_changed(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    for number in (examples.new_number(), other.nhs_number):
        changed = json.loads(json.dumps(child.patient).replace(child.nhs_number, number))
        answer = await as_["health-visiting"].update(changed)
        assert (answer.status_code, answers.expressions(answer)) == (422, {"identifier"})
        assert "not changed" in answers.diagnostics(answer)


async def test_a_newborn_gets_a_number_and_what_was_said_under_it(as_: Callers) -> None:
    health_visiting = as_["health-visiting"]
    number, father = examples.new_number(), examples.new_number()
    newborn = examples.example("patient-newborn-without-a-number")
    kept = family.created(await health_visiting.create(newborn))
    refusal = examples.example(family.REFUSES, {examples.CHILD: number, examples.FATHER: father})
    family.created(await health_visiting.create(refusal))
    toddler = examples.example("patient-toddler", {examples.CHILD: number})
    family.updated(await health_visiting.update(kept | {"identifier": toddler["identifier"]}))
    found = await health_visiting.get("Patient", {"identifier": examples.number_token(number)})
    assert answers.ids(found) == [kept["id"]]
    by_number = await health_visiting.get("Consent", {"patient:identifier": examples.number_token(number)})
    assert len(answers.ids(by_number)) == 1


async def test_a_resource_stays_about_its_person(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    moved = json.loads(json.dumps(child.mother).replace(child.nhs_number, other.nhs_number))
    answer = await as_["health-visiting"].update(moved)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"patient"})
    assert (await as_["health-visiting"].get(f"RelatedPerson/{child.mother['id']}")).json() == child.mother


async def test_a_resource_does_not_move_by_reference_either(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    subject = {"reference": f"Patient/{child.id}"}
    kept = family.created(
        await as_["stranger"].create(examples.example("flag-other-than-child-protection", subject=subject))
    )
    moved = kept | {"subject": {"reference": f"Patient/{other.id}"}}
    answer = await as_["stranger"].update(moved)
    assert (answer.status_code, answers.expressions(answer)) == (422, {"subject"})

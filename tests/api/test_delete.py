"""delete: what was entered in error is gone for everybody, and nothing is destroyed.

https://hl7.org/fhir/R4/http.html#delete
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


def _place(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


async def test_what_is_deleted_is_gone_and_its_versions_are_kept(as_: Callers, child: Child) -> None:
    health_visiting, place = as_["health-visiting"], _place(child.mother)
    answer = await health_visiting.send("DELETE", place, headers=SEEN)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", 'W/"2"')
    gone = await health_visiting.get(place)
    assert (gone.status_code, gone.json()["issue"][0]["code"]) == (410, "deleted")
    assert (await health_visiting.get(f"{place}/_history/1")).json() == child.mother
    assert (await health_visiting.get(f"{place}/_history/2")).status_code == 410


async def test_it_is_not_found_any_more(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    said = await family.says(health_visiting, child)
    assert (await health_visiting.send("DELETE", _place(said), headers=SEEN)).status_code == 204
    assert answers.ids(await health_visiting.get("Consent", child.about())) == []
    assert answers.ids(await health_visiting.get("Consent", {"_id": said["id"]})) == []
    assert (await health_visiting.get("Consent", child.about() | {"_count": "0"})).json()["total"] == 0


async def test_a_part_of_a_plan_that_is_deleted_is_not_included(as_: Callers, child: Child) -> None:
    council = as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    assert (await council.send("DELETE", _place(plan.care_team), headers=SEEN)).status_code == 204
    found = await council.get("CarePlan", child.about() | {"_include": "CarePlan:care-team"})
    assert (answers.ids(found), answers.ids(found, "include")) == ([plan.care_plan["id"]], [])


async def test_a_plan_that_is_deleted_is_not_answered(as_: Callers, child: Child) -> None:
    council, emergency = as_["local-authority-a"], as_["emergency-department"]
    plan = await family.plan(council, child.nhs_number)
    assert len(answers.ids(await emergency.get("Flag", child.about()))) == 1
    for part in (plan.flag, plan.care_plan, plan.care_team):
        assert (await council.send("DELETE", _place(part), headers=SEEN)).status_code == 204
    assert answers.ids(await emergency.get("Flag", child.about())) == []


async def test_a_yes_that_is_deleted_opens_nothing_from_then_on(as_: Callers, child: Child) -> None:
    said = await family.says(as_["health-visiting"], child)
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 200
    await as_["health-visiting"].send("DELETE", _place(said), headers=SEEN)
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 404


async def test_a_refusal_is_deleted_by_nobody_but_who_recorded_it(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    refusal = await family.says(as_["gp-practice"], child, family.REFUSES)
    for other in ("health-visiting", "stranger", "local-authority-a", "childrens-centre"):
        assert (await as_[other].send("DELETE", _place(refusal), headers=SEEN)).status_code in (403, 404)
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 404
    assert (await as_["gp-practice"].send("DELETE", _place(refusal), headers=SEEN)).status_code == 204
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 200


async def test_a_relationship_that_is_deleted_gives_no_say(as_: Callers, child: Child) -> None:
    mother = await as_.parent(child.mother_number)
    assert (await mother.get(f"Patient/{child.id}")).status_code == 200
    assert (await as_["health-visiting"].send("DELETE", _place(child.mother), headers=SEEN)).status_code == 204
    assert (await mother.get(f"Patient/{child.id}")).status_code == 404


async def test_a_parent_deletes_nothing_that_a_service_wrote_down(as_: Callers, child: Child) -> None:
    said = await family.says(as_["health-visiting"], child)
    mother = await as_.parent(child.mother_number)
    assert (await mother.get(_place(said))).status_code == 200
    assert (await mother.send("DELETE", _place(said), headers=SEEN)).status_code == 403
    assert (await mother.get(_place(said))).status_code == 200


async def test_a_parent_deletes_their_own_word(as_: Callers, child: Child) -> None:
    mother = await as_.parent(child.mother_number)
    told = examples.example(family.REFUSES, child.numbers | {examples.FATHER: child.mother_number})
    told = family.created(await mother.create({name: told[name] for name in told if name != "organization"}))
    assert (await as_["gp-practice"].send("DELETE", _place(told), headers=SEEN)).status_code in (403, 404)
    assert (await mother.send("DELETE", _place(told), headers=SEEN)).status_code == 204
    assert (await mother.get(_place(told))).status_code == 410


async def test_what_was_still_to_be_delivered_is_not(as_: Callers, child: Child, running: Running) -> None:
    letter = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    letter["recipient"] = [examples.organization(examples.CENTRE)]
    sent = family.created(await as_["health-visiting"].create(letter))
    waiting = "SELECT count(*) FROM outbox WHERE resource_id = $1::uuid"
    assert await running.connection.fetchval(waiting, sent["id"]) > 0
    assert (await as_["health-visiting"].send("DELETE", _place(sent), headers=SEEN)).status_code == 204
    assert await running.connection.fetchval(waiting, sent["id"]) == 0


async def test_deleting_twice_is_answered_alike(as_: Callers, child: Child) -> None:
    health_visiting, place = as_["health-visiting"], _place(child.mother)
    first = await health_visiting.send("DELETE", place, headers=SEEN)
    for seen in (SEEN, {"If-Match": 'W/"2"'}):
        again = await health_visiting.send("DELETE", place, headers=seen)
        assert (again.status_code, again.headers["etag"]) == (first.status_code, first.headers["etag"])


async def test_of_many_who_delete_at_once_all_are_answered(as_: Callers, child: Child) -> None:
    health_visiting, place = as_["health-visiting"], _place(child.mother)
    together = await asyncio.gather(*(health_visiting.send("DELETE", place, headers=SEEN) for _ in range(8)))
    assert {(each.status_code, each.headers.get("etag")) for each in together} == {(204, 'W/"2"')}
    assert (await health_visiting.get(f"{place}/_history/3")).status_code == 404


async def test_what_is_deleted_does_not_come_back(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    await health_visiting.send("DELETE", _place(child.mother), headers=SEEN)
    for version in (1, 2):
        assert (await health_visiting.update(child.mother, version)).status_code == 410
    assert (await health_visiting.get(_place(child.mother))).status_code == 410


async def test_another_version_than_the_one_named_is_not_deleted(as_: Callers, child: Child) -> None:
    health_visiting, place = as_["health-visiting"], _place(child.mother)
    answer = await health_visiting.send("DELETE", place, headers={"If-Match": 'W/"2"'})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (409, "conflict")
    assert (await health_visiting.get(place)).status_code == 200
    assert (await health_visiting.send("DELETE", place)).status_code == 204


async def test_hidden_absent_and_deleted_are_one_to_whoever_may_not_see(as_: Callers, child: Child) -> None:
    stranger, absent = as_["stranger"], f"RelatedPerson/{resource_id.new(7, START)}"
    hidden = [await stranger.send("DELETE", place, headers=SEEN) for place in (_place(child.mother), absent)]
    await as_["health-visiting"].send("DELETE", _place(child.mother), headers=SEEN)
    hidden.append(await stranger.send("DELETE", _place(child.mother), headers=SEEN))
    hidden += [await stranger.get(place) for place in (_place(child.mother), f"{_place(child.mother)}/_history/2")]
    assert {(each.status_code, each.content) for each in hidden} == {(404, hidden[0].content)}


async def test_a_patient_is_not_deleted_and_the_answer_says_what_to_do(as_: Callers, child: Child) -> None:
    answer = await as_["stranger"].send("DELETE", f"Patient/{child.id}", headers=SEEN)
    assert answer.status_code == 405
    assert "Set active to false" in answers.diagnostics(answer)


async def test_to_delete_needs_the_scope_for_it(as_: Callers, child: Child) -> None:
    without = await as_.as_said("health-visiting", scope="system/RelatedPerson.crus")
    assert (await without.send("DELETE", _place(child.mother), headers=SEEN)).status_code == 403


async def test_an_outcome_is_answered_to_who_prefers_one(as_: Callers, child: Child) -> None:
    prefers = SEEN | {"Prefer": "return=OperationOutcome"}
    answer = await as_["health-visiting"].send("DELETE", _place(child.mother), headers=prefers)
    assert (answer.status_code, answer.json()["resourceType"]) == (200, "OperationOutcome")


async def test_digits_stay_as_they_were_sent(as_: Callers, child: Child, running: Running) -> None:
    text = examples.example("related-person-father-without-responsibility", child.numbers)
    text["extension"] = [{"url": "https://example.org/amount", "valueDecimal": 1.5}]
    sent = await as_["health-visiting"].send_text("POST", "RelatedPerson", json.dumps(text).replace("1.5", "1.50"))
    kept = family.created(sent)
    await as_["health-visiting"].send("DELETE", _place(kept), headers=SEEN)
    content = await running.connection.fetchval("SELECT content FROM resource WHERE id = $1::uuid", kept["id"])
    assert '"valueDecimal":1.50' in content
    assert '"active":false' in content


async def test_a_delete_is_audited(as_: Callers, child: Child) -> None:
    await as_["health-visiting"].send("DELETE", _place(child.mother), headers=SEEN)
    events = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert ("D", "delete") in {(each["action"], each["subtype"][0]["code"]) for each in events}


@pytest.mark.parametrize("interaction", ["_search", "_history", "no-id"])
async def test_what_cannot_be_an_id_is_not_there(interaction: str, as_: Callers) -> None:
    answer = await as_["stranger"].send("DELETE", f"Consent/{interaction}", headers=SEEN)
    assert answer.status_code in (404, 405)

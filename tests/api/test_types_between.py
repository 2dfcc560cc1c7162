"""What goes from one organisation to another, and what refers to other records: Tasks, messages, Provenance, Groups.

https://hl7.org/fhir/R4/task.html; https://hl7.org/fhir/R4/provenance.html; https://hl7.org/fhir/R4/group.html
"""

import json
from typing import Any

import pytest
from httpx import Response

from app.fhir import systems
from tests.api import answers, examples, family, records
from tests.api.answers import diagnostics, expressions, ids
from tests.api.callers import Caller, Callers
from tests.api.family import Child

Json = dict[str, Any]


def url(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


async def task(as_: Callers, child: Child, name: str = "task-follow-up", **elements: Any) -> Json:
    """A Task of the maternity unit that the health visitors are asked to do."""
    asked = records.record(name, child, "RX998", **elements)
    return family.created(await as_["maternity"].create(asked | {"owner": examples.organization("RX999")}))


async def progress(caller: Caller, stored: Json, **elements: Any) -> int:
    return (await caller.update(stored | elements, stored["meta"]["versionId"])).status_code


async def test_a_task_is_seen_by_who_asks_and_who_is_asked(as_: Callers, child: Child) -> None:
    stored = await task(as_, child, requester=examples.organization("RX998"))
    for client in ("maternity", "health-visiting"):
        assert (await as_[client].get(url(stored))).json() == stored
        assert ids(await as_[client].get("Task", child.about())) == [stored["id"]]
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404


async def test_who_is_asked_says_how_far_it_has_got_and_nothing_else(as_: Callers, child: Child) -> None:
    stored = await task(as_, child, requester=examples.organization("RX998"))
    asked = as_["health-visiting"]
    assert await progress(asked, stored, description="Something else") == 403
    assert await progress(asked, stored, owner=examples.organization("RX998")) == 403
    assert await progress(asked, stored, requester=examples.organization("RX999")) == 403
    for taken_back in ("cancelled", "entered-in-error", "draft"):
        assert await progress(asked, stored, status=taken_back) == 403
    deleted = await asked.send("DELETE", url(stored), headers={"If-Match": 'W/"1"'})
    assert deleted.status_code == 403
    assert await progress(asked, stored, status="accepted", note=[{"text": "We go on Monday."}]) == 200
    (event, *_) = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert (event["action"], event["outcomeDesc"]) == ("U", "released: recipient")
    kept = (await as_["maternity"].get(url(stored))).json()
    assert (kept["status"], kept["note"]) == ("accepted", [{"text": "We go on Monday."}])
    assert await progress(as_["maternity"], kept, status="cancelled") == 200


async def test_nobody_is_asked_to_contact_a_bereaved_family(as_: Callers, child: Child) -> None:
    contact = await task(as_, child, "task-contact-the-family", requester=examples.organization("RX998"))
    other = await task(as_, child, requester=examples.organization("RX998"))
    family.updated(await as_["health-visiting"].update(child.patient | {"deceasedDateTime": "2026-11-01"}))
    assert (await as_["health-visiting"].get(url(contact))).status_code == 404
    assert (await as_["health-visiting"].get(url(other))).status_code == 200
    assert (await as_["maternity"].get(url(contact))).json()["status"] == "cancelled"
    assert (await as_["maternity"].get(url(other))).json()["status"] == "requested"
    late = await task(as_, child, "task-contact-the-family", requester=examples.organization("RX998"))
    assert (await as_["maternity"].get(url(late))).json()["status"] == "cancelled"


async def test_where_a_restricted_child_was_seen_is_not_shown_and_not_lost(as_: Callers, child: Child) -> None:
    where = [{"location": {"display": "Example Refuge"}, "period": {"start": "2025-02-11", "end": "2025-02-11"}}]
    by_where = child.about() | {"location-period": "2025-02-11"}
    own = as_["health-visiting"]
    stored = family.created(await own.create(records.record("encounter-birth", child, location=where)))
    assert ids(await own.get("Encounter", by_where)) == [stored["id"]]
    family.updated(await own.update(child.patient | {"meta": examples.labelled("R")}))
    assert ids(await own.get("Encounter", by_where)) == []
    seen = (await own.get(url(stored))).json()
    assert "location" not in seen
    assert await progress(own, seen, language="en-GB") == 200
    family.updated(await own.update(child.patient | {"meta": examples.labelled("U")}, version=2))
    assert (await own.get(url(stored))).json()["location"] == where


async def test_a_message_is_read_by_whom_it_was_sent_to(as_: Callers, child: Child) -> None:
    message = records.record("communication-professional-notice", child, "RX999")
    message["recipient"] = [examples.organization("RX998")]
    stored = family.created(await as_["health-visiting"].create(message))
    assert (await as_["maternity"].get(url(stored))).json() == stored
    assert await progress(as_["maternity"], stored, note=[{"text": "Read"}]) == 403
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404


async def test_what_is_written_about_an_expecting_mother_is_about_her_and_ends_with_no_birth(as_: Callers) -> None:
    """Her own word opens it; after a loss it is not there for outreach, and stays with who cares for her."""
    child = await family.child(as_)
    mother, own = child.mother_number, as_["maternity"]
    patient = examples.example("patient-mother-expecting", {examples.MOTHER: mother, examples.HEALTH_VISITING: "RX998"})
    stored = family.created(await own.create(patient))
    visit = records.record("encounter-birth", child, "RX998", type=[_review("antenatal")])
    visit["subject"]["identifier"]["value"] = mother
    visit = family.created(await own.create(visit))
    of_herself = examples.example(family.PERMITS_CENTRE, {examples.CHILD: mother, examples.MOTHER: mother})
    of_herself["organization"] = [examples.organization("RX998")]
    of_herself["provision"]["code"] = [{"coding": [{"system": systems.DATA_CATEGORY, "code": "health"}]}]
    family.created(await own.create(of_herself))
    assert (await as_["childrens-centre"].get(url(visit))).status_code == 200
    assert ids(await own.get("Encounter", child.about())) == []
    lost = [{"url": systems.PREGNANCY, "valueCode": "loss"}]
    family.updated(await own.update(stored | {"extension": lost}))
    assert (await as_["childrens-centre"].get(url(visit))).status_code == 404
    assert (await own.get(url(visit))).status_code == 200


def _review(code: str) -> Json:
    return {"coding": [{"system": systems.CHILD_HEALTH_REVIEW, "code": code}]}


async def test_that_somebody_looked_is_written_by_nobody(as_: Callers, child: Child) -> None:
    notice = examples.example("communication-request-access-notice", child.numbers)["category"]
    message = records.record("communication-professional-notice", child, category=notice)
    assert (await as_["health-visiting"].create(message)).status_code == 403


def provenance(child: Child, *targets: str) -> Json:
    whole = records.record("provenance-of-a-registration", child)
    return whole | {"target": [{"reference": target} for target in targets]}


def refused(answer: Response, at: str) -> tuple[int, str]:
    assert expressions(answer) == {at}
    return answer.status_code, diagnostics(answer)


async def test_a_provenance_is_made_about_ones_own_records_of_one_person(as_: Callers, child: Child) -> None:
    encounter = await records.created(as_, records.ABOUT_A_PERSON[2], child)
    own = await as_["health-visiting"].create(provenance(child, url(encounter), url(child.patient)))
    assert ids(await as_["health-visiting"].get("Provenance", child.about())) == [family.created(own)["id"]]


async def test_in_a_transaction_a_provenance_may_stand_before_what_it_is_made_about(as_: Callers, child: Child) -> None:
    there = "urn:uuid:018f3c2e-9a6b-4c1d-a5e0-3b7d9f1c2e72"
    sent = [(None, provenance(child, there)), (there, records.record("encounter-birth", child))]
    entry = [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        | ({"fullUrl": at} if at else {})
        for at, resource in sent
    ]
    answer = await as_["health-visiting"].send_text(
        "POST", "", json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})
    )
    assert answer.status_code == 200, answer.text
    (stored,) = answers.resources(await as_["health-visiting"].get("Provenance", child.about()))
    assert stored["target"][0]["reference"].startswith("Encounter/")


async def test_that_a_record_is_anothers_or_hidden_or_absent_a_provenance_cannot_tell(
    as_: Callers, child: Child
) -> None:
    """The visibility of a Provenance follows its targets: what one may not see is no target."""
    message = records.record("encounter-birth", child, "RX998")
    anothers = family.created(await as_["maternity"].create(message))
    hidden = await family.child(as_, meta=examples.labelled("V"))
    second = await family.child(as_)
    absent = f"Encounter/{anothers['id'][:-4]}ffff"
    own = as_["health-visiting"]
    tried = [
        await own.create(provenance(child, *targets))
        for targets in (
            (url(anothers),),
            (absent,),
            (url(hidden.patient),),
            ("Encounter/x",),
            (url(child.patient), absent),
            (url(child.patient), url(second.patient)),
            (url(child.patient).replace("Patient", "Encounter"),),
        )
    ]
    assert len({refused(answer, "Provenance.target") for answer in tried}) == 1
    assert tried[0].status_code == 422


async def test_validation_looks_at_no_target(as_: Callers, child: Child) -> None:
    absent = f"Patient/{child.id[:-4]}ffff"
    headers = {"X-Request-ID": "00000000-0000-4000-8000-000000000002"}
    found = []
    for target in (url(child.patient), absent):
        text = json.dumps(provenance(child, target))
        found.append(await as_["health-visiting"].send_text("POST", "Provenance/$validate?mode=create", text, headers))
    assert [answer.status_code for answer in found] == [200, 200], found[0].text
    assert found[0].content == found[1].content
    assert "own organisation" not in found[0].text


async def test_when_the_record_is_hidden_so_is_where_it_came_from(as_: Callers, child: Child) -> None:
    encounter = await records.created(as_, records.ABOUT_A_PERSON[2], child)
    stored = family.created(await as_["health-visiting"].create(provenance(child, url(encounter))))
    for client in ("maternity", "stranger", "childrens-centre"):
        assert (await as_[client].get(url(stored))).status_code in (403, 404)
    await records.agree(as_, child, "health", "administrative")
    assert (await as_["childrens-centre"].get(url(encounter))).status_code == 200
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("V")}))
    for hidden in (encounter, stored):
        assert (await as_["health-visiting"].get(url(hidden))).status_code == 404


async def test_a_group_lists_people_whose_records_one_keeps(as_: Callers, child: Child) -> None:
    second = await family.child(as_)
    hidden = await family.child(as_, meta=examples.labelled("V"))
    own = as_["health-visiting"]
    group = records.record("group-of-a-trial", child)
    stored = family.created(await own.create(group))
    more = stored | {"member": [*stored["member"], {"entity": {"reference": url(second.patient)}}]}
    assert await progress(own, stored, member=more["member"]) == 200
    absent = f"Patient/{child.id[:-4]}ffff"
    tried = []
    for member in (url(hidden.patient), absent):
        listed = group | {"member": [{"entity": {"reference": member}}]}
        tried.append(refused(await own.create(listed), "Group.member"))
    assert len(set(tried)) == 1
    in_anothers = records.record("group-of-a-trial", child, "RX998")
    assert refused(await as_["maternity"].create(in_anothers), "Group.member") == tried[0]


async def test_who_hands_a_record_over_may_still_keep_and_end_the_list(as_: Callers, child: Child) -> None:
    own = as_["health-visiting"]
    stored = family.created(await own.create(records.record("group-of-a-trial", child)))
    elsewhere = {"managingOrganization": examples.organization("RX998"), "generalPractitioner": []}
    handed_over = {name: value for name, value in (child.patient | elsewhere).items() if value != []}
    await own.update(handed_over)
    assert await progress(own, stored, name="Closed") == 200
    ended = await own.send("DELETE", url(stored), headers={"If-Match": 'W/"2"'})
    assert ended.status_code == 204


@pytest.mark.parametrize(
    ("criteria", "status", "said"),
    [
        ("Task?status=requested", 201, ""),
        ("Encounter?patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C9990000018&status=planned", 201, ""),
        ("Task?statsu=requested", 422, "status"),
        ("Task?status:fuzzy=requested", 422, "status"),
        ("Task", 422, "search"),
        ("Bundle?type=batch", 422, "search"),
        ("AuditEvent?patient=Patient/1", 422, "search"),
        ("https://elsewhere.example/Task?status=requested", 422, "search"),
        ("Task?status", 422, "search"),
        ("Observation?status=final", 403, "scope"),
        ("Flag?status=active", 422, "looked up"),
    ],
)
async def test_a_subscription_asks_for_a_search_that_is_served(
    as_: Callers, child: Child, criteria: str, status: int, said: str
) -> None:
    """As strictly as a search, and for a type that the client may search."""
    narrow = await as_.as_said("health-visiting", scope="system/Subscription.cruds system/Task.rs system/Encounter.rs")
    answer = await narrow.create(records.record("subscription-to-own-tasks", child, criteria=criteria))
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["status"] == "requested"
    else:
        assert said in diagnostics(answer)
        assert status == 403 or expressions(answer) == {"Subscription.criteria"}
    assert not answers.numbers_in(answer.text if status != 201 else "")

"""What goes from one service to another about a person, and what is kept about a family that is restricted or bereaved.

https://hl7.org/fhir/R4/task.html; https://hl7.org/fhir/R4/communication.html
"""

from typing import Any

from app.fhir import systems
from tests.api import answers, examples, family, records
from tests.api.answers import ids
from tests.api.callers import Callers
from tests.api.family import Child
from tests.api.records import progress, url

Json = dict[str, Any]


async def task(as_: Callers, child: Child, name: str = "task-follow-up", **elements: Any) -> Json:
    """A Task of the maternity unit that the health visitors are asked to do."""
    asked = records.record(name, child, "RX998", **elements)
    return family.created(await as_["maternity"].create(asked | {"owner": examples.organization("RX999")}))


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

"""Every type, from the side of whoever wrote it, whoever may see it, and whoever may not tell that it is there.

https://hl7.org/fhir/R4/resourcelist.html
"""

from typing import Any

import pytest
from httpx import Response

from app.fhir import deletion, search_parameters, validation
from app.fhir.schema_elements import DefinitionError
from app.main import create_app
from app.policy import facts
from tests.api import answers, examples, family, records
from tests.api.answers import ids
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.api.records import ABOUT_A_PERSON, ABOUT_NOBODY, DIRECTORY, EVERY, Kept, url

ALL_CATEGORIES = (
    *("demographics", "contact", "live-birth", "development", "family-circumstances", "health", "child-protection"),
    "administrative",
)
SAME = {"X-Request-ID": "00000000-0000-4000-8000-000000000001"}
OWN_ONLY = (*(each for each in ABOUT_A_PERSON if each.category is None), *ABOUT_NOBODY)


def by_name(kept: Kept) -> str:
    return kept.example


def seen(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "date"}


def test_every_type_is_walked_here_or_in_tests_of_its_own() -> None:
    elsewhere = {"Patient", "RelatedPerson", "Organization", "Consent", "CommunicationRequest"}
    plans = {"Flag", "CarePlan", "CareTeam"}
    assert {kept.type for kept in EVERY} == set(search_parameters.written_types()) - elsewhere - plans


@pytest.mark.parametrize("kept", EVERY, ids=by_name)
async def test_what_an_organisation_writes_it_reads_finds_and_changes(as_: Callers, child: Child, kept: Kept) -> None:
    own = as_["health-visiting"]
    stored = await records.created(as_, kept, child)
    assert (await own.get(url(stored))).json() == stored
    assert (await own.get(f"{url(stored)}/_history/1")).json() == stored
    assert ids(await own.get(kept.type, {"_id": stored["id"]})) == [stored["id"]]
    if kept in ABOUT_A_PERSON:
        assert stored["id"] in ids(await own.get(kept.type, child.about()))
    answer = await own.update(records.changed(stored, language="en-GB"))
    assert answer.status_code == (405 if kept.type == "Provenance" else 200)


@pytest.mark.parametrize("kept", [each for each in EVERY if each not in DIRECTORY], ids=by_name)
async def test_to_another_organisation_it_is_as_if_it_were_not_there(as_: Callers, child: Child, kept: Kept) -> None:
    stored = await records.created(as_, kept, child)
    absent = stored | {"id": stored["id"][:-4] + ("0000" if not stored["id"].endswith("0000") else "1111")}
    for one, other in zip(await asked(as_["stranger"], stored), await asked(as_["stranger"], absent), strict=True):
        assert one == other
    about = child.about() if kept in ABOUT_A_PERSON else {"_id": stored["id"]}
    assert ids(await as_["stranger"].get(kept.type, about)) == []


async def asked(caller: Caller, resource: dict[str, Any]) -> list[Any]:
    """What is answered to each thing that can be tried with a resource."""
    match = {"If-Match": 'W/"1"', **SAME}
    place = url(resource)
    answered = [
        await caller.get(place, headers=SAME),
        await caller.get(f"{place}/_history/1", headers=SAME),
        await caller.send("PUT", place, json=resource, headers={**match, "Content-Type": "application/fhir+json"}),
        await caller.send("DELETE", place, headers=match),
    ]
    return [seen(each) for each in answered]


@pytest.mark.parametrize("kept", DIRECTORY, ids=by_name)
async def test_professionals_are_known_to_every_service_and_changed_by_who_entered_them(
    as_: Callers, child: Child, kept: Kept
) -> None:
    stored = await records.created(as_, kept, child)
    parent = await as_.parent(child.mother_number)
    assert (await as_["stranger"].get(url(stored))).json() == stored
    assert (await as_["stranger"].update(records.changed(stored, active=False))).status_code == 403
    assert (await parent.get(url(stored))).status_code == 403  # the app is not registered for it


@pytest.mark.parametrize("kept", [each for each in ABOUT_A_PERSON if each.category], ids=by_name)
async def test_a_family_opens_it_by_its_category_and_closes_it_again(as_: Callers, child: Child, kept: Kept) -> None:
    stored = await records.created(as_, kept, child)
    centre = as_["childrens-centre"]
    assert kept.category is not None
    await records.agree(as_, child, *(each for each in ALL_CATEGORIES if each != kept.category))
    assert (await centre.get(url(stored))).status_code == 404
    await records.agree(as_, child, kept.category)
    assert (await centre.get(url(stored))).json() == stored
    assert ids(await centre.get(kept.type, child.about())) == [stored["id"]]
    assert (await centre.update(records.changed(stored, language="en-GB"))).status_code == 403
    await family.says(as_["health-visiting"], child, family.REFUSES)
    assert (await centre.get(url(stored))).status_code == 404


@pytest.mark.parametrize("kept", OWN_ONLY, ids=by_name)
async def test_what_is_no_business_of_others_is_opened_by_no_consent(as_: Callers, child: Child, kept: Kept) -> None:
    stored = await records.created(as_, kept, child)
    await records.agree(as_, child, *ALL_CATEGORIES)
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404


@pytest.mark.parametrize("kept", ABOUT_A_PERSON, ids=by_name)
@pytest.mark.parametrize("level", ["R", "V"])
async def test_of_a_restricted_child_nothing_is_opened_by_consent(
    as_: Callers, child: Child, kept: Kept, level: str
) -> None:
    """Of a very restricted one it is not there for who wrote it either: a Provenance goes where its target goes."""
    stored = await records.created(as_, kept, child)
    await records.agree(as_, child, *ALL_CATEGORIES)
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled(level)}))
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404
    assert (await as_["health-visiting"].get(url(stored))).status_code == (200 if level == "R" else 404)


@pytest.mark.parametrize("kept", EVERY, ids=by_name)
async def test_it_ends_in_the_words_of_its_type(as_: Callers, child: Child, kept: Kept) -> None:
    stored = await records.created(as_, kept, child)
    own = as_["health-visiting"]
    answer = await own.send("DELETE", url(stored), headers={"If-Match": 'W/"1"'})
    if not deletion.is_deletable(kept.type):
        assert answer.status_code == 405
        return
    assert answer.status_code == 204, answer.text
    assert (await own.get(url(stored))).status_code == 410
    assert ids(await own.get(kept.type, {"_id": stored["id"]})) == []


@pytest.mark.parametrize(
    "kept", [each for each in EVERY if each.type not in ("Practitioner", "Subscription")], ids=by_name
)
async def test_nobody_writes_in_anothers_name(as_: Callers, child: Child, kept: Kept) -> None:
    in_anothers = records.record(kept.example, child, "RX998")
    answer = await as_["health-visiting"].create(in_anothers)
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("kept", [each for each in ABOUT_A_PERSON if each.type != "Provenance"], ids=by_name)
async def test_nobody_is_told_of_whom_else_it_could_be(as_: Callers, kept: Kept) -> None:
    """A record about a number that nobody registered is kept as any other, and is found when the child is."""
    number = examples.new_number()
    about = {examples.CHILD: number, examples.BROTHER: number}
    by = dict.fromkeys(("RX998", "CC901"), examples.HEALTH_VISITING)
    stored = family.created(await as_["health-visiting"].create(examples.example(kept.example, by | about)))
    found = await as_["health-visiting"].get(kept.type, {"patient:identifier": examples.number_token(number)})
    assert ids(found) == [stored["id"]]


async def test_what_was_written_under_a_former_number_is_found_under_the_new_one(as_: Callers, child: Child) -> None:
    former = await family.child(as_)
    stored = await records.created(as_, ABOUT_A_PERSON[2], former)
    link = examples.example("patient-superseded-number", {examples.CHILD: child.nhs_number})["link"]
    family.updated(await as_["health-visiting"].update(former.patient | {"active": False, "link": link}))
    assert ids(await as_["health-visiting"].get("Encounter", child.about())) == [stored["id"]]


def test_a_type_about_which_nothing_is_decided_stops_the_start(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "TYPES", facts.TYPES - {"Task"})
    with pytest.raises(DefinitionError, match="Task"):
        create_app(running.settings, running.database, running.clock)


async def test_the_audit_is_recorded_as_its_profile_says(as_: Callers, child: Child) -> None:
    await records.created(as_, ABOUT_A_PERSON[2], child)
    found = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert len(found) >= 2
    assert [validation.faults(event) for event in found] == [[]] * len(found)

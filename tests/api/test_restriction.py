"""What is taken away against every authority stays away: where restricted people are, and contact with the bereaved.

https://digital.nhs.uk/services/personal-demographics-service (restricted and very restricted records); report, R3
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.fhir import systems
from tests.api import examples, family
from tests.api.answers import ids, resources
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child

CENTRE_ID = {"system": "https://centre.example/id", "value": "EX-17"}
WHERE = "Refuge, Exampletown"
TELLS = [{"url": "https://centre.example/where", "valueString": WHERE}]
TAG = {"source": "https://refuge.example", "tag": [{"system": "https://refuge.example", "code": "room-4"}]}
LOCATED = ("address", "telecom", "generalPractitioner", "managingOrganization")
CAREMGT = {"system": systems.ACT_REASON, "code": "CAREMGT"}
PHONE = [{"system": "phone", "value": "07700 900000"}]


async def restrict(as_: Callers, child: Child, label: str = "R") -> None:
    """As the keeper of the record does it."""
    version = int(child.patient["meta"]["versionId"])
    labelled = child.patient | {"meta": examples.labelled(label)}
    family.updated(await as_["health-visiting"].update(labelled, version))


async def child_known_to_a_centre(as_: Callers) -> Child:
    """A child with a telephone, and with a number at a centre beside the NHS number."""
    child = await family.child(as_, telecom=PHONE)
    known = child.patient | {"identifier": [*child.patient["identifier"], CENTRE_ID]}
    return replace(child, patient=family.updated(await as_["health-visiting"].update(known)))


async def stored(running: Running, child: Child) -> dict[str, Any]:
    content = await running.connection.fetchval("SELECT content FROM resource WHERE id = $1", child.id)
    found: dict[str, Any] = json.loads(content)
    return found


@contextmanager
def later(running: Running, passed: timedelta) -> Iterator[None]:
    """As it is after some time."""
    before = running.clock.now
    running.clock.now = before + passed
    try:
        yield
    finally:
        running.clock.now = before


@pytest.mark.parametrize("owner", ["gp-practice", "health-visiting"])
async def test_when_an_owner_leaves_the_label_out_the_restriction_stays(owner: str, as_: Callers, child: Child) -> None:
    await restrict(as_, child)
    without = {name: value for name, value in child.patient.items() if name != "meta"}
    kept = family.updated(await as_[owner].update(without, 2))
    assert kept["meta"]["security"] == examples.labelled("R")["security"]
    for url in (f"Patient/{child.id}", f"Patient/{child.id}/_history/1"):
        shown = await as_["gp-practice"].get(url)
        assert (shown.status_code, "Exampletown" in shown.text) == (200, False)


@pytest.mark.parametrize("code", ["N", "U"])
async def test_when_a_lower_label_is_stated_only_the_keeper_lowers_it(code: str, as_: Callers, child: Child) -> None:
    await restrict(as_, child)
    lower = child.patient | {"meta": examples.labelled(code)}
    family.updated(await as_["gp-practice"].update(lower, 2))
    assert "address" not in (await as_["gp-practice"].get(f"Patient/{child.id}")).json()
    family.updated(await as_["health-visiting"].update(lower, 3))
    assert (await as_["gp-practice"].get(f"Patient/{child.id}")).json()["address"] == child.patient["address"]


async def test_when_a_record_names_no_keeper_whoever_created_it_is_the_one(as_: Callers) -> None:
    record = examples.example("patient-restricted-address", {examples.BROTHER: examples.new_number()})
    record = family.created(await as_["health-visiting"].create(record))
    lowered = await as_["health-visiting"].update(record | {"meta": examples.labelled("N")})
    assert family.updated(lowered)["meta"]["security"] == examples.labelled("N")["security"]


async def test_when_a_record_is_very_restricted_no_update_reaches_it(as_: Callers, child: Child) -> None:
    await restrict(as_, child, "V")
    for owner in ("gp-practice", "health-visiting"):
        assert (await as_[owner].update(child.patient, 2)).status_code == 404


@pytest.mark.parametrize("owner", ["gp-practice", "health-visiting"])
async def test_when_the_copy_that_was_shown_is_put_back_nothing_is_lost(
    owner: str, as_: Callers, running: Running
) -> None:
    child = await child_known_to_a_centre(as_)
    await restrict(as_, child)
    shown = (await as_[owner].get(f"Patient/{child.id}")).json()
    assert not {*LOCATED} & shown.keys()
    assert CENTRE_ID not in shown["identifier"]
    answered = family.updated(await as_[owner].update(shown | {"gender": "unknown"}, 3))
    assert not {*LOCATED} & answered.keys()  # what was kept for them is not told by the answer either
    now = await stored(running, child)
    assert {name: now[name] for name in LOCATED} == {name: child.patient[name] for name in LOCATED}
    assert (CENTRE_ID in now["identifier"], now["gender"], answered["gender"]) == (True, "unknown", "unknown")


async def test_when_one_of_several_records_is_restricted_the_person_is(as_: Callers, child: Child) -> None:
    numbers = child.numbers | {examples.FORMER: examples.new_number()}
    former = examples.example("patient-superseded-number", numbers, meta=examples.labelled("R"))
    former["managingOrganization"] = examples.organization(examples.HEALTH_VISITING)
    family.created(await as_["health-visiting"].create(former))
    assert "Exampletown" not in (await as_["gp-practice"].get(f"Patient/{child.id}")).text
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("U")}))
    assert "Exampletown" not in (await as_["gp-practice"].get(f"Patient/{child.id}")).text


async def test_when_a_child_is_restricted_whom_a_family_said_yes_to_sees_the_patient_alone(
    as_: Callers, child: Child
) -> None:
    yes = examples.example(family.PERMITS_CENTRE, child.numbers)
    codes = ("demographics", "contact", "health", "family-circumstances")
    yes["provision"]["code"] = [{"coding": [{"system": systems.DATA_CATEGORY, "code": code}]} for code in codes]
    family.created(await as_["health-visiting"].create(yes))
    friends = {**child.numbers, examples.COUNCIL: "RX909"}
    team = examples.example("child-protection-care-team", friends, category=[{"text": "friends"}])
    family.created(await as_["stranger"].create(team))
    letter = examples.example("communication-request-family-contact", child.numbers | {examples.CENTRE: "RX909"})
    family.created(await as_["stranger"].create(letter))

    async def seen() -> dict[str, int]:
        types = ("RelatedPerson", "CareTeam", "CommunicationRequest")
        return {type: len(ids(await as_["childrens-centre"].get(type, child.about()))) for type in types}

    assert await seen() == {"RelatedPerson": 1, "CareTeam": 1, "CommunicationRequest": 1}
    await restrict(as_, child)
    assert await seen() == {"RelatedPerson": 0, "CareTeam": 0, "CommunicationRequest": 0}
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 200


async def test_when_a_patient_is_redacted_no_corner_of_it_tells(as_: Callers) -> None:
    toddler = examples.example("patient-toddler")
    corners = {
        "name": [toddler["name"][0] | {"extension": TELLS}],
        "_birthDate": {"extension": TELLS},
        "link": [{"other": {"reference": "Patient/x", "display": WHERE}, "type": "seealso"}],
        "extension": TELLS,
    }
    child = await family.child(as_, meta=examples.labelled("R") | TAG, **corners)
    await family.says(as_["health-visiting"], child)
    for caller in ("gp-practice", "health-visiting", "childrens-centre"):
        shown = await as_[caller].get(f"Patient/{child.id}")
        assert shown.status_code == 200
        assert not [told for told in (WHERE, "refuge.example", "room-4", "centre.example") if told in shown.text]


async def test_when_a_restricted_child_is_looked_up_no_corner_of_the_plan_tells(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    council = as_["local-authority-a"]
    named = [plan.care_plan["careTeam"][0] | {"display": WHERE}]
    family.updated(await council.update(plan.care_plan | {"meta": TAG, "careTeam": named}))
    family.updated(await council.update(plan.flag | {"meta": TAG}))
    assert WHERE in (await as_["emergency-department"].get("Flag", child.about())).text
    await restrict(as_, child)
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert (ids(answer), ids(answer, "include")) == ([plan.flag["id"]], [plan.care_plan["id"]])
    assert not [told for told in (WHERE, "refuge.example", "room-4") if told in answer.text]


async def test_when_a_restricted_child_is_searched_by_a_local_number_nobody_finds_them(as_: Callers) -> None:
    child = await child_known_to_a_centre(as_)
    await family.says(as_["health-visiting"], child)
    local = {"identifier": "|".join(CENTRE_ID.values()), "_id": child.id}
    callers = ("health-visiting", "gp-practice", "childrens-centre", "stranger")
    assert [len(ids(await as_[each].get("Patient", local))) for each in callers] == [1, 1, 1, 0]
    await restrict(as_, child)
    for each in callers:
        for params in (local, {"identifier": local["identifier"]}, {"identifier": "EX-17", "_id": child.id}):
            found = await as_[each].get("Patient", params)
            assert child.id not in ids(found)
            assert found.json()["total"] == len(ids(found))


@pytest.mark.parametrize("label", ["R", "V"])
@pytest.mark.parametrize("status", ["inactive", "entered-in-error"])
async def test_when_a_child_is_restricted_since_the_authority_still_ends_its_plan(
    label: str, status: str, as_: Callers, child: Child
) -> None:
    council = as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    await restrict(as_, child, label)
    assert family.updated(await council.update(plan.flag | {"status": status}))["status"] == status
    seen = (await council.get(f"Flag/{plan.flag['id']}")).json()
    family.updated(await council.update(seen, 2))  # as it was shown, its own name included
    again = await council.create({name: value for name, value in plan.flag.items() if name != "id"})
    assert (again.status_code, "CPR02" in again.text) == (422, True)


@pytest.mark.parametrize(
    "name", ["child-protection-flag-active-plan", "child-protection-care-plan-active", "child-protection-care-team"]
)
@pytest.mark.parametrize("coded", ["in an edition", "in another system", "not at all", "in words"])
async def test_when_a_plan_is_not_coded_as_one_its_authority_is_told(
    name: str, coded: str, as_: Callers, child: Child
) -> None:
    plan = examples.example(name, child.numbers)
    code = plan["category"][0]["coding"][0]
    match coded:
        case "in an edition":
            code["system"] += "/83821000000107"
        case "in another system":
            code["system"] = "https://fhir.cradle.example/CodeSystem/snomed"
        case "not at all":
            del plan["category"]
        case _:
            plan["category"] = [{"text": code["display"]}]
    plain = {name: value for name, value in plan.items() if name != "code"}  # which tells of a Flag what it should be
    for sent in (plan, plain, plan | {"code": {"text": "child protection"}} if "code" in plan else plain):
        assert 400 <= (await as_["local-authority-a"].create(sent)).status_code < 500


async def test_when_an_earlier_birth_is_recorded_the_unborn_childs_plan_is_shown_until_its_own(
    as_: Callers, running: Running
) -> None:
    number = examples.new_number()
    about = {"patient:identifier": examples.number_token(number)}
    mother = examples.example("patient-mother-expecting", {examples.MOTHER: number})
    mother["extension"][0]["valueCode"] = "live-birth"
    mother = family.created(await as_["maternity"].create(mother))
    start = {"start": "2026-11-26"}
    plan = await family.plan(as_["local-authority-a"], number, flag="child-protection-flag-unborn", period=start)
    assert ids(await as_["emergency-department"].get("Flag", about)) == [plan.flag["id"]]
    with later(running, timedelta(days=4)):
        maternity, department = await as_.as_said("maternity"), await as_.as_said("emergency-department")
        for version, (pregnancy, shown) in enumerate((("ongoing", True), ("live-birth", False)), start=1):
            mother["extension"][0]["valueCode"] = pregnancy
            family.updated(await maternity.update(mother, version))
            assert ids(await department.get("Flag", about)) == ([plan.flag["id"]] if shown else [])


async def test_when_a_family_is_bereaved_contact_is_revoked_however_often_it_is_sent(
    as_: Callers, child: Child, running: Running
) -> None:
    family.updated(await as_["health-visiting"].update(child.patient | {"deceasedBoolean": True}))
    letter = examples.example("communication-request-family-contact", child.numbers | {examples.CENTRE: "RX999"})
    letter["recipient"] = [examples.organization("CC901")]
    sent = family.created(await as_["health-visiting"].create(letter))
    url = f"CommunicationRequest/{sent['id']}"

    async def is_revoked() -> bool:
        kept = (await as_["health-visiting"].get(url)).json()
        count = "SELECT count(*) FROM outbox WHERE resource_id = $1"
        to_deliver: int = await running.connection.fetchval(count, sent["id"])
        return (kept["status"], to_deliver) == ("revoked", 0)

    assert await is_revoked()
    family.updated(await as_["health-visiting"].update(sent | {"status": "active"}, 2))
    assert await is_revoked()
    for purpose in ({"system": systems.PURPOSE, "code": "early-years-outreach"}, CAREMGT):
        recipient = await as_.as_said("childrens-centre", purpose=purpose)
        found = await recipient.get("CommunicationRequest", child.about())
        assert (resources(found), found.json()["total"]) == ([], 0)
        for each in (url, f"{url}/_history/1", f"{url}/_history/3"):
            assert (await recipient.get(each)).status_code == 404

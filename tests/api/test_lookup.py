"""The child-protection lookup: what is answered, for which plan and which person.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3
"""

from typing import Any

import pytest

from app.child_protection.gate import HEADER
from tests.api import answers, examples, family
from tests.api.answers import ids, resources
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

UNBORN = "child-protection-flag-unborn"
SILENT = {HEADER: "false"}

Period = dict[str, str]
ENDED_LATELY: Period = {"start": "2026-01-01", "end": "2026-08-24"}  # three months ago
ENDED_LONG_AGO: Period = {"start": "2025-01-01", "end": "2025-10-24"}  # thirteen


def about(nhs_number: str) -> dict[str, str]:
    return {"patient:identifier": examples.number_token(nhs_number)}


async def test_a_plan_is_answered_with_its_team(as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert resources(answer) == [plan.flag]
    assert resources(answer, "include") == [plan.care_plan, plan.care_team]
    assert answer.json()["total"] == 1
    assert answer.json()["link"] == [{"relation": "self", "url": f"{running.settings.fhir_base}/Flag"}]
    assert [each["fullUrl"].rpartition("/fhir/R4/")[2] for each in answer.json()["entry"]] == [
        f"Flag/{plan.flag['id']}",
        f"CarePlan/{plan.care_plan['id']}",
        f"CareTeam/{plan.care_team['id']}",
    ]


async def test_every_form_of_the_question_has_the_same_answer(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    department = as_["emergency-department"]
    first = await department.get("Flag", child.about())
    token = examples.number_token(child.nhs_number)
    include = [("_include", "Flag:detail"), ("_include:iterate", "CarePlan:care-team")]
    for params in (
        [("patient.identifier", token)],
        [("subject:identifier", token)],
        [("patient:identifier", token), *include],
        [("patient:identifier", token), ("_format", "json")],
    ):
        assert (await department.get("Flag", params)).content == first.content
        assert (await department.search_by_post("Flag", params)).content == first.content


async def test_no_plan_and_nobody_are_the_same_answer(as_: Callers, child: Child) -> None:
    headers = {"X-Request-ID": "same"}
    without = await as_["emergency-department"].get("Flag", child.about(), headers)
    nobody = await as_["emergency-department"].get("Flag", about(examples.new_number()), headers)
    assert (without.json()["total"], "entry" in without.json()) == (0, False)
    assert without.content == nobody.content
    assert without.headers == nobody.headers


@pytest.mark.parametrize(
    ("elements", "shown"),
    [
        ({}, True),
        ({"status": "inactive", "period": ENDED_LATELY}, True),
        ({"status": "inactive", "period": {"start": "2025-01-01", "end": "2025-11-24"}}, True),
        ({"status": "inactive", "period": ENDED_LONG_AGO}, False),
        ({"status": "active", "period": ENDED_LONG_AGO}, False),
        ({"status": "entered-in-error"}, False),
    ],
)
async def test_a_plan_is_shown_while_it_goes_on_and_for_a_year(
    elements: dict[str, Any], shown: bool, as_: Callers, child: Child
) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number, **elements)
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert answer.json()["total"] == int(shown)
    assert resources(answer) == ([plan.flag] if shown else [])
    assert len(resources(answer, "include")) == (2 if shown else 0)


async def test_a_plan_of_an_unborn_child_is_shown_until_the_birth(as_: Callers) -> None:
    mother = examples.new_number()
    expecting = examples.example("patient-mother-expecting", {examples.MOTHER: mother})
    record = family.created(await as_["maternity"].create(expecting))
    plan = await family.plan(as_["local-authority-a"], mother, flag=UNBORN)
    before = await as_["emergency-department"].get("Flag", about(mother))
    assert resources(before) == [plan.flag]
    assert "Unborn" in before.text
    record["extension"][0]["valueCode"] = "live-birth"
    family.updated(await as_["maternity"].update(record))
    after = await as_["emergency-department"].get("Flag", about(mother))
    assert (resources(after), after.json()["total"]) == ([], 0)


async def test_the_mothers_own_plan_stays_after_the_birth(as_: Callers) -> None:
    mother = examples.new_number()
    expecting = examples.example("patient-mother-expecting", {examples.MOTHER: mother})
    record = family.created(await as_["maternity"].create(expecting))
    await family.plan(as_["local-authority-a"], mother, flag=UNBORN)
    own = await family.plan(as_["local-authority-a"], mother)
    record["extension"][0]["valueCode"] = "live-birth"
    family.updated(await as_["maternity"].update(record))
    answer = await as_["emergency-department"].get("Flag", about(mother))
    assert resources(answer) == [own.flag]
    assert ids(answer, "include") == [own.care_plan["id"], own.care_team["id"]]


@pytest.mark.parametrize("label", ["R", "V"])
async def test_of_a_restricted_person_nothing_tells_where_they_are(label: str, as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    restricted = child.patient | {"meta": examples.labelled(label)}
    family.updated(await as_["health-visiting"].update(restricted))
    for caller, headers in (
        (as_["emergency-department"], None),
        (as_["maternity"], None),
        (as_["gp-practice"], SILENT),
    ):
        answer = await caller.get("Flag", child.about(), headers)
        (flag,) = resources(answer)
        assert flag == {name: value for name, value in plan.flag.items() if name != "author"}
        assert ids(answer, "include") == [plan.care_plan["id"]]
        assert "LA901" not in answer.text
        assert "Borough" not in answer.text


@pytest.mark.parametrize("label", ["R", "V"])
async def test_the_notice_does_not_tell_it_either(label: str, as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    restricted = child.patient | {"meta": examples.labelled(label)}
    family.updated(await as_["health-visiting"].update(restricted))
    assert ids(await as_["maternity"].get("Flag", child.about()))
    seen = await as_["maternity"].get("CommunicationRequest", child.about())
    assert (ids(seen), seen.json()["total"]) == ([], 0)
    told = await as_["local-authority-a"].get("CommunicationRequest", child.about())
    assert len(ids(told)) == 1


async def test_a_superseded_number_leads_to_the_plan(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    former = examples.new_number()
    old = examples.example("patient-superseded-number", child.numbers | {examples.FORMER: former})
    family.created(await as_["health-visiting"].create(old))
    for number in (former, child.nhs_number):
        assert resources(await as_["emergency-department"].get("Flag", about(number))) == [plan.flag]


async def test_a_plan_under_a_number_that_is_superseded_later_is_found(as_: Callers, child: Child) -> None:
    former = examples.new_number()
    plan = await family.plan(as_["local-authority-a"], former)
    old = examples.example("patient-superseded-number", child.numbers | {examples.FORMER: former})
    family.created(await as_["health-visiting"].create(old))
    for number in (former, child.nhs_number):
        assert resources(await as_["emergency-department"].get("Flag", about(number))) == [plan.flag]


async def test_an_adopted_child_is_not_found_under_the_former_number(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    former = examples.new_number()
    retired = examples.example("patient-toddler", child.numbers | {child.nhs_number: former}, active=False)
    family.created(await as_["health-visiting"].create(retired))
    assert ids(await as_["emergency-department"].get("Flag", about(former))) == []


async def test_two_authorities_have_a_plan(as_: Callers, child: Child) -> None:
    one = await family.plan(as_["local-authority-a"], child.nhs_number, period=ENDED_LATELY, status="inactive")
    other = await family.plan(as_["local-authority-b"], child.nhs_number, ods_code="LA902")
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert resources(answer) == [other.flag, one.flag]
    assert answer.json()["total"] == 2
    assert len(resources(answer, "include")) == 4


async def test_another_flag_about_the_child_is_not_in_the_answer(as_: Callers, child: Child) -> None:
    interpreter = examples.example("flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"})
    family.created(await as_["stranger"].create(interpreter))
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert (ids(answer), answer.json()["total"]) == ([], 0)


async def test_a_refusal_does_not_hide_a_plan(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    await family.says(as_["health-visiting"], child, family.REFUSES)
    assert resources(await as_["emergency-department"].get("Flag", child.about())) == [plan.flag]


async def test_a_corrected_plan_is_answered_as_it_is_now(as_: Callers, child: Child) -> None:
    council = as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    wrong = family.updated(await council.update(plan.flag | {"status": "entered-in-error"}))
    assert ids(await as_["emergency-department"].get("Flag", child.about())) == []
    family.updated(await council.update(wrong | {"status": "active"}, 2))
    assert ids(await as_["emergency-department"].get("Flag", child.about())) == [plan.flag["id"]]


async def test_the_gateway_opens_nothing_but_the_lookup(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    for caller in ("emergency-department", "maternity", "local-authority-b"):
        await _sees_none(as_[caller], plan, child)


async def _sees_none(caller: Caller, plan: family.Plan, child: Child) -> None:
    for part in (plan.flag, plan.care_plan, plan.care_team):
        type, id = part["resourceType"], part["id"]
        for url in (f"{type}/{id}", f"{type}/{id}/_history/1"):
            assert (await caller.get(url)).status_code == 404
        if type != "Flag":
            for params in (child.about(), {"_id": id}):
                found = await caller.get(type, params)
                assert (ids(found), found.json()["total"]) == ([], 0)


async def test_whoever_takes_no_part_searches_flags_as_anything_else(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    for caller, expected in (("local-authority-a", [plan.flag]), ("local-authority-b", []), ("stranger", [])):
        answer = await as_[caller].get("Flag", child.about())
        assert (resources(answer), answer.json()["total"]) == (expected, len(expected))
        assert answers.link(answer, "self") is not None

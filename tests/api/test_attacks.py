"""What somebody with a registration of their own, and no business with a family, tries.

https://owasp.org/API-Security/ (API1, API3, API6)
"""

from app.fhir import systems
from tests.api import examples, family
from tests.api.answers import ids, resources
from tests.api.callers import Callers
from tests.api.family import Child


async def test_nobody_becomes_the_owner_by_registering_again(as_: Callers, child: Child) -> None:
    stranger = as_["stranger"]
    own = examples.example("patient-toddler", child.numbers | {examples.HEALTH_VISITING: "RX909"})
    assert (await stranger.create(own)).status_code == 409
    assert (await stranger.update(own | {"id": child.id})).status_code == 404
    assert (await stranger.get(f"Patient/{child.id}")).status_code == 404


async def test_nobody_reads_a_child_by_writing_about_them(as_: Callers, child: Child) -> None:
    stranger = as_["stranger"]
    team = examples.example(
        "child-protection-care-team", {**child.numbers, examples.COUNCIL: "RX909"}, category=[{"text": "friends"}]
    )
    letter = examples.example("communication-request-family-contact", child.numbers | {examples.CENTRE: "RX909"})
    for resource in (team, letter, examples.example(family.REFUSES, child.numbers)):
        family.created(await stranger.create(resource))
    for params in ({"_id": child.id}, {"identifier": examples.number_token(child.nhs_number)}):
        assert ids(await stranger.get("Patient", params)) == []
    found = await stranger.get("CareTeam", {**child.about(), "_include": "CareTeam:patient"})
    assert (len(ids(found)), ids(found, "include")) == (1, [])


async def test_labels_of_ones_own_do_not_hide_anothers_record(as_: Callers, child: Child) -> None:
    former = examples.new_number()
    superseded = examples.example(
        "patient-superseded-number", child.numbers | {examples.FORMER: former}, meta=examples.labelled("V")
    )
    assert (await as_["stranger"].create(superseded)).status_code == 403
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).json() == child.patient


async def test_nobody_joins_a_family_by_a_superseded_number(as_: Callers, child: Child) -> None:
    number = examples.new_number()
    superseded = examples.example("patient-superseded-number", child.numbers | {examples.FORMER: number})
    await as_["stranger"].create(superseded)
    assert (await (await as_.parent(number)).get(f"Patient/{child.id}")).status_code == 404


async def test_a_councils_plan_is_out_of_anothers_reach(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    other = as_["local-authority-b"]
    for part in (plan.flag, plan.care_plan, plan.care_team):
        assert (await other.update(part)).status_code in (403, 404)
    wrong = examples.example("child-protection-care-plan-active", child.numbers, careTeam=plan.care_plan["careTeam"])
    family.created(await other.create(wrong))
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert resources(answer, "include") == [plan.care_plan, plan.care_team]


async def test_a_plan_is_not_led_to_another_childs_team(as_: Callers, child: Child) -> None:
    someone = examples.new_number()
    theirs = await family.plan(as_["local-authority-b"], someone, ods_code="LA902")
    flag = examples.example("child-protection-flag-active-plan", child.numbers)
    flag["extension"][0]["valueReference"] = {"reference": f"CarePlan/{theirs.care_plan['id']}"}
    family.created(await as_["local-authority-a"].create(flag))
    council = as_["local-authority-a"]
    for answer in (
        await as_["emergency-department"].get("Flag", child.about()),
        await council.get("Flag", {**child.about(), "_include": "Flag:detail"}),
    ):
        assert (len(ids(answer)), ids(answer, "include")) == (1, [])


async def test_no_purpose_is_chosen_after_the_token(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    treatment = {"system": systems.ACT_REASON, "code": "CAREMGT"}
    other = await as_.as_said("childrens-centre", purpose=treatment)
    sent = {"Purpose-Of-Use": "early-years-outreach", "X-Purpose": "early-years-outreach"}
    assert (await other.get(f"Patient/{child.id}", headers=sent)).status_code == 404


async def test_a_slash_at_the_end_is_no_way_round(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get("Patient/", {"identifier": examples.number_token(child.nhs_number)})
    assert answer.status_code == 404

"""Each story means what its name says."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.child_protection import gate
from app.fhir import systems
from app.policy.access import Kind
from app.security import demo_client
from app.synthesis import clients, stories
from app.synthesis.stories import Story
from tests.synthesis.records import TODAY, is_agreed, is_disputed, is_refused, of_type, patient

NAMES = (
    *("active-child-protection-plan", "looked-after", "plan-ended-3-months-ago", "plan-ended-13-months-ago"),
    *("plan-entered-in-error", "unborn-plan-on-mother", "no-plan", "consent-to-childrens-centre", "consent-refused"),
    *("consent-withdrawn", "consent-expired", "consent-deny-one-organisation", "two-parents-disagree"),
    *("restricted-address", "very-restricted", "superseded-nhs-number", "bereaved", "never-asked"),
)
OUTREACH = f"{systems.PURPOSE}|early-years-outreach"
ORGANISATIONS = {client.client_id: client.ods_code for client in clients.demo_clients()}
CENTRE, OTHER_CENTRE = ORGANISATIONS["childrens-centre"], ORGANISATIONS["childrens-centre-b"]


@pytest.fixture(scope="module")
def told() -> dict[str, Story]:
    return {story.story: story for story in stories.stories(TODAY)}


def test_every_story_is_told_once(told: dict[str, Story]) -> None:
    assert [story.story for story in stories.stories(TODAY)] == list(NAMES)
    assert len({story.nhs_number for story in told.values()}) == len(NAMES)


def test_the_numbers_stay_whatever_the_day() -> None:
    later = stories.stories(TODAY + timedelta(days=400))
    assert [story.nhs_number for story in later] == [story.nhs_number for story in stories.stories(TODAY)]
    assert stories.stories(TODAY) == stories.stories(TODAY)


@pytest.mark.parametrize("today", [date(2028, 2, 29), date(2027, 3, 31), date(2027, 1, 1)])
def test_stories_can_be_told_on_any_day(today: date) -> None:
    assert len(stories.stories(today)) == len(NAMES)


def test_notes_name_the_organisations_of_the_demo_clients(told: dict[str, Story]) -> None:
    for story in told.values():
        assert story.notes["recipient_ods_code"] == CENTRE
        assert story.notes["other_centre_ods_code"] == OTHER_CENTRE
        assert story.notes["gp_practice_ods_code"] == ORGANISATIONS["gp-practice"]
        assert story.notes["health_visiting_ods_code"] == ORGANISATIONS["health-visiting"]
        assert story.notes["local_authority_ods_code"] in (
            ORGANISATIONS["local-authority-a"],
            ORGANISATIONS["local-authority-b"],
        )


@pytest.mark.parametrize(
    ("name", "kind", "status", "authority"),
    [
        ("active-child-protection-plan", systems.CHILD_PROTECTION_PLAN, "active", "local-authority-a"),
        ("looked-after", systems.LOOKED_AFTER, "active", "local-authority-b"),
        ("plan-ended-3-months-ago", systems.CHILD_PROTECTION_PLAN, "inactive", "local-authority-a"),
        ("plan-ended-13-months-ago", systems.CHILD_PROTECTION_PLAN, "inactive", "local-authority-a"),
        ("plan-entered-in-error", systems.CHILD_PROTECTION_PLAN, "entered-in-error", "local-authority-a"),
        ("unborn-plan-on-mother", systems.UNBORN_PLAN, "active", "local-authority-a"),
        ("restricted-address", systems.CHILD_PROTECTION_PLAN, "active", "local-authority-a"),
        ("very-restricted", systems.CHILD_PROTECTION_PLAN, "active", "local-authority-a"),
    ],
)
def test_a_plan_is_what_the_story_says(
    told: dict[str, Story], name: str, kind: str, status: str, authority: str
) -> None:
    flag = _flag(told[name])
    assert (flag["category"][0]["coding"][0]["code"], flag["status"]) == (kind, status)
    assert flag["subject"]["identifier"]["value"] == told[name].nhs_number
    code = ORGANISATIONS[authority]
    assert flag["author"]["identifier"]["value"] == told[name].notes["local_authority_ods_code"] == code
    assert {entry.custodian for entry in told[name].entries if entry.resource["resourceType"] == "CareTeam"} == {code}
    assert ("end" in flag["period"]) is (status == "inactive")


@pytest.mark.parametrize(
    ("name", "end"),
    [("plan-ended-3-months-ago", "2026-08-24"), ("plan-ended-13-months-ago", "2025-10-24")],
)
def test_a_plan_ended_when_the_story_says(told: dict[str, Story], name: str, end: str) -> None:
    assert _flag(told[name])["period"]["end"] == end


def test_the_unborn_are_on_their_mothers_number(told: dict[str, Story]) -> None:
    story = told["unborn-plan-on-mother"]
    (mother,) = of_type(story.entries, "Patient")
    assert mother["extension"] == [{"url": systems.PREGNANCY, "valueCode": "ongoing"}]
    assert story.nhs_number == story.notes["mother_nhs_number"]
    assert mother["managingOrganization"]["identifier"]["value"] == ORGANISATIONS["maternity"]


@pytest.mark.parametrize("name", ["no-plan", "never-asked", "consent-to-childrens-centre", "bereaved"])
def test_others_have_no_plan(told: dict[str, Story], name: str) -> None:
    assert of_type(told[name].entries, "Patient", "RelatedPerson")
    assert not of_type(told[name].entries, "Flag", "CarePlan", "CareTeam")


@pytest.mark.parametrize(
    ("name", "centre", "other_centre"),
    [
        ("consent-to-childrens-centre", True, False),
        ("consent-refused", False, False),
        ("consent-withdrawn", False, False),
        ("consent-expired", False, False),
        ("consent-deny-one-organisation", True, False),
        ("two-parents-disagree", False, False),
        ("restricted-address", True, False),
        ("very-restricted", True, False),
        ("bereaved", True, False),
        ("never-asked", False, False),
        ("no-plan", False, False),
    ],
)
def test_a_family_agreed_to_what_the_story_says(
    told: dict[str, Story], name: str, centre: bool, other_centre: bool
) -> None:
    story = told[name]
    for category in ("demographics", "contact"):
        assert is_agreed(story.entries, story.nhs_number, CENTRE, OUTREACH, category) is centre
        assert is_agreed(story.entries, story.nhs_number, OTHER_CENTRE, OUTREACH, category) is other_centre


def test_who_is_denied_was_named_among_the_others(told: dict[str, Story]) -> None:
    story = told["consent-deny-one-organisation"]
    assert is_refused(story.entries, story.nhs_number, OTHER_CENTRE, OUTREACH)
    assert not is_refused(story.entries, story.nhs_number, CENTRE, OUTREACH)
    nursing, transition = ORGANISATIONS["school-nursing"], f"{systems.PURPOSE}|school-transition"
    assert is_agreed(story.entries, story.nhs_number, nursing, transition)


def test_a_refusal_and_a_disagreement_are_told_apart(told: dict[str, Story]) -> None:
    refused, disputed = told["consent-refused"], told["two-parents-disagree"]
    assert is_refused(refused.entries, refused.nhs_number, CENTRE, OUTREACH)
    assert not is_disputed(refused.entries, refused.nhs_number, CENTRE, OUTREACH)
    assert is_disputed(disputed.entries, disputed.nhs_number, CENTRE, OUTREACH)
    performers = [each["performer"][0]["identifier"]["value"] for each in of_type(disputed.entries, "Consent")]
    assert performers == [disputed.notes["mother_nhs_number"], disputed.notes["father_nhs_number"]]


def test_withdrawn_and_expired_agreements_are_still_on_record(told: dict[str, Story]) -> None:
    (withdrawn,) = of_type(told["consent-withdrawn"].entries, "Consent")
    (expired,) = of_type(told["consent-expired"].entries, "Consent")
    assert (withdrawn["status"], withdrawn["provision"]["type"]) == ("inactive", "permit")
    assert (expired["status"], expired["provision"]["period"]["end"] < TODAY.isoformat()) == ("active", True)


def test_nothing_was_asked_of_those_who_were_never_asked(told: dict[str, Story]) -> None:
    assert not of_type(told["never-asked"].entries, "Consent")


@pytest.mark.parametrize(("name", "code"), [("restricted-address", "R"), ("very-restricted", "V")])
def test_the_plan_was_there_before_the_restriction(told: dict[str, Story], name: str, code: str) -> None:
    story = told[name]
    child = patient(story.entries, story.nhs_number)
    assert child["meta"]["security"] == [{"system": systems.CONFIDENTIALITY, "code": code}]
    assert child["address"]
    types = [entry.resource["resourceType"] for entry in story.entries]
    assert types.index("Flag") < types.index("Patient")


def test_a_superseded_number_leads_to_the_one_with_the_plan(told: dict[str, Story]) -> None:
    story = told["superseded-nhs-number"]
    old, new = story.nhs_number, story.notes["current_nhs_number"]
    assert old != new
    inactive = patient(story.entries, old)
    assert inactive["active"] is False
    assert inactive["link"][0]["type"] == "replaced-by"
    assert inactive["link"][0]["other"]["identifier"]["value"] == new
    assert patient(story.entries, new)["active"] is True
    assert _flag(story)["subject"]["identifier"]["value"] == new


def test_the_bereaved_are_not_to_be_rung(told: dict[str, Story]) -> None:
    story = told["bereaved"]
    assert patient(story.entries, story.nhs_number)["deceasedDateTime"] < TODAY.isoformat()
    (request,) = of_type(story.entries, "CommunicationRequest")
    assert request["status"] == "revoked"


def test_the_parent_at_the_app_is_the_mother_who_agreed(told: dict[str, Story]) -> None:
    story, user = told["consent-to-childrens-centre"], demo_client.plausible_user(Kind.PARENT_APP)
    assert story.notes["mother_nhs_number"] == user.id
    mother = patient(story.entries, user.id)["name"][0]
    assert f"{mother['given'][0]} {mother['family']}" == user.name
    assert user.id in {r["identifier"][0]["value"] for r in of_type(story.entries, "RelatedPerson")}
    (request,) = of_type(story.entries, "CommunicationRequest")
    assert request["status"] == "active"
    assert request["recipient"][0]["identifier"]["value"] == CENTRE


def test_every_parent_has_proven_responsibility(told: dict[str, Story]) -> None:
    relatives = [each for story in told.values() for each in of_type(story.entries, "RelatedPerson")]
    assert relatives
    assert all(each["extension"][0]["url"] == systems.PARENTAL_RESPONSIBILITY for each in relatives)


def test_the_emergency_department_may_look() -> None:
    (client,) = (each for each in clients.demo_clients() if each.client_id == "emergency-department")
    assert gate.UNSCHEDULED_CODE in client.activity_codes


def _flag(story: Story) -> dict[str, Any]:
    (flag,) = of_type(story.entries, "Flag")
    return flag

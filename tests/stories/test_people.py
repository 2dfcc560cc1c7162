"""Everybody in people.json is who their story says, to the systems that ask about them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.fhir import systems
from app.policy import authority
from tests.stories.demonstration import Demonstration, Person

pytest_plugins = ["tests.stories.serving"]

LOCATION = ("address", "telecom", "generalPractitioner", "contact")


def has_a_plan(demo: Demonstration, person: Person) -> None:
    found = demo.as_("emergency-department").look_up(person["nhs_number"])
    assert found.plans == [systems.CHILD_PROTECTION_PLAN]
    (flag,), (plan,), (team,) = found.of("Flag"), found.of("CarePlan"), found.of("CareTeam")
    assert flag["status"] == plan["status"] == "active"
    assert "end" not in flag["period"]
    assert found.authorities == [person["local_authority_ods_code"]] == ["ZLA01"]
    assert [phone["use"] for phone in team["telecom"]] == ["work", "mobile"]


def is_looked_after_by_another_authority(demo: Demonstration, person: Person) -> None:
    found = demo.as_("emergency-department").look_up(person["nhs_number"])
    assert found.plans == [systems.LOOKED_AFTER]
    assert found.authorities == [person["local_authority_ods_code"]] == ["ZLA02"]
    assert _patient(demo, "health-visiting", person)["address"][0]["city"] == "Aldermarsh"


def had_a_plan_three_months_ago(demo: Demonstration, person: Person) -> None:
    found = demo.as_("emergency-department").look_up(person["nhs_number"])
    assert found.plans == [systems.CHILD_PROTECTION_PLAN]
    assert found.of("Flag")[0]["period"]["end"] in _days_so_many_months_ago(3)
    assert found.of("CarePlan")[0]["status"] == "completed"


def had_a_plan_too_long_ago(demo: Demonstration, person: Person) -> None:
    assert _looks_and_finds_nothing(demo, person)
    (flag,) = demo.as_("local-authority-a").search("Flag", patient=person["nhs_number"])
    assert flag["period"]["end"] in _days_so_many_months_ago(13)


def has_a_plan_by_mistake(demo: Demonstration, person: Person) -> None:
    assert _looks_and_finds_nothing(demo, person)
    (flag,) = demo.as_("local-authority-a").search("Flag", patient=person["nhs_number"])
    assert flag["status"] == "entered-in-error"


def expects_a_child_with_a_plan(demo: Demonstration, person: Person) -> None:
    found = demo.as_("maternity").look_up(person["mother_nhs_number"])
    assert found.plans == [systems.UNBORN_PLAN]
    assert "child_nhs_number" not in person


def has_no_plan(demo: Demonstration, person: Person) -> None:
    assert _looks_and_finds_nothing(demo, person)
    assert _patient(demo, "gp-practice", person)["active"]


def is_shared_with_the_centre(demo: Demonstration, person: Person) -> None:
    shown = _patient(demo, "childrens-centre", person)
    assert shown["address"][0]["postalCode"]
    assert shown["telecom"][0]["value"]
    assert _patient(demo, "childrens-centre-b", person) == {}
    (request,) = demo.as_("childrens-centre").search("CommunicationRequest", patient=person["nhs_number"])
    assert request["status"] == "active"


def is_not_shared_since_the_mother_refused(demo: Demonstration, person: Person) -> None:
    (consent,) = _consents(demo, person)
    assert consent["provision"]["type"] == "deny"
    assert _patient(demo, "childrens-centre", person) == {}


def is_not_shared_any_more(demo: Demonstration, person: Person) -> None:
    (consent,) = _consents(demo, person)
    assert (consent["status"], consent["provision"]["type"]) == ("inactive", "permit")
    assert _patient(demo, "childrens-centre", person) == {}


def was_shared_for_a_time(demo: Demonstration, person: Person) -> None:
    (consent,) = _consents(demo, person)
    assert (consent["status"], consent["provision"]["type"]) == ("active", "permit")
    assert consent["provision"]["period"]["end"] < datetime.now(UTC).date().isoformat()
    assert _patient(demo, "childrens-centre", person) == {}


def is_shared_with_all_but_one(demo: Demonstration, person: Person) -> None:
    assert _patient(demo, "childrens-centre", person)["address"][0]["postalCode"]
    assert _patient(demo, "school-nursing", person)["name"]
    assert _patient(demo, "childrens-centre-b", person) == {}
    assert person["other_centre_ods_code"] == demo.clients["childrens-centre-b"]["ods_code"]


def is_disputed(demo: Demonstration, person: Person) -> None:
    consents = _consents(demo, person)
    assert {each["provision"]["type"] for each in consents} == {"permit", "deny"}
    assert {each["performer"][0]["identifier"]["value"] for each in consents} == {
        person["mother_nhs_number"],
        person["father_nhs_number"],
    }
    assert _patient(demo, "childrens-centre", person) == {}


def lives_nobody_knows_where(demo: Demonstration, person: Person) -> None:
    for client_id in ("health-visiting", "gp-practice", "childrens-centre"):
        shown = _patient(demo, client_id, person)
        assert shown["name"]
        assert shown.keys().isdisjoint(LOCATION)
    assert _has_a_plan_of_nobody(demo, person)


def is_not_there_at_all(demo: Demonstration, person: Person) -> None:
    for client_id in ("health-visiting", "gp-practice", "childrens-centre"):
        assert _patient(demo, client_id, person) == {}
    assert _has_a_plan_of_nobody(demo, person)


def has_another_number_now(demo: Demonstration, person: Person) -> None:
    found = demo.as_("emergency-department").look_up(person["superseded_nhs_number"])
    assert found.plans == [systems.CHILD_PROTECTION_PLAN]
    (flag,) = found.of("Flag")
    assert flag["subject"]["identifier"]["value"] == person["current_nhs_number"] == person["child_nhs_number"]


def has_died(demo: Demonstration, person: Person) -> None:
    assert _patient(demo, "health-visiting", person)["deceasedDateTime"]
    (consent,) = _consents(demo, person)
    assert (consent["status"], consent["provision"]["type"]) == ("active", "permit")
    assert _patient(demo, "childrens-centre", person) == {}
    assert demo.as_("childrens-centre").search("CommunicationRequest", patient=person["nhs_number"]) == []
    (request,) = demo.as_("health-visiting").search("CommunicationRequest", patient=person["nhs_number"])
    assert request["status"] == "revoked"


def was_never_asked(demo: Demonstration, person: Person) -> None:
    assert _patient(demo, "health-visiting", person)["active"]
    consents = _consents(demo, person)  # docs/clients asks, and takes it back
    assert [each for each in consents if each["status"] != "inactive"] == []
    assert _patient(demo, "childrens-centre", person) == {}


STORIES: dict[str, Callable[[Demonstration, Person], None]] = {
    "active-child-protection-plan": has_a_plan,
    "looked-after": is_looked_after_by_another_authority,
    "plan-ended-3-months-ago": had_a_plan_three_months_ago,
    "plan-ended-13-months-ago": had_a_plan_too_long_ago,
    "plan-entered-in-error": has_a_plan_by_mistake,
    "unborn-plan-on-mother": expects_a_child_with_a_plan,
    "no-plan": has_no_plan,
    "consent-to-childrens-centre": is_shared_with_the_centre,
    "consent-refused": is_not_shared_since_the_mother_refused,
    "consent-withdrawn": is_not_shared_any_more,
    "consent-expired": was_shared_for_a_time,
    "consent-deny-one-organisation": is_shared_with_all_but_one,
    "two-parents-disagree": is_disputed,
    "restricted-address": lives_nobody_knows_where,
    "very-restricted": is_not_there_at_all,
    "superseded-nhs-number": has_another_number_now,
    "bereaved": has_died,
    "never-asked": was_never_asked,
}


def test_every_story_is_in_people_json_and_in_this_table(demo: Demonstration) -> None:
    assert list(demo.people) == list(STORIES)
    assert len(STORIES) == 18


@pytest.mark.parametrize("story", STORIES)
def test_a_person_is_who_the_story_says(demo: Demonstration, story: str) -> None:
    STORIES[story](demo, demo.people[story])


def _patient(demo: Demonstration, client_id: str, person: Person) -> dict[str, Any]:
    return demo.as_(client_id).patient(person["nhs_number"]) or {}


def _consents(demo: Demonstration, person: Person) -> list[dict[str, Any]]:
    """What was said, as those know it who wrote it down."""
    return demo.as_("health-visiting").search("Consent", patient=person["nhs_number"])


def _looks_and_finds_nothing(demo: Demonstration, person: Person) -> bool:
    return demo.as_("emergency-department").look_up(person["nhs_number"]).resources == []


def _has_a_plan_of_nobody(demo: Demonstration, person: Person) -> bool:
    """That there is a plan is told, who is responsible is not."""
    found = demo.as_("emergency-department").look_up(person["nhs_number"])
    (flag,) = found.of("Flag")
    return found.plans == [systems.CHILD_PROTECTION_PLAN] and found.authorities == [] and "author" not in flag


def _days_so_many_months_ago(months: int) -> set[str]:
    """Today's and yesterday's, in case midnight has passed since the demonstration began."""
    now = datetime.now(UTC)
    days = (now, now - timedelta(days=1))
    return {authority.months_before(day, months).date().isoformat() for day in days}

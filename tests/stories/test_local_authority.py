"""A local authority uploads a plan in the evening, and reads in the morning who has seen the child."""

from app.fhir import systems
from tests.stories.demonstration import UNSCHEDULED, Demonstration, System, example, new_number

pytest_plugins = ["tests.stories.serving"]

EXAMPLES_OF = {"child": "9990000018", "authority": "LA901"}  # whom the examples are about


def upload(authority: System, nhs_number: str) -> str:
    """The team, the plan and the Flag. The reference of the Flag."""
    about = {EXAMPLES_OF["child"]: nhs_number, EXAMPLES_OF["authority"]: "ZLA01"}
    team = authority.create(example("child-protection-care-team", about))
    to_team = [{"reference": f"CareTeam/{team['id']}"}]
    plan = authority.create(example("child-protection-care-plan-active", about, careTeam=to_team))
    detail = {"url": systems.FLAG_DETAIL, "valueReference": {"reference": f"CarePlan/{plan['id']}"}}
    flag = authority.create(example("child-protection-flag-active-plan", about, extension=[detail]))
    return f"Flag/{flag['id']}"


def test_the_authority_is_told_that_a_child_was_seen(demo: Demonstration) -> None:
    # Given a plan that the authority has uploaded for a child whom nobody here has heard of
    child = new_number()
    authority = demo.as_("local-authority-a")
    flag = upload(authority, child)
    assert authority.search("CommunicationRequest", patient=child) == []

    # When an emergency department looks the child up
    found = demo.as_("emergency-department").look_up(child, UNSCHEDULED)
    assert found.authorities == ["ZLA01"]

    # Then the authority has one notice: which plan was seen, by whom, where and when
    (notice,) = authority.search("CommunicationRequest", patient=child)
    assert notice["category"][0]["coding"][0]["code"] == "child-protection-access-notice"
    assert notice["about"] == [{"reference": flag}]
    assert notice["requester"]["display"] == "Amara Okafor (R8000)"
    assert notice["sender"]["display"] == "Aldermarsh Emergency Department"
    assert notice["authoredOn"]

    # And it is for nobody else, the department included
    for client_id in ("local-authority-b", "childrens-centre", "health-visiting"):
        assert demo.as_(client_id).search("CommunicationRequest", patient=child) == []


def test_a_plan_that_has_ended_is_corrected_by_its_author(demo: Demonstration) -> None:
    # Given a plan that both authorities know of
    child = new_number()
    authority, department = demo.as_("local-authority-a"), demo.as_("emergency-department")
    upload(authority, child)

    # When its author finds that it was recorded about the wrong child
    (flag,) = authority.search("Flag", patient=child)
    authority.update(flag, status="entered-in-error")

    # Then nobody is told of a plan any more
    assert department.look_up(child).resources == []

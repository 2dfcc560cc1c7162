"""An emergency department sees a child at night and has to know, now, whom to ring."""

from tests.stories.demonstration import UNSCHEDULED, Demonstration, new_number

pytest_plugins = ["tests.stories.serving"]


def test_whoever_sees_a_child_at_night_learns_whom_to_ring(demo: Demonstration) -> None:
    # Given a child with a plan, whose family was never asked about sharing
    child = demo.people["active-child-protection-plan"]
    department = demo.as_("emergency-department")

    # When a clinician looks the child up
    found = department.look_up(child["nhs_number"], UNSCHEDULED)

    # Then one answer has the plan, the authority and its telephone numbers by day and by night
    (team,) = found.of("CareTeam")
    assert found.authorities == [child["local_authority_ods_code"]]
    assert {phone["use"]: phone["value"] for phone in team["telecom"]}.keys() == {"work", "mobile"}

    # And nothing but the plan is opened
    assert department.patient(child["nhs_number"]) is None


def test_no_plan_is_an_answer_too(demo: Demonstration) -> None:
    # Given a child without a plan, and a number that nobody has ever named
    without = demo.people["no-plan"]["nhs_number"]
    unheard_of = new_number()
    department = demo.as_("emergency-department")

    # When a clinician looks both up
    # Then both answers are the same empty one
    assert department.look_up(without, UNSCHEDULED).resources == []
    assert department.look_up(unheard_of, UNSCHEDULED).resources == []


def test_the_look_of_a_scheduled_service_is_silent_or_refused(demo: Demonstration) -> None:
    # Given a health visitor, who sees the child by appointment
    child = demo.people["active-child-protection-plan"]["nhs_number"]
    health_visiting, authority = demo.as_("health-visiting"), demo.as_("local-authority-a")
    notices = authority.search("CommunicationRequest", patient=child)

    # When she looks without saying that nobody is to be told
    form = {"patient:identifier": f"https://fhir.nhs.uk/Id/nhs-number|{child}"}
    refused = health_visiting.send("POST", "Flag/_search", data=form)

    # Then she is told what to do
    assert refused.status_code == 403
    assert "IsUnscheduledAccessEvent: false" in refused.json()["issue"][0]["diagnostics"]

    # And when she does, she has the plan, and the authority has nothing new to read
    assert health_visiting.look_up(child).plans
    assert authority.search("CommunicationRequest", patient=child) == notices

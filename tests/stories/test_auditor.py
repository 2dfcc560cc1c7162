"""An auditor is asked by a father: who has seen my child's record, and on what basis?"""

from typing import Any

from tests.stories.demonstration import UNSCHEDULED, Demonstration, System

pytest_plugins = ["tests.stories.serving"]


def seen(auditor: System, nhs_number: str) -> list[tuple[str, str, str]]:
    """Who asked, for which organisation, and what came of it, the oldest first."""
    return [described(event) for event in reversed(auditor.search("AuditEvent", patient=nhs_number))]


def described(event: dict[str, Any]) -> tuple[str, str, str]:
    (organisation,) = (a["who"]["identifier"]["value"] for a in event["agent"] if a["who"].get("type"))
    (who,) = (a["who"]["display"] for a in event["agent"] if a["requestor"])
    return who, organisation, event["outcomeDesc"]


def test_one_question_answers_who_saw_this_child(demo: Demonstration) -> None:
    # Given a child whom several services have asked about
    child = demo.people["looked-after"]["nhs_number"]
    auditor = demo.as_("auditor")
    before = seen(auditor, child)
    demo.as_("emergency-department").look_up(child, UNSCHEDULED)
    demo.as_("health-visiting").patient(child)
    demo.as_("childrens-centre").patient(child)

    # When the auditor asks, once
    now = seen(auditor, child)

    # Then each is there with the person, the organisation and the basis, and so is whoever saw nothing
    asked = [each for each in now[len(before) :] if each[1] != "ZIG01"]
    assert asked == [
        ("Amara Okafor", "ZED01", "released: child_protection_gateway"),
        ("Grace Mensah", "ZHV01", "released: own_data"),
        ("Leah Novak", "ZCC0101", "nothing: nothing"),
    ]

    # And the auditor's own question is in the answer to the next
    assert ("Ruth Adler", "ZIG01", "released: audit") in seen(auditor, child)


def test_an_auditor_sees_who_saw_and_not_what(demo: Demonstration) -> None:
    # Given an auditor
    auditor = demo.as_("auditor")

    # When they ask for a record itself
    # Then the audit is all that they are here for
    for type in ("Patient", "Flag", "Consent", "CommunicationRequest"):
        assert auditor.send("POST", f"{type}/_search", data={}).status_code == 403

"""A mother opens her app, sees what is shared about her child, and changes her mind."""

from datetime import UTC, datetime

from tests.stories.demonstration import Demonstration, example

pytest_plugins = ["tests.stories.serving"]

CHILD, WHO_REFUSES = "9990000018", "9990000247"  # of the example


def test_a_mother_changes_her_mind_and_changes_it_back(demo: Demonstration) -> None:
    # Given a mother who agreed that a centre may see her daughter's record, and who opens her app
    story = demo.people["consent-to-childrens-centre"]
    child, mother = story["nhs_number"], story["mother_nhs_number"]
    app, centre = demo.as_("parent-app"), demo.as_("childrens-centre")
    assert centre.patient(child)

    # Then the app shows her the record and her own words
    assert app.patient(child)
    (agreed,) = app.search("Consent", patient=child)
    assert agreed["provision"]["type"] == "permit"
    assert agreed["performer"][0]["identifier"]["value"] == mother

    # When she says no
    people = {CHILD: child, WHO_REFUSES: mother}
    refusal = app.create(example("consent-parent-refuses", people, dateTime=datetime.now(UTC).isoformat()))

    # Then it is so at once
    assert centre.patient(child) is None
    assert app.patient(child)

    # And when she takes that back, what she agreed to before holds again
    app.update(refusal, status="inactive")
    assert centre.patient(child)


def test_an_app_shows_a_parent_no_other_family_and_no_plan(demo: Demonstration) -> None:
    # Given a mother at her app
    app = demo.as_("parent-app")

    # When she asks about another family's child, whatever is on record there
    # Then there is nothing
    for story in ("no-plan", "active-child-protection-plan", "two-parents-disagree"):
        number = demo.people[story]["nhs_number"]
        assert app.patient(number) is None
        assert app.search("Consent", patient=number) == []

    # And child protection is not for an app at all
    number = demo.people["consent-to-childrens-centre"]["nhs_number"]
    assert app.send("POST", "Flag/_search", data={}).status_code == 403
    assert app.send("POST", "CommunicationRequest/_search", data={}).status_code == 403
    assert app.patient(number)

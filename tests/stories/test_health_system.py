"""A health visitor writes down what a mother agreed to, and a children's centre reads exactly that."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stories.demonstration import Demonstration, System, example, new_number

pytest_plugins = ["tests.stories.serving"]

CHILD, MOTHER, FATHER = "9990000018", "9990000123", "9990000247"  # of the examples
SERVICES = {"RX999": "ZHV01", "RX998": "ZTR01", "Y99999": "ZGP0101", "CC901": "ZCC0101"}


def family(health_visiting: System) -> dict[str, str]:
    """A toddler and her mother, whom health visiting has just registered: what to replace in the examples."""
    numbers = {each: new_number() for each in (CHILD, MOTHER, FATHER)}
    health_visiting.create(example("patient-toddler", numbers | SERVICES))
    health_visiting.create(example("related-person-mother", numbers | SERVICES))
    return numbers


def agreement(numbers: dict[str, str], said: datetime, *categories: str) -> dict[str, Any]:
    """The mother's yes to the children's centre."""
    consent = example("consent-parent-permits-childrens-centre", numbers | SERVICES, dateTime=said.isoformat())
    system = consent["provision"]["code"][0]["coding"][0]["system"]
    consent["provision"]["code"] = [{"coding": [{"system": system, "code": each}]} for each in categories]
    return consent


def test_a_centre_reads_as_far_as_the_mother_agrees(demo: Demonstration) -> None:
    # Given a family that nobody has asked
    health_visiting, centre = demo.as_("health-visiting"), demo.as_("childrens-centre")
    numbers = family(health_visiting)
    child = numbers[CHILD]
    now = datetime.now(UTC)
    assert health_visiting.patient(child)
    assert centre.patient(child) is None

    # When the mother agrees that the centre may know who the child is
    health_visiting.create(agreement(numbers, now - timedelta(minutes=2), "demographics"))

    # Then the centre has the name, and is told that contact details are kept from it
    shown = centre.patient(child)
    assert shown is not None
    assert shown["name"][0]["family"]
    masked = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    assert shown["address"] == shown["telecom"] == [{"extension": [masked]}]

    # And when she agrees that it may get in touch
    health_visiting.create(agreement(numbers, now - timedelta(minutes=1), "demographics", "contact"))

    # Then it has the address as well; a centre that she did not name still has nothing
    shown = centre.patient(child)
    assert shown is not None
    assert shown["address"][0]["postalCode"]
    assert demo.as_("childrens-centre-b").patient(child) is None


def test_one_parent_cannot_agree_away_what_the_other_refused(demo: Demonstration) -> None:
    # Given a child whose mother agreed
    health_visiting, centre = demo.as_("health-visiting"), demo.as_("childrens-centre")
    numbers = family(health_visiting)
    now = datetime.now(UTC)
    health_visiting.create(agreement(numbers, now - timedelta(minutes=3), "demographics"))
    assert centre.patient(numbers[CHILD])

    # When the father refuses, and she agrees once more after that
    said = (now - timedelta(minutes=2)).isoformat()
    health_visiting.create(example("consent-parent-refuses", numbers | SERVICES, dateTime=said))
    health_visiting.create(agreement(numbers, now - timedelta(minutes=1), "demographics"))

    # Then nothing is shared until they agree
    assert centre.patient(numbers[CHILD]) is None

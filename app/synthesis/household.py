"""A family as it is today: who belongs to it, where it lives and who looks after it; and its people's records.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from app.synthesis import entry, people
from app.synthesis.addresses import Home
from app.synthesis.entry import Entry
from app.synthesis.organisations import Organisation, Services
from app.synthesis.people import Person, Relative

HANDED_OVER = timedelta(days=14)  # after birth, from maternity to health visiting
_BOOKED = timedelta(days=200)  # before birth, when the mother first saw a midwife


@dataclass(frozen=True, slots=True)
class Child:
    """A child under five. `old_number` is the NHS number that theirs took the place of."""

    person: Person
    died: date | None = None
    birth_order: int | None = None
    old_number: str | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """`relatives` are those of each child, the mother first; `pregnancy` is hers. `recorded` is when she was first."""

    key: str
    services: Services
    practice: Organisation
    centre: Organisation
    other_centre: Organisation
    home: Home
    relatives: tuple[Relative, ...]
    children: tuple[Child, ...]
    recorded: date
    pregnancy: str | None = None
    restriction: str = "U"

    @property
    def mother(self) -> Person:
        return self.relatives[0].person

    @property
    def parents(self) -> tuple[Person, ...]:
        """Those whose word on sharing counts."""
        return tuple(relative.person for relative in self.relatives if relative.basis)

    def custodian(self, person: Person, day: date) -> Organisation:
        """Who keeps somebody's record on a day: maternity of the unborn and newborn and their mothers."""
        births = [child.person.birth_date for child in self.children]
        if person.nhs_number != self.mother.nhs_number:
            births = [person.birth_date]
        is_expecting = person.nhs_number == self.mother.nhs_number and self.pregnancy == "ongoing"
        if is_expecting or not births or day <= max(births) + HANDED_OVER:
            return self.services.maternity
        return self.services.health_visiting


def entries(household: Household, today: date) -> list[Entry]:
    """The mother, each child, and the child's relatives."""
    return [
        _mother(household, today),
        *(each for child in household.children for each in _child(household, child, today)),
    ]


def booked(birth: date) -> date:
    """When the mother of a child first saw a midwife."""
    return birth - _BOOKED


def _mother(household: Household, today: date) -> Entry:
    managing = household.custodian(household.mother, today)
    resource = people.patient(
        household.mother,
        household.home,
        managing,
        household.practice,
        phone=household.relatives[0].phone,
        pregnancy=household.pregnancy,
        restriction=household.restriction,
    )
    return Entry(resource, managing.ods_code, entry.key(household.key, "mother"), entry.at(household.recorded, 11))


def _child(household: Household, child: Child, today: date) -> Iterator[Entry]:
    person = child.person
    managing = household.custodian(person, today)
    recorded = entry.at(person.birth_date, 20)
    is_registered = today > person.birth_date + HANDED_OVER
    resource = people.patient(
        person,
        household.home,
        managing,
        household.practice if is_registered else None,
        phone=household.relatives[0].phone,
        died=child.died,
        birth_order=child.birth_order,
        restriction=household.restriction,
    )
    key = entry.key(household.key, person.nhs_number)
    yield Entry(resource, managing.ods_code, key, recorded)
    if child.old_number:
        old = people.superseded(child.old_number, person, managing)
        yield Entry(old, managing.ods_code, entry.key(key, "superseded"), recorded)
    for place, relative in enumerate(household.relatives):
        related = people.related_person(relative, person)
        yield Entry(related, managing.ods_code, entry.key(key, "relative", place), recorded)

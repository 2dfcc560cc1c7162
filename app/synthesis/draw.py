"""A family drawn by chance: who belongs to it, when the children were born, where it lives, whose record is restricted.

https://www.ons.gov.uk/peoplepopulationandcommunity/birthsdeathsandmarriages; the shares are in `shares`
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from app.synthesis import addresses, geography, household, names, organisations, people, shares
from app.synthesis.addresses import Home
from app.synthesis.geography import AREAS, Area
from app.synthesis.household import Child, Household
from app.synthesis.names import BRITISH, Community
from app.synthesis.people import Person, Relative

_OLDEST = 5 * 365 - 1  # days: under five
_BETWEEN = 300  # days at least between births
_YEAR = 365.25
_SECOND_PARENT = shares.cumulative(shares.SECOND_PARENT)


def family(random: Random, numbers: Iterator[str], key: str, most: int, today: date) -> Household:
    """A family with at most so many children; it may be expecting its first."""
    area = random.choices(AREAS, cum_weights=geography.cumulative_shares())[0]
    services = organisations.services(area)
    community = names.community(area.region, random)
    births = [] if random.random() < shares.EXPECTING_FIRST else _births(random, most, today)
    mother, second = _parents(random, numbers, community, births[0][0] if births else today)
    surname = mother.person.family
    if second and second.basis and random.random() < 0.8:
        surname = second.person.family
    children = tuple(_children(random, numbers, community, surname, births, today))
    relatives = [mother, second] if second else [mother]
    if random.random() < shares.GRANDMOTHER_BY_ORDER:
        relatives.append(_grandmother(random, numbers, mother.person))
    centre, other_centre = random.sample(services.centres, 2)
    return Household(
        key=key,
        services=services,
        practice=random.choice(services.practices),
        centre=centre,
        other_centre=other_centre,
        home=_home(random, area, births, today),
        relatives=tuple(relatives),
        children=children,
        recorded=household.booked(births[0][0]) if births else today - timedelta(days=random.randrange(20, 200)),
        pregnancy=_pregnancy(random, births, today),
        restriction=_restriction(random),
    )


def _births(random: Random, most: int, today: date) -> list[tuple[date, int | None]]:
    """Date and place among twins of each child, the oldest first."""
    count = min(most, random.choices((1, 2, 3, 4), shares.CHILDREN)[0])
    has_twins = count > 1 and random.random() < shares.MULTIPLE_BIRTH
    maternities = count - 1 if has_twins else count
    spread = _OLDEST - _BETWEEN * (maternities - 1)
    ages = sorted(random.randrange(1, spread) for _ in range(maternities))
    days = [today - timedelta(days=age + _BETWEEN * place) for place, age in enumerate(ages)][::-1]
    twins = random.randrange(maternities) if has_twins else None
    return [(day, order) for place, day in enumerate(days) for order in ((1, 2) if place == twins else (None,))]


def _parents(
    random: Random, numbers: Iterator[str], community: Community, first_birth: date
) -> tuple[Relative, Relative | None]:
    mean, deviation = shares.MOTHERS_AGE
    age = min(44.0, max(17.0, random.gauss(mean, deviation)))
    mother = _adult(random, next(numbers), community, "female", first_birth, age)
    is_adoptive = random.random() < shares.ADOPTED
    relationship = people.ADOPTIVE_MOTHER if is_adoptive else people.MOTHER
    basis = "adoption-order" if is_adoptive else "birth-mother"
    first = Relative(mother, relationship, basis, addresses.mobile(random))
    second_basis = random.choices(tuple(shares.SECOND_PARENT), cum_weights=_SECOND_PARENT)[0]
    if second_basis == shares.ALONE:
        return first, None
    has_two_mothers = random.random() < shares.TWO_MOTHERS
    gender = "female" if has_two_mothers else "male"
    theirs = community if random.random() < 0.88 else BRITISH
    years = min(60.0, max(17.0, age + random.gauss(2.5, 4)))
    other = _adult(random, next(numbers), theirs, gender, first_birth, years)
    if second_basis == "marriage-or-civil-partnership" and random.random() < 0.65:
        first = replace(first, person=replace(mother, family=other.family))
    relationship = people.PARENT if has_two_mothers else people.FATHER
    if is_adoptive:
        relationship = people.ADOPTIVE_MOTHER if has_two_mothers else people.ADOPTIVE_FATHER
        second_basis = "adoption-order"
    return first, Relative(other, relationship, second_basis, addresses.mobile(random))


def _adult(random: Random, number: str, community: Community, gender: str, then: date, age: float) -> Person:
    given = random.choice(community.mothers if gender == "female" else community.fathers)
    born = then - timedelta(days=int(age * _YEAR))
    return Person(number, random.choice(community.surnames), (given,), gender, born)


def _grandmother(random: Random, numbers: Iterator[str], mother: Person) -> Relative:
    born = mother.birth_date - timedelta(days=int(random.uniform(19, 34) * _YEAR))
    person = Person(next(numbers), mother.family, (random.choice(BRITISH.mothers),), "female", born)
    return Relative(person, people.MATERNAL_GRANDMOTHER, "court-order", addresses.mobile(random))


def _children(
    random: Random,
    numbers: Iterator[str],
    community: Community,
    surname: str,
    births: list[tuple[date, int | None]],
    today: date,
) -> Iterator[Child]:
    superseded = False
    for born, order in births:
        gender = "male" if random.random() < shares.BOYS else "female"
        names_of_gender = community.boys if gender == "male" else community.girls
        given = random.sample(names_of_gender, 2 if random.random() < 0.45 else 1)
        person = Person(next(numbers), surname, tuple(given), gender, born)
        old = None
        if not superseded and random.random() < shares.NUMBER_SUPERSEDED:
            superseded, old = True, next(numbers)
        yield Child(person, _death(random, born, today), order, old)


def _death(random: Random, born: date, today: date) -> date | None:
    """Rarely; most of those who die do so in the first weeks."""
    if random.random() >= shares.DIED:
        return None
    return born + timedelta(days=min((today - born).days - 1, int(random.expovariate(1 / 60))))


def _home(random: Random, area: Area, births: list[tuple[date, int | None]], today: date) -> Home:
    moved = bool(births) and random.random() < shares.MOVED
    days = (today - births[0][0]).days if births else 0
    return addresses.home(area, random, today - timedelta(days=random.randrange(days)) if moved else None)


def _pregnancy(random: Random, births: list[tuple[date, int | None]], today: date) -> str | None:
    draw, youngest = random.random(), (today - births[-1][0]).days if births else None
    if draw < shares.PREGNANCY_LOST:
        return "loss"
    if youngest is None:
        return "ongoing"
    if youngest > 270 and draw < shares.PREGNANCY_LOST + shares.EXPECTING_ANOTHER:
        return "ongoing"
    return "live-birth" if youngest < 365 else None


def _restriction(random: Random) -> str:
    draw = random.random()
    if draw < shares.VERY_RESTRICTED:
        return "V"
    return "R" if draw < shares.VERY_RESTRICTED + shares.RESTRICTED else "U"

"""The records of one family: its people, and what chance made happen to them.

Good practice in information sharing in the Foundation Years (2013)

Some families were restricted after their plan was uploaded; of these the plan comes before the people.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from app.fhir import systems
from app.synthesis import answers, births, chance, draw, entry, household, nhs_numbers, plans, requests, shares
from app.synthesis.answers import Answer
from app.synthesis.entry import Entry
from app.synthesis.household import Child, Household
from app.synthesis.people import Person
from app.synthesis.plans import Plan

_ANSWERS = shares.cumulative(shares.ANSWERS)
_DAY = timedelta(days=1)


def entries(seed: int, place: int, most_children: int, today: date) -> tuple[list[Entry], int]:
    """The family with this place in the population of a seed, and how many children it has."""
    random = chance.seeded("family", seed, place)
    key = entry.key("family", seed, place)
    family = draw.family(random, nhs_numbers.of_family(seed, place), key, most_children, today)
    uploaded = list(_plans(random, family, today))
    records = household.entries(family, today)
    found = records + uploaded if family.restriction == "U" else uploaded + records
    found += _answers_and_requests(random, family, today)
    found += births.entries(chance.seeded("birth", seed, place), family, today)
    return found, len(family.children)


def _plans(random: Random, family: Household, today: date) -> Iterator[Entry]:
    """Siblings are on a plan together."""
    kind, chance = None, random.random()
    for share, found in (
        (shares.CHILD_PROTECTION_PLAN, "child protection"),
        (shares.LOOKED_AFTER, "looked after"),
        (shares.ENDED_PLAN, "ended"),
        (shares.PLAN_IN_ERROR, "in error"),
    ):
        if 0 <= chance < share:
            kind = found
        chance -= share
    weeks = random.randrange(1, 80)
    for child in family.children:
        if kind and not child.died and (plan := _plan(random, kind, child.person.birth_date, weeks, today)):
            yield from _uploaded(random, plan, child.person, family, today)
    if family.pregnancy == "ongoing" and random.random() < shares.UNBORN_PLAN:
        start = max(family.recorded, today - timedelta(days=random.randrange(7, 120)))
        yield from _uploaded(random, Plan(systems.UNBORN_PLAN, start), family.mother, family, today)


def _plan(random: Random, kind: str, born: date, weeks: int, today: date) -> Plan | None:
    start = min(max(born + _DAY, today - timedelta(weeks=weeks)), today - _DAY)
    match kind:
        case "child protection":
            return Plan(systems.CHILD_PROTECTION_PLAN, start)
        case "looked after":
            return Plan(systems.LOOKED_AFTER, start)
        case "in error":
            return Plan(systems.CHILD_PROTECTION_PLAN, min(start, today - 3 * _DAY), in_error=True)
    age = (today - born).days
    if age < 120:
        return None
    end = today - timedelta(days=random.randrange(2, min(age - 60, 730)))
    start = max(born + _DAY, end - timedelta(days=random.randrange(60, 500)))
    type = systems.LOOKED_AFTER if random.random() < 0.3 else systems.CHILD_PROTECTION_PLAN
    return Plan(type, start, end)


def _uploaded(random: Random, plan: Plan, about: Person, family: Household, today: date) -> Iterator[Entry]:
    """The plan, and that the person was seen in unscheduled care since."""
    key = entry.key(family.key, about.nhs_number, "plan")
    yield from plans.entries(plan, about, family.services.authority, key)
    days = (today - plan.start).days
    if plan.state == "active" and days > 2 and random.random() < shares.SEEN_IN_UNSCHEDULED_CARE:
        seen = plan.start + timedelta(days=random.randrange(2, days))
        yield requests.access_notice(random, family, about, plans.flag_key(key), seen)


def _answers_and_requests(random: Random, family: Household, today: date) -> Iterator[Entry]:
    answer = random.choices(tuple(shares.ANSWERS), cum_weights=_ANSWERS)[0]
    if answer is Answer.DISAGREEING and len(family.parents) < 2:
        answer = Answer.CENTRE
    performer = random.choice(family.parents) if random.random() < shares.FATHER_ANSWERS else family.mother
    for child in family.children:
        said = _day_asked(random, child, today)
        consents = _answered(random, answer, family, child.person, performer, said, today) if said else []
        yield from consents
        agreed = said if consents and answer in (Answer.CENTRE, Answer.ALL_BUT_ONE) else None
        yield from requests.about_child(random, family, child, agreed, today)
    if family.pregnancy in ("ongoing", "loss"):
        yield from requests.about_pregnancy(random, family, today)
        days = (today - max(family.recorded, today - timedelta(days=190))).days
        if random.random() < shares.ASKED_WHEN_EXPECTING and days > 1:
            said = today - timedelta(days=random.randrange(1, days))
            yield from _answered(random, Answer.CENTRE, family, family.mother, family.mother, said, today)


def _answered(
    random: Random, answer: Answer, family: Household, about: Person, performer: Person, said: date, today: date
) -> list[Entry]:
    if answer is Answer.EXPIRED and (today - said).days < 5:
        answer = Answer.CENTRE
    moment = entry.at(said, random.randrange(9, 17), random.randrange(60))
    return answers.entries(answer, family, about, performer, moment, today)


def _day_asked(random: Random, child: Child, today: date) -> date | None:
    """Most are asked at the new-birth visit, the others later; None if it has not come to that."""
    born = child.person.birth_date
    day = born + timedelta(days=random.randrange(10, 21) if random.random() < 0.6 else random.randrange(21, 900))
    last = (child.died or today) - _DAY
    if day > last:
        day = born + timedelta(days=random.randrange(10, 21))
    return day if day <= last else None

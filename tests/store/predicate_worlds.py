"""Random records, people and predicates, for the property that the two interpreters of a predicate agree.

https://www.postgresql.org/docs/current/functions-comparison.html (what a comparison with NULL is)

Each grows from a seed. Whatever a column may lack is lacking somewhere, and every moment that a predicate can name is also
the very end of something.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from app.fhir import resource_id, systems
from app.policy import consent, label, purpose
from app.policy.category import ADMINISTRATIVE, CHILD_PROTECTION, UNKNOWN
from app.policy.facts import Facts, Person
from app.policy.grant import Grant
from app.policy.predicate import (
    AllOf,
    AnyOf,
    Bereaved,
    GoesOnAfter,
    InFamilyOf,
    LabelAtMost,
    Names,
    Negate,
    OneOf,
    Permitted,
    PersonIs,
    Predicate,
    PregnancyOver,
    Refused,
    SubjectIs,
)
from tests.policy import consent_worlds, consents
from tests.policy.consent_worlds import one_in

TYPES = (
    "Patient",
    "RelatedPerson",
    "Flag",
    "CarePlan",
    "CareTeam",
    "Consent",
    "CommunicationRequest",
    "Communication",
    "Task",
    "Observation",
    "AuditEvent",
    "Organization",
    "Practitioner",
)
CATEGORIES = ("health", "health", "health", *label.DEFAULTS, UNKNOWN)
STATUSES = ("active", "inactive", "entered-in-error", "")
KINDS = (systems.UNBORN_PLAN, systems.LOOKED_AFTER, "family-contact", "")
TOKENS = ("org|RX1", "org|RX2", "org|RX9", f"nhs|{consents.MOTHER}", f"nhs|{consents.FATHER}")
MOMENTS = tuple(datetime(2024, month, 1, tzinfo=UTC) for month in (5, 6, 7))
NOW = datetime(2025, 7, 2, 12, tzinfo=UTC)
_TREATMENT = tuple(f"{systems.ACT_REASON}|{code}" for code in ("TREAT", "TREAT", "ETREAT"))
_RECORDED = datetime(2025, 1, 1, tzinfo=UTC)
_NOBODY = resource_id.new(1, _RECORDED)


@dataclass(frozen=True)
class World:
    """One resource, and all that a decision about it may look at. `person` is None where nothing is known of the person."""

    id: UUID
    facts: Facts
    person: Person | None
    grants: tuple[Grant, ...]


def worlds(random: Random, people: int) -> list[World]:
    """Three resources about each person, and some about nobody."""
    found = []
    for _ in range(people):
        patient_id = resource_id.new(random.randrange(3), _RECORDED)  # few buckets, so that many share one
        person = None if one_in(random, 6) else _person(random)
        said = () if one_in(random, 6) else _said(random)
        for _ in range(3):
            id = resource_id.new(resource_id.bucket(patient_id), _RECORDED)
            found.append(World(id, _facts(random, patient_id), person, said))
    for _ in range(people // 4):
        found.append(World(resource_id.new(resource_id.any_bucket(), _RECORDED), _facts(random, None), None, ()))
    return found


def _said(random: Random) -> tuple[Grant, ...]:
    """What a family's statements come to; or rows of any kind, more at odds than statements would make them."""
    if one_in(random, 3):
        return tuple(_row(random) for _ in range(random.choice([1, 2, 3, 5, 8])))
    rows = consent.grants(consent_worlds.family(random), consents.CHILD_SUBJECT, consents.TEAMS)
    return tuple(replace(row, consent_id=str(uuid5(NAMESPACE_URL, row.consent_id))) for row in rows)


def _row(random: Random) -> Grant:
    permits = not one_in(random, 3)
    anyone = () if permits else (purpose.ANY,)
    bounds = random.choice([(None, None), (None, None), (MOMENTS[0], None), (None, MOMENTS[1]), MOMENTS[:2]])
    return Grant(
        consent_id=str(uuid5(NAMESPACE_URL, str(random.random()))),
        performer=random.choice(TOKENS[3:]),
        rank=random.randrange(3),
        permits=permits,
        actors=(random.choice(["org|RX1", "org|RX1", "org|RX2", *anyone]),),
        purposes=(random.choice([*_TREATMENT, *anyone]),),
        categories=(random.choice(["health", "health", "contact", "development", *anyone]), "demographics"),
        label=random.choice([label.NORMAL, label.RESTRICTED, random.randrange(label.ABOVE_ALL + 1)]),
        sensitivities=tuple(random.sample(["PSY", "SDV"], random.randrange(3))),
        valid_from=random.choice([None, None, NOW]),
        valid_to=random.choice([None, None, None, NOW]),
        data_from=bounds[0],
        data_to=bounds[1],
    )


def _person(random: Random) -> Person:
    return Person(
        restriction=random.choice("UUURV"),
        bereaved=one_in(random, 4),
        pregnancy=random.choice(["", "ongoing", "live-birth", "loss"]),
        pregnancy_over=random.choice([None, *MOMENTS, datetime(2025, 3, 10, 14, tzinfo=UTC)]),
        birth_date=random.choice([None, date(2023, 5, 1)]),
        nhs_numbers=frozenset({consents.CHILD}),
        family=_tokens(random),
    )


def _facts(random: Random, patient_id: UUID | None) -> Facts:
    type = random.choice(TYPES)
    is_plan = type in ("Flag", "CarePlan", "CareTeam") and not one_in(random, 4)
    return Facts(
        type=type,
        custodian="RX1",
        category=CHILD_PROTECTION if is_plan else random.choice(CATEGORIES),
        label=random.randrange(label.ABOVE_ALL) if one_in(random, 3) else label.NORMAL,
        patient_id=patient_id,
        owners=_tokens(random),
        recipients=_tokens(random),
        sensitivities=frozenset(random.sample(["PSY", "SDV"], random.randrange(3)) if one_in(random, 4) else ()),
        data_date=random.choice([None, MOMENTS[1], datetime(2025, 3, 10, 14, tzinfo=UTC)]),
        status=random.choice(STATUSES),
        kind=random.choice(KINDS),
        ended=random.choice([None, *MOMENTS]),
    )


def _tokens(random: Random) -> frozenset[str]:
    return frozenset(random.sample(TOKENS, random.choice([0, 0, 1, 2])))


def predicate(random: Random, population: list[World], depth: int = 0) -> Predicate:
    """A predicate of every kind, nested up to four deep."""
    if depth == 4 or one_in(random, 3):
        return leaf(random, population)
    parts = tuple(predicate(random, population, depth + 1) for _ in range(random.choice([0, 1, 2, 2, 3])))
    match random.randrange(3):
        case 0:
            return AllOf(parts)
        case 1:
            return AnyOf(parts)
        case _:
            return Negate(predicate(random, population, depth + 1))


def leaf(random: Random, population: list[World]) -> Predicate:
    """One of the constructors that have no parts."""
    return random.choice(list(leaves(random, population)))


def leaves(random: Random, population: list[World]) -> Iterator[Predicate]:
    """One of each, with values that are met somewhere, nowhere, or several at once."""
    ids = [world.facts.patient_id for world in population if world.facts.patient_id]
    yield OneOf("type", _some(random, TYPES))
    yield OneOf("category", _some(random, (*CATEGORIES, ADMINISTRATIVE, "contact")))
    yield OneOf("status", _some(random, STATUSES))
    yield OneOf("kind", _some(random, KINDS))
    yield Names("owners", random.choice(TOKENS))
    yield Names("recipients", random.choice(TOKENS))
    yield LabelAtMost(random.randrange(-1, label.ABOVE_ALL))
    yield GoesOnAfter(random.choice(MOMENTS))
    yield SubjectIs(frozenset(random.sample([*ids, _NOBODY], random.choice([0, 1, 2, 20]))))
    yield PersonIs("restriction", _some(random, "URV"))
    yield PersonIs("pregnancy", _some(random, ("", "ongoing", "live-birth", "loss")))
    yield Bereaved()
    yield PregnancyOver()
    yield InFamilyOf(random.choice(TOKENS))
    for of_consents in (Permitted, Refused):
        asked = consent_worlds.question(random)
        yield of_consents(asked.actors, asked.purposes)


def _some(random: Random, values: Any) -> frozenset[str]:
    return frozenset(random.sample(list(values), random.choice([0, 1, 1, 2, 3])))

"""The algebra that a decision is made of: a value, written once and read by two interpreters.

`holds` reads it over the facts of one resource; `store.predicate_sql` renders it as a condition on a table. A property
test holds the two equal. There is no third way to decide: what cannot be said with these constructors is not a rule.
A predicate says nothing of the time: either interpreter is told the moment at which consents are asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from app.policy import grant
from app.policy.facts import Facts, Person
from app.policy.grant import Ask, Asked, Grant
from app.policy.purpose import Purposes


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds. Of no parts: always."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds. Of no parts: never."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Negate:
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A fact of the resource is one of these values."""

    fact: Literal["type", "category", "status", "kind"]
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Names:
    """The resource belongs, or is addressed, to this token."""

    fact: Literal["owners", "recipients"]
    token: str


@dataclass(frozen=True, slots=True)
class LabelAtMost:
    """A level of `policy.label`."""

    level: int


@dataclass(frozen=True, slots=True)
class GoesOnAfter:
    """It has not ended, or ended after this moment."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class SubjectIs:
    """It is about one of these Patients."""

    patient_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class PersonIs:
    """A fact of the person it is about is one of these values. Holds for nothing that is about nobody."""

    fact: Literal["restriction", "pregnancy"]
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bereaved:
    """The person it is about died, or was to be born."""


@dataclass(frozen=True, slots=True)
class PregnancyOver:
    """The pregnancy of the person it is about was recorded as over after the date of its data."""


@dataclass(frozen=True, slots=True)
class InFamilyOf:
    """The person it is about is this one, or a child for whom this one has proven parental responsibility."""

    token: str


@dataclass(frozen=True, slots=True)
class Permitted:
    """A recorded consent covers it: some permit counts and no refusal counts."""

    actors: frozenset[str]
    purposes: Purposes


@dataclass(frozen=True, slots=True)
class Refused:
    """A recorded refusal counts."""

    actors: frozenset[str]
    purposes: Purposes


Predicate: TypeAlias = (
    AllOf
    | AnyOf
    | Negate
    | OneOf
    | Names
    | LabelAtMost
    | GoesOnAfter
    | SubjectIs
    | PersonIs
    | Bereaved
    | PregnancyOver
    | InFamilyOf
    | Permitted
    | Refused
)

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


def all_of(*parts: Predicate) -> Predicate:
    return AllOf(parts)


def any_of(*parts: Predicate) -> Predicate:
    return AnyOf(parts)


def type_in(*types: str) -> Predicate:
    return OneOf("type", frozenset(types))


def category_in(*categories: str) -> Predicate:
    return OneOf("category", frozenset(categories))


def holds(
    predicate: Predicate, facts: Facts, person: Person | None, grants: Iterable[Grant] = (), *, now: datetime
) -> bool:
    """Whether it holds now for one resource. `grants` are the compiled consents about its person."""
    match predicate:
        case AllOf(parts):
            return all(holds(part, facts, person, grants, now=now) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts, person, grants, now=now) for part in parts)
        case Negate(part):
            return not holds(part, facts, person, grants, now=now)
        case OneOf(fact, values):
            return getattr(facts, fact) in values
        case Names(fact, token):
            return token in getattr(facts, fact)
        case LabelAtMost(level):
            return facts.label <= level
        case GoesOnAfter(moment):
            return facts.ended is None or facts.ended > moment
        case SubjectIs(patient_ids):
            return facts.patient_id in patient_ids
        case PersonIs(fact, values):
            return person is not None and getattr(person, fact) in values
        case Bereaved():
            return person is not None and person.bereaved
        case PregnancyOver():
            over = person.pregnancy_over if person else None
            return over is not None and (facts.data_date is None or over > facts.data_date)
        case InFamilyOf(token):
            return person is not None and token in person.family
        case Permitted(actors, purposes):
            return grant.permitted(grants, Ask(actors, purposes, now), _asked(facts))
        case Refused(actors, purposes):
            return grant.refused(grants, Ask(actors, purposes, now), _asked(facts))


def _asked(facts: Facts) -> Asked:
    return Asked(facts.category, facts.label, facts.sensitivities, facts.data_date)

"""The second interpreter of the policy's algebra: a predicate as a SQL condition on one alias.

Every rendering is true or false, never NULL, so that a negation means what it says. The consent sentence is that of
`policy.grant`: of each performer the applicable rows of the highest rank count, and what is permitted is what some permit
and no refusal among them covers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine, Uuid

from app.policy.grant import Ask
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
from app.policy.purpose import ANY
from app.store import tables

Condition: TypeAlias = ColumnElement[bool]
NOW = "now"


@dataclass(frozen=True)
class Target:
    """The alias that is judged, and beside it the person that it is about, where there is one: select from `source`.

    Consents are asked as they hold at `now`, which is the parameter of that name. `category` stands in for its own when a
    part of it is judged, such as its contacts.
    """

    alias: FromClause
    person: FromClause
    now: datetime
    category: str | None = None

    @property
    def source(self) -> FromClause:
        one, other = self.alias.c, self.person.c
        return self.alias.outerjoin(self.person, and_(other.patient_id == one.patient_id, other.bucket == one.bucket))

    @property
    def columns(self) -> Any:
        return self.alias.c

    def as_part(self, category: str) -> "Target":
        """The same as of another category."""
        return replace(self, category=category)

    def fact(self, name: str) -> Any:
        if name == "category" and self.category is not None:
            return literal(self.category)
        return self.alias.c[name]


def target(table: Table, now: datetime) -> Target:
    """A new alias of a table to judge."""
    return Target(table.alias(), tables.person.alias(), now)


def render(predicate: Predicate, target: Target) -> Condition:
    """The condition under which it holds for a row of the alias."""
    columns = target.columns
    match predicate:
        case AllOf(parts):
            return and_(true(), *(render(part, target) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(render(part, target) for part in parts))
        case Negate(part):
            return not_(render(part, target))
        case OneOf(fact, values):
            return _among(target.fact(fact), values, Text())
        case Names(fact, token):
            return and_(columns[fact].contains(tables.texts([token])))
        case LabelAtMost(level):
            return and_(columns.label <= level)
        case GoesOnAfter(moment):
            return or_(columns.ended.is_(None), columns.ended > moment)
        case SubjectIs(patient_ids):
            return func.coalesce(_among(columns.patient_id, patient_ids, Uuid()), false())
        case PersonIs(fact, values):
            return _of_person(target, lambda person: _among(person[fact], values, Text()))
        case Bereaved():
            return _of_person(target, lambda person: person.bereaved)
        case PregnancyOver():
            date = columns.data_date
            return _of_person(
                target,
                lambda person: and_(
                    person.pregnancy_over.is_not(None), or_(date.is_(None), person.pregnancy_over > date)
                ),
            )
        case InFamilyOf(token):
            return _of_person(target, lambda person: person.family.contains(tables.texts([token])))
        case Permitted(actors, purposes):
            return _consent(target, Ask(actors, purposes, target.now), lambda permits: func.bool_and(permits))
        case Refused(actors, purposes):
            return _consent(target, Ask(actors, purposes, target.now), lambda permits: func.bool_or(not_(permits)))


def _among(column: Any, values: Iterable[Any], type: TypeEngine[Any]) -> Condition:
    chosen = sorted(values)
    if len(chosen) == 1:
        return and_(column == literal(chosen[0], type))
    return and_(column == tables.any_of(chosen, type))


def _of_person(target: Target, condition: Any) -> Condition:
    """Where it is about nobody, or nothing is known of them, this is NULL, and that is false."""
    return func.coalesce(condition(target.person.c), false())


def _consent(target: Target, ask: Ask, verdict: Any) -> Condition:
    """Of the rows that count: a verdict on their `permits`, and false where none counts."""
    row = tables.consent_grant.alias()
    place = func.rank().over(partition_by=row.c.performer, order_by=row.c.rank.desc()).label("place")
    applicable = (
        select(row.c.permits, place)
        .where(
            row.c.patient_id == target.columns.patient_id,
            row.c.bucket == target.columns.bucket,
            _within(row.c.valid_from, row.c.valid_to, bindparam(NOW, ask.now, tables.INSTANT)),
            case((row.c.permits, _permit_applies(row.c, target, ask)), else_=_refusal_applies(row.c, target, ask)),
        )
        .correlate(target.alias)
        .subquery()
    )
    counting = select(verdict(applicable.c.permits)).where(applicable.c.place == 1)
    return func.coalesce(counting.scalar_subquery(), false())


def _permit_applies(row: Any, target: Target, ask: Ask) -> Condition:
    asked = target.columns
    unbounded = and_(row.data_from.is_(None), row.data_to.is_(None))
    return and_(
        row.actors.overlap(tables.texts(ask.actors)),
        row.purposes.overlap(tables.texts(ask.purposes.permit)),
        target.fact("category") == any_(row.categories),
        asked.label <= row.label,
        asked.sensitivities.contained_by(row.sensitivities),
        case((asked.data_date.is_(None), unbounded), else_=_within(row.data_from, row.data_to, asked.data_date)),
    )


def _refusal_applies(row: Any, target: Target, ask: Ask) -> Condition:
    asked = target.columns
    return and_(
        row.actors.overlap(tables.texts(ask.actors | {ANY})),
        row.purposes.overlap(tables.texts(ask.purposes.refuse | {ANY})),
        or_(target.fact("category") == any_(row.categories), literal(ANY) == any_(row.categories)),
        or_(asked.label >= row.label, asked.sensitivities.overlap(row.sensitivities)),
        or_(asked.data_date.is_(None), _within(row.data_from, row.data_to, asked.data_date)),
    )


def _within(start: Any, end: Any, moment: Any) -> Condition:
    return and_(or_(start.is_(None), start <= moment), or_(end.is_(None), moment < end))

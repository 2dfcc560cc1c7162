"""What a search asks of a row, as SQL: one condition for each criterion that looks at the resource alone.

https://hl7.org/fhir/R4/search.html#modifiers

What a caller is not shown of a resource is as if it were not there: it finds nothing, and its lack is found.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Table, Text, Uuid, and_, any_, exists

from app.fhir import resource_id, search_criteria
from app.fhir.search_criteria import Among, Amount, Criterion, Ids, Missing, Not, Prefix, When
from app.fhir.search_criteria import Text as Words
from app.fhir.time import Span
from app.policy import asking
from app.store import comparison, condition, strings, tables
from app.store.condition import Condition

Where: TypeAlias = Callable[[Any], Any]


def of(type: str, criterion: Criterion) -> Condition:
    """What one criterion asks of a row that `visible` lets through. `links` resolves those that look elsewhere."""
    match criterion:
        case Not(inner):
            return condition.negated(of(type, inner))
        case Missing(missing=True):
            return condition.negated(_shown(type, criterion, _has_value(criterion)))
        case Missing():
            return _shown(type, criterion, _has_value(criterion))
        case _:
            return _shown(type, criterion, _met(criterion))


def _met(criterion: Criterion) -> Condition:
    match criterion:
        case Among(tokens):
            return under(tokens)
        case Ids(texts):
            return within_buckets(frozenset(id for text in texts if (id := resource_id.parse(text))), "id")
        case Words(parameter, values, how):
            return _beside(tables.search_string, parameter, [strings.WAYS[how](each) for each in values])
        case When("_lastUpdated", spans):
            return happened(spans, "last_updated")
        case When(parameter, spans):
            return _beside(tables.search_date, parameter, [comparison.stands(*each) for each in spans])
        case Amount(parameter, ranges):
            return _beside(tables.search_quantity, parameter, [comparison.amounts(each) for each in ranges])
        case _:
            raise AssertionError("what looks into another resource is resolved before")


def shown(type: str, codes: Iterable[str], met: Condition) -> Condition:
    """The condition, met by those resources alone of which these parameters' elements may be shown."""
    told = asking.told(type, codes)
    if not told.contact and not told.location:
        return met
    needed = [name for name, asks in (("shows_contact", told.contact), ("shows_location", told.location)) if asks]
    return Condition(
        ("shown", *needed, met.shape),
        met.values,
        lambda c, values: and_(*(c[name] for name in needed), met.sql(c, values)),
    )


def under(tokens: Iterable[str]) -> Condition:
    """That it is found under one of these tokens. How common they are depends on their parameter."""
    wanted = sorted(tokens)
    codes = sorted({token.partition("#")[0] for token in wanted})
    return Condition(("under", *codes), ((wanted, ARRAY(Text)),), lambda c, values: c.tokens.overlap(values[0]))


def within_buckets(chosen: frozenset[UUID], column: str) -> Condition:
    """That a column is one of these ids, asked only in the buckets that they carry."""
    ids = sorted(chosen)
    buckets = [resource_id.bucket(id) for id in ids]
    return Condition(
        ("within", column),
        ((ids, ARRAY(Uuid)), (buckets, ARRAY(Integer))),
        lambda c, values: and_(c[column] == any_(values[0]), c.bucket == any_(values[1])),
    )


def is_among(column: Any, ids: frozenset[UUID]) -> Any:
    return column == tables.any_of(sorted(ids), column.type)


def happened(spans: tuple[tuple[Prefix, Span], ...], column: str) -> Condition:
    """That the moment in a column stands so to one of these spans."""
    return condition.any_of([comparison.happened(column, *each) for each in spans])


def _shown(type: str, criterion: Criterion, met: Condition) -> Condition:
    return shown(type, search_criteria.codes(criterion), met)


def _has_value(criterion: Missing) -> Condition:
    """Whom a resource is about is not among its tokens."""
    if criterion.parameter.is_the_person:
        return Condition("about somebody", (), lambda c, values: c.patient_id.is_not(None))
    return under([f"{criterion.parameter.code}#"])


def _beside(table: Table, parameter: str, alternatives: Sequence[Condition]) -> Condition:
    """That one of its rows in a search table, of this parameter, is any of these."""
    row = table.alias()
    found = condition.any_of(alternatives)
    return Condition(
        (table.name, parameter, found.shape),
        found.values,
        lambda c, values: exists().where(
            row.c.id == c.id, row.c.bucket == c.bucket, row.c.parameter == parameter, found.sql(row.c, values)
        ),
    )

"""What a search asks of a row, as SQL: one condition for each criterion that looks at the resource alone.

https://hl7.org/fhir/R4/search.html#modifiers

What a caller is not shown of a resource is as if it were not there: it finds nothing, and its lack is found.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import and_, exists, false, func, not_, or_

from app.fhir import resource_id, search_criteria
from app.fhir.search_criteria import Among, Amount, Criterion, Ids, Missing, Not, Prefix, Text, When
from app.fhir.time import Span
from app.policy import asking
from app.store import comparison, strings, tables

Where: TypeAlias = Callable[[Any], Any]


def condition(type: str, criterion: Criterion) -> Where:
    """What one criterion asks of a row that `visible` lets through. `links` resolves those that look elsewhere."""
    match criterion:
        case Not(inner):
            return negated(condition(type, inner))
        case Missing(missing=True):
            return negated(_shown(type, criterion, _has_value(criterion)))
        case Missing():
            return _shown(type, criterion, _has_value(criterion))
        case _:
            return _shown(type, criterion, _met(criterion))


def _met(criterion: Criterion) -> Where:
    match criterion:
        case Among(tokens):
            return under(tokens)
        case Ids(texts):
            ids = [id for text in texts if (id := resource_id.parse(text))]
            return within_buckets(frozenset(ids), "id")
        case Text(parameter, values, how):
            return _beside(tables.search_string, parameter, lambda c: (strings.WAYS[how](c, each) for each in values))
        case When("_lastUpdated", spans):
            return happened(spans, "last_updated")
        case When(parameter, spans):
            return _beside(tables.search_date, parameter, lambda c: (comparison.stands(c, *each) for each in spans))
        case Amount(parameter, ranges):
            return _beside(
                tables.search_quantity, parameter, lambda c: (comparison.amounts(c, each) for each in ranges)
            )
        case _:
            raise AssertionError("what looks into another resource is resolved before")


def shown(type: str, codes: Iterable[str], where: Where) -> Where:
    """The condition, met by those resources alone of which these parameters' elements may be shown."""
    told = asking.told(type, codes)
    if not told.contact and not told.location:
        return where
    needed = [name for name, asks in (("shows_contact", told.contact), ("shows_location", told.location)) if asks]
    return lambda c: and_(*(c[name] for name in needed), where(c))


def negated(where: Where) -> Where:
    return lambda c: not_(func.coalesce(where(c), false()))


def under(tokens: Iterable[str]) -> Where:
    """That it is found under one of these tokens."""
    return lambda c: c.tokens.overlap(tables.texts(tokens))


def within_buckets(chosen: frozenset[UUID], column: str) -> Where:
    """That a column is one of these ids, asked only in the buckets that they carry."""
    buckets = [resource_id.bucket(id) for id in sorted(chosen)]
    return lambda c: and_(is_among(c[column], chosen), c.bucket == tables.any_of(buckets, c.bucket.type))


def is_among(column: Any, ids: frozenset[UUID]) -> Any:
    return column == tables.any_of(sorted(ids), column.type)


def happened(spans: tuple[tuple[Prefix, Span], ...], column: str) -> Where:
    """That the moment in a column stands so to one of these spans."""
    return lambda c: or_(false(), *(comparison.happened(c[column], *each) for each in spans))


def _shown(type: str, criterion: Criterion, where: Where) -> Where:
    return shown(type, search_criteria.codes(criterion), where)


def _has_value(criterion: Missing) -> Where:
    """Whom a resource is about is not among its tokens."""
    if criterion.parameter.is_the_person:
        return lambda c: c.patient_id.is_not(None)
    return under([f"{criterion.parameter.code}#"])


def _beside(table: Any, parameter: str, any_of: Callable[[Any], Iterable[Any]]) -> Where:
    """That one of its rows in a search table, of this parameter, is any of these."""
    row = table.alias()
    return lambda c: exists().where(
        row.c.id == c.id, row.c.bucket == c.bucket, row.c.parameter == parameter, or_(false(), *any_of(row.c))
    )

"""What a search asks of a row, as SQL: one condition for each criterion.

https://hl7.org/fhir/R4/search.html#prefix
"""

from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import and_, exists, false, func, literal, not_, or_

from app.fhir import resource_id, search_index, time
from app.fhir.search_criteria import Among, Criterion, Ids, Prefix, SearchQuery, Text, When
from app.store import indexing, tables

Where: TypeAlias = Callable[[Any], Any]


def condition(criterion: Criterion) -> Where:
    """What one criterion asks of a row. Whom it is about has been resolved to ids before."""
    match criterion:
        case Among(tokens):
            return lambda c: c.tokens.overlap(tables.texts(tokens))
        case Ids(texts):
            ids = [id for text in texts if (id := resource_id.parse(text))]
            return within_buckets(frozenset(ids), "id")
        case Text(parameter, values, how):
            return _has_string(parameter, values, how)
        case When("_lastUpdated", values):
            return happened(values, "last_updated")
        case When(parameter, values):
            return _has_date(parameter, values)
        case _:
            raise AssertionError("whom it is about is resolved before, and nothing else is asked yet")


def within_buckets(chosen: frozenset[UUID], column: str) -> Where:
    """That a column is one of these ids, asked only in the buckets that they carry."""
    buckets = [resource_id.bucket(id) for id in sorted(chosen)]
    return lambda c: and_(is_among(c[column], chosen), c.bucket == tables.any_of(buckets, c.bucket.type))


def names_ids(query: SearchQuery) -> bool:
    return any(isinstance(criterion, Ids) for criterion in query.criteria)


def _has_string(parameter: str, values: tuple[str, ...], how: str) -> Where:
    table = tables.search_string.alias()
    found = or_(false(), *(_WAYS[how](table.c, text) for text in values))
    return lambda c: exists().where(
        table.c.id == c.id, table.c.bucket == c.bucket, table.c.parameter == parameter, found
    )


def _starts(c: Any, text: str) -> Any:
    """The range is for the index, which knows the first letters only; it orders them by their bytes."""
    begun = func.left(c.value, tables.LONGEST_INDEXED)
    start = text[: tables.LONGEST_INDEXED]
    return and_(
        begun.bool_op("~>=~")(start),
        begun.bool_op("~<~")(start + _LAST_LETTER),
        c.value.startswith(text, autoescape=True),
    )


def _contains(c: Any, text: str) -> Any:
    """Whatever contains it has its trigrams, which have an index; a text that is shorter has none."""
    there = c.value.contains(text, autoescape=True)
    trigrams = indexing.trigrams(text)
    return and_(c.trigrams.contains(tables.texts(trigrams)), there) if trigrams else there


def _is(c: Any, text: str) -> Any:
    folded = search_index.folded(text)
    return and_(func.left(c.value, tables.LONGEST_INDEXED) == folded[: tables.LONGEST_INDEXED], c.exact == text)


_WAYS: dict[str, Callable[[Any, str], Any]] = {"starts": _starts, "contains": _contains, "exact": _is}
_LAST_LETTER = chr(0x10FFFF)


def _has_date(parameter: str, values: tuple[tuple[Prefix, time.Span], ...]) -> Where:
    table = tables.search_date.alias()
    found = or_(false(), *(_stands(prefix, span, table.c.lower, table.c.upper) for prefix, span in values))
    return lambda c: exists().where(
        table.c.id == c.id, table.c.bucket == c.bucket, table.c.parameter == parameter, found
    )


def happened(values: tuple[tuple[Prefix, time.Span], ...], column: str) -> Where:
    """That the moment in a column stands so to one of these spans."""
    return lambda c: or_(false(), *(_stands(prefix, span, c[column], c[column]) for prefix, span in values))


def is_among(column: Any, ids: frozenset[UUID]) -> Any:
    return column == tables.any_of(sorted(ids), column.type)


def _stands(prefix: Prefix, span: time.Span, lower: Any, upper: Any) -> Any:
    """https://hl7.org/fhir/R4/search.html#prefix: a resource's `[lower, upper)` against the span asked for.

    An end that is not known is open. `eq` is containment, as R4's text has it.
    """
    start, end = literal(span.start, tables.INSTANT), literal(span.end, tables.INSTANT)
    within = func.coalesce(and_(lower >= start, upper <= end if upper is not lower else upper < end), false())
    above = or_(upper.is_(None), upper > end if upper is not lower else upper >= end)
    below = or_(lower.is_(None), lower < start)
    match prefix:
        case "eq":
            return within
        case "ne":
            return not_(within)
        case "gt":
            return above
        case "lt":
            return below
        case "ge":
            return or_(above, within)
        case "le":
            return or_(below, within)
        case "sa":
            return func.coalesce(lower >= end, false())
        case "eb":
            return func.coalesce(upper <= start if upper is not lower else upper < start, false())

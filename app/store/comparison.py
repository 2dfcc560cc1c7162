"""How dates and quantities stand to what is asked, as SQL.

https://hl7.org/fhir/R4/search.html#prefix

A date is a span of time, `[lower, upper)`, and so is what is asked for; an end that is not known is open. `eq` is
containment, as R4's text has it. A quantity is compared as it is, with `eq`, `ne` and `ap` by what the digits asked may mean.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import and_, false, func, literal, not_, or_

from app.fhir.search_criteria import Prefix, Range
from app.fhir.time import Span
from app.store import tables

_ABOUT = Decimal("0.1")  # R4: 10% of the value, or of the time between it and now


def stands(c: Any, prefix: Prefix, span: Span) -> Any:
    """A row of `search_date`."""
    return _stands(
        c.lower, c.upper, prefix, span, upper_before=c.upper <= _moment(span.end), after=c.upper > _moment(span.end)
    )


def happened(column: Any, prefix: Prefix, span: Span) -> Any:
    """A moment, which has no length: it is before an end, and not on it."""
    end = _moment(span.end)
    return _stands(column, column, prefix, span, upper_before=column < end, after=column >= end)


def _stands(lower: Any, upper: Any, prefix: Prefix, span: Span, *, upper_before: Any, after: Any) -> Any:
    start, end = _moment(span.start), _moment(span.end)
    within = func.coalesce(and_(lower >= start, upper_before), false())
    above, below = or_(upper.is_(None), after), or_(lower.is_(None), lower < start)
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
        case "ap":
            margin = func.greatest(func.now() - start, start - func.now()) * float(_ABOUT)
            return and_(or_(lower.is_(None), lower < end + margin), or_(upper.is_(None), upper > start - margin))


def amounts(c: Any, asked: Range) -> Any:
    """A row of `search_quantity`. A unit that is asked for without a system may be the code or the name."""
    unit = [c.code == asked.code] if asked.code is not None else []
    system = [c.system == asked.system] if asked.system is not None else []
    return and_(_amounts(c.lower, c.upper, asked), *unit, *system)


def _amounts(lower: Any, upper: Any, asked: Range) -> Any:
    value = (asked.low + asked.high) / 2
    within = func.coalesce(and_(lower >= asked.low, upper < asked.high), false())
    match asked.prefix:
        case "eq":
            return within
        case "ne":
            return not_(within)
        case "gt":
            return or_(upper.is_(None), upper > value)
        case "lt":
            return or_(lower.is_(None), lower < value)
        case "ge":
            return or_(upper.is_(None), upper >= value)
        case "le":
            return or_(lower.is_(None), lower <= value)
        case "sa":
            return func.coalesce(lower > value, false())
        case "eb":
            return func.coalesce(upper < value, false())
        case "ap":
            margin = abs(value) * _ABOUT
            return and_(or_(lower.is_(None), lower <= value + margin), or_(upper.is_(None), upper >= value - margin))


def _moment(value: Any) -> Any:
    return literal(value, tables.INSTANT)

"""How dates and quantities stand to what is asked, as SQL.

https://hl7.org/fhir/R4/search.html#prefix

A date is a span of time, `[lower, upper)`, and so is what is asked for; an end that is not known is open. `eq` is
containment, as R4's text has it. A quantity is compared as it is, with `eq`, `ne` and `ap` by what the digits asked may mean.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, Text, and_, false, func, not_, or_

from app.fhir.search_criteria import Prefix, Range
from app.fhir.time import Span
from app.store import tables
from app.store.condition import Condition, Value

_ABOUT = Decimal("0.1")  # R4: 10% of the value, or of the time between it and now


def stands(prefix: Prefix, span: Span) -> Condition:
    """Of a row of `search_date`."""
    return Condition(
        ("stands", prefix),
        _moments(span),
        lambda c, values: _stands(
            c.lower, c.upper, prefix, values, is_over=c.upper <= values[1], goes_on=c.upper > values[1]
        ),
    )


def happened(column: str, prefix: Prefix, span: Span) -> Condition:
    """Of a moment in a column, which has no length: it is before an end, and not on it."""
    return Condition(
        ("happened", column, prefix),
        _moments(span),
        lambda c, values: _stands(
            c[column], c[column], prefix, values, is_over=c[column] < values[1], goes_on=c[column] >= values[1]
        ),
    )


def _moments(span: Span) -> tuple[Value, Value]:
    return (span.start, tables.INSTANT), (span.end, tables.INSTANT)


def _stands(lower: Any, upper: Any, prefix: Prefix, values: Sequence[Any], *, is_over: Any, goes_on: Any) -> Any:
    start, end = values
    within = func.coalesce(and_(lower >= start, is_over), false())
    above, below = or_(upper.is_(None), goes_on), or_(lower.is_(None), lower < start)
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


def amounts(asked: Range) -> Condition:
    """Of a row of `search_quantity`. A unit that is asked for without a system may be the code or the name."""
    unit = {name: value for name, value in (("code", asked.code), ("system", asked.system)) if value is not None}
    low, high = _bounds(asked)

    def sql(c: Any, values: Sequence[Any]) -> Any:
        of_unit = [c[name] == value for name, value in zip(unit, values[2:], strict=True)]
        return and_(_amounts(c.lower, c.upper, asked.prefix, *values[:2]), *of_unit)

    bounds = (low, Numeric()), (high, Numeric())
    return Condition(("amounts", asked.prefix, *unit), (*bounds, *((value, Text()) for value in unit.values())), sql)


def _bounds(asked: Range) -> tuple[Decimal, Decimal]:
    """Between what a value is compared: what the digits may mean, the value itself twice, or what is about the same."""
    value = (asked.low + asked.high) / 2
    match asked.prefix:
        case "eq" | "ne":
            return asked.low, asked.high
        case "ap":
            return value - abs(value) * _ABOUT, value + abs(value) * _ABOUT
        case _:
            return value, value


def _amounts(lower: Any, upper: Any, prefix: Prefix, low: Any, high: Any) -> Any:
    within = func.coalesce(and_(lower >= low, upper < high), false())
    match prefix:
        case "eq":
            return within
        case "ne":
            return not_(within)
        case "gt":
            return or_(upper.is_(None), upper > high)
        case "lt":
            return or_(lower.is_(None), lower < low)
        case "ge":
            return or_(upper.is_(None), upper >= low)
        case "le":
            return or_(lower.is_(None), lower <= high)
        case "sa":
            return func.coalesce(lower > high, false())
        case "eb":
            return func.coalesce(upper < low, false())
        case "ap":
            return and_(or_(lower.is_(None), lower <= high), or_(upper.is_(None), upper >= low))

"""In what order a search is answered, and where in it a page begins.

https://hl7.org/fhir/R4/search.html#_sort

A page continues after the values of the row before it, the last of which is its id, so that what is written meanwhile moves
nothing. What has no value comes last, in either direction; of several values the first counts, or, descending, the last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Text, Uuid, and_, case, collate, false, func, literal, not_, null, or_, select, true
from sqlalchemy.types import TypeEngine

from app.fhir import time
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import Place, Sort
from app.fhir.search_parameters import SearchParameter
from app.store import condition, criteria, tables
from app.store.condition import Condition

NEWEST_FIRST = Sort("_lastUpdated", descending=True)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_READERS: dict[type[Any], Callable[[str], Any]] = {
    Uuid: UUID, Text: str, Numeric: Decimal, type(tables.INSTANT): datetime.fromisoformat,
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """One value to sort by: `of` makes it from the columns of a row. `always`: every row has one. `name` tells it from others
    of the same type of resource."""

    name: str
    of: Callable[[Any], Any]
    type: TypeEngine[Any]
    descending: bool
    always: bool = False

    def read(self, text: str | None) -> Any:
        """The value that a place has as text."""
        return None if text is None else _READERS[type(self.type)](text)


def keys(type: str, sorts: Sequence[Sort]) -> tuple[Key, ...]:
    """What to sort by, the id last; the newest first where nothing is asked."""
    asked = sorts or (NEWEST_FIRST,)
    return (*(_key(type, each) for each in asked), _id(asked[-1].descending))


def _key(type: str, sort: Sort) -> Key:
    if sort.by == "_id":
        return _id(sort.descending)
    if sort.by == "_lastUpdated":
        return Key("_lastUpdated", lambda c: c.last_updated, tables.INSTANT, sort.descending, always=True)
    of, kind = _value(sort.by, sort.descending)
    return Key(sort.by.code, _as_shown(type, sort.by, of), kind, sort.descending)


def _id(descending: bool) -> Key:
    return Key("_id", lambda c: c.id, Uuid(), descending, always=True)


def _value(parameter: SearchParameter, descending: bool) -> tuple[Callable[[Any], Any], TypeEngine[Any]]:
    one = func.max if descending else func.min
    match parameter.type:
        case "date":
            ends = _latest if descending else _earliest
            return _beside(tables.search_date, parameter, lambda row: one(ends(row))), tables.INSTANT
        case "string":
            return _beside(tables.search_string, parameter, lambda row: one(collate(row.value, "C"))), Text()
        case "quantity":
            return _beside(
                tables.search_quantity, parameter, lambda row: one(row.upper if descending else row.lower)
            ), Numeric()
        case _:
            return _token(parameter, one), Text()


def _earliest(row: Any) -> Any:
    return func.coalesce(row.lower, _moment(_EARLIEST))


def _latest(row: Any) -> Any:
    return func.coalesce(row.upper, _moment(time.LAST))


def _beside(table: Any, parameter: SearchParameter, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    row = table.alias()
    return lambda c: (
        select(value(row.c))
        .where(row.c.id == c.id, row.c.bucket == c.bucket, row.c.parameter == parameter.key)
        .scalar_subquery()
    )


def _token(parameter: SearchParameter, one: Any) -> Callable[[Any], Any]:
    """By its codes, whatever their systems; a reference by what it names."""
    start = f"{parameter.code}#" if parameter.type == "reference" else f"{parameter.code}#|"
    of_no_system = f"{parameter.code}#||"  # the same code once more

    def of(c: Any) -> Any:
        token = func.unnest(c.tokens).column_valued()
        has_value = and_(func.starts_with(token, start), token != start, not_(func.starts_with(token, of_no_system)))
        return select(one(collate(token, "C"))).where(has_value).scalar_subquery()

    return of


def _as_shown(type: str, parameter: SearchParameter, of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is not shown of a resource does not place it either."""
    is_shown = criteria.shown(type, [parameter.code], condition.ANYTHING)
    return lambda c: case((is_shown(c), of(c)), else_=null())


def order(keys: Sequence[Key], columns: Sequence[Any], *, backwards: bool) -> list[Any]:
    """The ORDER BY of a page, or, backwards, of the one before it."""
    ordered = []
    for key, column in zip(keys, columns, strict=True):
        directed = column.desc() if key.descending is not backwards else column.asc()
        ordered.append(directed if key.always else directed.nulls_first() if backwards else directed.nulls_last())
    return ordered


def beyond(keys: Sequence[Key], place: Place) -> Condition:
    """That a row, of which the columns to sort by are given, stands after a place, or, backwards, before it.

    Raises InvalidParameter for a place in another order.
    """
    if len(place.values) != len(keys):
        raise InvalidParameter("This page is of a search that is no longer answered. Search again.", expression="_page")
    read = [key.read(text) for key, text in zip(keys, place.values, strict=True)]
    there = [value is not None for value in read]
    values = tuple((value, key.type) for key, value in zip(keys, read, strict=True) if value is not None)
    return Condition(
        ("beyond", place.backwards, *there),
        values,
        lambda columns, given: _beyond(keys, columns, _spread(there, given), place.backwards),
    )


def _spread(there: Sequence[bool], given: Sequence[Any]) -> list[Any]:
    rest = iter(given)
    return [next(rest) if is_there else None for is_there in there]


def _beyond(keys: Sequence[Key], columns: Sequence[Any], values: Sequence[Any], backwards: bool) -> Any:
    found: Any = false()
    for key, column, value in reversed(list(zip(keys, columns, values, strict=True))):
        same = column.is_(None) if value is None else column == value
        found = or_(_after(key, column, value, backwards), and_(same, found))
    return and_(_not_before(keys[0], columns[0], values[0], backwards), found)


def _after(key: Key, column: Any, value: Any, backwards: bool) -> Any:
    if value is None:
        return column.is_not(None) if backwards else false()
    further = column < value if key.descending is not backwards else column > value
    return further if backwards or key.always else or_(further, column.is_(None))


def _not_before(key: Key, column: Any, value: Any, backwards: bool) -> Any:
    """What follows from the rest, said so that an index can begin there."""
    if not key.always:
        return true()
    return column <= value if key.descending is not backwards else column >= value


def written(values: Sequence[Any]) -> tuple[str | None, ...]:
    """The values of a row as a place keeps them."""
    return tuple(
        None if value is None else value.isoformat() if isinstance(value, datetime) else str(value) for value in values
    )


def _moment(value: datetime) -> Any:
    return literal(value, tables.INSTANT)

"""The versions that were written, newest first, each as one caller may see it: of one resource, or of whole types.

https://hl7.org/fhir/R4/http.html#history

A version is there if it may be seen itself, by its own labels and by today's consents, and the resource may be seen today.
Of what was deleted there is the version that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, exists, func, literal, not_, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.history_query import HistoryQuery
from app.policy.authority import Permit
from app.store import page_statement, tables
from app.store.criteria import Where
from app.store.search import Row
from app.store.visible import visible

_FEED = "a history of every resource"


@dataclass(frozen=True, slots=True)
class After:
    """The version after which a page begins."""

    last_updated: datetime
    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`next` is the version after which there is more."""

    rows: tuple[Row, ...]
    next: After | None


async def page(
    tx: AsyncConnection, permits: Mapping[str, Permit], query: HistoryQuery, after: After | None, id: UUID | None = None
) -> HistoryPage:
    """One page: of one resource, whose type has the only permit, or of everything of these types."""
    parts = [
        _versions(permit, types, query, after, id).subquery() for types, permit in _together(permits, id is not None)
    ]
    every = union_all(*(select(part) for part in parts)).subquery()
    chosen = select(every).order_by(*_newest_first(every.c)).limit(query.count + 1)
    rows = tuple(_row(found) for found in await tx.execute(chosen))
    shown = rows[: query.count]
    last = shown[-1] if len(rows) > query.count else None
    return HistoryPage(shown, After(last.last_updated, last.id, last.version) if last else None)


async def total(tx: AsyncConnection, permit: Permit, type: str, id: UUID, query: HistoryQuery) -> int:
    """How many versions of one resource there are for this caller."""
    versions = _seen(permit, (type,), query, _at(id)).subquery()
    found = await tx.execute(select(func.count()).select_from(versions))
    return int(found.scalar_one())


async def oldest_writer(tx: AsyncConnection) -> timedelta:
    """For how long the oldest transaction that has written something, and has not committed, has been open.

    Asked before a page is: what has not begun by now writes nothing older.
    """
    writers = "SELECT max(clock_timestamp() - xact_start) FROM pg_stat_activity"
    found = await tx.execute(text(f"{writers} WHERE backend_xid IS NOT NULL AND datname = current_database()"))
    return found.scalar_one() or timedelta(0)


def _together(permits: Mapping[str, Permit], is_one: bool) -> list[tuple[tuple[str, ...], Permit]]:
    """The types that are seen in the same way, which are one question."""
    if is_one:
        assert len(permits) == 1, "a resource has one type"
    types: dict[Any, list[str]] = {}
    for type, permit in permits.items():
        types.setdefault(permit.reach, []).append(type)
    return [(tuple(each), permits[each[0]]) for each in types.values()]


def _versions(
    permit: Permit, types: tuple[str, ...], query: HistoryQuery, after: After | None, id: UUID | None
) -> Select[Any]:
    """As many as a page needs."""
    where = _at(id) if id else ()
    seen = _seen(permit, types, query, where, after, fan_out=None if id else _FEED)
    return seen.order_by(*_newest_first(seen.selected_columns)).limit(query.count + 1)


def _seen(
    permit: Permit,
    types: tuple[str, ...],
    query: HistoryQuery,
    where: tuple[Where, ...],
    after: After | None = None,
    fan_out: str | None = None,
) -> Select[Any]:
    here: dict[str, Any] = {"types": types, "deleted": True, "fan_out": fan_out}
    when = (*where, *_when(query, after))
    seen = visible(permit, *when, table=tables.resource_version, **here)
    today = visible(permit, *where, **here)
    chosen = select(*page_statement.columns(seen), seen.c.deleted).where(exists().where(_same(today, seen)))
    if query.at is None:
        return chosen
    start = query.at.start
    later = visible(permit, *where, lambda c: c.last_updated <= start, table=tables.resource_version, **here)
    return chosen.where(not_(exists().where(_same(later, seen), later.c.version > seen.c.version)))


def _when(query: HistoryQuery, after: After | None) -> list[Where]:
    found: list[Where] = []
    if (since := query.since) is not None:
        found.append(lambda c: c.last_updated >= since)
    if (at := query.at) is not None:
        found.append(lambda c: c.last_updated < at.end)
    if after is not None:
        place = tuple_(literal(after.last_updated, tables.INSTANT), literal(after.id), literal(after.version))
        found.append(lambda c: c.last_updated <= after.last_updated)  # what the index is read from
        found.append(lambda c: tuple_(c.last_updated, c.id, c.version) < place)
    return found


def _same(other: Subquery, seen: Subquery) -> Any:
    return and_(other.c.id == seen.c.id, other.c.bucket == seen.c.bucket)


def _at(id: UUID) -> tuple[Where, ...]:
    return (lambda c: c.id == id, lambda c: c.bucket == resource_id.bucket(id))


def _newest_first(columns: Any) -> Sequence[Any]:
    return (columns.last_updated.desc(), columns.id.desc(), columns.version.desc())


def _row(values: Sequence[Any]) -> Row:
    return Row(*values[:-1], deleted=values[-1])  # type: ignore[misc]  # ten columns, and whether it was deleted

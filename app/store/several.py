"""Several searches answered as one, type after type, in pages.

https://hl7.org/fhir/R4/http.html#paging
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir.search_criteria import Place, SearchQuery
from app.policy.authority import Permit
from app.store import search
from app.store.search import Page, Row


@dataclass(frozen=True, slots=True)
class Part:
    """Where a page begins: in the search of a type, at a place or at its start."""

    type: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """A page of them all; `total` is of them all together, and exact."""

    rows: tuple[Row, ...]
    total: int
    next: Part | None


async def page(
    tx: AsyncConnection,
    permits: Mapping[str, Permit],
    queries: Sequence[SearchQuery],
    count: int,
    start: Part | None,
    key: bytes,
) -> Several:
    """`queries` are of different types. Before the start and after the end of a page they are only counted."""
    rows: list[Row] = []
    total, following, has_begun = 0, None, start is None
    for query in queries:
        begins = start is not None and query.type == start.type
        has_begun = has_begun or begins
        room = count - len(rows) if has_begun else 0
        found = await _of(tx, permits, replace(query, count=room), start.place if start and begins else None, key)
        rows += found.rows
        total += found.total or 0
        if has_begun and following is None:
            following = _following(query.type, found, room if count else None)
    return Several(tuple(rows), total, following)


async def _of(
    tx: AsyncConnection, permits: Mapping[str, Permit], query: SearchQuery, place: Place | None, key: bytes
) -> Page:
    return await search.page(tx, permits, query, await search.about(tx, query, key), place, key)


def _following(type: str, found: Page, room: int | None) -> Part | None:
    """Within this type where a page of it was full, at its start where there was no room for any; None on a bare count."""
    if room is None:
        return None
    if room == 0:
        return Part(type) if found.total else None
    return Part(type, found.next) if found.next else None

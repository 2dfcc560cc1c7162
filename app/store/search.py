"""Searching as one caller may: a page with its exact total.

https://hl7.org/fhir/R4/search.html

The total and the page are of one statement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.search_criteria import About, AnyOf, Chained, Criterion, Has, Ids, Not, Place, SearchQuery
from app.policy.authority import Permit
from app.store import database, links, ordering, page_statement
from app.store.compiled import Statements
from app.store.links import People
from app.store.page_statement import WIDTH

_statements = Statements()


@dataclass(frozen=True, slots=True)
class Row:
    """A released version: `rule` is the authority; what may not be shown of it has yet to be left out."""

    id: UUID
    type: str
    version: int
    last_updated: datetime
    content: str
    patient_id: UUID | None
    custodian: str
    rule: str
    shows_contact: bool
    shows_location: bool
    tokens: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is exact, or None where it was not asked for. `next` and `previous` are where there may be more."""

    rows: tuple[Row, ...]
    total: int | None
    next: Place | None = None
    previous: Place | None = None


async def about(tx: AsyncConnection, query: SearchQuery, key: bytes) -> People | None:
    """Whom a query names; None where it names nobody. Empty where those are not known."""
    own = [await links.named(tx, query.type, each, key) for each in query.criteria if isinstance(each, About)]
    through = [await links.named(tx, type, each, key) for type, each in _named_through(query.type, query.criteria)]
    by_id = frozenset(_named_by_id(query))
    if not own and not through and not by_id:
        return None
    return People(frozenset.intersection(*own) if own else None, by_id.union(*own, *through))


def _named_by_id(query: SearchQuery) -> Iterator[UUID]:
    """The Patients that are asked for as a read would, there or not."""
    if query.type == "Patient":
        for criterion in query.criteria:
            if isinstance(criterion, Ids):
                yield from (id for text in criterion.ids if (id := resource_id.parse(text)))


def _named_through(type: str, criteria: Iterable[Criterion]) -> Iterator[tuple[str, About]]:
    for criterion in criteria:
        match criterion:
            case AnyOf(inners):
                yield from [(type, each) for each in inners if isinstance(each, About)]
                yield from _named_through(type, inners)
            case Not(inner) | Has(criterion=inner) | Chained(criterion=inner):
                end = criterion.source if isinstance(criterion, Has) else getattr(criterion, "target", type)
                yield from [(end, inner)] if isinstance(inner, About) else _named_through(end, [inner])


async def page(
    tx: AsyncConnection,
    permits: Mapping[str, Permit],
    query: SearchQuery,
    people: People | None,
    place: Place | None,
    key: bytes,
) -> Page:
    """One page of what this caller may see, beginning at a place. `permits` are by the type searched or looked into;
    `people` are those that the query names (`about`)."""
    asked = await page_statement.prepared(tx, permits, query, people, place, key)
    found = await _statements.fetch(
        await database.driver(tx), permits[query.type], asked.shape, build=asked.build, **asked.values
    )
    placed = [
        (row_of(row[1 : 1 + WIDTH]), ordering.written(row[1 + WIDTH :])) for row in found if row["id"] is not None
    ]
    return _laid_out(placed, found[0]["total"], query.count, place)


def _laid_out(
    placed: Sequence[tuple[Row, tuple[str | None, ...]]], total: int | None, count: int, place: Place | None
) -> Page:
    """The page in its order. Where it was come from there is more, and beyond it where a row too many was found."""
    shown, has_more = list(placed[:count]), len(placed) > count > 0
    backwards = place is not None and place.backwards
    if backwards:
        shown.reverse()
    rows = tuple(row for row, _ in shown)
    if not shown:
        return Page(rows, total)
    after, before = Place(shown[-1][1]), Place(shown[0][1], backwards=True)
    is_before = has_more if backwards else place is not None
    return Page(rows, total, after if has_more or backwards else None, before if is_before else None)


def row_of(values: Sequence[Any]) -> Row:
    """From `page_statement.columns` and the tokens."""
    return Row(*values[:-1], tokens=tuple(values[-1]))  # type: ignore[misc]  # ten columns and the tokens

"""Searching as one caller may: a page with its exact total.

https://hl7.org/fhir/R4/search.html

The total and the page are of one statement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir.search_criteria import About, Chained, Criterion, Has, Not, Place, SearchQuery
from app.policy.authority import Permit
from app.store import criteria, links, ordering
from app.store.criteria import Where
from app.store.ordering import Key
from app.store.visible import visible


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


@dataclass(frozen=True, slots=True)
class People:
    """The Patient records that a search names. `all` are those of every criterion that names some (None: there is none);
    `everyone` is whoever is named anywhere, in a chain too."""

    all: frozenset[UUID] | None
    everyone: frozenset[UUID]


async def about(tx: AsyncConnection, query: SearchQuery, key: bytes) -> People | None:
    """Whom a query names; None where it names nobody. Empty where those are not known."""
    own = [await links.named(tx, query.type, each, key) for each in query.criteria if isinstance(each, About)]
    through = [await links.named(tx, type, each, key) for type, each in _named_through(query.type, query.criteria)]
    if not own and not through:
        return None
    return People(frozenset.intersection(*own) if own else None, frozenset().union(*own, *through))


def _named_through(type: str, criteria: Iterable[Criterion]) -> Iterator[tuple[str, About]]:
    for criterion in criteria:
        match criterion:
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
    found = (await tx.execute(await statement(tx, permits, query, people, place, key))).all()
    placed = [(row_of(row[1 : 1 + _WIDTH]), ordering.written(row[1 + _WIDTH :])) for row in found if row.id is not None]
    return _laid_out(placed, found[0].total, query.count, place)


async def statement(
    tx: AsyncConnection,
    permits: Mapping[str, Permit],
    query: SearchQuery,
    people: People | None,
    place: Place | None,
    key: bytes,
) -> Select[Any]:
    """What a page is read by, once all that it asks of other resources has been found out."""
    where: list[Where] = []
    if people is not None and people.all is not None:
        where.append(criteria.within_buckets(people.all, links.person_column(query.type)))
    through = links.Links(tx, permits, key)
    where += [await through.resolve(query.type, each) for each in query.criteria if not isinstance(each, About)]
    fan_out = None if any(map(links.is_narrow, query.criteria)) else "a search that names nobody"
    seen = visible(permits[query.type], types=(query.type,), fan_out=fan_out)
    return _selected(query, seen, where, ordering.keys(query.type, query.sort), place)


def _selected(
    query: SearchQuery, seen: Subquery, where: Sequence[Where], keys: Sequence[Key], place: Place | None
) -> Select[Any]:
    """The total, beside each row of the page; one row more than asked for, to know whether there are more."""
    backwards = place is not None and place.backwards
    conditions = [each(seen.c) for each in where]
    sorted_by = [each.of(seen.c).label(f"by_{number}") for number, each in enumerate(keys)]
    chosen = select(*columns(seen), seen.c.tokens, *sorted_by).where(*conditions).subquery()
    by = list(chosen.c)[_WIDTH:]
    limited = select(*chosen.c).order_by(*ordering.order(keys, by, backwards=backwards))
    if place is not None:
        limited = limited.where(ordering.beyond(keys, by, place))
    page = limited.limit(query.count + 1 if query.count else 0).subquery()
    count: Any = select(func.count()).select_from(seen).where(*conditions).scalar_subquery()
    total = select((count if query.total else literal(None)).label("total")).subquery()
    return (
        select(total.c.total, *page.c)
        .select_from(total.outerjoin(page, true()))
        .order_by(*ordering.order(keys, list(page.c)[_WIDTH:], backwards=backwards))
    )


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


def columns(seen: Subquery) -> list[Any]:
    """What makes a Row, but for its tokens."""
    c = seen.c
    return [
        c.id, c.type, c.version, c.last_updated, c.content, c.patient_id, c.custodian, c.rule, c.shows_contact,
        c.shows_location,
    ]  # fmt: skip


_WIDTH = 11  # of a Row, with its tokens


def row_of(values: Sequence[Any]) -> Row:
    """From `columns` and the tokens."""
    return Row(*values[:-1], tokens=tuple(values[-1]))  # type: ignore[misc]  # ten columns and the tokens

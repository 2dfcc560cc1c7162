"""Reading as one caller may: one resource, one version, or a page of a search with its exact total.

https://hl7.org/fhir/R4/http.html#read; https://hl7.org/fhir/R4/search.html

Pages are in the order of the last change, newest first, and continue after a key, so that what is written meanwhile
moves nothing. The total and the page are of one statement.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, exists, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, search_criteria
from app.fhir.search_criteria import About, Include, SearchQuery
from app.policy import asking
from app.policy.asking import Told
from app.policy.authority import Permit
from app.store import criteria, identity, tables
from app.store.criteria import Where
from app.store.visible import visible

Key: TypeAlias = tuple[datetime, UUID]
_MOST_INCLUDED, _DEEPEST = 1000, 5


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
    """`total` is exact, or None where it was not asked for; `next` is the key after which there is more."""

    rows: tuple[Row, ...]
    total: int | None
    next: Key | None


async def read(tx: AsyncConnection, permit: Permit, type: str, id: UUID) -> Row | None:
    """The current version, if this caller may see it."""
    seen = visible(permit, *_at(id), types=(type,))
    row = (await tx.execute(select(*_columns(seen)))).one_or_none()
    return Row(*row) if row else None


async def tombstone(tx: AsyncConnection, permit: Permit, type: str, id: UUID) -> Row | None:
    """The version by which a resource was deleted, if this caller could see it but for that."""
    seen = visible(permit, *_at(id), lambda c: c.deleted, types=(type,), deleted=True)
    row = (await tx.execute(select(*_columns(seen)))).one_or_none()
    return replace(Row(*row), deleted=True) if row else None


async def vread(tx: AsyncConnection, permit: Permit, type: str, id: UUID, version: int) -> Row | None:
    """One version, judged by its own labels and by today's consents, of a resource that the caller may see today.

    Of a resource that was deleted, what it said before is still there, and so is that it was deleted.
    """
    versions = tables.resource_version
    seen = visible(permit, *_at(id), lambda c: c.version == version, types=(type,), table=versions, deleted=True)
    today = visible(permit, *_at(id), types=(type,), deleted=True)
    statement = select(*_columns(seen), seen.c.deleted).where(exists().where(today.c.id == seen.c.id))
    row = (await tx.execute(statement)).one_or_none()
    return replace(Row(*row[:-1]), deleted=row.deleted) if row else None


def _at(id: UUID) -> tuple[Where, ...]:
    return (lambda c: c.id == id, lambda c: c.bucket == resource_id.bucket(id))


@dataclass(frozen=True, slots=True)
class People:
    """The Patient records that a search names: `all` those that every criterion names, `everyone` that some does."""

    all: frozenset[UUID]
    everyone: frozenset[UUID]


async def about(tx: AsyncConnection, query: SearchQuery, key: bytes) -> People | None:
    """Whom a query names; None where it names nobody. Empty where those are not known."""
    named: list[frozenset[UUID]] = []
    for criterion in query.criteria:
        if isinstance(criterion, About):
            people = await identity.resolve(tx, criterion.nhs_numbers, key)
            ids = frozenset(id for person in people.values() for id in _records(query.type, person))
            named.append(ids | {id for text in criterion.patient_ids if (id := resource_id.parse(text))})
    if not named:
        return None
    return People(frozenset.intersection(*named), frozenset.union(*named))


def _records(type: str, person: identity.Identity) -> Collection[UUID]:
    """Of the person themselves the current record is the answer; of all else, what is kept with any of them."""
    return (person.patient_id,) if type == "Patient" else person.records


async def page(
    tx: AsyncConnection, permit: Permit, query: SearchQuery, people: People | None, after: Key | None
) -> Page:
    """One page of what this caller may see. `people` are those that the query names (`about`)."""
    where: list[Where] = []
    fan_out = None if people is not None or criteria.names_ids(query) else "a search that names nobody"
    if people is not None:
        where.append(criteria.within_buckets(people.all, "id" if query.type == "Patient" else "patient_id"))
    where += [criteria.condition(criterion) for criterion in query.criteria if not isinstance(criterion, About)]
    told = _told(query)
    seen = visible(permit, *where, types=(query.type,), fan_out=fan_out, located=told.location, reached=told.contact)
    rows, total = await _page(tx, permit, query, where, fan_out, seen, after)
    shown = rows[: query.count]
    more = len(rows) > query.count > 0
    return Page(shown, total, (shown[-1].last_updated, shown[-1].id) if more else None)


def _told(query: SearchQuery) -> Told:
    """What the answer would tell of a row: it is found only by whom that is shown."""
    return asking.told(query.type, {code for each in query.criteria for code in search_criteria.codes(each)})


async def _page(
    tx: AsyncConnection,
    permit: Permit,
    query: SearchQuery,
    where: list[Where],
    fan_out: str | None,
    seen: Subquery,
    after: Key | None,
) -> tuple[tuple[Row, ...], int | None]:
    chosen = select(*_columns(seen), seen.c.tokens).order_by(seen.c.last_updated.desc(), seen.c.id.desc())
    if after is not None:
        moment, id = after
        chosen = chosen.where(or_(seen.c.last_updated < moment, and_(seen.c.last_updated == moment, seen.c.id < id)))
    limited = chosen.limit(query.count + 1 if query.count else 0).subquery()
    count: Any = literal(None)
    if query.total:
        told = _told(query)
        counted = visible(
            permit, *where, types=(query.type,), fan_out=fan_out, located=told.location, reached=told.contact
        )
        count = select(func.count()).select_from(counted).scalar_subquery()
    one = select(count.label("total")).subquery()
    statement: Select[Any] = (
        select(one.c.total, *limited.c)
        .select_from(one.outerjoin(limited, true()))
        .order_by(limited.c.last_updated.desc(), limited.c.id.desc())
    )
    found = (await tx.execute(statement)).all()
    rows = tuple(_row(row[1:]) for row in found if row.id is not None)
    return rows, found[0].total


async def included(
    tx: AsyncConnection, permits: dict[str, Permit], rows: Sequence[Row], includes: Sequence[Include]
) -> tuple[Row, ...]:
    """What the rows refer to, as far as this caller may see it; each once. `permits` are by the type referred to."""
    known = {(row.type, row.id) for row in rows}
    found: list[Row] = []
    newest: Sequence[Row] = rows
    for depth in range(_DEEPEST):
        wanted = _referred_to(newest, includes if depth == 0 else [each for each in includes if each.iterate]) - known
        newest = [
            row
            for type in sorted(permits)
            for row in await _by_ids(tx, permits[type], type, sorted(id for t, id in wanted if t == type))
        ]
        known |= wanted
        found += newest
        if not newest or len(found) > _MOST_INCLUDED:
            break
    return tuple(found[:_MOST_INCLUDED])


def _referred_to(rows: Sequence[Row], includes: Sequence[Include]) -> set[tuple[str, UUID]]:
    """The (type, id) of every reference that an include follows from these rows."""
    found: set[tuple[str, UUID]] = set()
    for include in includes:
        start = f"{include.parameter.code}#"
        for row in rows:
            if row.type != include.source or not _is_shown(row, include.parameter.code):
                continue
            if include.parameter.is_the_person and row.patient_id:
                found.add(("Patient", row.patient_id))
            for token in row.tokens:
                type, _, text = token.removeprefix(start).partition("/") if token.startswith(start) else ("", "", "")
                if type in include.parameter.targets and (id := resource_id.parse(text)):
                    found.add((type, id))
    return found


def _is_shown(row: Row, code: str) -> bool:
    told = asking.told(row.type, (code,))
    return (row.shows_contact or not told.contact) and (row.shows_location or not told.location)


def _columns(seen: Subquery) -> list[Any]:
    c = seen.c
    return [
        c.id, c.type, c.version, c.last_updated, c.content, c.patient_id, c.custodian, c.rule, c.shows_contact,
        c.shows_location,
    ]  # fmt: skip


async def _by_ids(tx: AsyncConnection, permit: Permit, type: str, ids: Sequence[UUID]) -> list[Row]:
    if not ids:
        return []
    seen = visible(permit, criteria.within_buckets(frozenset(ids), "id"), types=(type,))
    found = await tx.execute(select(*_columns(seen), seen.c.tokens).order_by(seen.c.id))
    return [_row(row) for row in found]


def _row(values: Sequence[Any]) -> Row:
    return Row(*values[:-1], tokens=tuple(values[-1]))  # type: ignore[misc]  # ten columns and the tokens

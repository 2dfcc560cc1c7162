"""What belongs to a page besides its matches: what they refer to, and what refers to them.

https://hl7.org/fhir/R4/search.html#include; https://hl7.org/fhir/R4/search.html#revinclude

Every resource is found by what this caller may see of its type, and a reference that is not shown is not followed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir.search_criteria import Include
from app.policy import asking
from app.policy.authority import Permit
from app.store import condition, criteria, database, identity, links, page_statement, search
from app.store.compiled import Statements
from app.store.condition import Condition
from app.store.search import Row
from app.store.visible import visible

MOST_INCLUDED, DEEPEST = 1000, 5
_MOST = bindparam("most", type_=Integer)
_statements = Statements()


@dataclass(frozen=True, slots=True)
class Included:
    """Each once, and not what is a match already. `is_cut`: there is more than is included."""

    rows: tuple[Row, ...] = ()
    is_cut: bool = False


async def included(
    tx: AsyncConnection, permits: Mapping[str, Permit], rows: Sequence[Row], includes: Sequence[Include], key: bytes
) -> Included:
    """`permits` has, to be read, every type that is included; another is left out."""
    known = {row.id for row in rows}
    found: list[Row] = []
    newest: Sequence[Row] = rows
    for depth in range(DEEPEST + 1):
        followed = includes if depth == 0 else [each for each in includes if each.iterate]
        newest = await _next(tx, permits, newest, followed, known, key)
        known |= {row.id for row in newest}
        if not newest:
            return Included(tuple(found))
        if depth == DEEPEST or len(found) + len(newest) > MOST_INCLUDED:
            room = MOST_INCLUDED - len(found) if depth < DEEPEST else 0
            return Included((*found, *newest[:room]), is_cut=True)
        found += newest
    return Included(tuple(found))


async def _next(
    tx: AsyncConnection,
    permits: Mapping[str, Permit],
    rows: Sequence[Row],
    includes: Sequence[Include],
    known: set[UUID],
    key: bytes,
) -> list[Row]:
    """What these rows lead to in one step, without what is known."""
    found: dict[UUID, Row] = {}
    wanted = _referred_to(rows, [each for each in includes if not each.reverse])
    for type in sorted({type for type, _ in wanted} & permits.keys()):
        ids = frozenset(id for each, id in wanted if each == type) - known
        if ids:
            found |= await _where(tx, permits[type], type, criteria.within_buckets(ids, "id"), len(known))
    for include in includes:
        if include.reverse and include.source in permits and (refers := await _refers(tx, include, rows, key)):
            found |= await _where(tx, permits[include.source], include.source, refers, len(known))
    return [row for id, row in found.items() if id not in known]


async def _where(tx: AsyncConnection, permit: Permit, type: str, where: Condition, known: int) -> dict[UUID, Row]:
    """The newest that meet it: one more than there is room for, beside what may be known already."""

    def build() -> Select[Any]:
        seen = visible(permit, types=(type,), fan_out="what belongs to the rows of a page")
        statement = select(*page_statement.columns(seen), seen.c.tokens)
        met = statement.where(*condition.as_parameters([where], seen.c))
        return met.order_by(seen.c.last_updated.desc(), seen.c.id.desc()).limit(_MOST)

    values, most = condition.given([where]), MOST_INCLUDED + 1 + known
    driver = await database.driver(tx)
    found = await _statements.fetch(driver, permit, (type, where.shape), build=build, most=most, **values)
    return {row["id"]: search.row_of(row) for row in found}


def _referred_to(rows: Iterable[Row], includes: Iterable[Include]) -> set[tuple[str, UUID]]:
    """The (type, id) of every reference that an include follows from these rows."""
    found: set[tuple[str, UUID]] = set()
    for include in includes:
        targets = (include.target,) if include.target else include.parameter.targets
        told = asking.told(include.source, [include.parameter.code])
        for row in rows:
            is_shown = (row.shows_contact or not told.contact) and (row.shows_location or not told.location)
            if row.type != include.source or not is_shown:
                continue
            if include.parameter.is_the_person and row.patient_id:
                found.add(("Patient", row.patient_id))
            for type in targets:
                found |= {(type, id) for id in links.referred_to(include.parameter.code, type, row.tokens)}
    return found


async def _refers(tx: AsyncConnection, include: Include, rows: Iterable[Row], key: bytes) -> Condition | None:
    """That a resource refers to one of these rows; where it is about a person, whichever of their records is among them."""
    targets = (include.target,) if include.target else include.parameter.targets
    referred = {(row.type, row.id) for row in rows if row.type in targets}
    if not referred:
        return None
    code = include.parameter.code
    people = await identity.of_records(tx, [id for type, id in referred if type == "Patient"], key)
    records = frozenset(id for person in people for id in person.records)
    if include.parameter.is_the_person:
        return criteria.within_buckets(records, "patient_id")
    tokens = {f"{code}#{type}/{id}" for type, id in referred} | {f"{code}#Patient/{id}" for id in records}
    return criteria.shown(include.source, [code], criteria.under(tokens))

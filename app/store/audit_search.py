"""Reading the audit, which only an auditor may.

https://hl7.org/fhir/R4/auditevent.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.search_criteria import Place
from app.policy.authority import Permit
from app.store import guard, ordering, tables
from app.store.criteria import Where
from app.store.ordering import Key

_EVENT = tables.audit_event
_NEWEST_FIRST = (
    Key("recorded", lambda c: c.recorded, tables.INSTANT, descending=True, always=True),
    Key("id", lambda c: c.id, Uuid(), descending=True, always=True),
)


@dataclass(frozen=True, slots=True)
class Events:
    """A page of rows, newest first, with the exact total and the place after which there is more."""

    rows: tuple[Mapping[str, Any], ...]
    total: int
    next: Place | None


async def read(tx: AsyncConnection, permit: Permit, id: UUID) -> Mapping[str, Any] | None:
    """One row of the audit."""
    found = await _rows(tx, permit, [lambda c: c.id == id, lambda c: c.bucket == resource_id.bucket(id)], 1)
    return found[0] if found else None


async def page(tx: AsyncConnection, permit: Permit, where: Sequence[Where], count: int, after: Place | None) -> Events:
    """Rows that meet every condition. The total is counted in the same transaction, on an append-only table."""
    if not _is_auditor(permit):
        return Events((), 0, None)
    counted = select(func.count()).select_from(_EVENT).where(*(each(_EVENT.c) for each in where))
    total = (await tx.execute(_readable(counted))).scalar_one()
    further = list(where)
    if after is not None:
        further.append(lambda c: ordering.beyond(_NEWEST_FIRST, after)([key.of(c) for key in _NEWEST_FIRST]))
    rows = await _rows(tx, permit, further, count + 1)
    shown = rows[:count]
    more = len(rows) > count > 0
    last = Place(ordering.written([shown[-1]["recorded"], shown[-1]["id"]])) if more else None
    return Events(tuple(shown), total, last)


async def _rows(tx: AsyncConnection, permit: Permit, where: Sequence[Where], limit: int) -> list[Mapping[str, Any]]:
    if not _is_auditor(permit):
        return []
    statement = (
        select(*_EVENT.c)
        .where(*(each(_EVENT.c) for each in where))
        .order_by(_EVENT.c.recorded.desc(), _EVENT.c.id.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in await tx.execute(_readable(statement))]


def _is_auditor(permit: Permit) -> bool:
    """The audit belongs to no person and has no label: the authority alone decides, and it reaches all of it."""
    return any(authority.rule == "audit" for authority in permit.reach.authorities)


def _readable(statement: Any) -> Any:
    return statement.prefix_with(guard.VISIBLE).prefix_with(guard.fan_out("the audit of everybody"))

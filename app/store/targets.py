"""The records that a Provenance or a Group refers to: whose they are, and whom they are about.

https://hl7.org/fhir/R4/provenance-definitions.html#Provenance.target

What is hidden from an organisation as its own record is to it as one that is not there.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, subject
from app.policy import authority
from app.store import guard, identity, tables
from app.store.identity import Identity
from app.store.visible import visible


async def owned(tx: AsyncConnection, content: Mapping[str, Any], organization: str, key: bytes) -> bool:
    """Whether all of it is this organisation's own; of a Provenance, about one person at most. Of nothing: no."""
    references = set(subject.targets(content))
    wanted = {(type, id) for type, id in map(_parsed, references) if id}
    if not wanted or len(wanted) < len(references):
        return False
    ids = [id for _, id in wanted]
    seen = visible(authority.own(organization), lambda columns: _among(columns, ids), fan_out="several records")
    found = {(row.type, row.id) for row in await tx.execute(select(seen.c.type, seen.c.id))}
    one_person = content["resourceType"] != subject.TARGETED or len(await people(tx, content, key)) <= 1
    return wanted <= found and one_person


async def people(tx: AsyncConnection, content: Mapping[str, Any], key: bytes) -> list[Identity]:
    """Whom the records are about, each person once."""
    ids = [id for _, id in map(_parsed, subject.targets(content)) if id]
    columns = tables.resource.c
    statement = (
        select(columns.patient_id)
        .where(_among(columns, ids), columns.patient_id.is_not(None))
        .prefix_with(guard.for_itself("to know whom a new record is about"))
        .prefix_with(guard.fan_out("several records"))
    )
    return await identity.of_records(tx, set((await tx.execute(statement)).scalars()), key)


def _parsed(reference: str | None) -> tuple[str, UUID | None]:
    type, _, id = (reference or "").partition("/")
    return type, resource_id.parse(id)


def _among(columns: Any, ids: Iterable[UUID]) -> Any:
    listed = sorted(ids)
    buckets = [resource_id.bucket(id) for id in listed]
    return (columns.id == tables.any_of(listed, columns.id.type)) & (
        columns.bucket == tables.any_of(buckets, columns.bucket.type)
    )

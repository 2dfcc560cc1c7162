"""Reading one resource, or one version of it, as one caller may.

https://hl7.org/fhir/R4/http.html#read; https://hl7.org/fhir/R4/http.html#vread
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Integer, Select, Subquery, Uuid, and_, any_, bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.policy.authority import Permit
from app.store import database, page_statement, tables
from app.store.compiled import Statements
from app.store.search import Row
from app.store.visible import visible

_statements = Statements()
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_BUCKETS = bindparam("buckets", type_=ARRAY(Integer))
_VERSION = bindparam("version", type_=Integer)


async def read(tx: AsyncConnection, permit: Permit, type: str, id: UUID) -> Row | None:
    """The current version, if this caller may see it and it is not deleted."""
    row = (await read_all(await database.driver(tx), permit, type, [id])).get(id)
    return None if row and row.deleted else row


async def tombstone(tx: AsyncConnection, permit: Permit, type: str, id: UUID) -> Row | None:
    """The version by which a resource was deleted, if this caller could see it but for that."""
    row = (await read_all(await database.driver(tx), permit, type, [id])).get(id)
    return row if row and row.deleted else None


async def read_all(connection: asyncpg.Connection, permit: Permit, type: str, ids: Collection[UUID]) -> dict[UUID, Row]:
    """The current version of each that this caller may see; of what was deleted, the one that says so."""

    def build() -> Select[Any]:
        return _judged(visible(permit, _at, types=(type,), deleted=True))

    found = await _statements.fetch(connection, permit, "read", type, build=build, **_places(ids))
    return {row["id"]: _row(row) for row in found}


async def vread(connection: asyncpg.Connection, permit: Permit, type: str, id: UUID, version: int) -> Row | None:
    """One version, judged by its own labels and by today's consents, of a resource that the caller may see today.

    Of a resource that was deleted, what it said before is still there, and so is that it was deleted.
    """

    def build() -> Select[Any]:
        versions = tables.resource_version
        seen = visible(permit, _at, lambda c: c.version == _VERSION, types=(type,), table=versions, deleted=True)
        today = visible(permit, _at, types=(type,), deleted=True)
        return _judged(seen).where(exists().where(today.c.id == seen.c.id))

    found = await _statements.fetch(connection, permit, "vread", type, build=build, version=version, **_places([id]))
    return _row(found[0]) if found else None


def _at(c: Any) -> Any:
    return and_(c.id == any_(_IDS), c.bucket == any_(_BUCKETS))


def _places(ids: Collection[UUID]) -> dict[str, list[Any]]:
    """The ids with the buckets that they carry: only those are asked."""
    return {"ids": list(ids), "buckets": list({resource_id.bucket(id) for id in ids})}


def _judged(seen: Subquery) -> Select[Any]:
    return select(*page_statement.columns(seen), seen.c.deleted)


def _row(values: Sequence[Any]) -> Row:
    return Row(*values[:-1], deleted=values[-1])  # type: ignore[misc]  # ten columns, and whether it was deleted

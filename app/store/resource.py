"""Resources and their versions: written once, never changed. Many at a time; one is the special case.

https://hl7.org/fhir/R4/http.html#versions; https://www.postgresql.org/docs/current/sql-copy.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Table, Text, Uuid, any_, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import json_text, resource_id, search_index
from app.policy import facts
from app.policy.facts import Facts
from app.store import database, guard, indexing, tables
from app.store.compiled import Compiled

_RESOURCE = tables.resource
_FEW = 8
_KEPT_META = ("profile", "security", "tag", "source")


@dataclass(frozen=True, slots=True)
class Version:
    """One version, as it is stored. `content` is the text that is served."""

    id: UUID
    version: int
    last_updated: datetime
    content: str
    facts: Facts
    indexed: search_index.Indexed
    deleted: bool = False

    @property
    def bucket(self) -> int:
        return resource_id.bucket(self.id)

    @property
    def type(self) -> str:
        return self.facts.type


def version(
    resource: dict[str, Any],
    text: str | None,
    custodian: str,
    patient_id: UUID | None,
    now: datetime,
    *,
    id: UUID,
    number: int,
    deleted: bool = False,
) -> Version:
    """What is stored of a resource: its text with the server's id and meta, its facts, and what it is found under.

    Without `text` it was made here, and there are no words of a sender to keep.
    """
    sent = resource.get("meta", {})
    kept = {name: sent[name] for name in _KEPT_META if name in sent}
    meta = {"versionId": str(number), "lastUpdated": instant(now)} | kept
    identity = {"resourceType": resource["resourceType"], "id": str(id), "meta": meta}
    return Version(
        id=id,
        version=number,
        last_updated=now,
        content=json_text.with_identity(text, str(id), meta)
        if text
        else json_text.written(identity | resource | identity),
        facts=facts.of(resource, custodian, patient_id),
        indexed=search_index.index(resource),
        deleted=deleted,
    )


def instant(moment: datetime) -> str:
    """FHIR's instant, in UTC, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


async def insert_all(connection: Any, versions: Sequence[Version]) -> None:
    """Store new resources, on asyncpg's connection. Their ids are new, or the unique key refuses them all."""
    await copy(connection, _RESOURCE, [(*_row(version), list(version.indexed.tokens)) for version in versions])
    await _add(connection, versions)


def to_deliver(versions: Iterable[Version]) -> Iterator[tuple[Any, ...]]:
    """The rows of the outbox for these versions: one for each organisation that is to get one."""
    for version in versions:
        if version.type == "CommunicationRequest" and version.facts.status == "active":
            for token in sorted(version.facts.recipients):
                id = resource_id.new(version.bucket, version.last_updated)
                yield id, version.bucket, version.last_updated, version.id, token.removeprefix("org|")


async def withdraw(tx: AsyncConnection, version: Version) -> None:
    """Take what has not been delivered yet out of the outbox."""
    waiting = tables.outbox.c
    await tx.execute(delete(tables.outbox).where(waiting.resource_id == version.id, waiting.bucket == version.bucket))


async def replace(tx: AsyncConnection, version: Version) -> None:
    """Store the next version of a resource whose row this transaction has locked."""
    names = [column.name for column in _RESOURCE.c]
    values = dict(zip(names, (*_row(version), list(version.indexed.tokens)), strict=True))
    here = (_RESOURCE.c.id == version.id, _RESOURCE.c.bucket == version.bucket)
    reason = guard.for_itself("the next version")
    await tx.execute(update(_RESOURCE).where(*here).values(values).prefix_with(reason))
    await indexing.remove(tx, [version.id])
    await _add(await database.driver(tx), [version])


async def _add(connection: Any, versions: Sequence[Version]) -> None:
    await copy(connection, tables.resource_version, [_row(version) for version in versions])
    for table, rows in indexing.rows((version.id, version.indexed) for version in versions).items():
        await copy(connection, table, rows)


def _row(version: Version) -> tuple[Any, ...]:
    known = version.facts
    return (
        version.id,
        version.bucket,
        version.version,
        known.type,
        version.last_updated,
        version.content,
        known.patient_id,
        known.custodian,
        sorted(known.owners),
        sorted(known.recipients),
        known.category,
        known.label,
        sorted(known.sensitivities),
        known.data_date,
        known.status,
        known.kind,
        known.ended,
        version.deleted,
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """The current version of a resource, as the service itself reads it to write the next."""

    id: UUID
    type: str
    version: int
    content: str
    custodian: str
    patient_id: UUID | None
    last_updated: datetime


async def locked(tx: AsyncConnection, type: str, id: UUID) -> Stored | None:
    """The current version, held until the transaction ends."""
    rows = await _LOCKED.fetch(await database.driver(tx), id=id, of_bucket=resource_id.bucket(id), of_type=type)
    return Stored(*rows[0]) if rows else None


async def about(tx: AsyncConnection, patient_ids: Iterable[UUID], types: Iterable[str]) -> list[Stored]:
    """The current resources of these types about these people, in no promised order."""
    ids = sorted(patient_ids)
    if not ids:
        return []
    given = {"ids": ids, "buckets": [resource_id.bucket(id) for id in ids], "types": sorted(types)}
    return [Stored(*row) for row in await _ABOUT.fetch(await database.driver(tx), **given)]


_STORED = tuple(_RESOURCE.c[each.name] for each in fields(Stored))
_LOCKED = Compiled(
    select(*_STORED)
    .where(
        _RESOURCE.c.id == bindparam("id"),
        _RESOURCE.c.bucket == bindparam("of_bucket"),
        _RESOURCE.c.type == bindparam("of_type"),
    )
    .with_for_update()
    .prefix_with(guard.for_itself("to write the next version"))
)
_ABOUT = Compiled(
    select(*_STORED)
    .where(
        _RESOURCE.c.patient_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        _RESOURCE.c.bucket == any_(bindparam("buckets", type_=ARRAY(Integer))),
        _RESOURCE.c.type == any_(bindparam("types", type_=ARRAY(Text))),
        _RESOURCE.c.deleted.is_(False),
    )
    .prefix_with(guard.for_itself("to compile what was said about a person"))
    .prefix_with(guard.fan_out("several people"))
)


async def copy(connection: Any, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows, given in the order of the table's columns, on asyncpg's connection (`database.driver`).

    By COPY, or where they are few by INSERT, which is one round trip and not two.
    """
    if not rows:
        return
    if not connection.is_in_transaction() and not connection.is_closed():
        raise RuntimeError("COPY outside a transaction would commit on its own.")
    if len(rows) <= _FEW:
        await connection.executemany(_insert(table), rows)
        return
    await connection.copy_records_to_table(table.name, records=rows, columns=[column.name for column in table.c])


@cache
def _insert(table: Table) -> str:
    return Compiled(insert(table)).sql

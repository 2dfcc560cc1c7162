"""The audit: one row for each person named or returned in a request, in the transaction of the disclosure or refusal.

https://profiles.ihe.net/ITI/BALP/; https://hl7.org/fhir/R4/auditevent.html
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.policy.access import Caller
from app.store import database, resource, tables

RELEASED, NOTHING, REFUSED = "released", "nothing", "refused"
_KEPT = "cradle.audit"  # where a connection holds what a Bundle's transaction will record at its end


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one person's record. `resources` are `Type/id/_history/version`; `query` is as it was sent."""

    caller: Caller = field(repr=False)
    recorded: datetime
    interaction: str
    type: str
    outcome: str
    rule: str
    request_id: str
    patient_id: UUID | None = None
    resources: tuple[str, ...] = ()
    query: str | None = field(default=None, repr=False)
    unscheduled: bool | None = None

    def row(self) -> tuple[Any, ...]:
        """In the order of the table's columns, with an id in the bucket of the person."""
        bucket = resource_id.bucket(self.patient_id) if self.patient_id else resource_id.any_bucket()
        user = self.caller.user
        return (
            resource_id.new(bucket, self.recorded),
            bucket,
            self.recorded,
            self.interaction,
            self.type,
            self.outcome,
            self.rule,
            self.caller.client_id,
            self.caller.organization,
            user.id if user else None,
            user.name if user else None,
            user.role if user else None,
            self.caller.purpose,
            self.unscheduled,
            self.patient_id,
            list(self.resources),
            self.query,
            self.request_id,
        )


async def record(tx: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Append them to the audit. Nothing of the answer may leave before this transaction has committed."""
    kept: list[Entry] | None = tx.sync_connection.info.get(_KEPT) if tx.sync_connection else None
    if kept is not None:
        kept.extend(entries)
        return
    await append(await database.driver(tx), entries)


async def append(connection: asyncpg.Connection, entries: Sequence[Entry]) -> None:
    """The same on asyncpg's connection, where no Bundle keeps them."""
    await resource.copy(connection, tables.audit_event, [entry.row() for entry in entries])


@contextmanager
def kept_in(tx: AsyncConnection, kept: list[Entry]) -> Iterator[None]:
    """Within the block, `record` on this connection adds to `kept`: whoever asks for it has to record that in `tx`."""
    assert tx.sync_connection is not None, "asked of a transaction that has begun"
    info = tx.sync_connection.info
    info[_KEPT] = kept
    try:
        yield
    finally:
        del info[_KEPT]

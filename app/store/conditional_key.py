"""Turns among those who create under one condition: of any number at once, one finds nothing, and creates.

https://hl7.org/fhir/R4/http.html#ccreate; https://www.postgresql.org/docs/current/index-unique-checks.html

Whoever asks under a condition inserts its key and takes it away again, in one transaction. Another who inserts the same key
waits until that transaction has ended, whatever becomes of it: a unique key is all that this takes, on a distributed
database too. Nothing is ever there to be read, so it tells nothing of what anybody asked.
"""

from collections.abc import Collection

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.store import tables

_KEY = tables.conditional_key


async def take_turn(tx: AsyncConnection, conditions: Collection[str], secret: bytes) -> None:
    """Wait for all who hold one of these conditions, and hold them until the transaction ends. In one order for all."""
    rows = sorted((resource_id.keyed(text, secret), resource_id.bucket_of(text, secret)) for text in set(conditions))
    put = insert(_KEY).values([{"key": key, "bucket": bucket} for key, bucket in rows])
    await tx.execute(
        put.on_conflict_do_update(index_elements=[_KEY.c.key, _KEY.c.bucket], set_={"bucket": put.excluded.bucket})
    )
    await tx.execute(
        delete(_KEY).where(
            _KEY.c.key == tables.any_of([key for key, _ in rows], _KEY.c.key.type),
            _KEY.c.bucket == tables.any_of([bucket for _, bucket in rows], _KEY.c.bucket.type),
        )
    )

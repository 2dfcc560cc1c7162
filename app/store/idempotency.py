"""What a request that may be sent again has created: the key that its client gave it, kept for a day.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

The key is inserted in the transaction that creates, and unique: whoever sends it again meanwhile waits for the end of that, and
finds what came of it. Where nothing did, the key is free. The answer itself is not kept, since it is judged anew.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.errors import Unprocessable
from app.store import tables

KEPT = timedelta(hours=24)
_KEY = tables.idempotency_key
_ONE_IN, _MOST_FORGOTTEN = 64, 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A key of one client and the request that it is for, both as keyed hashes."""

    key: str
    bucket: int
    request: str


def claim(client_id: str, key: str, request: str, secret: bytes) -> Claim:
    """`request` is all that must be the same when it is sent again."""
    own = f"{client_id} {key}"
    return Claim(resource_id.keyed(own, secret), resource_id.bucket_of(own, secret), resource_id.keyed(request, secret))


async def created(tx: AsyncConnection, claim: Claim, now: datetime) -> UUID | None:
    """What an earlier request with this key created; None where this one is the first, and has the key from now on.

    Raises Unprocessable where the key was that of another request.
    """
    if secrets.randbelow(_ONE_IN) == 0:
        await _forget(tx, before=now - KEPT)
    put = insert(_KEY).values(key=claim.key, bucket=claim.bucket, request=claim.request, created=now)
    taken = put.on_conflict_do_update(
        index_elements=[_KEY.c.key, _KEY.c.bucket],
        set_={"request": claim.request, "created": now, "resource_id": None},
        where=_KEY.c.created < now - KEPT,
    )
    if (await tx.execute(taken.returning(_KEY.c.key))).one_or_none():
        return None
    earlier = (await tx.execute(select(_KEY.c.request, _KEY.c.resource_id).where(*_here(claim)))).one()
    if earlier.request != claim.request:
        raise Unprocessable("This Idempotency-Key was given to another request. A new request has a new key.")
    id: UUID = earlier.resource_id
    return id


async def keep(tx: AsyncConnection, claim: Claim, id: UUID) -> None:
    """Remember what the request that has the key has created."""
    await tx.execute(update(_KEY).where(*_here(claim)).values(resource_id=id))


def _here(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (_KEY.c.key == claim.key, _KEY.c.bucket == claim.bucket)


async def _forget(tx: AsyncConnection, before: datetime) -> None:
    keys = (_KEY.c.key, _KEY.c.bucket)
    expired = select(*keys).where(_KEY.c.created < before).limit(_MOST_FORGOTTEN)
    # Without SKIP LOCKED two that clean at once could wait for each other.
    await tx.execute(delete(_KEY).where(tuple_(*keys).in_(expired.with_for_update(skip_locked=True))))

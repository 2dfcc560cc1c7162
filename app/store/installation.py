"""What belongs to a database as a whole: which secret its ids were made with, and what population was loaded."""

import hashlib
import hmac

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store import tables
from app.store.database import Database

_TABLE = tables.installation


class WrongKey(RuntimeError):
    """The bucket key is not the one that the database was begun with: nobody would be found again under it."""


async def check_bucket_key(database: Database, key: bytes) -> None:
    """Remember the key's fingerprint in a new database, and refuse another key in an old one."""
    fingerprint = hmac.digest(key, b"fingerprint", hashlib.sha256).hex()
    async with database.transaction() as tx:
        await tx.execute(insert(_TABLE).values(name="bucket-key", value=fingerprint).on_conflict_do_nothing())
        if await get(tx, "bucket-key") != fingerprint:
            raise WrongKey("CRADLE_BUCKET_KEY is not the one that this database was begun with. Put that one back.")


async def get(tx: AsyncConnection, name: str) -> str | None:
    """A remembered value."""
    return (await tx.execute(select(_TABLE.c.value).where(_TABLE.c.name == name))).scalar_one_or_none()


async def put(tx: AsyncConnection, name: str, value: str) -> None:
    """Remember a value, in place of an earlier one."""
    statement = insert(_TABLE).values(name=name, value=value)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

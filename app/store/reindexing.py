"""Computing anew what every current resource is found under, after the search parameters or their tables have changed.

https://hl7.org/fhir/R4/search.html

The resources are taken in batches, each in a transaction of its own and locked in it, so that nothing that is written
meanwhile is written over. It may be broken off, run again, and run while the service answers.
"""

import json
from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import search_index
from app.store import database, guard, indexing, resource, tables
from app.store.database import Database

_RESOURCE = tables.resource
_BATCH = 500
_WHY = guard.for_itself("to compute what it is found under")
_EVERYWHERE = guard.fan_out("every resource in turn")


async def every_resource(store: Database) -> AsyncIterator[int]:
    """Yields how many are done, after each batch."""
    done, last = 0, UUID(int=0)
    while True:
        async with store.transaction() as tx:
            ids = await _batch(tx, last)
        if not ids:
            return
        done, last = done + len(ids), ids[-1]
        yield done


async def _batch(tx: AsyncConnection, after: UUID) -> list[UUID]:
    """The ids of those that were done."""
    c = _RESOURCE.c
    next_ones = select(c.id, c.bucket, c.content).where(c.id > after).order_by(c.id).limit(_BATCH).with_for_update()
    rows = (await tx.execute(next_ones.prefix_with(_WHY).prefix_with(_EVERYWHERE))).all()
    found = {row.id: search_index.index(json.loads(row.content)) for row in rows}
    if not found:
        return []
    here = c.id == bindparam("of_id"), c.bucket == bindparam("of_bucket")
    tokens = update(_RESOURCE).where(*here).values(tokens=bindparam("of_tokens")).prefix_with(_WHY)
    await tx.execute(
        tokens,
        [{"of_id": row.id, "of_bucket": row.bucket, "of_tokens": list(found[row.id].tokens)} for row in rows],
    )
    await indexing.remove(tx, list(found))
    driver = await database.driver(tx)
    for table, values in indexing.rows(found.items()).items():
        await resource.copy(driver, table, values)
    return [row.id for row in rows]

"""How Alembic reaches the database: by the connection that the service hands it, or by CRADLE_DATABASE_URL.

https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.settings import Settings
from app.store import database, tables


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.metadata)
    with context.begin_transaction():
        context.execute("SET LOCAL lock_timeout = '5s'")
        context.run_migrations()


async def _by_url() -> None:
    url = Settings().database_url
    if url is None:
        raise SystemExit("Set CRADLE_DATABASE_URL, or use `cradle migrate`, which knows the embedded database.")
    opened = await database.connect(url)
    async with opened.engine.begin() as tx:
        await tx.run_sync(_run)
    await opened.close()


handed = context.config.attributes.get("connection")
if handed is None:
    asyncio.run(_by_url())
else:
    _run(handed)

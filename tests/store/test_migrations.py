"""`migrations/` makes the tables of `app.store.tables`, once, however many processes start together.

https://alembic.sqlalchemy.org/en/latest/api/autogenerate.html#alembic.autogenerate.compare_metadata
"""

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from app.store import database as store
from app.store import tables

# Alembic does not compare an operator class in an index; the comparison of definitions below does.
pytestmark = pytest.mark.filterwarnings("ignore:.* detected to include an operator clause:UserWarning")


async def test_the_migrated_schema_is_that_of_the_tables(database: store.Database) -> None:
    async with database.transaction() as tx:
        assert await tx.run_sync(_differences) == []


async def test_the_migrated_indexes_are_those_of_the_tables(database: store.Database, empty_database_url: str) -> None:
    made = await store.connect(empty_database_url)
    async with made.transaction() as tx:
        await tx.run_sync(tables.metadata.create_all)
        expected = await tx.run_sync(_indexes)
    await made.close()
    async with database.transaction() as tx:
        assert await tx.run_sync(_indexes) == expected
    assert any("text_pattern_ops" in index for index in expected)


async def test_a_difference_would_be_seen(database: store.Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("ALTER TABLE outbox DROP COLUMN recipient"))
        await tx.execute(text("DROP INDEX resource_tokens"))
        await tx.execute(text("CREATE TABLE another (id uuid)"))
        kinds = {difference[0] for difference in await tx.run_sync(_differences)}
    assert kinds == {"add_column", "add_index", "remove_table"}


async def test_migrating_twice_changes_nothing(database: store.Database) -> None:
    before = await _catalogue(database)
    await store.migrate(database)
    assert await _catalogue(database) == before
    assert len(before) > 10


async def test_two_may_migrate_an_empty_database_at_once(empty_database_url: str) -> None:
    first, second = await store.connect(empty_database_url), await store.connect(empty_database_url)
    await asyncio.gather(store.migrate(first), store.migrate(second))
    async with first.transaction() as tx:
        assert await tx.run_sync(_differences) == []
    await first.close()
    await second.close()


def _differences(connection: Connection) -> list[Any]:
    partitions = set(
        connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass")
        )
    )
    assert partitions, "audit events need at least one partition to go to"

    def is_ours(_: object, name: str | None, type_: str, *__: object) -> bool:
        return not (type_ == "table" and (name in partitions or name == "alembic_version"))

    context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
    return list(compare_metadata(context, tables.metadata))


def _indexes(connection: Connection) -> set[str]:
    found = connection.execute(text("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
    return {definition for table, definition in found if table in tables.metadata.tables}


async def _catalogue(database: store.Database) -> list[tuple[str, int]]:
    async with database.transaction() as tx:
        found = await tx.execute(
            text("SELECT relname, oid::int FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        )
        return sorted((name, oid) for name, oid in found)

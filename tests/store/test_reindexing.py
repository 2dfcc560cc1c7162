"""What was written before its search parameters, or their tables, were there is found like everything else afterwards."""

from typing import Any

import pytest
from sqlalchemy import text

from app.fhir import search_query
from app.store import database as store
from app.store import reindexing, search
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts, search_world
from tests.store.drafts import KEY, draft

_TABLES = ("search_string", "search_date", "search_quantity")


async def test_everything_is_found_again(database: store.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindexing, "_BATCH", 4)
    made = await drafts.create(database, *(draft(drafts.patient(synthetic(10 * n))) for n in range(10)))
    newer = await drafts.change(database, "Patient", made[0].id, drafts.patient(synthetic(0), gender="male"))
    before = await _rows(database)
    async with database.transaction() as tx:
        await tx.execute(
            text("/* for the service itself: a test */ /* fan-out: all */ UPDATE resource SET tokens = '{}'")
        )
        await tx.execute(text("DELETE FROM search_date"))
        await tx.execute(text("UPDATE search_string SET exact = '', trigrams = '{}'"))
    assert await _found(database, "name", "Example") == 10
    assert await _found(database, "gender", "male") == 0
    assert [done async for done in reindexing.every_resource(database)] == [4, 8, 10]
    assert await _found(database, "gender", "male") == 1
    assert await _rows(database) == before
    assert newer.version == 2


async def _rows(database: store.Database) -> dict[str, list[Any]]:
    async with database.transaction() as tx:
        return {table: sorted(map(str, (await tx.execute(text(f"SELECT * FROM {table}"))).all())) for table in _TABLES}


async def _found(database: store.Database, name: str, value: str) -> int | None:
    query = search_query.parse("Patient", [(name, value)], page_size=5, largest_page=5)
    permits = {"Patient": search_world.permit(records.HEALTH_VISITOR, "Patient")}
    async with database.transaction() as tx:
        return (await search.page(tx, permits, query, None, None, KEY)).total

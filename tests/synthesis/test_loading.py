"""A load that was interrupted goes on where it was, with what was chosen at first."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app.store import database as store
from app.store import tables
from app.synthesis import loading, population
from app.synthesis.entry import Entry

FIRST, LATER = loading.Chosen(300, 5, date(2026, 11, 20)), loading.Chosen(2000, 1, date(2026, 11, 21))
KEY, NOW = b"k" * 32, datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_an_interrupted_load_goes_on(database: store.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "TOGETHER", 40)
    assert await loading.begin(database, FIRST) == (FIRST, 0)
    async for _ in loading.load(database, _families(FIRST), KEY, NOW):
        break  # as if the power had gone

    chosen, loaded = await loading.begin(database, LATER)
    assert (chosen, loaded) == (FIRST, 1)
    async for _ in loading.load(database, _families(chosen), KEY, NOW, loaded=loaded):
        pass
    expected = sum(len(family) for family in _families(FIRST))
    async with database.engine.connect() as tx:
        assert (await tx.execute(select(func.count()).select_from(tables.person))).scalar_one() > 300
        assert await _versions(database) == expected


async def _versions(database: store.Database) -> int:
    async with database.hot.acquire() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM resource")
    return count


def _families(chosen: loading.Chosen) -> list[list[Entry]]:
    return list(population.families(chosen.children, chosen.seed, chosen.today))

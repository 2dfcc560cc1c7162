"""The registry of clients and of used assertions, in the database."""

import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.policy.access import CareSetting, Kind
from app.store import client as registry
from app.store.database import Database
from app.store.tables import used_assertion
from tests.security.clients import START, registration


async def test_a_client_comes_back_as_it_was_registered(database: Database) -> None:
    nobody = registration(client_id="bare", scopes=(), purposes=(), activity_codes=(), care_setting=CareSetting.NONE)
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(), nobody])
        assert await registry.get(tx, "kings-ed") == registration()
        assert await registry.get(tx, "bare") == nobody
        assert await registry.get(tx, "KINGS-ED") is None
        assert await registry.get(tx, "") is None


async def test_registering_again_replaces_and_leaves_the_others(database: Database) -> None:
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(), registration(client_id="other")])
        await registry.put_all(tx, [registration(kind=Kind.MATERNITY, scopes=("system/Patient.r",))])
        await registry.put_all(tx, [])
        changed = await registry.get(tx, "kings-ed")
        assert changed == registration(kind=Kind.MATERNITY, scopes=("system/Patient.r",))
        assert await registry.get(tx, "other") == registration(client_id="other")


async def test_what_was_rolled_back_was_not_used(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            assert await registry.remember_assertion(tx, "a", "one", START)
            raise ZeroDivisionError
    async with database.transaction() as tx:
        assert await registry.remember_assertion(tx, "a", "one", START)
        assert not await registry.remember_assertion(tx, "a", "one", START + timedelta(days=1))
        assert await registry.remember_assertion(tx, "b", "one", START)
        assert await registry.remember_assertion(tx, "a", "ONE", START)


async def test_long_expired_assertions_are_forgotten_and_no_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_ONE_IN", 1)
    async with database.transaction() as tx:
        for hours in range(-3, 1):
            await registry.remember_assertion(tx, "a", f"{hours}", START + timedelta(hours=hours))
        await registry.remember_assertion(tx, "a", "now", START)
        kept = await tx.scalars(select(used_assertion.c.jti).order_by(used_assertion.c.expires, used_assertion.c.jti))
        assert list(kept) == ["-1", "0", "now"]
        assert await tx.scalar(select(func.count()).select_from(used_assertion)) == 3

"""Every search has an index to begin with: no table of resources, versions or search values is read whole.

https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-ENABLE-SEQSCAN

The service tells the planner not to read a table whole. What it still reads whole, or through an index without a condition on
it, has no index that fits. `bench/search_plans.py` asks the same of a large database.
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store import database as store
from bench.planning import plans, rows, searches
from bench.planning.rows import World
from tests.store.conftest import NewDatabase

SIZE = 4000


@pytest_asyncio.fixture(scope="module")
async def filled(new_database: NewDatabase) -> tuple[store.Database, World]:
    database, world = await new_database(), World(SIZE)
    connection = await asyncpg.connect(database.engine.url.set(drivername="postgresql").render_as_string(False))
    await rows.fill(connection, world)
    await connection.close()
    return database, world


class _Undone(Exception):
    """So that the transaction is rolled back."""


@pytest_asyncio.fixture
async def tx(filled: tuple[store.Database, World]) -> AsyncIterator[AsyncConnection]:
    with suppress(_Undone):
        async with filled[0].transaction() as tx:
            yield tx
            raise _Undone


async def test_every_search_has_an_index(filled: tuple[store.Database, World], tx: AsyncConnection) -> None:
    found = [await plans.of(tx, plans.permits(), each) for each in searches.one_of_each_shape(filled[1])]
    assert [plan for plan in found if plan.scanned] == []
    assert len(found) > 100


async def test_what_belongs_to_a_page_has_an_index(filled: tuple[store.Database, World], tx: AsyncConnection) -> None:
    of_each = {each.asked.partition(":")[0]: each for each in searches.followed(filled[1])}
    found = [await plans.of_included(tx, plans.permits(), each) for each in of_each.values()]
    assert [plan for plan in found if plan.scanned] == []
    assert sum(1 for plan in found if plan.indexes) > 10


async def test_every_history_has_an_index(filled: tuple[store.Database, World], tx: AsyncConnection) -> None:
    asked = [each for each in searches.histories(filled[1]) if each.types[0] == "CarePlan"]
    found = [await plans.of_history(tx, plans.permits(), each) for each in asked]
    assert [plan for plan in found if plan.scanned] == []
    assert len([plan for plan in found if plan.indexes]) == 12


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("Patient?identifier=", "resource_tokens"),
        ("Patient?family=", "search_string_start"),
        ("Patient?family:exact=", "search_string_start"),
        ("Patient?address:contains=", "search_string_trigrams"),
        ("Patient?birthdate=gt", "search_date_end"),
        ("Observation?value-quantity=lt", "search_quantity_range"),
        ("Consent?patient=", "resource_patient"),
        ("Consent?_sort=-_lastUpdated&_page=next", "resource_type"),
        ("Patient?_sort=_id&_page=next", "resource_type_id"),
    ],
)
async def test_what_few_have_is_found_by_its_own_index(
    filled: tuple[store.Database, World], tx: AsyncConnection, asked: str, index: str
) -> None:
    """Without that one it would not be."""
    (search,) = [each for each in searches.searches(filled[1]) if each.asked == asked]
    assert index in (await plans.of(tx, plans.permits(), search)).indexes
    await tx.execute(text(f"DROP INDEX {index}"))
    assert index not in (await plans.of(tx, plans.permits(), search)).indexes

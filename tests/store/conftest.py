"""Databases that all the tests of a module share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

import pytest_asyncio

from app.store import database as store
from tests import conftest

if TYPE_CHECKING:
    import asyncpg

NewDatabase: TypeAlias = Callable[[], Awaitable[store.Database]]


@pytest_asyncio.fixture(scope="module")
async def new_database(
    postgres: "asyncpg.Connection", postgres_url: str, migrated_template: str
) -> AsyncIterator[NewDatabase]:
    """Makes migrated, empty databases, which are there until the last test of the module is done."""
    async with AsyncExitStack() as made:

        async def make() -> store.Database:
            name = f"cradle_{uuid4().hex}"
            await postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
            made.push_async_callback(postgres.execute, f"DROP DATABASE {name} WITH (FORCE)")
            opened = await store.connect(conftest.url_of(postgres_url, name))
            made.push_async_callback(opened.close)
            return opened

        yield make

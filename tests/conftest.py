"""What tests share: a real PostgreSQL, and for each test that asks a database of its own.

https://www.postgresql.org/docs/current/manage-ag-templatedbs.html

CRADLE_TEST_DATABASE_URL names a server to use, by a user who may create databases; otherwise one is started.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import hypothesis
import pytest
import pytest_asyncio

if TYPE_CHECKING:  # imported by the fixtures, so that tests without a database start at once
    import asyncpg

    from app.store import database as store

hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database on the server of this test run, from which others are created."""
    if url := os.environ.get("CRADLE_TEST_DATABASE_URL"):
        yield url
        return
    from app.store import embedded

    folder = Path(tempfile.mkdtemp(prefix="cradle-test-"))
    folder.chmod(0o755)  # when root runs the tests, the server's user has to come in
    server = embedded.start(folder, durable=False)
    yield server.url
    server.stop()
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session")
async def postgres(postgres_url: str) -> "AsyncIterator[asyncpg.Connection]":
    import asyncpg

    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def migrated_template(postgres: "asyncpg.Connection", postgres_url: str) -> AsyncIterator[str]:
    """The name of a database with our tables and nothing in them."""
    from app.store import database as store

    name = f"cradle_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name}")
    opened = await store.connect(url_of(postgres_url, name))
    await store.migrate(opened)
    await opened.close()
    yield name
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: "asyncpg.Connection", postgres_url: str, migrated_template: str) -> AsyncIterator[str]:
    """A migrated, empty database for one test."""
    name = f"cradle_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield url_of(postgres_url, name)
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> "AsyncIterator[store.Database]":
    """`database_url`, opened."""
    from app.store import database as store

    opened = await store.connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def empty_database_url(postgres: "asyncpg.Connection", postgres_url: str) -> AsyncIterator[str]:
    """A database without our tables."""
    name = f"cradle_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name}")
    yield url_of(postgres_url, name)
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def url_of(server: str, name: str) -> str:
    """The database `name` on the same server."""
    from sqlalchemy.engine import make_url

    return make_url(server).set(database=name).render_as_string(hide_password=False)

"""The service on a real database, which the tests of the API share, and everybody who calls it."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.main import create_app
from app.settings import Settings
from app.store import client as registry
from app.store import database as store
from app.store.database import Database
from tests.api import answers, callers, family
from tests.api.callers import Callers
from tests.api.family import Child
from tests.conftest import url_of
from tests.security.clients import Clock

if TYPE_CHECKING:
    import asyncpg


class Ticking(Clock):
    """A clock on which a millisecond passes whenever somebody looks, so that nothing happens at the same time."""

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass(frozen=True)
class Running:
    """The service. `connection` is for what no API shows."""

    app: FastAPI
    settings: Settings
    database: Database
    connection: "asyncpg.Connection"
    clock: Clock


@pytest_asyncio.fixture(scope="session")
async def running(
    postgres: "asyncpg.Connection", postgres_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """One service for the session: whoever needs a child that nobody knows takes a number that nobody has."""
    import asyncpg

    name = f"cradle_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    url = url_of(postgres_url, name)
    opened, connection = await store.connect(url), await asyncpg.connect(url)
    settings = Settings(var=tmp_path_factory.mktemp("var"), requests_at_once=100_000, lookups_at_once=100_000)
    clock = Ticking()
    async with opened.transaction() as tx:
        await registry.put_all(tx, callers.registrations())
    yield Running(create_app(settings, opened, clock), settings, opened, connection, clock)
    await connection.close()
    await opened.close()
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="session")
async def http(running: Running, log: None) -> AsyncIterator[AsyncClient]:
    """A caller without a token; every answer is looked at as it comes."""
    transport = ASGITransport(running.app)
    hooks = {"response": [answers.check]}
    async with AsyncClient(transport=transport, base_url=running.settings.fhir_base, event_hooks=hooks) as http:
        yield http


@pytest.fixture(scope="session")
def log() -> Iterator[None]:
    """The service's log, kept to be looked at."""
    logger = logging.getLogger("cradle")
    logger.addHandler(answers.lines)
    logger.setLevel(logging.INFO)
    yield
    logger.removeHandler(answers.lines)


@pytest_asyncio.fixture(scope="session")
async def as_(http: AsyncClient, running: Running) -> Callers:
    """Everybody who calls, by client id: `as_["health-visiting"]`."""
    everybody = Callers(http, running.settings.token_url, running.clock)
    await everybody.prepare()
    return everybody


@pytest_asyncio.fixture
async def child(as_: Callers) -> Child:
    """The usual child, of whom nothing else is known."""
    return await family.child(as_)

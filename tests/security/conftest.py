"""The authorization server's routes over a real database, at a time that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from app.api import oauth2
from app.security import keys
from app.security.token import Verifier
from app.settings import Settings
from app.store import client as registry
from app.store.database import Database
from tests.security.clients import TOKEN_URL, Clock, registration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(var=tmp_path)
    assert settings.token_url == TOKEN_URL
    return settings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key(settings: Settings) -> ECKey:
    return keys.signing_key(settings)


@pytest.fixture
def verifier(settings: Settings, key: ECKey) -> Verifier:
    return Verifier(settings, key)


@pytest_asyncio.fixture
async def http(settings: Settings, key: ECKey, database: Database, clock: Clock) -> AsyncIterator[AsyncClient]:
    """A caller of the service, in which the emergency department at King's is registered."""
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration()])
    app = Starlette(routes=oauth2.routes(settings, database, key, clock))
    async with AsyncClient(transport=ASGITransport(app), base_url=settings.base_url) as http:
        yield http

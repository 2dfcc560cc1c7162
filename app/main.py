"""The composition root: settings in, a running service out.

https://fastapi.tiangolo.com/
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from app import telemetry
from app.api import docs, oauth2, router, unrouted
from app.api.by_type import ByType
from app.api.edge import Edge
from app.api.rate_limit import Rate, RateLimit
from app.api.service import Service
from app.child_protection.lookup import Lookups
from app.fhir import validation
from app.policy import authority
from app.security import keys
from app.security.sealing import Sealer
from app.security.token import Verifier
from app.settings import Settings
from app.store import database, installation
from app.store.audited_reading import GatheredReads
from app.store.database import Database


def _now() -> datetime:
    return datetime.now(UTC)


class _Described(FastAPI):
    """An application whose OpenAPI document is made from the table of interactions."""

    def openapi(self) -> dict[str, Any]:
        return router.document()


def create_app(settings: Settings, store: Database, clock: Callable[[], datetime] = _now) -> FastAPI:
    """The service on an open, migrated database."""
    key, secret = keys.signing_key(settings), keys.bucket_key(settings)
    lookups = Lookups(
        store,
        secret,
        lambda moment: authority.months_before(moment, settings.plan_lookback_months),
        locates_restricted=settings.gateway_locates_restricted,
    )
    service = Service(
        settings,
        store,
        secret,
        Verifier(settings, key),
        Sealer(secret),
        lookups,
        GatheredReads(store),
        RateLimit(Rate(settings.requests_per_second, settings.requests_at_once)),
        RateLimit(Rate(settings.lookups_per_second, settings.lookups_at_once)),
        clock,
    )
    app = _Described(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "auto_configure": False},
    )
    app.router.redirect_slashes = False  # a redirect would repeat the query, which may name somebody
    app.state.service = service
    app.router.routes.append(ByType(router.routes(service)))
    app.router.routes.extend(oauth2.routes(settings, store, key, clock))
    app.router.routes.extend(docs.routes(router.document))
    app.add_exception_handler(HTTPException, unrouted.refused)
    app.add_middleware(telemetry.RequestLog)
    app.add_middleware(Edge, largest_headers=settings.largest_headers)
    return app


@asynccontextmanager
async def opened(settings: Settings, url: str) -> AsyncIterator[Database]:
    """The database at `url`, migrated and of this installation; the profiles are checked on the way."""
    validation.prepare()
    store = await database.connect(url, connections=settings.database_connections, seconds=settings.database_seconds)
    try:
        await database.migrate(store)
        await installation.check_bucket_key(store, keys.bucket_key(settings))
        yield store
    finally:
        await store.close()

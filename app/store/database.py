"""The connection to PostgreSQL: SQLAlchemy for statements that vary, asyncpg itself where one statement is hot.

https://docs.sqlalchemy.org/en/21/orm/extensions/asyncio.html; https://magicstack.github.io/asyncpg/

Isolation is READ COMMITTED, and correctness rests on keys and row locks alone, so that the same statements hold on a
distributed database. The hot connections keep no session state, which is why none is reset when one is given back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as AllInUse
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.fhir.errors import TimedOut, Unavailable
from app.store import guard

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_MIGRATION_LOCK = 7_263_118
_MONTHS_AHEAD = 24
SERVER_SETTINGS = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",  # or each search is planned anew, which takes longer than to run it
    "enable_seqscan": "off",  # every search has an index to begin with: what it costs depends on its type, not on the table
    "application_name": "cradle",
    "timezone": "UTC",
}
# A search has 16 kB and more, and is not to be prepared each time.
_CACHED = {"max_cacheable_statement_size": 256 * 1024}


Transaction: TypeAlias = AsyncConnection
CONNECTION_LOST = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError)
NOTHING_DONE = "Try again. Nothing was released or kept."
IN_DOUBT = "Nothing was released. It is not known whether anything was kept: look before you send it again."
_TOO_LONG = frozenset({"57014", "55P03", "25P04"})  # query_canceled, lock_not_available, transaction_timeout
FAILURES = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@dataclass(frozen=True)
class Database:
    """Two ways to the same database. `hot` is for the child-protection lookup and its few connections.

    No transaction takes longer than so many `seconds`.
    """

    engine: AsyncEngine
    hot: asyncpg.Pool
    seconds: float

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Commits when the block returns and rolls back when it raises.

        Unavailable where the database fails, and TimedOut where it took too long.

        If it fails in the commit, nobody can tell whether that was done.
        """
        is_committing = False
        try:
            async with self._begun_here.connect() as tx:
                raw: Any = (await tx.get_raw_connection()).driver_connection
                with _patience(raw, self.seconds):
                    async with raw.transaction(), tx.begin():
                        yield tx
                        is_committing = True
        except FAILURES as error:
            raise unavailable(error, IN_DOUBT if is_committing else NOTHING_DONE) from error

    @cached_property
    def _begun_here(self) -> AsyncEngine:
        """The engine, whose transactions it neither begins nor ends: asyncpg itself does, for half the cost."""
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def hot_transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """The same on a hot connection. Raises FAILURES; of these, TimeoutError where it took too long."""
        async with self.hot.acquire() as connection:
            with _patience(connection, self.seconds):
                async with connection.transaction():
                    yield connection

    async def close(self) -> None:
        await self.hot.close()
        await self.engine.dispose()


def unavailable(error: Exception, said: str) -> Unavailable:
    """What a caller is told of a failure. `said` is what became of the request."""
    if isinstance(error, TimeoutError) or sqlstate(error) in _TOO_LONG:
        return TimedOut(f"The database took too long. {said}")
    if isinstance(error, AllInUse):
        return Unavailable(f"Too many requests are being answered. {said}")
    return Unavailable(said)


def sqlstate(error: BaseException | None) -> str | None:
    """PostgreSQL's own code of a failure, where it is one of its."""
    return getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)


@contextmanager
def _patience(connection: Any, seconds: float) -> Iterator[None]:
    """Breaks the connection off where the block takes longer, and raises TimeoutError.

    Nothing gentler ends: to cancel a statement, or to roll back, is to wait for a database that does not answer.
    """
    is_over = False

    def break_off() -> None:
        nonlocal is_over
        is_over = True
        connection.terminate()

    timer = asyncio.get_running_loop().call_later(seconds, break_off)
    try:
        yield
    except FAILURES as error:
        if is_over:
            raise TimeoutError(f"The database took more than {seconds} s.") from error
        raise
    finally:
        timer.cancel()


async def connect(url: str, *, connections: int = 8, hot_connections: int = 2, seconds: float = 30) -> Database:
    """Open both pools on `postgresql://user@host:port/name` or `postgresql://user@/name?host=/socket/folder`."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"server_settings": SERVER_SETTINGS, "timeout": seconds, **_CACHED},
    )
    event.listen(engine.sync_engine, "before_cursor_execute", _guard)
    event.listen(engine.sync_engine, "checkout", _is_open)
    hot = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=hot_connections,
        server_settings=SERVER_SETTINGS,
        reset=_keep,
        timeout=seconds,
        **_CACHED,
    )
    return Database(engine, hot, seconds)


async def driver(tx: AsyncConnection) -> Any:
    """asyncpg's connection below a transaction that has begun, which SQLAlchemy leaves to the first statement."""
    assert tx.sync_connection is not None, "asked of a connection that is open"
    connection: Any = tx.sync_connection.connection.driver_connection
    if not connection.is_in_transaction():
        await tx.execute(text("SELECT"))
    return connection


async def migrate(database: Database) -> None:
    """Bring the schema to the newest revision, with the audit's months to come. Several processes may call it at once."""
    async with database.engine.begin() as tx:
        await tx.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        await tx.run_sync(_upgrade)
        for first, next in _months(datetime.now(UTC)):
            name = f"audit_event_{first:%Y_%m}"
            of = f"FOR VALUES FROM ('{first:%Y-%m-%d}+00') TO ('{next:%Y-%m-%d}+00')"
            await tx.execute(text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF audit_event {of}"))


def _months(now: datetime) -> Iterator[tuple[date, date]]:
    """This month and those to come, each with the one after it: the audit has a partition for each."""
    months = [divmod(now.year * 12 + now.month - 1 + ahead, 12) for ahead in range(_MONTHS_AHEAD + 1)]
    days = [date(year, month + 1, 1) for year, month in months]
    return pairwise(days)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _guard(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    guard.check(statement)


def _is_open(connection: Any, *_: Any) -> None:
    """A connection that broke while nobody used it is not given out: the database was away, and so are the others of then.

    asyncpg knows without asking; SQLAlchemy does not, where it is asyncpg itself that begins the transaction.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError("The database closed this connection.")


async def _keep(_: Any) -> None:
    """Nothing to reset."""

"""A process that serves: PostgreSQL if there is none, the database, and uvicorn until it is told to stop.

https://www.uvicorn.org/
"""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import uvicorn
import uvloop
from rich.console import Console

from app import connection, main, telemetry
from app.settings import Settings
from app.store import embedded
from app.store.database import Database

T = TypeVar("T")
console = Console(stderr=True, highlight=False)


class CannotServe(RuntimeError):
    """Says what is in the way and how to mend it."""


def check_port(settings: Settings) -> None:
    """Said at once, and not when everything else has been started. Raises CannotServe."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as wanted:
        wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            wanted.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}, port {settings.port}"
            raise CannotServe(f"Cannot listen on {where}: {error.strerror}. See CRADLE_PORT.") from error


@contextmanager
def postgres(settings: Settings) -> Iterator[str]:
    """The URL of the database; an embedded one runs as long as the block. Raises CannotServe."""
    if settings.database_url:
        yield settings.database_url
        return
    try:
        with console.status("Starting PostgreSQL ..."):
            server = embedded.start(settings.var)
    except embedded.EmbeddedError as error:
        raise CannotServe(str(error)) from error
    try:
        yield server.url
    finally:
        server.stop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """On uvloop, as it is served."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@asynccontextmanager
async def opened(settings: Settings, url: str) -> AsyncIterator[Database]:
    """`main.opened`, telling that it takes a moment."""
    with console.status("Opening the database ..."):
        opening = main.opened(settings, url)
        store = await opening.__aenter__()
    try:
        yield store
    finally:
        await opening.__aexit__(None, None, None)


async def serve(settings: Settings, store: Database) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    telemetry.configure()
    app = main.create_app(settings, store)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=connection.Connection,
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=10,
        lifespan="off",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _keep_going)  # uvicorn raises the signal again when it is done
    gc.collect()
    gc.freeze()
    await uvicorn.Server(config).serve()
    await app.state.service.lookups.drain()
    await app.state.service.reads.drain()


def _keep_going(*_: object) -> None:
    """The block around the server still has to close the database."""

"""The `cradle` command: serve, migrate, fill with synthetic people, show what it can do.

https://typer.tiangolo.com/
"""

import asyncio
import gc
import json
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import httpx
import typer
import uvicorn
import uvloop
from rich.console import Console

from app import main as composition
from app import telemetry
from app.security import demo_client, keys
from app.settings import Settings
from app.store import embedded, installation
from app.store.database import Database
from app.synthesis import cheat_sheet, demo, loading, population, stories

T = TypeVar("T")
cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
console = Console(stderr=True, highlight=False)
CHILDREN, SEED = 2000, 1


@cli.command()
def serve() -> None:
    """Serve, on CRADLE_DATABASE_URL or an embedded PostgreSQL."""
    settings = Settings()
    _check_port(settings)
    with _postgres(settings) as url:
        _run(_serve(settings, url))


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = Settings()
    with _postgres(settings) as url:
        _run(_opened_once(settings, url))
    console.print("The schema is the newest.")


@cli.command()
def synthesise(
    children: Annotated[int, typer.Option(min=1, help="How many children under five.")] = CHILDREN,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same families.")] = SEED,
    today: Annotated[str | None, typer.Option(help="The day on which they are as old as they are.")] = None,
) -> None:
    """Fill an empty database with synthetic families."""
    settings = Settings()
    day = date.fromisoformat(today) if today else _today()
    with _postgres(settings) as url:
        _run(_synthesise(settings, url, children, seed, day))


@cli.command(name="demo")
def demo_() -> None:
    """Serve 2,000 synthetic children and some stories, and print how to ask for them."""
    settings = Settings()
    _check_port(settings)
    with _postgres(settings) as url:
        _run(_demo(settings, url))


@cli.command()
def token(
    client_id: Annotated[str, typer.Argument(help="A client_id in var/demo/clients.json.")],
    scope: Annotated[str | None, typer.Option(help="Scopes, in place of all that the client may have.")] = None,
    purpose: Annotated[str | None, typer.Option(help="The code of one of its purposes, in place of the usual.")] = None,
) -> None:
    """Ask the running demo for an access token, and print it."""
    settings = Settings()
    file = settings.var / "demo" / "clients.json"
    if not file.exists():
        _stop(f"There is no {file}. Start the demo first: make demo.")
    clients = {each["client_id"]: each for each in json.loads(file.read_text("utf-8"))}
    if client_id not in clients:
        _stop(f"There is no such client. There are: {', '.join(clients)}.")
    client = clients[client_id]
    stated = _purpose(client, purpose) if purpose else next(iter(client["purposes"]), None)
    signed = demo_client.assertion(client, settings.token_url, datetime.now(UTC), purpose=stated)
    try:
        answer = httpx.post(settings.token_url, data=demo_client.token_request(client, signed, scope))
    except httpx.ConnectError:
        _stop(f"Nobody answers at {settings.token_url}. Start the demo first: make demo.")
    if answer.status_code != 200:
        _stop(answer.json().get("error_description", answer.text))
    print(answer.json()["access_token"])


def _purpose(client: dict[str, Any], code: str) -> dict[str, str]:
    purposes: dict[str, dict[str, str]] = {each["code"]: each for each in client["purposes"]}
    if code not in purposes:
        _stop(f"Its purposes are: {', '.join(purposes)}.")
    return purposes[code]


def _stop(say: str) -> NoReturn:
    console.print(say)
    raise typer.Exit(1)


def _check_port(settings: Settings) -> None:
    """Said at once, and not when everything else has been started."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as wanted:
        wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            wanted.bind((settings.host, settings.port))
        except OSError as error:
            _stop(f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}. See CRADLE_PORT.")


def _today() -> date:
    return datetime.now(UTC).date()


@contextmanager
def _postgres(settings: Settings) -> Iterator[str]:
    """The URL of the database; an embedded one runs as long as the block."""
    if settings.database_url:
        yield settings.database_url
        return
    try:
        with console.status("Starting PostgreSQL ..."):
            server = embedded.start(settings.var)
    except embedded.EmbeddedError as error:
        _stop(str(error))
    try:
        yield server.url
    finally:
        server.stop()


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(work)
        except installation.WrongKey as error:
            _stop(str(error))


@asynccontextmanager
async def _opened(settings: Settings, url: str) -> AsyncIterator[Database]:
    with console.status("Opening the database ..."):
        opening = composition.opened(settings, url)
        store = await opening.__aenter__()
    try:
        yield store
    finally:
        await opening.__aexit__(None, None, None)


async def _opened_once(settings: Settings, url: str) -> None:
    async with _opened(settings, url):
        pass


async def _serve(settings: Settings, url: str) -> None:
    async with _opened(settings, url) as store:
        await _serve_on(settings, store)


async def _serve_on(settings: Settings, store: Database) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    telemetry.configure()
    app = composition.create_app(settings, store)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
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


def _keep_going(*_: object) -> None:
    """The block around the server still has to close the database."""


async def _synthesise(settings: Settings, url: str, children: int, seed: int, today: date) -> None:
    async with _opened(settings, url) as store:
        async with store.transaction() as tx:
            if loaded := await installation.get(tx, "population"):
                _stop(f"This database has a population already: {loaded}.")
        await _fill(settings, store, children, seed, today)


async def _fill(settings: Settings, store: Database, children: int, seed: int, today: date) -> None:
    key, now = keys.bucket_key(settings), datetime.now(UTC)
    told = (story.entries for story in stories.stories(today))
    everyone = chain([population.organisations(seed)], told, population.families(children, seed, today))
    begun, written = time.monotonic(), 0
    with console.status(f"Making {children:,} children and their families ...") as status:
        async for written in loading.load(store, everyone, key, now):
            status.update(f"Making {children:,} children and their families: {written:,} resources ...")
    took = time.monotonic() - begun
    console.print(f"Made {children:,} children with their families: {written:,} resources in {took:.0f} s.")
    async with store.transaction() as tx:
        await installation.put(tx, "population", f"{children} children, seed {seed}, {today}")


async def _demo(settings: Settings, url: str) -> None:
    async with _opened(settings, url) as store:
        async with store.transaction() as tx:
            population_ = await installation.get(tx, "population")
        if population_ is None:
            await _fill(settings, store, CHILDREN, SEED, _today())
        folder = settings.var / "demo"
        await demo.write(store, folder, keys.bucket_key(settings), _today())
        print(cheat_sheet.text(settings, folder, Path(sys.executable)), flush=True)
        await _serve_on(settings, store)


def main() -> None:
    """The console script."""
    cli()


if __name__ == "__main__":
    main()

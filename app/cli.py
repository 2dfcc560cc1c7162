"""The `cradle` command: serve, migrate, fill with synthetic people, show what it can do.

https://typer.tiangolo.com/
"""

import json
import sys
import time
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from pydantic import ValidationError

from app import serving
from app.security import demo_client, keys
from app.serving import console
from app.settings import Settings
from app.store import installation, reindexing
from app.store.database import Database
from app.synthesis import cheat_sheet, demo, loading, population, stories

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
CHILDREN, SEED = 2000, 1


@cli.command()
def serve() -> None:
    """Serve, on CRADLE_DATABASE_URL or an embedded PostgreSQL."""
    settings = Settings()
    serving.check_port(settings)
    with serving.postgres(settings) as url:
        serving.run(_serve(settings, url))


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = Settings()
    with serving.postgres(settings) as url:
        serving.run(_opened_once(settings, url))
    console.print("The schema is the newest.")


@cli.command()
def reindex() -> None:
    """Compute anew what every resource is found under, after an upgrade or a change of search parameters."""
    settings = Settings()
    with serving.postgres(settings) as url:
        serving.run(_reindex(settings, url))


@cli.command()
def synthesise(
    children: Annotated[int, typer.Option(min=1, help="How many children under five.")] = CHILDREN,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same families.")] = SEED,
    today: Annotated[str | None, typer.Option(help="The day on which they are as old as they are.")] = None,
) -> None:
    """Fill an empty database with synthetic families."""
    settings = Settings()
    day = date.fromisoformat(today) if today else _today()
    with serving.postgres(settings) as url:
        serving.run(_synthesise(settings, url, children, seed, day))


@cli.command(name="demo")
def demo_() -> None:
    """Serve 2,000 synthetic children and some stories, and print how to ask for them."""
    settings = Settings()
    serving.check_port(settings)
    with serving.postgres(settings) as url:
        serving.run(_demo(settings, url))


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


def _today() -> date:
    return datetime.now(UTC).date()


async def _opened_once(settings: Settings, url: str) -> None:
    async with serving.opened(settings, url):
        pass


async def _reindex(settings: Settings, url: str) -> None:
    done = 0
    async with serving.opened(settings, url) as store:
        with console.status("Reading every resource ...") as status:
            async for done in reindexing.every_resource(store):
                status.update(f"{done:,} resources ...")
    console.print(f"{done:,} resources are found under what they say.")


async def _serve(settings: Settings, url: str) -> None:
    async with serving.opened(settings, url) as store:
        await serving.serve(settings, store)


async def _synthesise(settings: Settings, url: str, children: int, seed: int, today: date) -> None:
    async with serving.opened(settings, url) as store:
        async with store.transaction() as tx:
            if loaded := await installation.get(tx, "population"):
                _stop(f"This database has a population already: {loaded}.")
        await _fill(settings, store, children, seed, today)


async def _fill(settings: Settings, store: Database, children: int, seed: int, today: date) -> None:
    key, now = keys.bucket_key(settings), datetime.now(UTC)
    begun, written = time.monotonic(), 0
    chosen, loaded = await loading.begin(store, loading.Chosen(children, seed, today))
    told = (story.entries for story in stories.stories(chosen.today))
    families = population.families(chosen.children, chosen.seed, chosen.today)
    everyone = chain([population.organisations(chosen.seed)], told, families)
    with console.status(f"Making {chosen.children:,} children and their families ...") as status:
        async for written in loading.load(store, everyone, key, now, loaded=loaded):
            status.update(f"Making {chosen.children:,} children and their families: {written:,} resources ...")
    took = time.monotonic() - begun
    console.print(f"Made {chosen.children:,} children with their families: {written:,} resources in {took:.0f} s.")
    async with store.transaction() as tx:
        await installation.put(tx, "population", str(chosen))


async def _demo(settings: Settings, url: str) -> None:
    async with serving.opened(settings, url) as store:
        async with store.transaction() as tx:
            population_ = await installation.get(tx, "population")
        if population_ is None:
            await _fill(settings, store, CHILDREN, SEED, _today())
        folder = settings.var / "demo"
        await demo.write(store, folder, keys.bucket_key(settings), _today())
        print(cheat_sheet.text(settings, folder, Path(sys.executable)), flush=True)
        await serving.serve(settings, store)


def main() -> None:
    """The console script."""
    try:
        cli()
    except (serving.CannotServe, installation.WrongKey, ValidationError) as error:
        console.print(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()

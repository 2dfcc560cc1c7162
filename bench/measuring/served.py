"""The process that is measured: PostgreSQL, a registered client with its token, and several apps on neighbouring ports.

https://www.uvicorn.org/; the program itself asks, so that server and load are two processes
"""

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
from joserfc.jwk import ECKey

from app.policy.access import CareSetting, Kind
from app.security import demo_client
from app.settings import Settings
from app.store import client as registry
from app.store import database, embedded
from app.store.database import Database
from bench.measuring.load import Measured

FIRST_PORT = 18431
_MANY = 10**9
CONNECTIONS = 8  # of whatever is measured beside the product, as many as the product has


def settings(folder: Path) -> Settings:
    """Those of the product, but that one client may ask for all as fast as it can be answered."""
    return Settings(
        var=folder,
        port=FIRST_PORT,
        requests_per_second=_MANY,
        requests_at_once=_MANY,
        lookups_per_second=_MANY,
        lookups_at_once=_MANY,
    )


@dataclass(frozen=True)
class Serving:
    """What the program knows of it. `said` is what the process printed when it was ready."""

    said: dict[str, Any]
    folder: Path
    url: str
    processes: Measured


@contextmanager
def started(program: str, *arguments: str) -> Iterator[Serving]:
    """`program --serve URL --folder FOLDER`, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="cradle-bench-"))
    folder.chmod(0o755)  # PostgreSQL's user has to come in
    postgres = embedded.start(folder)
    command = [sys.executable, program, "--serve", postgres.url, "--folder", str(folder), *arguments]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        said = json.loads(serving.stdout.readline())
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        yield Serving(said, folder, postgres.url, Measured(serving.pid, postmaster))
    finally:
        serving.terminate()
        serving.wait()
        postgres.stop()


async def registered(
    store: Database,
    kind: Kind,
    ods_code: str,
    care_setting: CareSetting,
    scopes: list[str],
    purpose: dict[str, str],
    activity_codes: list[str],
) -> dict[str, Any]:
    """Register the client `bench`; what it has to know to ask for a token."""
    jwk = ECKey.generate_key("P-384", {"use": "sig"})
    jwk.ensure_kid()
    one = registry.Client(
        "bench", "bench", kind, ods_code, "Bench", care_setting, tuple(scopes),
        (f"{purpose['system']}|{purpose['code']}",), tuple(activity_codes),
        json.dumps({"keys": [jwk.as_dict(private=False)]}),
    )  # fmt: skip
    async with store.transaction() as tx:
        await registry.put_all(tx, [one])
    return {
        "client_id": "bench", "kind": kind.value, "ods_code": ods_code, "scopes": scopes, "purposes": [purpose],
        "activity_codes": activity_codes, "jwk": jwk.as_dict(private=True),
    }  # fmt: skip


def access_token(client: dict[str, Any]) -> str:
    """A fresh one, which lives for longer than one line of the table takes."""
    url = Settings(port=FIRST_PORT).token_url
    signed = demo_client.assertion(client, url, datetime.now(UTC))
    answer = httpx.post(url, data=demo_client.token_request(client, signed))
    return str(answer.json()["access_token"])


async def pool(url: str) -> asyncpg.Pool:
    """Connections with the settings of the product's own, for what is measured beside it."""
    return await asyncpg.create_pool(
        url, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=database.SERVER_SETTINGS,
        reset=database._keep,
    )  # fmt: skip


async def serve(apps: Sequence[Any], said: dict[str, Any]) -> None:
    """All of them, from FIRST_PORT on, in one process; says so when they are ready."""
    servers = [
        uvicorn.Server(
            uvicorn.Config(
                app, port=FIRST_PORT + place, access_log=False, log_level="warning", lifespan="off", server_header=False
            )
        )
        for place, app in enumerate(apps)
    ]
    running = [asyncio.create_task(server.serve()) for server in servers]
    while not all(server.started for server in servers):  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.05)
    print(json.dumps(said), flush=True)
    gc.collect()
    gc.freeze()
    await asyncio.gather(*running)

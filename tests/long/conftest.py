"""A demonstration's service for the long tests: a few synthetic children, and a client of each kind.

https://docs.pytest.org/en/stable/how-to/fixtures.html#scope-sharing-fixtures-across-classes-modules-packages-or-session
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.security import demo_client, keys, scope
from app.settings import Settings
from app.store import database
from app.synthesis import demo
from tests.crash.server import CRADLE, PROJECT, Server, new_folder, run

CHILDREN, KNOWN = 20, 5


@dataclass(frozen=True)
class Demonstration:
    """The demonstration's clients, and a service with its people."""

    server: Server
    clients: tuple[dict[str, Any], ...]

    def headers(self, type: str, letter: str) -> dict[str, str]:
        """Those of the first client that may do this. Nobody needs a token for what is open."""
        client = next((each for each in self.clients if _may(each, type, letter)), self.clients[0])
        return {"Authorization": f"Bearer {self.token(client['client_id'])}"}

    def token(self, client_id: str) -> str:
        """A fresh one of this client."""
        client = next(each for each in self.clients if each["client_id"] == client_id)
        signed = demo_client.assertion(client, self.server.token_url, datetime.now(UTC))
        answer = httpx.post(
            self.server.token_url, data=demo_client.token_request(client, signed), trust_env=False, timeout=60
        )
        return str(answer.json()["access_token"])

    def known(self, type: str, headers: dict[str, str]) -> list[str]:
        """Some ids that are there."""
        answer = httpx.get(
            f"{self.server.base}/{type}", params={"_count": KNOWN}, headers=headers, trust_env=False, timeout=60
        )
        return [each["resource"]["id"] for each in answer.json().get("entry", ()) if each["search"]["mode"] == "match"]


@pytest.fixture(scope="session")
def demonstration() -> Iterator[Demonstration]:
    folder = new_folder()
    server = Server(folder)
    command = [*CRADLE, "synthesise", "--children", str(CHILDREN)]
    subprocess.run(command, cwd=PROJECT, env=server.environment, check=True)
    server.start()
    run(_register(server))
    clients = json.loads((folder / "demo" / "clients.json").read_text("utf-8"))
    yield Demonstration(server, tuple(clients))
    server.clear()
    shutil.rmtree(folder)


async def _register(server: Server) -> None:
    store = await database.connect(server.postgres_url)
    key = keys.bucket_key(Settings(var=server.folder))
    await demo.write(store, server.folder / "demo", key, datetime.now(UTC).date())
    await store.close()


def _may(client: dict[str, Any], type: str, letter: str) -> bool:
    return any(
        each.level == "system" and each.type == type and letter in each.interactions
        for each in map(scope.parse, client["scopes"])
    )

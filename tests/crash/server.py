"""`cradle serve` as a process of its own, on a folder and a port of its own, to be killed and started again.

https://man7.org/linux/man-pages/man7/signal.7.html
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from app.settings import FHIR_PATH
from app.store import client as registry
from app.store import database, embedded_server
from tests.api import callers

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
CRADLE = (sys.executable, "-m", "app.cli")
_PATIENCE = 60.0  # seconds, on a machine that does other things too
_PORTS = range(20_000, 32_000)  # below those that the kernel gives away


@dataclass
class Server:
    """`folder` is its CRADLE_VAR. With `database_url` it uses that PostgreSQL and starts none."""

    folder: Path
    database_url: str | None = None
    more: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    _sockets: list[Path] = field(default_factory=list)

    def start(self) -> None:
        """Returns when it answers."""
        self.launch()
        wait_until(self._answers, "the server answers")
        if self.database_url is None:
            self._sockets.append(self._socket_folder())

    def launch(self) -> None:
        """Returns at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*CRADLE, "serve"], cwd=PROJECT, env=self.environment, stderr=log)

    @property
    def environment(self) -> dict[str, str]:
        """The settings, for any of our commands."""
        settings = {"CRADLE_VAR": str(self.folder), "CRADLE_PORT": str(self.port), **self.more}
        if self.database_url:
            settings["CRADLE_DATABASE_URL"] = self.database_url
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRADLE_")}
        return inherited | settings

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.base}/metadata", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}{FHIR_PATH}"

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oauth2/token"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def postgres_url(self) -> str:
        """Of the database that it uses."""
        if self.database_url:
            return self.database_url
        return embedded_server.url(self._socket_folder(), "cradle")

    def _socket_folder(self) -> Path:
        """Where its embedded PostgreSQL listens, as long as it runs."""
        return Path((self.folder / "postgres.lock").read_text())

    def postmaster(self) -> int:
        """The process of its embedded PostgreSQL."""
        ((pid, _),) = children(self.process.pid)
        return pid

    def kill(self) -> None:
        """SIGKILL, if it is still there."""
        self.process.kill()
        self.process.wait()

    def clear(self) -> None:
        """As `kill`, and its PostgreSQL is gone too."""
        self.kill()
        pid_file = self.folder / "postgres" / "postmaster.pid"
        with suppress(FileNotFoundError):
            pid = int(pid_file.read_text().split("\n", 1)[0])
            wait_until(lambda: has_ended(pid), "its PostgreSQL has ended")
        for sockets in self._sockets:  # of whom was killed they are left behind
            shutil.rmtree(sockets, ignore_errors=True)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(how)
        return self.process.wait(_PATIENCE)

    async def register_clients(self) -> None:
        """Every client that the tests of the API have."""
        store = await database.connect(self.postgres_url)
        async with store.transaction() as tx:
            await registry.put_all(tx, callers.registrations())
        await store.close()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
    """Fails where it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"It took more than {seconds:.0f} s until {what}."
        time.sleep(0.02)


def children(pid: int) -> list[tuple[int, str]]:
    """Each with its command line."""
    found: list[tuple[int, str]] = []
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError):  # it has just ended
            found.append((int(each), Path(f"/proc/{each}/cmdline").read_bytes().decode()))
    return found


def has_ended(pid: int) -> bool:
    """Whether there is no such process any more, or only what nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def new_folder() -> Path:
    """A folder that the user of PostgreSQL can enter when root runs the tests; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="cradle-process-"))
    folder.chmod(0o755)
    return folder


def free_port() -> int:
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def run(work: Coroutine[Any, Any, T]) -> T:
    """On a loop of its own. The tests here are not async: an embedded PostgreSQL is started outside of any loop."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)

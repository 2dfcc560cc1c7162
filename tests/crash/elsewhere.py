"""A PostgreSQL that is not the service's own: it can be frozen, crash, and come back under the same URL."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.store import embedded, embedded_server
from app.store.embedded import EmbeddedPostgres
from tests.crash.server import children


@dataclass
class Elsewhere:
    """Each start makes another socket folder, and `sockets` leads to it."""

    folder: Path
    _server: EmbeddedPostgres = field(init=False)

    @property
    def sockets(self) -> Path:
        return self.folder / "sockets"

    @property
    def url(self) -> str:
        return embedded_server.url(self.sockets, "cradle")

    def start(self) -> None:
        self._server = embedded.start(self.folder / "elsewhere")
        self.sockets.unlink(missing_ok=True)
        self.sockets.symlink_to((self.folder / "elsewhere" / "postgres.lock").read_text())

    def crash(self) -> None:
        self._server.process.kill()
        self._server.stop()

    def stop(self) -> None:
        self._server.stop()

    def freeze(self) -> None:
        """It is there, takes connections, and says nothing."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        """Every process of it; each backend has a session of its own."""
        pid = self._server.process.pid
        for each in (pid, *(child for child, _ in children(pid))):
            with suppress(ProcessLookupError):
                os.kill(each, what)

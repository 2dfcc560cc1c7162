"""A PostgreSQL server as a child of this process, so that a newcomer needs nothing but Python.

https://www.postgresql.org/docs/current/app-postgres.html

It ends with this process, however that ends. Only this process and root reach its socket, and nothing listens on TCP.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.store import embedded_account, embedded_binaries, embedded_server
from app.store.embedded_account import Account
from app.store.embedded_error import EmbeddedError

__all__ = ["EmbeddedError", "EmbeddedPostgres", "start"]

_LOCK_TRIES = 20
_LONGEST_SOCKET = 107
_SHORT_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 - what is made there is private # nosec B108
_SOCKET = f".s.PGSQL.{embedded_server.PORT}"

_NEW_DATA = ["--username=cradle", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]


@dataclass
class EmbeddedPostgres:
    """A running server. `url` is `postgresql://cradle@/cradle?host=<socket folder>&port=5432`."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]
    _release: ExitStack

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, and what was committed is on disk when this returns."""
        atexit.unregister(self.stop)
        self._release.close()


def start(folder: Path, *, durable: bool = True) -> EmbeddedPostgres:
    """Run a server on the data under `folder`, made at the first start. Needs the main thread and no running loop.

    Without `durable` a power cut loses data: for tests. Raises EmbeddedError.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("Start the embedded PostgreSQL from the main thread: it stops when its thread ends.")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = undo.enter_context(_lock(folder))
        account = embedded_account.of(folder)
        data = embedded_account.place(folder, account) / "postgres"
        binaries = embedded_binaries.choose(_major(data), account)
        if not (data / "PG_VERSION").exists():
            _initialise(data, binaries, account)
        sockets = _socket_folder(account)
        undo.callback(shutil.rmtree, sockets, ignore_errors=True)
        _replace_socket_folder(lock, sockets)
        log = folder / "postgres.log"
        process = embedded_server.run(data, binaries, account, sockets, log, durable, undo)
        server = EmbeddedPostgres(embedded_server.url(sockets, "cradle"), data, process, undo.pop_all())
    atexit.register(server.stop)
    return server


def _lock(folder: Path) -> BinaryIO:
    """Held while this process lives; so whoever gets it knows that a server still there has lost its parent."""
    file = (folder / "postgres.lock").open("a+b")
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            time.sleep(0.05)  # a process that was just killed holds it for a moment
    file.close()
    raise EmbeddedError(
        f"Another process already runs the embedded PostgreSQL of {folder}. Stop it, or give this one a folder of its "
        "own with CRADLE_VAR."
    )


def _major(data: Path) -> int | None:
    version = data / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def _initialise(data: Path, binaries: Path, account: Account) -> None:
    """Made beside its place and then renamed, so that an interrupted first start leaves nothing half made."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    account.make_folder(draft)
    command = [str(binaries / "initdb"), "-D", str(draft), *_NEW_DATA]
    made = subprocess.run(command, capture_output=True, text=True, **account.as_child)  # noqa: S603 - ours
    if made.returncode:
        raise EmbeddedError(f"PostgreSQL could not make its data folder {data}:\n{made.stderr.strip()}")
    try:
        draft.rename(data)
    except OSError as error:
        raise EmbeddedError(f"{data} is in the way and is no PostgreSQL data folder. Move it elsewhere.") from error


def _socket_folder(account: Account) -> Path:
    for parent in (tempfile.gettempdir(), *_SHORT_FOLDERS):
        if account.may_enter(Path(parent)):
            folder = Path(tempfile.mkdtemp(prefix="cradle-", dir=parent))
            if len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET:
                account.own(folder)
                return folder
            folder.rmdir()
    raise EmbeddedError("PostgreSQL needs a temporary folder with a short path. Set TMPDIR to one.")


def _replace_socket_folder(lock: BinaryIO, sockets: Path) -> None:
    """The lock remembers it, because a killed process cannot remove it. (Only if empty: its server may be leaving.)"""
    lock.seek(0)
    if before := lock.read():
        with suppress(OSError):
            os.rmdir(before)
    lock.truncate(0)
    lock.write(os.fsencode(sockets))
    lock.flush()

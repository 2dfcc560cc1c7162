"""A PostgreSQL server as a child of this process, so that a newcomer needs nothing but Python.

https://www.postgresql.org/docs/current/app-postgres.html

The child is `postgres` itself, not `pg_ctl`: on Linux the kernel sends it SIGINT, a fast shutdown, when this process
dies, however it dies. Only this process and root reach its socket, and nothing listens on TCP.
"""

import asyncio
import atexit
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import asyncpg

from app.store import embedded_account, embedded_binaries
from app.store.embedded_account import Account
from app.store.embedded_error import EmbeddedError

__all__ = ["EmbeddedError", "EmbeddedPostgres", "start"]

_PATIENCE = 15.0  # seconds for a server that is still shutting down
_RECOVERY = 60.0  # seconds for a server that repeats its log after a crash
_LOCK_TRIES = 20
_LONGEST_SOCKET = 107
_SHORT_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 - what is made there is private # nosec B108
_SOCKET = ".s.PGSQL.5432"
_PR_SET_PDEATHSIG = 1

# A failed statement may carry a name or an NHS number, in its text, its parameters or the DETAIL of its error.
_LOGS_NO_STATEMENT = {
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_NEW_DATA = ["--username=cradle", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
_SETTINGS = {"jit": "off", "shared_buffers": "128MB", "max_connections": "60", "listen_addresses": ""}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


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
        process = _run(data, binaries, account, sockets, folder / "postgres.log", durable, undo)
        server = EmbeddedPostgres(_url(sockets, "cradle"), data, process, undo.pop_all())
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


def _run(
    data: Path, binaries: Path, account: Account, sockets: Path, log: Path, durable: bool, undo: ExitStack
) -> subprocess.Popen[bytes]:
    settings = _SETTINGS | _LOGS_NO_STATEMENT | (_DURABLE if durable else _FORGETFUL)
    settings |= {"unix_socket_directories": str(sockets), "unix_socket_permissions": "0700"}
    command = [str(binaries / "postgres"), "-D", str(data), "-p", "5432"]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    deadline = time.monotonic() + _PATIENCE
    while True:
        _wait_for_previous(data, deadline)
        with open(log, "ab", opener=_private) as stderr:
            process = subprocess.Popen(  # noqa: S603 - every word of it is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is for this process, which then stops the server
                preexec_fn=_die_with_parent(),  # after the change of user, which would disarm it
                **account.as_child,
            )
        undo.callback(_stop, process)
        if _is_ready(process, sockets):
            return process
        said = log.read_text(errors="replace").splitlines()[-4:]
        if "shared memory block" not in "".join(said) or time.monotonic() > deadline:
            raise EmbeddedError("\n".join(["PostgreSQL did not start:", *said, f"All of its log: {log}"]))
        time.sleep(0.1)  # processes of a killed server are still leaving


def _wait_for_previous(data: Path, deadline: float) -> None:
    while pid := _running(data):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Another PostgreSQL, process {pid}, has {data} open. Stop it and start again.")
        time.sleep(0.05)


def _running(data: Path) -> int | None:
    """The process that has `data` open, if it lives."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass
    name = Path(f"/proc/{pid}/comm")
    if name.exists() and name.read_text().strip() != "postgres":
        pid_file.unlink()  # a restarted container gives the old number to another process, and postgres would refuse
        return None
    return pid


def _is_ready(process: subprocess.Popen[bytes], sockets: Path) -> bool:
    """False when the server ended instead. A loop of our own, set for no thread, so that nobody's is disturbed."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_create_database(process, sockets))
    finally:
        loop.close()


async def _create_database(process: subprocess.Popen[bytes], sockets: Path) -> bool:
    deadline = time.monotonic() + _RECOVERY
    while process.poll() is None:
        try:
            connection = await asyncpg.connect(_url(sockets, "postgres"))
        except (OSError, asyncpg.CannotConnectNowError) as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL runs but does not answer after {_RECOVERY:.0f} s.") from error
            await asyncio.sleep(0.02)
            continue
        if await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'cradle'") == 0:
            await connection.execute("CREATE DATABASE cradle")
        await connection.close()
        return True
    return False


def _url(sockets: Path, name: str) -> str:
    return f"postgresql://cradle@/{name}?host={quote(str(sockets))}&port=5432"


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes `postgres`. Elsewhere than on Linux a killed parent leaves it behind."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before it could be watched

    return arm


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""The process `postgres`: started, waited for, and told to end when this process does.

https://www.postgresql.org/docs/current/server-shutdown.html

The child is `postgres` itself, not `pg_ctl`: on Linux the kernel sends it SIGINT, a fast shutdown, when its parent dies,
also of SIGKILL. A server that a dead parent left is given time to finish.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import asyncpg

from app.store.embedded_account import Account
from app.store.embedded_error import EmbeddedError

PORT = "5432"  # a part of the socket's name; nothing listens on TCP
_PATIENCE = 15.0  # seconds for a server that is still shutting down
_RECOVERY = 60.0  # seconds for a server that repeats its log after a crash
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
_SETTINGS = {"jit": "off", "shared_buffers": "128MB", "max_connections": "60", "listen_addresses": ""}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def run(
    data: Path, binaries: Path, account: Account, sockets: Path, log: Path, durable: bool, undo: ExitStack
) -> subprocess.Popen[bytes]:
    """Start it and wait until it answers. What has to be undone when it is no longer wanted goes to `undo`."""
    settings = _SETTINGS | _LOGS_NO_STATEMENT | (_DURABLE if durable else _FORGETFUL)
    settings |= {"unix_socket_directories": str(sockets), "unix_socket_permissions": "0700"}
    command = [str(binaries / "postgres"), "-D", str(data), "-p", PORT]
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


def url(sockets: Path, name: str) -> str:
    """The database `name` of the server with its socket in `sockets`."""
    return f"postgresql://cradle@/{name}?host={quote(str(sockets))}&port={PORT}"


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
            connection = await asyncpg.connect(url(sockets, "postgres"))
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError) as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL runs but does not answer after {_RECOVERY:.0f} s.") from error
            await asyncio.sleep(0.02)
            continue
        if await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'cradle'") == 0:
            await connection.execute("CREATE DATABASE cradle")
        await connection.close()
        return True
    return False


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

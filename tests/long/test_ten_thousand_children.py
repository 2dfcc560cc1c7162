"""A population of the size of a borough is made in a minute or so.

The time is printed (`pytest -s`, or `-rP`), and asserted with room for a machine that does other things too.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import asyncpg
import pytest

from tests.crash.server import CRADLE, PROJECT, Server, new_folder, run

pytestmark = pytest.mark.long

CHILDREN = 10_000
LONGEST = 180.0  # seconds; 90 on two cores that do nothing else


@pytest.fixture
def server() -> Iterator[Server]:
    folder = new_folder()
    yield Server(folder)
    shutil.rmtree(folder)


def test_ten_thousand_children_are_made(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    command = [*CRADLE, "synthesise", "--children", str(CHILDREN)]
    said = subprocess.run(command, cwd=PROJECT, env=server.environment, check=True, capture_output=True, text=True)
    took = time.monotonic() - begun
    with capsys.disabled():
        print(f"\n{said.stderr.strip().splitlines()[-1]} With its database and all: {took:.0f} s.")
    match = re.search(r"families: ([\d,]+) resources in", said.stderr)
    assert match
    server.start()
    patients, resources = run(_counted(server))
    server.clear()
    assert resources == int(match[1].replace(",", ""))
    assert patients > CHILDREN
    assert took < LONGEST


async def _counted(server: Server) -> tuple[int, int]:
    connection = await asyncpg.connect(server.postgres_url)
    patients = await connection.fetchval("SELECT count(*) FROM resource WHERE type = 'Patient'")
    resources = await connection.fetchval("SELECT count(*) FROM resource")
    await connection.close()
    return patients, resources

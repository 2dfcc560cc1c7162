"""Folders for servers that are killed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.server import Server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of PostgreSQL can enter when root runs the tests; pytest's own are closed."""
    path = Path(tempfile.mkdtemp(prefix="cradle-crash-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server that is not running yet, on a durable database of its own."""
    made = Server(folder)
    yield made
    made.clear()

"""Folders for servers that are killed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.server import Server, new_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    path = new_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server that is not running yet, on a durable database of its own."""
    made = Server(folder)
    yield made
    made.clear()

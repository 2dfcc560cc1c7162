"""A database that is away: nobody waits for ever, nobody is shown anything, and the service comes back when it does.

https://www.postgresql.org/docs/current/server-shutdown.html
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import kept
from tests.crash.elsewhere import Elsewhere
from tests.crash.load import Load
from tests.crash.server import Server, run

SECONDS = 1.0  # how long a transaction may take
LONGEST = 10.0  # a lookup may first wait for those before it
SOME = 20


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[Elsewhere]:
    made = Elsewhere(folder)
    made.start()
    yield made
    made.thaw()
    made.stop()


@pytest.fixture
def load(folder: Path, elsewhere: Elsewhere) -> Iterator[Load]:
    """On a service that was told where its database is."""
    server = Server(folder, elsewhere.url, {"CRADLE_DATABASE_SECONDS": str(SECONDS)})
    server.start()
    run(server.register_clients())
    yield Load(server, random.Random())
    server.kill()


def test_a_database_that_says_nothing_is_not_waited_for(load: Load, elsewhere: Elsewhere) -> None:
    async def freeze() -> None:
        async with load.running():
            await load.until_acknowledged(SOME)
            elsewhere.freeze()
            await load.until(lambda: _refused(load) >= SOME)
            await _is_without_tokens(load)
            elsewhere.thaw()
            await load.until_acknowledged(SOME)

    run(freeze())
    _check(load)


def test_a_database_that_crashed_is_found_again(load: Load, elsewhere: Elsewhere) -> None:
    async def crash() -> None:
        async with load.running():
            await load.until_acknowledged(SOME)
            elsewhere.crash()
            await load.until(lambda: _refused(load) >= SOME)

    async def go_on() -> None:
        async with load.running():
            await load.until_acknowledged(SOME)

    run(crash())
    elsewhere.start()
    run(go_on())
    _check(load)


def _refused(load: Load) -> int:
    return sum(answer.status == 503 for answer in load.answers)


async def _is_without_tokens(load: Load) -> None:
    """Who is calling cannot be told either, and is not guessed."""
    with pytest.raises(AssertionError, match="temporarily_unavailable"):
        async with load.connection():
            pass


def _check(load: Load) -> None:
    """Every answer came soon, those without the database are 503, and what was said holds."""
    for answer in load.answers:
        assert answer.status in (200, 201, 503)
        assert answer.body is not None
        assert answer.seconds < LONGEST
        if answer.status == 503:
            outcome = answer.resource
            assert outcome["resourceType"] == "OperationOutcome"
            assert outcome["issue"][0]["code"] in ("timeout", "transient")
            assert set(outcome) == {"resourceType", "issue"}
    run(kept.check(load.server, load.answers))

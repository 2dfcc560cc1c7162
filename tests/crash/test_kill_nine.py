"""kill -9 under load: what was acknowledged is there, what was shown is in the audit, and nothing is there by half.

https://www.postgresql.org/docs/current/wal-intro.html

CRADLE_TEST_SEED repeats the moments of a run, as far as two busy processes can be repeated.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.crash import kept
from tests.crash.load import Answer, Load
from tests.crash.server import Server, children, run

EACH_TIME = 125  # acknowledged answers, before somebody is killed
AFTERWARDS = 20
LONGEST = 30.0  # seconds for an answer while the database is gone
READ_AGAIN = 20


def test_kill_nine_loses_nothing_that_was_acknowledged(server: Server) -> None:
    seed = os.environ.get("CRADLE_TEST_SEED") or str(random.randrange(1_000_000))
    print(f"CRADLE_TEST_SEED={seed}")
    load = Load(server, random.Random(seed))
    server.start()
    run(server.register_clients())
    for die in (_the_server_dies, _a_backend_dies, _postgres_dies, _both_die):
        die(load)
        run(kept.check(server, load.answers))
    run(_are_served(load))
    _were_worth_it(load.acknowledged)


def _the_server_dies(load: Load) -> None:
    async def die() -> None:
        async with _under(load):
            load.server.kill()

    run(die())
    load.server.start()


def _both_die(load: Load) -> None:
    """Nobody is left to write anything down: PostgreSQL has to find it in its log."""

    async def die() -> None:
        postmaster = load.server.postmaster()
        async with _under(load):
            os.kill(postmaster, signal.SIGKILL)
            load.server.kill()

    run(die())
    load.server.start()


def _a_backend_dies(load: Load) -> None:
    """PostgreSQL throws every connection out and recovers; so does the service, which nobody restarts."""
    before = len(load.answers)
    (backend, *_) = (pid for pid, command in children(load.server.postmaster()) if "cradle" in command)

    async def die() -> None:
        async with _under(load):
            os.kill(backend, signal.SIGKILL)
            await load.until_acknowledged(AFTERWARDS)

    run(die())
    _are_answered(load.answers[before:])


def _postgres_dies(load: Load) -> None:
    """A service without its database says so, until it is stopped."""
    before = len(load.answers)

    async def die() -> None:
        async with _under(load):
            os.kill(load.server.postmaster(), signal.SIGKILL)
            await load.until(lambda: sum(each.status == 503 for each in load.answers[before:]) >= AFTERWARDS)

    run(die())
    _are_answered(load.answers[before:])
    assert load.server.end() == 0
    load.server.start()


@asynccontextmanager
async def _under(load: Load) -> AsyncIterator[None]:
    """The block, at a random moment under load."""
    async with load.running():
        await load.until_acknowledged(EACH_TIME + load.chance.randrange(10))
        await asyncio.sleep(load.chance.random() * 0.02)
        yield


def _are_answered(answers: Sequence[Answer]) -> None:
    """All of them, soon: with 503 those that the database did not answer."""
    refused = [answer for answer in answers if not answer.is_received]
    assert refused
    for answer in refused:
        assert answer.status == 503
        assert answer.body is not None
        outcome = json.loads(answer.body)
        assert outcome["resourceType"] == "OperationOutcome"
        assert outcome["issue"][0]["code"] == "transient"
    assert max(answer.seconds for answer in answers) < LONGEST


async def _are_served(load: Load) -> None:
    """Versions that were acknowledged, over HTTP, to the byte."""
    writes = [answer for answer in load.acknowledged if answer.is_write]
    async with load.connection() as connection:
        for answer in load.chance.sample(writes, READ_AGAIN):
            version = answer.headers["location"].partition("/fhir/R4/")[2]
            served = await connection.read(answer.client, version)
            assert (served.status, served.body) == (200, answer.body)


def _were_worth_it(acknowledged: Sequence[Answer]) -> None:
    """There was something to lose, of every kind; and every plan that was acknowledged was found from then on."""
    written = [answer.resource["resourceType"] for answer in acknowledged if answer.is_write]
    lookups = [answer for answer in acknowledged if answer.is_lookup]
    assert len(acknowledged) >= 4 * EACH_TIME
    assert len(written) >= EACH_TIME
    assert {"Patient", "RelatedPerson", "Consent", "CareTeam", "CarePlan", "Flag"} == set(written)
    assert sum(answer.resource["total"] > 0 for answer in lookups) >= EACH_TIME
    assert all(answer.expected in (answer.body or "") for answer in lookups)

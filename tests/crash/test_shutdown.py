"""A stop under load: what was begun is finished, nobody is told half of anything, and PostgreSQL goes too.

https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/signal.h.html

The exit status of a service that was asked to stop is 0; of one that had not finished starting, 143 (as a shell says it).
"""

import asyncio
import random
import signal

import asyncpg

from tests.crash import kept
from tests.crash.load import Load
from tests.crash.server import Server, has_ended, run, wait_until

BEFORE = 60  # acknowledged answers


def test_a_stop_under_load_finishes_what_was_begun(server: Server) -> None:
    load = Load(server, random.Random())
    server.start()
    run(server.register_clients())
    postmaster = server.postmaster()
    run(_stopped_under(load))
    assert server.process.wait(30) == 0
    assert has_ended(postmaster)
    assert len(load.acknowledged) >= BEFORE
    assert all(answer.is_acknowledged for answer in load.answers if answer.status is not None)
    server.start()
    run(kept.check(server, load.answers))
    run(_nobody_was_left_without_an_answer(load))


def test_a_stop_during_the_start_leaves_no_database_behind(server: Server) -> None:
    server.launch()
    pid_file = server.folder / "postgres" / "postmaster.pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text() != "", "PostgreSQL is being started")
    postmaster = int(pid_file.read_text().split("\n", 1)[0])
    assert server.end() in (0, -signal.SIGTERM)
    wait_until(lambda: has_ended(postmaster), "PostgreSQL has ended")


async def _stopped_under(load: Load) -> None:
    """Until every caller has lost the connection."""
    async with load.running():
        await load.until_acknowledged(BEFORE)
        load.server.process.terminate()
        await asyncio.to_thread(load.server.process.wait, 30)


async def _nobody_was_left_without_an_answer(load: Load) -> None:
    """What was not answered was not done."""
    refused = [answer.request_id for answer in load.answers if answer.status is None]
    connection = await asyncpg.connect(load.server.postgres_url)
    done = await connection.fetch("SELECT request_id FROM audit_event WHERE request_id = ANY($1)", refused)
    await connection.close()
    assert refused, "somebody went on asking"
    assert done == []

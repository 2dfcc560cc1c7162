"""What takes too long is broken off, and says that: 503 with `timeout`, apart from what fails otherwise.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response

from app.main import create_app
from app.store import database as store
from app.store.database import Database
from tests.api import answers, examples, family
from tests.api.callers import FHIR_JSON, Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child


class Hasty:
    """The same service with little patience, called by a health visitor's system."""

    def __init__(self, running: Running, database: Database, token: str | None, **settings: Any) -> None:
        app = create_app(running.settings.model_copy(update=settings), database, running.clock)
        hooks = {"response": [answers.check]}
        base_url = running.settings.fhir_base
        self.http = AsyncClient(transport=ASGITransport(app), base_url=base_url, event_hooks=hooks)
        self.caller = Caller(self.http, token)


@pytest_asyncio.fixture
async def own_database(running: Running) -> AsyncIterator[Database]:
    """The same database through a pool of one connection, whose transactions may take half a second."""
    url = running.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    opened = await store.connect(url, connections=1, hot_connections=1, seconds=0.5)
    yield opened
    await opened.close()


def _said(answer: Response) -> tuple[int, str, bool]:
    return answer.status_code, answer.json()["issue"][0]["code"], "retry-after" in answer.headers


async def test_a_database_that_does_not_answer_is_not_waited_for(
    running: Running, own_database: Database, as_: Callers, child: Child
) -> None:
    hasty = Hasty(running, own_database, as_["health-visiting"].token)
    async with running.connection.transaction():
        await running.connection.execute("LOCK TABLE resource IN ACCESS EXCLUSIVE MODE")
        for answer in (await hasty.caller.get(f"Patient/{child.id}"), await hasty.caller.get("Patient/_history")):
            assert _said(answer) == (503, "timeout", True)
            assert "Nothing was released" in answers.diagnostics(answer)
    assert (await hasty.caller.get(f"Patient/{child.id}")).status_code == 200
    await hasty.http.aclose()


async def test_a_lookup_is_not_left_waiting_either(
    running: Running, own_database: Database, as_: Callers, child: Child
) -> None:
    hasty = Hasty(running, own_database, as_["emergency-department"].token)
    async with running.connection.transaction():
        await running.connection.execute("LOCK TABLE resource IN ACCESS EXCLUSIVE MODE")
        assert _said(await hasty.caller.get("Flag", child.about())) == (503, "timeout", True)
    assert (await hasty.caller.get("Flag", child.about())).status_code == 200
    await hasty.http.aclose()


async def test_when_all_connections_are_in_use_that_is_told_apart(
    running: Running, own_database: Database, as_: Callers
) -> None:
    pool = own_database.engine.sync_engine.pool
    pool._timeout = 0.1  # type: ignore[attr-defined]  # there is no setter
    hasty = Hasty(running, replace(own_database, seconds=30), as_["health-visiting"].token)
    async with own_database.engine.connect():
        answer = await hasty.caller.get("Patient")
    assert _said(answer) == (503, "transient", True)
    assert answers.diagnostics(answer).startswith("Too many requests are being answered.")
    await hasty.http.aclose()


async def test_a_request_that_never_ends_is_broken_off(running: Running, as_: Callers) -> None:
    """Its body comes drop by drop; what is written bears the time at which a request began."""
    hasty = Hasty(running, running.database, as_["health-visiting"].token, request_seconds=0.3)

    async def drops() -> AsyncIterator[bytes]:
        yield b'{"resourceType":'
        await asyncio.sleep(30)
        yield b'"Patient"}'

    answer = await hasty.caller.send("POST", "Patient", content=drops(), headers={"Content-Type": FHIR_JSON})
    assert _said(answer) == (503, "timeout", True)
    await hasty.http.aclose()


async def test_what_was_broken_off_has_written_nothing(running: Running, as_: Callers, child: Child) -> None:
    hasty = Hasty(running, running.database, as_["health-visiting"].token, request_seconds=0.5)
    number = examples.new_number()
    async with running.connection.transaction():
        await running.connection.execute("LOCK TABLE resource_version IN SHARE MODE")
        answer = await hasty.caller.create(examples.example("patient-toddler", {examples.CHILD: number}))
        assert _said(answer) == (503, "timeout", True)
    found = await as_["health-visiting"].get("Patient", {"identifier": examples.number_token(number)})
    assert answers.ids(found) == []
    created = await as_["health-visiting"].create(examples.example("patient-toddler", {examples.CHILD: number}))
    assert family.created(created)
    await hasty.http.aclose()


async def test_no_answer_tells_how_the_service_is_made(as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "Nothing", "metadata"):
        answer = await as_["health-visiting"].get(url)
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)

"""transaction: what happens when many come at once, and when the database goes away in the middle.

https://hl7.org/fhir/R4/http.html#trules; https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from app.api import sub_request
from app.store.joined import Joined
from tests.api import answers, bundles, examples, family
from tests.api.bundles import Resource
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.api.test_transaction import new_family, refers, urn


def _of_three(children: list[Child], seed: int) -> list[Resource]:
    """Something new about each of three children, and a change to each mother, in some order."""
    entries = [bundles.create(examples.example(family.REFUSES, each.numbers)) for each in children]
    entries += [
        bundles.create(examples.example("related-person-father-without-responsibility", each.numbers))
        for each in children
    ]
    random.Random(seed).shuffle(entries)
    return entries


async def deadlocks(running: Running) -> int:
    found: int = await running.connection.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return found


async def test_sixteen_about_the_same_children_come_about(as_: Callers, running: Running) -> None:
    children = [await family.child(as_) for _ in range(3)]
    together = await asyncio.gather(
        *(bundles.send(as_["health-visiting"], "transaction", *_of_three(children, seed)) for seed in range(16))
    )
    assert [bundles.statuses(answer) for answer in together] == [[201] * 6] * 16
    for child in children:
        found = await as_["health-visiting"].get("Consent", {**child.about(), "_count": "0"})
        assert found.json()["total"] == 16
    assert await deadlocks(running) == 0


async def test_of_many_who_register_the_same_family_one_does(as_: Callers) -> None:
    numbers, child = new_family(), urn()
    entries = [
        bundles.create(refers(examples.example("related-person-mother", numbers), "patient", child)),
        bundles.create(examples.example("patient-toddler", numbers), child),
    ]
    together = await asyncio.gather(*(bundles.send(as_["health-visiting"], "transaction", *entries) for _ in range(8)))
    assert sorted(bundles.statuses(answer) for answer in together) == [[201, 200]] * 7 + [[201, 201]]
    ids = {bundles.answers(answer)[1]["resource"]["id"] for answer in together}
    assert len(ids) == 1


async def test_of_many_who_saw_the_same_version_one_writes(as_: Callers, child: Child) -> None:
    change = bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"1"')
    note = bundles.create(examples.example(family.REFUSES, child.numbers))
    together = await asyncio.gather(
        *(bundles.send(as_["health-visiting"], "transaction", note, change) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in together) == [200] + [409] * 5
    found = await as_["health-visiting"].get("Consent", {**child.about(), "_count": "0"})
    assert found.json()["total"] == 1, "a refused transaction has kept something"


async def test_those_that_change_the_same_two_take_turns(as_: Callers, running: Running) -> None:
    council = as_["local-authority-a"]
    ours = examples.example("organization-local-authority")
    kept = [family.created(await council.create(ours)) for _ in range(2)]
    changes = [bundles.entry("PUT", f"Organization/{each['id']}", each, ifMatch='W/"1"') for each in kept]
    together = await asyncio.gather(
        *(bundles.send(council, "transaction", *changes[:: 1 if n % 2 else -1]) for n in range(8))
    )
    assert sorted(answer.status_code for answer in together) == [200] + [409] * 7
    assert await deadlocks(running) == 0


async def test_of_many_under_the_same_condition_one_creates(as_: Callers) -> None:
    """And what the others refer to is what that one made."""
    council, url = as_["local-authority-a"], urn()
    ours = examples.example("organization-local-authority")
    ours["identifier"] += [{"system": "https://example.org/id", "value": uuid4().hex}]
    condition = f"identifier=https://example.org/id|{ours['identifier'][-1]['value']}"
    team = examples.example("child-protection-care-team", {examples.CHILD: examples.new_number()})
    team["managingOrganization"][0]["reference"] = url
    entries = [bundles.create(ours, url, ifNoneExist=condition), bundles.create(team)]
    together = await asyncio.gather(*(bundles.send(council, "transaction", *entries) for _ in range(6)))
    assert sorted(bundles.statuses(answer) for answer in together) == [[200, 201]] * 5 + [[201, 201]]
    made = {f"Organization/{bundles.answers(answer)[0]['resource']['id']}" for answer in together}
    told = {bundles.answers(answer)[1]["resource"]["managingOrganization"][0]["reference"] for answer in together}
    assert len(made) == 1
    assert told == made


Between = Callable[[Joined], Awaitable[None]]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Between], None]:
    """Something to be done before the second entry of the next transaction; a pause, and no stand-in for anything."""

    def put(happens: Between) -> None:
        run = sub_request.run
        is_done = False

        async def paused(service: Any, asked: Any, table: Any, entry: Any, assigned: Any = None) -> Response:
            nonlocal is_done
            if entry.index == 1 and not is_done and isinstance(service.database, Joined):
                is_done = True
                await happens(service.database)
            return await run(service, asked, table, entry, assigned)  # type: ignore[return-value]

        monkeypatch.setattr(sub_request, "run", paused)

    return put


def _two(numbers: dict[str, str]) -> list[Resource]:
    return [
        bundles.create(examples.example("patient-toddler", numbers)),
        bundles.create(examples.example("related-person-mother", numbers)),
    ]


async def _kept(running: Running, numbers: dict[str, str]) -> int:
    """Seen from another connection."""
    number = numbers[examples.CHILD]
    found: int = await running.connection.fetchval(
        "SELECT count(*) FROM resource WHERE content LIKE '%' || $1 || '%'", number
    )
    return found


async def test_nobody_else_sees_half_of_it(as_: Callers, running: Running, between: Callable[[Between], None]) -> None:
    numbers, seen = new_family(), []

    async def look(_: Joined) -> None:
        seen.append(await _kept(running, numbers))

    between(look)
    answer = await bundles.send(as_["health-visiting"], "transaction", *_two(numbers))
    assert bundles.statuses(answer) == [201, 201]
    assert (seen, await _kept(running, numbers)) == ([0], 2)


async def test_of_one_whose_connection_is_killed_nothing_is_kept(
    as_: Callers, running: Running, between: Callable[[Between], None]
) -> None:
    numbers = new_family()

    async def kill(one: Joined) -> None:
        raw: Any = (await one.tx.get_raw_connection()).driver_connection
        await running.connection.execute("SELECT pg_terminate_backend($1)", raw.get_server_pid())

    between(kill)
    answer = await bundles.send(as_["health-visiting"], "transaction", *_two(numbers))
    assert (answer.status_code, answers.diagnostics(answer)) == (503, "Try again. Nothing was released or kept.")
    assert await _kept(running, numbers) == 0
    again = await bundles.send(as_["health-visiting"], "transaction", *_two(numbers))
    assert bundles.statuses(again) == [201, 201]


async def test_one_that_another_stood_in_the_way_of_is_tried_again(
    as_: Callers, running: Running, between: Callable[[Between], None]
) -> None:
    numbers = new_family()

    async def clash(one: Joined) -> None:
        async with one.transaction() as tx:
            await tx.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '40P01'; END $$")

    between(clash)
    answer = await bundles.send(as_["health-visiting"], "transaction", *_two(numbers))
    assert bundles.statuses(answer) == [201, 201]
    assert await _kept(running, numbers) == 2

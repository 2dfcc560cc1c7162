"""Requests that arrive while a transaction commits make the next one, and one that fails does not fail the others.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from app.fhir.errors import Unavailable
from app.store import gathering
from app.store.gathering import Gathering


class Doubling:
    """A transaction that answers each number with its double. `gate` holds it before it has committed."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if 13 in numbers:
            raise asyncpg.CheckViolationError
        return [2 * number for number in numbers]


async def test_who_asks_while_a_transaction_commits_is_in_the_next() -> None:
    doubling = Doubling()
    doubling.gate.clear()
    numbers = Gathering(doubling)
    first = asyncio.create_task(numbers.ask(1))
    await asyncio.sleep(0)
    others = [asyncio.create_task(numbers.ask(each)) for each in (2, 3)]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in (first, *others))  # nobody is answered before the commit
    doubling.gate.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert doubling.asked == [[1], [2, 3]]


async def test_a_transaction_that_fails_is_tried_once_more() -> None:
    doubling = Doubling(asyncpg.DeadlockDetectedError())
    assert await Gathering(doubling).ask(1) == 2
    assert doubling.asked == [[1], [1]]


async def test_one_that_cannot_be_answered_does_not_fail_the_others() -> None:
    numbers = Gathering(Doubling())
    answers = await asyncio.gather(*(numbers.ask(each) for each in (1, 13, 3)), return_exceptions=True)
    assert (answers[0], answers[2]) == (2, 6)
    assert isinstance(answers[1], Unavailable)


async def test_who_waits_in_vain_for_the_database_waits_once() -> None:
    doubling = Doubling(TimeoutError(), TimeoutError())
    with pytest.raises(Unavailable):
        await Gathering(doubling).ask(1)
    assert doubling.asked == [[1]]


async def test_nobody_is_asked_for_alone_where_the_connection_is_lost() -> None:
    lost = [asyncpg.ConnectionDoesNotExistError() for _ in range(2)]
    doubling = Doubling(*lost)
    numbers = Gathering(doubling)
    answers = await asyncio.gather(*(numbers.ask(each) for each in (1, 2)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert doubling.asked == [[1, 2], [1, 2]]


async def test_who_has_gone_away_is_nothing_to_the_others() -> None:
    doubling = Doubling()
    doubling.gate.clear()
    numbers = Gathering(doubling)
    gone, staying = (asyncio.create_task(numbers.ask(each)) for each in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    doubling.gate.set()
    assert await staying == 4


async def test_draining_waits_for_everybody() -> None:
    doubling = Doubling()
    numbers = Gathering(doubling)
    asked = [asyncio.create_task(numbers.ask(each)) for each in (1, 2)]
    await asyncio.sleep(0)
    await numbers.drain()
    assert [each.result() for each in asked] == [2, 4]


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_WAITING", 2)
    doubling = Doubling()
    doubling.gate.clear()
    numbers = Gathering(doubling)
    asked = [asyncio.create_task(numbers.ask(each)) for each in (1, 2)]
    await asyncio.sleep(0)  # these are in the transaction
    asked += [asyncio.create_task(numbers.ask(each)) for each in (3, 4)]
    await asyncio.sleep(0)  # and these wait
    with pytest.raises(Unavailable, match="Too many"):
        await numbers.ask(5)
    doubling.gate.set()
    assert await asyncio.gather(*asked) == [2, 4, 6, 8]


async def test_whom_nobody_waits_for_any_more_is_left_out() -> None:
    """What it would have written bears the time of the question."""
    doubling = Doubling()
    doubling.gate.clear()
    numbers = Gathering(doubling)
    first, second, third = (asyncio.create_task(numbers.ask(each)) for each in (1, 2, 3))
    await asyncio.sleep(0.01)
    late = [asyncio.create_task(numbers.ask(each)) for each in (4, 5)]
    await asyncio.sleep(0.01)
    late[0].cancel()
    doubling.gate.set()
    assert [*await asyncio.gather(first, second, third, late[1])] == [2, 4, 6, 10]
    assert doubling.asked[-1] == [5]


async def test_it_is_left_out_of_a_second_try_too() -> None:
    doubling = Doubling(asyncpg.DeadlockDetectedError())
    doubling.gate.clear()
    numbers = Gathering(doubling)
    first, second = (asyncio.create_task(numbers.ask(each)) for each in (1, 2))
    await asyncio.sleep(0.01)
    first.cancel()
    doubling.gate.set()
    assert await second == 4
    assert doubling.asked[-1] == [2]

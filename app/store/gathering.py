"""Gathering: requests that arrive while a transaction commits make the next one together.

https://www.postgresql.org/docs/current/wal-async-commit.html (what a commit waits for)

There is no timer, and a request that comes alone goes alone. Nobody is answered before the commit that holds their audit
row, and one that fails does not fail the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.fhir.errors import Unavailable
from app.store import database
from app.store.database import CONNECTION_LOST, FAILURES

MOST_TOGETHER = 256
MOST_WAITING = 2048

Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """`transaction` answers many questions, in their order, and has committed when it returns. It may be tried again."""

    def __init__(self, transaction: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._transaction = transaction
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._committer: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """The answer, once it is committed. Raises Unavailable, and then nothing was released."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("Too many requests are waiting. Try again in a moment.")
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all())
        return await answer

    async def drain(self) -> None:
        """Wait until everybody who asked is answered."""
        while self._committer is not None:
            await asyncio.wait([self._committer])

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                await self._answer(together)
        finally:
            self._committer = None

    async def _answer(self, together: Sequence[tuple[Q, "asyncio.Future[A]"]], tries: int = 2) -> None:
        """One transaction for all; if it fails twice, one for each, so that one cannot fail the others.

        Whom nobody waits for any more is left out: what is written bears the time of the question, and is never late.
        """
        together = [(question, waiting) for question, waiting in together if not waiting.done()]
        if not together:
            return
        try:
            answers = await self._transaction([question for question, _ in together])
        except Exception as error:
            if tries > 1 and isinstance(error, FAILURES) and not isinstance(error, TimeoutError):
                await self._answer(together, tries - 1)  # after a timeout, to wait as long again would help nobody
            elif len(together) > 1 and not isinstance(error, CONNECTION_LOST):
                for one in together:
                    await self._answer([one])
            else:
                unavailable = database.unavailable(error, "Try again. Nothing was released.")
                unavailable.__cause__ = error
                for _, waiting in together:
                    if not waiting.done():
                        waiting.set_exception(unavailable)
            return
        for (_, waiting), answer in zip(together, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

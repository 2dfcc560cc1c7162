"""The one transaction of a Bundle, in which the transaction of each entry is a savepoint.

https://hl7.org/fhir/R4/http.html#trules; https://www.postgresql.org/docs/current/sql-savepoint.html

What the entries write into the audit is kept until it is known whether it came about, and then written at once.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from app.store import audit, database
from app.store.audit import Entry
from app.store.database import FAILURES, NOTHING_DONE

_CLASHES = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected


class Transactions(Protocol):
    """Where an interaction gets its transaction from: a Database, or the one that is open for a Bundle."""

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Commits when the block returns and rolls back when it raises; Unavailable where the database fails."""
        ...


class Joined:
    """Stands in for a Database while `tx` is open.

    `audited` is what the entries have put into the audit so far; `failure` is the database's own, after which nothing
    more can be done in `tx`.
    """

    def __init__(self, tx: AsyncConnection) -> None:
        self.tx = tx
        self.audited: list[Entry] = []
        self.failure: Exception | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """As `Database.transaction`, but what is kept is kept only if the whole is."""
        before = len(self.audited)
        try:
            async with self.tx.begin_nested():
                yield self.tx
        except FAILURES as error:
            self.failure = error
            raise database.unavailable(error, NOTHING_DONE) from error
        except BaseException:
            del self.audited[before:]
            raise


@asynccontextmanager
async def joined(database: Transactions) -> AsyncIterator[Joined]:
    """One transaction for all that is done within the block. The audit is written at its end, and not where it raises."""
    async with database.transaction() as tx:
        one = Joined(tx)
        with audit.kept_in(tx, one.audited):
            yield one
        await audit.record(tx, one.audited)


def is_clash(error: BaseException | None) -> bool:
    """Whether two transactions stood in each other's way, so that one of them may simply be tried again."""
    states = (getattr(each, "sqlstate", None) for each in (error, getattr(error, "orig", None)))
    return any(state in _CLASHES for state in states)

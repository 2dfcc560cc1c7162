"""A read with its row in the audit: gathered with those that arrive meanwhile, or in a transaction that is open already.

https://hl7.org/fhir/R4/http.html#read
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from app.policy.authority import Permit, Reach
from app.store import audit, database, reading
from app.store.audit import Entry
from app.store.database import Database
from app.store.gathering import Gathering
from app.store.joined import Transactions
from app.store.search import Row


@dataclass(frozen=True, slots=True)
class Read:
    """What is asked for; without an `id` it is nothing, and without a `version` the current one.

    `entry` is what the audit keeps of it, given what was found.
    """

    permit: Permit
    type: str
    id: UUID | None
    version: int | None
    entry: Callable[[Row | None], Entry]


class GatheredReads:
    """Those that arrive while one transaction commits are answered by the next, each judged by its own permit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._gathering = Gathering(self._together)

    async def read(self, asked: Read) -> Row | None:
        """What was found, a deleted one too, once it is in the audit. Raises Unavailable."""
        return await self._gathering.ask(asked)

    async def drain(self) -> None:
        """Wait until everybody who asked is answered."""
        await self._gathering.drain()

    async def _together(self, asked: Sequence[Read]) -> list[Row | None]:
        async with self.database.hot_transaction() as connection:
            rows = await _rows(connection, asked)
            await audit.append(connection, [each.entry(row) for each, row in zip(asked, rows, strict=True)])
        return rows


async def within(transactions: Transactions, asked: Read) -> Row | None:
    """The same in a transaction of its own, or in the one that is open."""
    async with transactions.transaction() as tx:
        (row,) = await _rows(await database.driver(tx), [asked])
        await audit.record(tx, [asked.entry(row)])
    return row


async def _rows(connection: asyncpg.Connection, asked: Sequence[Read]) -> list[Row | None]:
    """In the order asked. Those of one reach and type are one statement, at the latest moment of theirs."""
    groups: dict[tuple[Reach, str], list[Read]] = defaultdict(list)
    for each in asked:
        if each.id is not None and each.version is None:
            groups[each.permit.reach, each.type].append(each)
    current: dict[tuple[Reach, str], dict[UUID, Row]] = {}
    for (reach, type), group in groups.items():
        latest = max((each.permit for each in group), key=lambda permit: permit.now)
        ids = {each.id for each in group if each.id is not None}
        current[reach, type] = await reading.read_all(connection, latest, type, ids)
    return [await _row(connection, each, current) for each in asked]


async def _row(
    connection: asyncpg.Connection, asked: Read, current: dict[tuple[Reach, str], dict[UUID, Row]]
) -> Row | None:
    if asked.id is None:
        return None
    if asked.version is None:
        return current[asked.permit.reach, asked.type].get(asked.id)
    return await reading.vread(connection, asked.permit, asked.type, asked.id, asked.version)

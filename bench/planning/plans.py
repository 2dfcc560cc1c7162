"""How PostgreSQL means to answer a search, and whether it would read a whole table for it.

https://www.postgresql.org/docs/current/sql-explain.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import search_parameters, systems
from app.policy import authority
from app.policy.access import Caller, CareSetting, Kind
from app.policy.authority import AccessRequest, Permit
from app.store import database, history, inclusion, page_statement, search
from app.store.compiled import Compiled
from bench.planning.rows import KEY, LARGE, NOW
from bench.planning.searches import Followed, History, Search

Json = dict[str, Any]
_CALLER = Caller(
    client_id="health-visiting",
    kind=Kind.HEALTH_VISITING,
    organization="RX001",
    organization_name="Example",
    care_setting=CareSetting.NONE,
    scopes=(),
    purpose=f"{systems.ACT_REASON}|TREAT",
    user=None,
    activity_codes=frozenset(),
)


@dataclass(frozen=True)
class Plan:
    """`cost` is the planner's own; `scanned` are the large tables that would be read whole; `indexes` are used."""

    asked: str
    cost: float
    scanned: tuple[str, ...]
    indexes: tuple[str, ...]


def permits() -> dict[str, Permit]:
    """What a service with data of its own may see, and what families agreed to: the predicate with most to it."""
    found: dict[str, Permit] = {}
    for type in search_parameters.written_types():
        decided = authority.permit(AccessRequest(_CALLER, "search", type, NOW))
        assert isinstance(decided, Permit)
        found[type] = decided
    return found


async def of(tx: AsyncConnection, permits: Mapping[str, Permit], asked: Search) -> Plan:
    """Of the page with its total. What it asks of other resources first is asked, and planned with it."""
    async with _noted(tx) as statements:
        people = await search.about(tx, asked.query, KEY)
        page = await page_statement.prepared(tx, permits, asked.query, people, asked.place, KEY)
    compiled = Compiled(page.build())
    statements.append((compiled.sql, compiled.arguments(now=NOW, **page.values)))
    return await _planned(tx, asked.asked, statements)


async def of_included(tx: AsyncConnection, permits: Mapping[str, Permit], asked: Followed) -> Plan:
    """Of what belongs to a page, which is asked for as it would be."""
    async with _noted(tx) as statements:
        await inclusion.included(tx, permits, asked.rows, [asked.include], KEY)
    return await _planned(tx, asked.asked, statements)


async def of_history(tx: AsyncConnection, permits: Mapping[str, Permit], asked: History) -> Plan:
    """Of a page of versions, which is asked for as it would be. A feed begins with the newest, and may be read in that order."""
    async with _noted(tx) as statements:
        await history.page(tx, {type: permits[type] for type in asked.types}, asked.query, asked.after, asked.id)
    return await _planned(tx, asked.asked, statements, in_order=asked.id is None)


@asynccontextmanager
async def _noted(tx: AsyncConnection) -> AsyncIterator[list[tuple[str, Sequence[Any]]]]:
    """The statements that are executed meanwhile, by SQLAlchemy or by asyncpg itself, with their values."""
    statements: list[tuple[str, Sequence[Any]]] = []
    driver = await database.driver(tx)

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, tuple(parameters)))

    event.listen(tx.sync_connection, "before_cursor_execute", note)
    with driver.query_logger(lambda query: statements.append((query.query, query.args))):
        yield statements
    event.remove(tx.sync_connection, "before_cursor_execute", note)
    await asyncio.sleep(0)  # asyncpg tells of them when it is next idle


async def _planned(
    tx: AsyncConnection, asked: str, statements: Sequence[tuple[str, Sequence[Any]]], *, in_order: bool = False
) -> Plan:
    driver = await database.driver(tx)
    plans: list[Json] = []
    for sql, parameters in statements:
        (row,) = await driver.fetch(f"EXPLAIN (FORMAT JSON) {sql}", *parameters)
        explained = json.loads(row[0]) if isinstance(row[0], str) else row[0]
        plans.append(explained[0]["Plan"])
    nodes = [node for plan in plans for node in _nodes(plan)]
    return Plan(
        asked,
        sum(plan["Total Cost"] for plan in plans),
        tuple(sorted({node["Relation Name"] for node in nodes if _reads_all(node, in_order)})),
        tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
    )


def _nodes(node: Json) -> Iterator[Json]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _reads_all(node: Json, in_order: bool) -> bool:
    """A scan of the table, or of an index without a condition on it, unless a page is read in the order of that."""
    if node.get("Relation Name") not in LARGE:
        return False
    kind = node["Node Type"]
    walks = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    return kind == "Seq Scan" or (walks and not in_order)

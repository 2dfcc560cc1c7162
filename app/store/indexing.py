"""What a resource is found under, as rows beside it: strings, dates and quantities. Tokens are in its own row.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.search_index import Indexed
from app.store import tables

_TRIGRAM = 3


def rows(found_under: Iterable[tuple[UUID, Indexed]]) -> dict[Table, list[tuple[Any, ...]]]:
    """The rows of each table, in the order of its columns, for resources by their ids."""
    rows: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in tables.SEARCH}
    for id, indexed in found_under:
        of = (id, resource_id.bucket(id))
        rows[tables.search_string] += [
            (*of, key, value, exact, trigrams(value)) for key, value, exact in indexed.strings
        ]
        rows[tables.search_date] += [(*of, key, period.start, period.end) for key, period in indexed.dates]
        rows[tables.search_quantity] += [
            (*of, key, each.lower, each.upper, each.system, each.code) for key, each in indexed.quantities
        ]
    return rows


async def remove(tx: AsyncConnection, ids: Collection[UUID]) -> None:
    """Forget what these resources were found under."""
    buckets = [resource_id.bucket(id) for id in ids]
    for table in tables.SEARCH:
        c = table.c
        here = c.id == tables.any_of(list(ids), c.id.type), c.bucket == tables.any_of(buckets, c.bucket.type)
        await tx.execute(delete(table).where(*here))


def trigrams(text: str) -> list[str]:
    """Every three letters in a row, each once: whatever contains a text has all of its trigrams."""
    return sorted({text[start : start + _TRIGRAM] for start in range(len(text) - _TRIGRAM + 1)})

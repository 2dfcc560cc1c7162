"""In whatever order: the pages together are what the caller may see, in that order, forwards and backwards.

https://hl7.org/fhir/R4/search.html#_sort
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from app.fhir import search_index, time
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import Place
from app.store import database as store
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts, search_world
from tests.store.conftest import NewDatabase
from tests.store.drafts import START, draft
from tests.store.search_world import CALLERS, Kept, find

LATER = START + timedelta(hours=1)


@pytest_asyncio.fixture(scope="module")
async def everybody(new_database: NewDatabase) -> tuple[store.Database, list[Kept]]:
    database = await new_database()
    return database, await search_world.written(database, search_world.documents(Random(77)))


def _span(kept: Kept, element: str) -> time.Period | None:
    value = kept.content.get(element)
    if isinstance(value, str):
        span = time.span(value)
        return time.Period(span.start, span.end) if span else None
    return time.period(value)


def _first(element: str) -> Callable[[Kept], Any]:
    """Where a date begins: open is before all others."""
    return lambda kept: (
        (span.start or START.min.replace(tzinfo=START.tzinfo)) if (span := _span(kept, element)) else None
    )


def _last(element: str) -> Callable[[Kept], Any]:
    return lambda kept: (span.end or time.LAST) if (span := _span(kept, element)) else None


def _family(kept: Kept) -> str:
    return search_index.folded(kept.content["name"][0]["family"])


def _active(kept: Kept) -> str | None:
    return str(kept.content["active"]).lower() if "active" in kept.content else None


VALUES: dict[str, Callable[[Kept], Any]] = {
    "_id": lambda kept: kept.version.id,
    "-_id": lambda kept: kept.version.id,
    "_lastUpdated": lambda kept: kept.version.last_updated,
    "-_lastUpdated": lambda kept: kept.version.last_updated,
    "birthdate": _first("birthDate"),
    "-birthdate": _last("birthDate"),
    "family": _family,
    "-family": _family,
    "active": _active,
    "-active": _active,
    "date": _first("period"),
    "-date": _last("period"),
    "death-date": lambda kept: None,
}


def in_order(kept: list[Kept], asked: str) -> list[UUID]:
    """By each of what is asked, and then by id; what has no value last."""
    codes = asked.split(",")
    found = sorted(kept, key=lambda each: each.version.id, reverse=codes[-1].startswith("-"))
    for code in reversed(codes):
        value = VALUES[code]
        there = [each for each in found if value(each) is not None]
        found = sorted(there, key=value, reverse=code.startswith("-")) + [each for each in found if value(each) is None]
    return [each.version.id for each in found]


ORDERS = [
    *(("Patient", "surgery", code) for code in VALUES if code.removeprefix("-") != "date"),
    ("Patient", "children's centre", "-birthdate"),
    ("Patient", "surgery", "-active,family"),
    ("Patient", "surgery", "family,-birthdate,active"),
    ("Patient", "surgery", "death-date,-_lastUpdated"),
    ("Flag", "council", "date"),
    ("Flag", "council", "-date"),
]


@pytest.mark.parametrize(("type", "who", "order"), ORDERS)
async def test_the_pages_together_are_in_the_order_asked_for_both_ways(
    everybody: tuple[store.Database, list[Kept]], type: str, who: str, order: str
) -> None:
    database, kept = everybody
    expected = in_order(search_world.visible(kept, CALLERS[who], type), order)
    assert len(expected) > 2
    for sizes in ((1000,), (1, 3, 2)):
        pages = [page async for page in _pages(database, who, type, order, sizes)]
        assert [id for page in pages for id in page] == expected
        back = [page async for page in _back(database, who, type, order, sizes)]
        assert [id for page in reversed(back) for id in page] == expected[: len(expected) - 1]


async def _pages(database: store.Database, who: str, type: str, order: str, sizes: tuple[int, ...]) -> Any:
    """Each page from the first on, and at the end there is none before the first."""
    place, turns = None, cycle(sizes)
    while True:
        pairs = ("_sort", order), ("_count", str(next(turns)))
        page = await find(database, CALLERS[who], type, *pairs, place=place)
        assert (page.previous is None) == (place is None)
        assert page.rows, "no page is empty"
        yield [row.id for row in page.rows]
        if (place := page.next) is None:
            return


async def _back(database: store.Database, who: str, type: str, order: str, sizes: tuple[int, ...]) -> Any:
    """Each page before the last row, the nearest first."""
    whole = await find(database, CALLERS[who], type, ("_sort", order))
    last = await find(database, CALLERS[who], type, ("_sort", order), ("_count", str(len(whole.rows) - 1)))
    assert last.next is not None
    end = await find(database, CALLERS[who], type, ("_sort", order), place=last.next)
    place, turns = end.previous, cycle(sizes)
    while place is not None:
        assert place.backwards
        pairs = ("_sort", order), ("_count", str(next(turns)))
        page = await find(database, CALLERS[who], type, *pairs, place=place)
        assert page.next is not None
        assert page.total == whole.total
        yield [row.id for row in page.rows]
        place = page.previous


@pytest.mark.parametrize("order", ["_id", "-_lastUpdated", "_lastUpdated", "family", "-family", "birthdate", "active"])
async def test_what_is_written_between_pages_moves_nothing(database: store.Database, order: str) -> None:
    """What was there at first is on the pages, once and in its order, whatever comes between."""
    kept = await search_world.written(database, search_world.documents(Random(8)))
    expected = in_order(search_world.visible(kept, CALLERS["surgery"], "Patient"), order)
    found: list[UUID] = []
    place, turn = None, 0
    while True:
        page = await find(database, CALLERS["surgery"], "Patient", ("_sort", order), ("_count", "2"), place=place)
        assert page.total == len(expected) + turn
        found += [row.id for row in page.rows]
        if (place := page.next) is None:
            break
        seen, hidden = synthetic(700_000 + 20 * turn), synthetic(700_010 + 20 * turn)
        name = [{"family": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[turn % 26]}]
        born = f"20{turn % 20 + 10}-01-01"
        await drafts.create(
            database,
            draft(drafts.patient(seen, name=name, birthDate=born)),
            draft(records.restricted(drafts.patient(hidden, name=name, birthDate=born), "V")),
            now=LATER,
        )
        turn += 1
        assert turn < 60
    assert [id for id in found if id in set(expected)] == expected
    assert len(found) == len(set(found))


async def test_a_place_in_another_order_is_refused(everybody: tuple[store.Database, list[Kept]]) -> None:
    with pytest.raises(InvalidParameter):
        await find(everybody[0], CALLERS["surgery"], "Patient", ("_sort", "family"), place=Place(("a",)))

"""The text of a search is kept by its shape: so two of one shape have to have the same text, whatever they are asked with.

https://www.postgresql.org/docs/current/sql-prepare.html
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.fhir.search_criteria import About, Among, Chained, Has, Not, Place, SearchQuery, Sort, Text, When
from app.store import database as store
from app.store import page_statement
from app.store.compiled import Compiled
from bench.planning import plans, searches
from bench.planning.rows import KEY, World

PERMITS = plans.permits()


async def _texts(
    database: store.Database, queries: Iterator[tuple[SearchQuery, Place | None]]
) -> list[tuple[Any, str]]:
    """The shape and the text of each."""
    found = []
    for query, place in queries:
        async with database.transaction() as tx:
            asked = await page_statement.prepared(tx, PERMITS, query, None, place, KEY)
            found.append((asked.shape, Compiled(asked.build()).sql))
    return found


def _documented() -> Iterator[tuple[SearchQuery, Place | None]]:
    for each in searches.one_of_each_shape(World(200)):
        if not any(isinstance(asked, About | Chained | Has) for asked in each.query.criteria):
            yield each.query, each.place
            yield replace(each.query, criteria=tuple(map(_otherwise, each.query.criteria))), each.place


def _otherwise(criterion: Any) -> Any:
    """The same of other values, where that is asked alike."""
    match criterion:
        case Among(tokens):
            return Among(tuple(f"{token}0" for token in tokens))
        case Not(inner):
            return Not(_otherwise(inner))
        case Text(values=values):
            return replace(criterion, values=tuple(f"{value} or so" for value in values))
        case _:
            return criterion


async def test_two_of_one_shape_have_the_same_text(database: store.Database) -> None:
    of_shape: dict[Any, set[str]] = {}
    for shape, text in await _texts(database, _documented()):
        of_shape.setdefault(shape, set()).add(text)
    assert [shape for shape, texts in of_shape.items() if len(texts) > 1] == []
    assert len({text for texts in of_shape.values() for text in texts}) > 50


def _query(*criteria: Any, sort: tuple[Sort, ...] = (), count: int = 10, total: bool = True) -> SearchQuery:
    return SearchQuery("Patient", criteria, (), count, total, (), sort)


BASE = _query(Among(("gender#|male",)))
_DAY = searches._DAY


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((_query(Among(("active#|male",))), None), id="another parameter"),
        pytest.param((_query(Not(Among(("gender#|male",)))), None), id="the opposite"),
        pytest.param((_query(*BASE.criteria, *BASE.criteria), None), id="twice"),
        pytest.param((replace(BASE, total=False), None), id="without a total"),
        pytest.param((replace(BASE, count=11), None), id="one more"),
        pytest.param((replace(BASE, sort=(Sort("_id", False),)), None), id="in another order"),
        pytest.param((replace(BASE, sort=(Sort("_lastUpdated", False),)), None), id="the other way round"),
        pytest.param((BASE, Place((_DAY.start.isoformat(), str(World(9).ids[0])))), id="the next page"),
        pytest.param((BASE, Place((_DAY.start.isoformat(), str(World(9).ids[0])), True)), id="the page before"),
        pytest.param((_query(When("_lastUpdated", (("gt", _DAY),))), None), id="a date"),
        pytest.param((_query(When("_lastUpdated", (("lt", _DAY),))), None), id="with another prefix"),
        pytest.param((_query(Text("Patient.family", ("a",), "starts")), None), id="a name"),
        pytest.param((_query(Text("Patient.family", ("a", "b"), "starts")), None), id="either of two"),
        pytest.param((_query(Text("Patient.family", ("a",), "contains")), None), id="anywhere"),
        pytest.param((_query(Text("Patient.family", ("abc",), "contains")), None), id="by its trigrams"),
        pytest.param((_query(Text("Patient.address", ("a",), "starts")), None), id="of what may be hidden"),
    ],
)
async def test_what_is_asked_otherwise_has_a_shape_of_its_own(
    database: store.Database, other: tuple[SearchQuery, Place | None]
) -> None:
    (one, own), (two, another) = await _texts(database, iter([(BASE, None), other]))
    assert one != two
    assert own != another or isinstance(other[0].criteria[0], Among)

"""The statement that a page of a search is read by, with its exact total: its text made once for all who ask alike.

https://hl7.org/fhir/R4/search.html#paging
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Subquery, func, literal, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir.search_criteria import About, Place, SearchQuery
from app.policy.authority import Permit
from app.store import condition, criteria, links, ordering
from app.store.condition import Condition
from app.store.links import People
from app.store.ordering import Key
from app.store.visible import visible


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page to read: `build` makes its statement, whose text depends on `shape` and the permit alone."""

    shape: Hashable
    build: Callable[[], Select[Any]]
    values: dict[str, Any]


async def prepared(
    tx: AsyncConnection,
    permits: Mapping[str, Permit],
    query: SearchQuery,
    people: People | None,
    place: Place | None,
    key: bytes,
) -> Prepared:
    """A page, once all that it asks of other resources has been found out."""
    where: list[Condition] = []
    if people is not None and people.all is not None:
        where.append(criteria.within_buckets(people.all, links.person_column(query.type)))
    through = links.Links(tx, permits, key)
    where += [await through.resolve(query.type, each) for each in query.criteria if not isinstance(each, About)]
    keys = ordering.keys(query.type, query.sort)
    beyond = [ordering.beyond(keys, place)] if place else []
    is_narrow = any(map(links.is_narrow, query.criteria))

    def build() -> Select[Any]:
        fan_out = None if is_narrow else "a search that names nobody"
        seen = visible(permits[query.type], types=(query.type,), fan_out=fan_out)
        return _selected(query, seen, where, keys, place, beyond)

    shapes = (*(each.shape for each in (*where, *beyond)), *((each.name, each.descending) for each in keys))
    values = condition.given(where) | condition.given(beyond, "p")
    return Prepared((query.type, query.total, query.count, is_narrow, *shapes), build, values)


def _selected(
    query: SearchQuery,
    seen: Subquery,
    where: Sequence[Condition],
    keys: Sequence[Key],
    place: Place | None,
    beyond: Sequence[Condition],
) -> Select[Any]:
    """The total, beside each row of the page; one row more than asked for, to know whether there are more.

    How many that is stands in the text: of a parameter the planner would think that it is a tenth of all there are.
    """
    backwards = place is not None and place.backwards
    met = condition.as_parameters(where, seen.c)
    sorted_by = [each.of(seen.c).label(f"by_{number}") for number, each in enumerate(keys)]
    chosen = select(*columns(seen), seen.c.tokens, *sorted_by).where(*met).subquery()
    by = list(chosen.c)[WIDTH:]
    limited = select(*chosen.c).where(*condition.as_parameters(beyond, by, "p"))
    in_order = limited.order_by(*ordering.order(keys, by, backwards=backwards))
    page = in_order.limit(literal_column(str(query.count + 1 if query.count else 0))).subquery()
    count: Any = select(func.count()).select_from(seen).where(*met).scalar_subquery()
    total = select((count if query.total else literal(None)).label("total")).subquery()
    return (
        select(total.c.total, *page.c)
        .select_from(total.outerjoin(page, true()))
        .order_by(*ordering.order(keys, list(page.c)[WIDTH:], backwards=backwards))
    )


def columns(seen: Subquery) -> list[Any]:
    """What makes a Row, but for its tokens."""
    c = seen.c
    return [
        c.id, c.type, c.version, c.last_updated, c.content, c.patient_id, c.custodian, c.rule, c.shows_contact,
        c.shows_location,
    ]  # fmt: skip


WIDTH = 11  # of a Row, with its tokens

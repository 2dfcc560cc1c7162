"""Every search that is documented: each parameter of each type with each modifier and prefix, in each order, through each link.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias, get_args
from uuid import UUID

from app.fhir import search_parameters
from app.fhir.history_query import HistoryQuery
from app.fhir.search_criteria import (
    About,
    Among,
    Amount,
    Chained,
    Criterion,
    Has,
    Ids,
    Include,
    Missing,
    Not,
    Place,
    Prefix,
    Range,
    SearchQuery,
    Sort,
    Text,
    When,
)
from app.fhir.search_parameters import SearchParameter
from app.fhir.time import Span
from app.policy import asking
from app.store.history import After
from app.store.search import Row
from bench.planning.rows import NOW, World

PREFIXES: tuple[Prefix, ...] = get_args(Prefix)
_DAY = Span(NOW - timedelta(days=10), NOW - timedelta(days=9))


@dataclass(frozen=True)
class Search:
    """`asked` is how it is written; `shape` is the same without the names, on which the plan does not depend."""

    asked: str
    shape: str
    query: SearchQuery
    place: Place | None = None


@dataclass(frozen=True)
class Followed:
    """An include, and a page that it belongs to."""

    asked: str
    include: Include
    rows: tuple[Row, ...]


Asked: TypeAlias = tuple[str, str, Criterion]  # how it is written, its shape, what it is


def searches(world: World) -> Iterator[Search]:
    for type in search_parameters.written_types():
        for asked, shape, criterion in (*_common(world, type), *_of_parameters(world, type), *_linked(world, type)):
            yield Search(f"{type}?{asked}", shape, _query(type, [criterion]))
        yield from _sorted(world, type)


def one_of_each_shape(world: World) -> Iterator[Search]:
    """Of a Patient, of whom elements are hidden, and of some other type."""
    seen: set[tuple[str, bool]] = set()
    for search in searches(world):
        key = search.shape, search.query.type == "Patient"
        if key not in seen:
            seen.add(key)
            yield search


def followed(world: World) -> Iterator[Followed]:
    """What refers to the first resources of each type, and what these refer to."""
    for source in search_parameters.written_types():
        for parameter in search_parameters.parameters(source).values():
            for target in parameter.targets if parameter.type == "reference" else ():
                if world.of_type.get(target):
                    name = f"{source}:{parameter.code}:{target}"
                    back = Include(source, parameter, iterate=False, target=target, reverse=True)
                    forth = Include(source, parameter, iterate=False, target=target)
                    yield Followed(f"{target}?_revinclude={name}", back, _rows(world, target))
                    yield Followed(f"{source}?_include={name}", forth, _rows(world, source, parameter, target))


@dataclass(frozen=True)
class History:
    """Of these types, or of the one resource of `id`."""

    asked: str
    types: tuple[str, ...]
    query: HistoryQuery
    after: After | None = None
    id: UUID | None = None


def histories(world: World) -> Iterator[History]:
    """Of a resource, of its type and of everything: all of it, since a moment, as of a moment, and further on."""
    everything = search_parameters.written_types()
    for type in everything:
        id = world.of_type[type][1]
        after = After(NOW - timedelta(days=1), id, 1)
        for since, at, place in ((None, None, None), (_DAY.start, None, None), (None, _DAY, None), (None, None, after)):
            query = HistoryQuery(since, at, 50)
            said = "&".join(name for name, asked in (("_since", since), ("_at", at), ("_page", place)) if asked)
            yield History(f"{type}/[id]/_history?{said}", (type,), query, place, id)
            yield History(f"{type}/_history?{said}", (type,), query, place)
            if type == everything[0]:
                yield History(f"_history?{said}", everything, query, place)


def _rows(world: World, type: str, refers: SearchParameter | None = None, target: str = "") -> tuple[Row, ...]:
    """The first resources of a type, which refer to the first of another."""
    chosen = world.of_type[type][:20]
    there = [f"{refers.code}#{target}/{id}" for id in world.of_type[target][:20]] if refers else []
    person = world.of_type["Patient"][0]
    return tuple(Row(id, type, 1, NOW, "", person, "", "own_data", True, True, tuple(there)) for id in chosen)


def _query(type: str, criteria: Iterable[Criterion], *sort: Sort) -> SearchQuery:
    return SearchQuery(type, tuple(criteria), (), 50, True, (), sort)


def _common(world: World, type: str) -> Iterator[Asked]:
    yield "_id=", "_id", _at(world, type)
    for prefix in PREFIXES:
        yield f"_lastUpdated={prefix}", f"_lastUpdated={prefix}", When("_lastUpdated", ((prefix, _DAY),))
    for code in ("_tag", "_profile", "_security", "_source"):
        yield f"{code}=", code, Among((f"{code}#|v1",))
        yield f"{code}:not=", f"{code}:not", Not(Among((f"{code}#|v1",)))


def _of_parameters(world: World, type: str) -> Iterator[Asked]:
    for parameter in search_parameters.parameters(type).values():
        code, shape = parameter.code, _shape(parameter)
        for missing in (True, False):
            said = f":missing={str(missing).lower()}"
            yield f"{code}{said}", f"{shape}{said}", Missing(parameter, missing)
        for modifier, criterion in _of_parameter(world, parameter):
            yield f"{code}{modifier}", f"{shape}{modifier}", criterion


def _shape(parameter: SearchParameter) -> str:
    """Its type, and what is hidden of it."""
    told = asking.told(parameter.base, [parameter.code])
    hidden = "-contact" * told.contact + "-location" * told.location
    return ("person" if parameter.is_the_person else parameter.type) + hidden


def _of_parameter(world: World, parameter: SearchParameter) -> Iterator[tuple[str, Criterion]]:
    match parameter.type:
        case "token" | "uri":
            value = "n7" if parameter.code == "identifier" else "v1"
            yield "=", Among((f"{parameter.code}#urn:codes|{value}",))
            yield ":not=", Not(Among((f"{parameter.code}#urn:codes|{value}",)))
            yield ":text=", Text(f"{parameter.key}:text", ("word 1",), "starts")
            yield ":of-type=", Among((f"{parameter.code}:of-type#urn:types|MR|n7",))
        case "reference" if parameter.is_the_person:
            yield "=", About((), (str(world.of_type["Patient"][1]),))
        case "reference":
            yield "=", Among((f"{parameter.code}#Patient/{world.of_type['Patient'][1]}",))
            yield ":identifier=", Among((f"{parameter.code}#|n7",))
        case "string":
            yield "=", Text(parameter.key, ("example 7",), "starts")
            yield ":exact=", Text(parameter.key, ("Example 7",), "exact")
            yield ":contains=", Text(parameter.key, ("mple 77",), "contains")
        case "date":
            for prefix in PREFIXES:
                yield f"={prefix}", When(parameter.key, ((prefix, _DAY),))
        case "quantity":
            for prefix in PREFIXES:
                asked = Range(prefix, Decimal("6.5"), Decimal("7.5"), "http://unitsofmeasure.org", "kg")
                yield f"={prefix}", Amount(parameter.key, (asked,))


def _sorted(world: World, type: str) -> Iterator[Search]:
    """With something to find, as whoever sorts asks for something, and alone; the page after, and the page before."""
    orders: list[Sort] = [Sort("_id", False), Sort("_lastUpdated", False), Sort("_lastUpdated", True)]
    orders += [Sort(each, True) for each in search_parameters.parameters(type).values() if each.type != "reference"]
    middle = str(world.of_type[type][len(world.of_type[type]) // 2])
    for sort in orders:
        code, shape = (sort.by, sort.by) if isinstance(sort.by, str) else (sort.by.code, _shape(sort.by))
        direction = "-" if sort.descending else ""
        alone = _query(type, [], sort)
        yield Search(f"{type}?_sort={direction}{code}", f"{direction}{shape}", alone)
        value = {"_id": middle, "_lastUpdated": (NOW - timedelta(days=1)).isoformat()}.get(code)
        for backwards in (False, True):
            place = Place((value, middle), backwards)
            further = f"_sort={direction}{code}&_page={'previous' if backwards else 'next'}"
            yield Search(f"{type}?{further}", f"{direction}{shape} {backwards}", replace(alone, total=False), place)


def _linked(world: World, type: str) -> Iterator[Asked]:
    """By what is at the other end of each reference, either way."""
    for parameter in search_parameters.parameters(type).values():
        for target in parameter.targets if parameter.type == "reference" else ():
            if world.of_type.get(target):
                chained = Chained(parameter, target, _at(world, target))
                yield f"{parameter.code}:{target}._id=", f"{_shape(parameter)} chained", chained
    for source in search_parameters.written_types():
        for parameter in search_parameters.parameters(source).values():
            if parameter.type == "reference" and type in parameter.targets:
                has = Has(source, parameter, _at(world, source))
                yield f"_has:{source}:{parameter.code}:_id=", f"{_shape(parameter)} has", has


def _at(world: World, type: str) -> Criterion:
    return Ids(tuple(str(id) for id in world.of_type[type][:2]))

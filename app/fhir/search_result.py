"""How an answer is to look: the parameters of a search that ask for nothing but that.

https://hl7.org/fhir/R4/search.html#return
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from app.fhir import schema_definitions, search_parameters, search_refusal
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import Include, Pair, SearchQuery, Sort, Summary
from app.fhir.subset import Part

MOST_SORTS = 3
_MOST_DIGITS = 9
_ONCE = ("_count", "_total", "_sort", "_summary", "_elements")


def read(type: str, name: str, value: str, largest_page: int) -> Mapping[str, Any]:
    """What one of them changes in a SearchQuery."""
    base, _, modifier = name.partition(":")
    if modifier:
        raise search_refusal.modifier(type, name, ())
    match base:
        case "_count":
            return {"count": count(value, largest_page)}
        case "_total":
            return {"total": _total(value)}
        case "_sort":
            return {"sort": _sorts(type, value)}
        case "_summary":
            return {"summary": summary(value)}
        case "_elements":
            return {"elements": elements(type, value)}
        case _:  # _format is negotiated with the Accept header
            return {}


def checked(query: SearchQuery, pairs: Iterable[Pair]) -> SearchQuery:
    """The same query, of which no two parts contradict each other."""
    names = [name for name, _ in pairs]
    for name in _ONCE:
        if names.count(name) > 1:
            raise InvalidParameter(f"{name} is said once.", expression=name)
    if query.elements and query.summary != "false":
        raise InvalidParameter("Ask for _summary or for _elements, not for both.", expression="_elements")
    if query.summary == "text" and query.includes:
        raise InvalidParameter("Nothing is included where _summary is text.", expression="_include")
    if query.summary == "count" and (query.includes or not query.total):
        raise InvalidParameter("_summary=count is the total, and nothing else.", expression="_summary")
    return replace(query, count=0) if query.summary == "count" else query


def part(type: str, pairs: Iterable[Pair]) -> Part:
    """What is asked for of one resource that is read. Raises InvalidParameter."""
    asked = checked(_shape(type, pairs), pairs)
    if asked.summary == "count":
        raise InvalidParameter("A resource that is read has no count. Leave _summary out.", expression="_summary")
    return Part(asked.summary, asked.elements)


def _shape(type: str, pairs: Iterable[Pair]) -> SearchQuery:
    query = SearchQuery(type, (), (), 1, total=True, pairs=())
    for name, value in pairs:
        query = replace(query, **read(type, name, value, 1))
    return query


def elements(type: str, value: str) -> tuple[str, ...]:
    """The elements of a type that are asked for, a choice as `value[x]`: `value` or `Observation.value` will do."""
    known = _elements_of(type)
    return tuple(_element(type, known, each.strip().removeprefix(f"{type}.")) for each in value.split(","))


def _element(type: str, known: Mapping[str, str], name: str) -> str:
    if name not in known:
        near = search_refusal.nearest(name, known)
        said = f"Did you mean {near}?" if near else "They are named as in the resource's definition."
        raise InvalidParameter(f"{type} has no such element. {said}", expression="_elements")
    return known[name]


def summary(value: str) -> Summary:
    for each in get_args(Summary):
        if each == value:
            return each  # type: ignore[no-any-return]  # one of the literals
    raise InvalidParameter("_summary is true, text, data, count or false.", expression="_summary")


def include(type: str, name: str, value: str) -> Include:
    """`_include` follows from what is found, `_revinclude` leads to it; with `:iterate` from what is included, too."""
    base, _, modifier = name.partition(":")
    if modifier not in ("", "iterate"):
        raise search_refusal.modifier(type, name, ("iterate",))
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    served = search_parameters.written_types()
    if not code or source == "*" or code == "*":
        raise InvalidParameter(f"{base} is [type]:[parameter], such as Flag:detail; * is not served.", expression=base)
    if source not in served:
        raise search_refusal.type_of(source, served, base)
    parameters = search_parameters.parameters(source)
    parameter = parameters.get(code)
    if parameter is None or parameter.type != "reference" or parameter.is_canonical:
        near = search_refusal.nearest(code, [each.code for each in parameters.values() if each.type == "reference"])
        said = f" Did you mean {source}:{near}?" if near else ""
        raise InvalidParameter(f"{source} has no such reference to include.{said}", expression=base)
    if target and target not in parameter.targets:
        raise search_refusal.type_of(target, parameter.targets, base)
    found = Include(source, parameter, bool(modifier), target or None, reverse=base == "_revinclude")
    _check_start(type, found, base)
    return found


def _check_start(type: str, include: Include, base: str) -> None:
    """Without `:iterate` it begins at what was found."""
    if include.iterate:
        return
    if include.reverse and type not in ((include.target,) if include.target else include.parameter.targets):
        raise InvalidParameter(
            f"{include.source} does not refer to {type} by that. To follow what is included, use {base}:iterate.",
            expression=base,
        )
    if not include.reverse and include.source != type:
        raise InvalidParameter(
            f"To follow {include.source} from what is included, use {base}:iterate.", expression=base
        )


def _elements_of(type: str) -> dict[str, str]:
    """How each may be named."""
    paths = (element.path.split(".") for element in schema_definitions.structure(type).elements)
    names = [path[1] for path in paths if len(path) == len(("type", "element"))]
    return {name: name for name in names} | {name.removesuffix("[x]"): name for name in names}


def _sorts(type: str, value: str) -> tuple[Sort, ...]:
    texts = value.split(",")
    if len(texts) > MOST_SORTS:
        raise InvalidParameter(f"_sort takes at most {MOST_SORTS} keys.", expression="_sort")
    return tuple(_sort(type, text.strip()) for text in texts)


def _sort(type: str, text: str) -> Sort:
    name, descending = text.removeprefix("-"), text.startswith("-")
    parameters = search_parameters.parameters(type)
    if name in ("_id", "_lastUpdated"):
        return Sort("_id" if name == "_id" else "_lastUpdated", descending)
    parameter = parameters.get(name)
    if parameter is None or parameter.is_the_person:
        able = ["_id", "_lastUpdated", *(each.code for each in parameters.values() if not each.is_the_person)]
        near = search_refusal.nearest(name, able)
        said = f"Did you mean {near}?" if near else f"There are {', '.join(sorted(able))}."
        raise InvalidParameter(f"{type} is not sorted by that. {said}", expression="_sort")
    return Sort(parameter, descending)


def count(value: str, largest: int) -> int:
    """How many entries a page has, at most `largest`."""
    if not re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", value):
        raise InvalidParameter("_count is a whole number from 0.", expression="_count")
    return min(int(value), largest)


def _total(value: str) -> bool:
    if value not in ("none", "estimate", "accurate"):
        raise InvalidParameter("_total is none, estimate or accurate.", expression="_total")
    return value != "none"

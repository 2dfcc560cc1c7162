"""The expressions of search parameters: where in a resource the values stand that it is found under.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression; https://hl7.org/fhir/R4/fhirpath.html

A small part of FHIRPath is read, which HL7's own search parameters are written in: paths with `|` between, extensions by
URL, `where(system='phone')`, `where(resolve() is Patient)`, `(x as Type)`, and `x.exists() and x != false`. Anything else
stops the start. A choice (`value[x]`) is followed by each name that it has in JSON.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.fhir import schema_definitions
from app.fhir.schema_elements import DefinitionError
from app.fhir.schema_elements import Element as Definition

_UNION = re.compile(r"\s*\|\s*(?=(?:[^']*'[^']*')*[^']*$)")  # a bar that is not inside quotation marks
_SPLIT = re.compile(r"\.(?=(?:[^']*'[^']*')*[^']*$)")
_CAST = re.compile(r"\(?(?P<path>.+) as (?P<type>[A-Za-z]+)\)?(?P<rest>(?:\.[A-Za-z]+)*)")
_IS_SO = re.compile(r"(?P<path>[A-Za-z.]+)\.exists\(\) and (?P=path) != false")
_NAME = re.compile(r"[A-Za-z]+")
_EXTENSION = re.compile(r"extension\('([^']+)'\)")
_HAVING = re.compile(r"where\(([A-Za-z]+)='([^']+)'\)")
_REFERRING = re.compile(r"where\(resolve\(\) is ([A-Z][A-Za-z]+)\)")


@dataclass(frozen=True, slots=True)
class Named:
    """The element under one of these names in JSON: several for a choice."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """The extensions of this URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Having:
    """Those whose `element` has this value."""

    element: str
    value: str


@dataclass(frozen=True, slots=True)
class Referring:
    """The references to this type, as far as they say it themselves."""

    type: str


Step: TypeAlias = Named | Extension | Having | Referring


@dataclass(frozen=True, slots=True)
class Path:
    """From the resource to the values. `types` are the FHIR types of what stands there, `value_set` what binds a code."""

    steps: tuple[Step, ...]
    types: frozenset[str]
    value_set: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """`is_so`: the one value is whether there is something that is not false."""

    paths: tuple[Path, ...]
    is_so: bool = False

    def values(self, resource: Mapping[str, Any]) -> Iterator[Any]:
        found = (value for path in self.paths for value in _values(resource, path.steps))
        if self.is_so:
            yield any(value is not False for value in found)
        else:
            yield from found


@dataclass(frozen=True, slots=True)
class _Place:
    """An element's own path in the definition of a type."""

    type: str
    path: str


def parse(expression: str, base: str, usable: frozenset[str]) -> Expression:
    """Of a resource type. Of a choice, those types are followed that are `usable`.

    Raises DefinitionError for what is not read here.
    """
    if so := _IS_SO.fullmatch(expression):
        return Expression((_path(so["path"], base, None),), is_so=True)
    return Expression(tuple(_alternative(each, base, usable) for each in _UNION.split(expression)))


def _alternative(expression: str, base: str, usable: frozenset[str]) -> Path:
    if cast := _CAST.fullmatch(expression):
        return _path(f"{cast['path']}.as({cast['type']}){cast['rest']}", base, usable)
    return _path(expression, base, usable)


def _path(expression: str, base: str, usable: frozenset[str] | None) -> Path:
    first, *texts = _SPLIT.split(expression)
    if first != base or not texts:
        raise DefinitionError(f"{expression} is no path from {base}.")
    steps: list[Step] = []
    place, element = _Place(base, base), None
    for text, following in zip(texts, [*texts[1:], ""], strict=True):
        if text.startswith("as("):
            continue  # taken with the element before it
        if _NAME.fullmatch(text):
            element = _definition(place, text, expression)
            cast = following.removeprefix("as(").removesuffix(")") if following.startswith("as(") else None
            chosen = {name: type.code for name, type in element.names() if cast in (None, type.code)}
            if following == "" and usable is not None:
                chosen = {name: code for name, code in chosen.items() if code in usable}
            if not chosen and not element.content_reference:
                raise DefinitionError(f"{expression} leads to nothing that can be searched by.")
            steps.append(Named(tuple(chosen) or (element.name,)))
            place = _inside(place, element, tuple(chosen.values()))
        elif match := _EXTENSION.fullmatch(text):
            steps.append(Extension(match[1]))
            place = _Place("Extension", "Extension")
        else:
            steps.append(_filter(text, expression))
    if element is None:
        return Path(tuple(steps), frozenset())
    return Path(tuple(steps), frozenset(chosen.values()), element.value_set)


def _filter(text: str, expression: str) -> Step:
    if match := _HAVING.fullmatch(text):
        return Having(match[1], match[2])
    if match := _REFERRING.fullmatch(text):
        return Referring(match[1])
    raise DefinitionError(f"{expression} says more than is read here: {text}.")


def _definition(place: _Place, name: str, expression: str) -> Definition:
    wanted = (f"{place.path}.{name}", f"{place.path}.{name}[x]")
    for element in schema_definitions.structure(place.type).elements:
        if element.path in wanted and element.slice_name is None:
            return element
    raise DefinitionError(f"{expression}: {place.path} has no {name}.")


def _inside(place: _Place, element: Definition, codes: tuple[str, ...]) -> _Place:
    """Where the next step is looked for: in the same definition, or in that of the element's own type."""
    if element.content_reference:
        return _Place(place.type, element.content_reference)
    within = f"{element.path}."
    if any(each.path.startswith(within) for each in schema_definitions.structure(place.type).elements):
        return _Place(place.type, element.path)
    return _Place(codes[0], codes[0])


def _values(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, steps)
        return
    if not steps:
        if value is not None:
            yield value
        return
    step, *rest = steps
    for inner in _taken(value, step):
        yield from _values(inner, tuple(rest))


def _taken(value: Any, step: Step) -> Iterator[Any]:
    """What one step leads to. What is no object has nothing inside."""
    if not isinstance(value, dict):
        return
    match step:
        case Named(names):
            yield from (value[name] for name in names if name in value)
        case Extension(url):
            yield from (each for each in value.get("extension", ()) if each.get("url") == url)
        case Having(element, wanted):
            if value.get(element) == wanted:
                yield value
        case Referring(type):
            if value.get("type") == type or f"/{value.get('reference', '')}".rpartition(f"/{type}/")[1]:
                yield value

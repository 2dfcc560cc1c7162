"""Where a simple FHIRPath leads to in a resource: what FHIRPath Patch needs of the language, and no more.

https://hl7.org/fhir/R4/fhirpatch.html; https://hl7.org/fhirpath/N1/#path-selection

A path begins with the resource's type, and goes on by `.name`, `[0]`, `.first()` and `.where(name = 'text')`. Any other
is refused, and so is an element that the type does not have.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.fhir import schema_shape

Steps: TypeAlias = tuple[str | int, ...]

_TYPE = re.compile(r"[A-Z][A-Za-z]*")
_PART = re.compile(
    r"\.(?P<name>[A-Za-z][A-Za-z0-9]*)(?![A-Za-z0-9(])"
    r"|\[(?P<index>0|[1-9][0-9]{0,4})\]"
    r"|(?P<first>\.first\(\))"
    r"|\.where\(\s*(?P<where>[A-Za-z]+(?:\.[A-Za-z]+)*)\s*=\s*(?:'(?P<text>[^'\\]*)'|(?P<truth>true|false))\s*\)"
)
_MOST_PARTS = 32


class PathError(ValueError):
    """A path that is not served, or that leads out of the definition."""


@dataclass(frozen=True, slots=True)
class Path:
    """The type that it begins with, and its parts."""

    type: str
    parts: tuple[re.Match[str], ...]

    @property
    def names_a_list(self) -> bool:
        """Whether it ends with an element's name, and so means all that the element holds."""
        return bool(self.parts) and self.parts[-1]["name"] is not None

    @property
    def name(self) -> str:
        """The element that its last part names."""
        return self.parts[-1]["name"]

    @property
    def above(self) -> "Path":
        """Without its last part."""
        return Path(self.type, self.parts[:-1])


def parsed(text: str) -> Path:
    """Raises PathError."""
    start = _TYPE.match(text)
    at, parts = start.end() if start else 0, list[re.Match[str]]()
    while start and at < len(text) and len(parts) < _MOST_PARTS and (part := _PART.match(text, at)):
        parts.append(part)
        at = part.end()
    if start is None or at < len(text):
        raise PathError("A path is made of the type, .name, [0], .first() and .where(name = 'text').")
    return Path(start[0], tuple(parts))


def found(resource: Mapping[str, Any], path: Path) -> list[Steps]:
    """The steps to everything that a path leads to, in order. Raises PathError."""
    if path.type != resource["resourceType"]:
        raise PathError("A path begins with the type of the resource.")
    _check_defined(path)
    places: list[Steps] = [()]
    for part in path.parts:
        if part["name"]:
            places = [below for place in places for below in children(resource, place, part["name"])]
        elif part["where"]:
            places = [place for place in places if _meets(resource, place, part)]
        else:
            index = int(part["index"] or 0)
            places = places[index : index + 1]
    return places


def children(resource: Mapping[str, Any], place: Steps, element: str) -> Iterator[Steps]:
    """The steps to what an element at a place holds, each item of a list. Raises PathError where there is no such element."""
    parent = at(resource, place)
    for name in json_names(resource["resourceType"], place, element):
        match parent.get(name, parent.get(f"_{name}")) if isinstance(parent, dict) else None:
            case None:
                pass
            case list(items):
                yield from ((*place, name, index) for index in range(len(items)))
            case _:
                yield (*place, name)


def json_names(type: str, place: Steps, element: str) -> tuple[str, ...]:
    """The names that an element may have in JSON: several for a choice. Raises PathError where there is no such element."""
    return names_in(schema_shape.type_at(type, place), element)


def names_in(type: str | None, element: str) -> tuple[str, ...]:
    """The same, of an element of a type, or of a part of one (`Patient.contact`)."""
    members = schema_shape.members(type) if type else {}
    names = tuple(name for name, member in members.items() if member.element == element and name[0] != "_")
    if not names:
        raise PathError("An element is named that is not there in the definition.")
    return names


def at(resource: Mapping[str, Any], place: Steps) -> Any:
    """The value at a place; None where only its extensions are."""
    value: Any = resource
    for step in place:
        match value:
            case list() if isinstance(step, int) and step < len(value):
                value = value[step]
            case dict():
                value = value.get(step)
            case _:
                return None
    return value


def _check_defined(path: Path) -> None:
    """Also of elements that are not there: what a type cannot have is a mistake, not an absence."""
    types = {path.type}
    for part in path.parts:
        if part["name"]:
            below = [member for type in types for member in schema_shape.members(type).values()]
            types = {member.type for member in below if member.element == part["name"]}
            if not types:
                raise PathError("An element is named that is not there in the definition.")


def _meets(resource: Mapping[str, Any], place: Steps, part: re.Match[str]) -> bool:
    """FHIRPath's equality: of exactly one value."""
    below = [place]
    for name in part["where"].split("."):
        below = [child for each in below for child in children(resource, each, name)]
    wanted = part["text"] if part["truth"] is None else part["truth"] == "true"
    return len(below) == 1 and at(resource, below[0]) == wanted

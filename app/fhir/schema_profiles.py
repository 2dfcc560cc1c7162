"""Our profiles and extensions: which one a resource must meet, and its snapshot made from the differential.

https://hl7.org/fhir/R4/profiling.html

Every StructureDefinition in `fhir_profiles/StructureDefinition` is enforced. A profile holds for its whole type, or,
where it carries Extension-Cradle-AppliesWhere, for the resources in which one of the named values is found.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from app.fhir import schema_definitions, systems
from app.fhir.schema_definitions import FOLDER, DefinitionError, Element, Structure, Type

APPLIES_WHERE = f"{systems.CRADLE}/StructureDefinition/Extension-Cradle-AppliesWhere"
_CORE = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True)
class Condition:
    """The profile applies where `value` is found at `steps`. An object is found in one that holds at least the same."""

    steps: tuple[str, ...]
    value: Any

    def is_met(self, resource: Any) -> bool:
        return any(_holds(found, self.value) for found in _at(resource, self.steps))


@dataclass(frozen=True, eq=False)
class Profile:
    """A StructureDefinition of ours on a resource type or on Extension."""

    structure: Structure
    base: str
    conditions: tuple[Condition, ...]

    def applies(self, resource: dict[str, Any]) -> bool:
        return not self.conditions or any(condition.is_met(resource) for condition in self.conditions)


@cache
def profiles() -> dict[str, Profile]:
    """Canonical URL -> profile, as they stand in the folder."""
    found = {}
    for path in sorted((FOLDER / "StructureDefinition").glob("*.json")):
        definition = json.loads(path.read_text("utf-8"))
        structure = schema_definitions.parsed(definition, "differential")
        conditions = tuple(_condition(e) for e in definition.get("extension", ()) if e["url"] == APPLIES_WHERE)
        found[structure.url] = Profile(structure, definition["baseDefinition"], conditions)
    return found


def applying(resource: dict[str, Any]) -> Profile | None:
    """The profile that a resource must meet: one with a condition before the one for the whole type."""
    return next(
        (profile for profile in _by_type().get(resource["resourceType"], ()) if profile.applies(resource)), None
    )


@cache
def extension(url: str) -> Structure | None:
    """The definition of an extension that is checked wherever it is used."""
    core = {structure.url: structure for structure in schema_definitions.core_extensions()}
    if url in core:
        return core[url]
    profile = profiles().get(url)
    return snapshot(profile) if profile and profile.structure.type == "Extension" else None


def snapshot(profile: Profile) -> Structure:
    """The base's elements with the differential applied: DefinitionError where it names an element that is not there."""
    base = _base(profile)
    elements = list(base.elements)
    for change in profile.structure.elements:
        _unroll(elements, change.path, profile)
        position = next(i for i, e in enumerate(elements) if e.path == change.path and e.slice_name is None)
        if change.slice_name:
            elements.append(change)
        else:
            elements[position] = _changed(elements[position], change)
    return replace(profile.structure, elements=tuple(elements), kind=base.kind)


@cache
def _by_type() -> dict[str, tuple[Profile, ...]]:
    by_type: dict[str, tuple[Profile, ...]] = {}
    for profile in sorted(profiles().values(), key=lambda profile: not profile.conditions):
        by_type[profile.structure.type] = (*by_type.get(profile.structure.type, ()), profile)
    return by_type


def _condition(extension: dict[str, Any]) -> Condition:
    path = next(part["valueString"] for part in extension["extension"] if part["url"] == "path")
    part = next(part for part in extension["extension"] if part["url"] == "value")
    return Condition(tuple(path.split(".")[1:]), next(part[key] for key in part if key.startswith("value")))


def _at(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """Every value at a path, whatever the shape of what was sent."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:])


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(found.get(name) == value for name, value in wanted.items())
    return bool(found == wanted)


def _base(profile: Profile) -> Structure:
    if profile.base in profiles():
        return snapshot(profiles()[profile.base])
    try:
        return schema_definitions.structure(profile.base.removeprefix(_CORE))
    except KeyError:
        raise DefinitionError(f"{profile.structure.name}: its base {profile.base} is not held here.") from None


def _unroll(elements: list[Element], path: str, profile: Profile) -> None:
    """Make the elements down to `path` explicit, so that `Consent.patient.identifier` is one like any other."""
    if any(element.path == path for element in elements):
        return
    parent = path.rpartition(".")[0]
    if not parent:
        raise DefinitionError(f"{profile.structure.name}: {path} is not an element of {profile.structure.type}.")
    _unroll(elements, parent, profile)
    position = next(i for i, element in enumerate(elements) if element.path == parent)
    element = elements[position]
    if element.content_reference:
        elements[position] = replace(element, content_reference=None, types=(Type("BackboneElement"),))
        children = _rerooted(element.content_reference.partition(".")[0], element.content_reference, parent)
    elif len(element.types) == 1:
        children = _rerooted(element.types[0].code, element.types[0].code, parent)
    else:
        children = []
    if not any(child.path == path for child in children):
        raise DefinitionError(f"{profile.structure.name}: there is no element {path}.")
    elements += children


def _rerooted(type: str, path: str, place: str) -> list[Element]:
    try:
        elements = schema_definitions.structure(type).elements
    except KeyError:
        return []
    beneath = [element for element in elements if element.path.startswith(path + ".")]
    return [replace(element, path=place + element.path.removeprefix(path)) for element in beneath]


def _changed(element: Element, change: Element) -> Element:
    """What a differential says replaces what was; where it demands an element it demands a value, not a reason."""
    return replace(
        element,
        min=element.min if change.min is None else change.min,
        max=change.max or element.max,
        types=change.types or element.types,
        value_set=change.value_set or element.value_set,
        fixed=element.fixed if change.fixed is None else change.fixed,
        pattern=element.pattern if change.pattern is None else change.pattern,
        closed=element.closed or change.closed,
        constraints=element.constraints + change.constraints,
        short=change.short or element.short,
        value_required=element.value_required or bool(change.min),
    )

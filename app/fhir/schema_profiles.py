"""Our profiles and extensions: which of them a resource must meet, and what they demand.

https://hl7.org/fhir/R4/profiling.html

Every StructureDefinition in `fhir_profiles/StructureDefinition` is enforced. A profile holds for its whole type, or,
where it carries Extension-Cradle-AppliesWhere, for the resources in which one of the named values is found. What a resource
claims in `meta.profile` holds for it too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from app.fhir import schema_definitions, schema_parsing, schema_snapshot, systems
from app.fhir.schema_elements import CORE, DefinitionError, Structure, Type

APPLIES_WHERE = f"{systems.CRADLE}/StructureDefinition/Extension-Cradle-AppliesWhere"


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
    for path in sorted((schema_definitions.FOLDER / "StructureDefinition").glob("*.json")):
        definition = json.loads(path.read_text("utf-8"))
        _check(definition)
        structure = schema_parsing.parsed(definition, "differential")
        conditions = tuple(_condition(e) for e in definition.get("extension", ()) if e["url"] == APPLIES_WHERE)
        found[structure.url] = Profile(structure, definition["baseDefinition"], conditions)
    return found


def applying(resource: dict[str, Any]) -> tuple[Profile, ...]:
    """The profiles that a resource must meet. One that another of them is derived from is met with that other."""
    of_type = _by_type().get(resource["resourceType"], ())
    claimed = _claimed(resource)
    found = [each for each in of_type if each.applies(resource) or each.structure.url in claimed]
    if len(found) < 2:
        return tuple(found)
    bases = {url for each in found for url in _bases(each)}
    return tuple(each for each in found if each.structure.url not in bases)


@cache
def extension(url: str) -> Structure | None:
    """The definition of an extension that is checked wherever it is used."""
    core = {structure.url: structure for structure in schema_definitions.core_extensions()}
    if url in core:
        return core[url]
    profile = profiles().get(url)
    return snapshot(profile) if profile and profile.structure.type == "Extension" else None


def of_data_type(url: str, type: str) -> Structure:
    """A data type as a profile in the folder has it. DefinitionError where there is none."""
    profile = profiles().get(url.partition("|")[0])
    if profile is None or profile.structure.type != type:
        raise DefinitionError(f"{url} is not a profile on {type} that is held here.")
    return snapshot(profile)


def snapshot(profile: Profile) -> Structure:
    """The base's elements with the differential applied. DefinitionError where that cannot be done."""
    differential = profile.structure
    elements = (replace(e, types=tuple(_known(t, differential.name) for t in e.types)) for e in differential.elements)
    return schema_snapshot.applied(_base(profile), replace(differential, elements=tuple(elements)))


def _known(type: Type, where: str) -> Type:
    """A target that is a profile of ours for its whole type is that type, since all that is kept here meets it.

    An extension whose definition is not held here is known by its URL alone.
    """
    for url in type.profiles if type.code != "Extension" else ():
        try:
            of_data_type(url, type.code)
        except DefinitionError as error:
            raise DefinitionError(f"{where}: {error}") from error
    targets = set(type.targets)
    for url in type.target_profiles:
        profile = profiles().get(url.partition("|")[0])
        if profile is None or profile.conditions:
            raise DefinitionError(f"{where}: whether a reference leads to {url} is not enforced here.")
        targets.add(profile.structure.type)
    return replace(type, targets=tuple(sorted(targets)), target_profiles=())


def _check(definition: dict[str, Any]) -> None:
    """That a file is a profile of R4 that says nothing as a whole that is not enforced."""
    where = definition.get("name", "A file in StructureDefinition")
    if definition.get("resourceType") != "StructureDefinition" or definition.get("derivation") != "constraint":
        raise DefinitionError(f"{where} is not a StructureDefinition that constrains another.")
    if (
        definition.get("fhirVersion", "4.0.1") != "4.0.1"
        or definition.get("abstract")
        or "contextInvariant" in definition
    ):
        raise DefinitionError(f"{where}: another version, an abstract one or a contextInvariant is not enforced here.")


def _claimed(resource: dict[str, Any]) -> set[str]:
    meta = resource.get("meta")
    listed = meta.get("profile") if isinstance(meta, dict) else None
    return {str(url).partition("|")[0] for url in listed} if isinstance(listed, list) else set()


def _bases(profile: Profile) -> Iterator[str]:
    while profile.base in profiles():
        profile = profiles()[profile.base]
        yield profile.structure.url


@cache
def _by_type() -> dict[str, tuple[Profile, ...]]:
    by_type: dict[str, tuple[Profile, ...]] = {}
    for profile in profiles().values():
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
        return schema_definitions.structure(profile.base.removeprefix(CORE))
    except KeyError:
        raise DefinitionError(f"{profile.structure.name}: its base {profile.base} is not held here.") from None

"""The gate: what is wrong with a resource against R4 4.0.1 and our profiles, or nothing.

https://hl7.org/fhir/R4/validation.html

The schema of a type is compiled when the type is first met (some milliseconds). What it cannot say, `invariants` does.
A contained resource is held to HL7's definition of its type; one in a Bundle or Parameters to our profile as well.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from app.fhir import invariants, schema, schema_definitions, schema_faults, schema_profiles, schema_shape, systems
from app.fhir.fault import Fault
from app.fhir.invariants import NestedExtension, NestedResource
from app.fhir.schema_definitions import Structure
from app.fhir.schema_profiles import Profile

__all__ = ["Fault", "base_faults", "faults", "prepare"]

MOST_FAULTS = 50

_CORE = "http://hl7.org/fhir/StructureDefinition/"


def faults(resource: dict[str, Any]) -> list[Fault]:
    """What is wrong, at most 50 faults, in no promised order. Empty: it may be stored. Does not change `resource`."""
    return list(itertools.islice(_faults(resource, "", profiled=True), MOST_FAULTS))


def base_faults(resource: dict[str, Any]) -> list[Fault]:
    """The same against HL7's definitions alone."""
    return list(itertools.islice(_faults(resource, "", profiled=False), MOST_FAULTS))


class UnknownProfile(ValueError):
    """A canonical URL of no profile that is held here, or of one on another type."""


def findings(resource: dict[str, Any], profile: str | None = None) -> list[Fault]:
    """All that there is to say of a resource, against `profile` or else against what a write would hold it to.

    Raises UnknownProfile.
    """
    if profile is None:
        return faults(resource)
    if profile == f"{_CORE}{resource.get('resourceType')}":
        return base_faults(resource)
    held = schema_profiles.profiles().get(profile.partition("|")[0])
    if held is None or held.structure.type != resource.get("resourceType"):
        raise UnknownProfile("No such profile on this type is held here. See supportedProfile in [base]/metadata.")
    return list(itertools.islice(_faults_of(_gate(held), resource, "", True, None), MOST_FAULTS))


def prepare() -> None:
    """Compile everything in `fhir_profiles/`, so that a definition that cannot be enforced stops the start.

    Raises DefinitionError.
    """
    for profile in schema_profiles.profiles().values():
        structure = schema_profiles.snapshot(profile)
        invariants.check(structure)
        _gate(profile)


@dataclass(frozen=True)
class _Gate:
    """A compiled structure. `profile` is None for HL7's own definition."""

    structure: Structure
    profile: str | None
    schema: dict[str, Any]
    validator: jsonschema_rs.Draft202012Validator


def _faults(
    resource: dict[str, Any], start: str, profiled: bool, container: dict[str, Any] | None = None
) -> Iterator[Fault]:
    type = resource.get("resourceType")
    if not isinstance(type, str) or type not in schema_definitions.known_resources():
        known = ", ".join(sorted(schema_definitions.known_resources()))
        code = "structure" if type is None else "not-supported"
        yield Fault(start or "resourceType", code, f"resourceType must be one of {known}.")
        return
    profile = schema_profiles.applying(resource) if profiled else None
    gate = _gate(profile) if profile else _base_gate(type)
    yield from _faults_of(gate, resource, start, profiled, container)


def _faults_of(
    gate: _Gate, value: dict[str, Any], start: str, profiled: bool, container: dict[str, Any] | None
) -> Iterator[Fault]:
    type = gate.structure.type
    if not gate.validator.is_valid(value):
        yield from schema_faults.described(gate.validator.iter_errors(value), gate.schema, type, gate.profile, start)
        return
    for found in invariants.broken(value, type, start, container):
        match found:
            case Fault():
                yield found
            case NestedResource(steps, nested, is_contained):
                place = schema_shape.expression(type, steps, start)
                held_to_profile = profiled and not is_contained
                yield from _faults(nested, place, held_to_profile, container=value if is_contained else None)
            case NestedExtension(steps, nested, within):
                yield from _extension_faults(nested, within, schema_shape.expression(type, steps, start))
    if gate.profile:
        yield from invariants.broken_in_profile(value, gate.structure, start)


def _extension_faults(extension: dict[str, Any], within: str, start: str) -> Iterator[Fault]:
    """An extension that is defined here is checked wherever it stands; others are kept as they are."""
    url = extension["url"]
    definition = schema_profiles.extension(url)
    if definition is None:
        if url.startswith(systems.CRADLE):
            yield Fault(f"{start}.url", "extension", "There is no such extension.")
        return
    if within not in definition.contexts:
        yield Fault(start, "extension", f"This extension belongs on {' or '.join(definition.contexts)}.")
        return
    gate = _extension_gate(url)
    yield from schema_faults.described(
        gate.validator.iter_errors(extension), gate.schema, "Extension", gate.profile, start
    )


@cache
def _base_gate(type: str) -> _Gate:
    return _compiled(schema_definitions.structure(type), None)


@cache
def _gate(profile: Profile) -> _Gate:
    structure = schema_profiles.snapshot(profile)
    return _compiled(structure, _short_name(structure))


@cache
def _extension_gate(url: str) -> _Gate:
    definition = schema_profiles.extension(url)
    assert definition is not None, "only what is defined is asked for"
    return _compiled(definition, _short_name(definition))


def _compiled(structure: Structure, profile: str | None) -> _Gate:
    compiled = schema.compile(structure)
    linear_time = jsonschema_rs.RegexOptions()
    validator = jsonschema_rs.Draft202012Validator(
        compiled, validate_formats=True, pattern_options=linear_time, offline=True
    )
    return _Gate(structure, profile, compiled, validator)


def _short_name(structure: Structure) -> str:
    return structure.url.rpartition("/")[2]

"""The gate: what is wrong with a resource against R4 4.0.1 and our profiles, or nothing.

https://hl7.org/fhir/R4/validation.html

The schema of a type is compiled when the type is first met (some milliseconds). What it cannot say, `invariants` does, and for
profiles `profile_rules`. A contained resource is held to HL7's definition of its type; one in a Bundle or Parameters to our
profiles as well.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from app.fhir import (
    invariants,
    profile_rules,
    schema,
    schema_definitions,
    schema_faults,
    schema_profiles,
    schema_shape,
    systems,
)
from app.fhir.fault import Fault
from app.fhir.invariants import NestedExtension, NestedResource
from app.fhir.profile_rules import Rule
from app.fhir.schema_elements import CORE, Structure
from app.fhir.schema_profiles import Profile

__all__ = ["Fault", "UnknownProfile", "base_faults", "faults", "findings", "prepare"]

MOST_FAULTS = 50


class UnknownProfile(ValueError):
    """A canonical URL of no profile that is held here, or of one on another type."""


def faults(resource: dict[str, Any]) -> list[Fault]:
    """What is wrong, at most 50 faults, in no promised order. Empty: it may be stored. Does not change `resource`."""
    return list(itertools.islice(_refusing(_faults(resource, "", profiled=True)), MOST_FAULTS))


def base_faults(resource: dict[str, Any]) -> list[Fault]:
    """The same against HL7's definitions alone."""
    return list(itertools.islice(_refusing(_faults(resource, "", profiled=False)), MOST_FAULTS))


def findings(resource: dict[str, Any], profile: str | None = None) -> list[Fault]:
    """Warnings too, against `profile` (its canonical URL) or else against what a write would hold the resource to.

    Raises UnknownProfile.
    """
    if profile is None:
        return list(itertools.islice(_faults(resource, "", profiled=True), MOST_FAULTS))
    if profile == f"{CORE}{resource.get('resourceType')}":
        return base_faults(resource)
    held = schema_profiles.profiles().get(profile.partition("|")[0])
    if held is None or held.structure.type != resource.get("resourceType"):
        raise UnknownProfile("No such profile on this type is held here. See supportedProfile in [base]/metadata.")
    return list(itertools.islice(_faults_of([_gate(held)], resource, "", True, None), MOST_FAULTS))


def prepare() -> None:
    """Compile everything in `fhir_profiles/`, so that a definition that cannot be enforced stops the start.

    Raises DefinitionError.
    """
    examples = [json.loads(path.read_text("utf-8")) for path in (schema_definitions.FOLDER / "examples").glob("*.json")]
    for profile in schema_profiles.profiles().values():
        gate, type = _gate(profile), profile.structure.type
        on_trial = [each for each in examples if each["resourceType"] == type]
        profile_rules.check(gate.rules, gate.structure.name, on_trial or [{"resourceType": type}])


def _refusing(found: Iterator[Fault]) -> Iterator[Fault]:
    return (fault for fault in found if fault.severity == "error")


@dataclass(frozen=True, eq=False)
class _Gate:
    """A compiled structure. `profile` is None for HL7's own definition, which has no `rules` here."""

    structure: Structure
    profile: str | None
    schema: dict[str, Any]
    validator: jsonschema_rs.Draft202012Validator
    rules: tuple[Rule, ...] = ()


def _faults(
    resource: dict[str, Any], start: str, profiled: bool, container: dict[str, Any] | None = None
) -> Iterator[Fault]:
    type = resource.get("resourceType")
    if not isinstance(type, str) or type not in schema_definitions.known_resources():
        known = ", ".join(sorted(schema_definitions.known_resources()))
        code = "structure" if type is None else "not-supported"
        yield Fault(start or "resourceType", code, f"resourceType must be one of {known}.")
        return
    profiles = schema_profiles.applying(resource) if profiled else ()
    yield from _faults_of(
        [_gate(each) for each in profiles] or [_base_gate(type)], resource, start, profiled, container
    )


def _faults_of(
    gates: list[_Gate], value: dict[str, Any], start: str, profiled: bool, container: dict[str, Any] | None
) -> Iterator[Fault]:
    type = gates[0].structure.type
    fitting = [gate for gate in gates if gate.validator.is_valid(value)]
    for gate in gates:
        if gate not in fitting:
            errors = gate.validator.iter_errors(value)
            yield from schema_faults.described(errors, gate.schema, type, gate.profile, start)
    if not fitting:
        return  # the rules rely on the shape
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
    for rule in dict.fromkeys(rule for gate in fitting for rule in gate.rules):
        yield from profile_rules.broken(rule, type, value, start)


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
    if gate.validator.is_valid(extension):
        for rule in gate.rules:
            yield from profile_rules.broken(rule, "Extension", extension, start)
        return
    errors = gate.validator.iter_errors(extension)
    yield from schema_faults.described(errors, gate.schema, "Extension", gate.profile, start)


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
    rules = profile_rules.of(structure) if profile else ()
    return _Gate(structure, profile, compiled, validator, rules)


def _short_name(structure: Structure) -> str:
    return structure.url.rpartition("/")[2]

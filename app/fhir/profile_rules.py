"""What a profile states that no schema can: its constraints, and the order of its slices.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint

A constraint is run as it is written, in FHIRPath. Where `invariants_cradle` has a function of its key, that is the same rule
compiled by hand, which is faster and knows where the fault is; a test holds the two equal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from app.fhir import fhirpath, invariants_cradle, schema_shape, schema_slicing
from app.fhir.fault import Fault
from app.fhir.fhirpath import NotFHIRPath
from app.fhir.schema_elements import Constraint, DefinitionError, Element, Structure
from app.fhir.schema_shape import Step

Steps = tuple[Step, ...]
Find = Callable[[dict[str, Any]], Iterator[Steps]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` yields where it is broken in a resource that has passed the schema."""

    find: Find
    diagnostics: str
    severity: str
    is_fhirpath: bool = False


def of(structure: Structure) -> tuple[Rule, ...]:
    """The rules of a profile's snapshot. DefinitionError where one cannot be enforced."""
    rules = [_rule(structure, element, each) for element in structure.elements for each in element.constraints]
    ordered = (element for element in structure.elements if element.slicing and element.slicing.ordered)
    return (*rules, *(_order(structure, element) for element in ordered))


def broken(rule: Rule, type: str, resource: dict[str, Any], start: str = "") -> Iterator[Fault]:
    """Where a rule is broken. What fails while it is looked at is not found to hold."""
    try:
        for steps in rule.find(resource):
            yield Fault(schema_shape.expression(type, steps, start), "invariant", rule.diagnostics, rule.severity)
    except Exception:
        if not rule.is_fhirpath:
            raise
        yield Fault(start or type, "invariant", rule.diagnostics, rule.severity)


def check(rules: tuple[Rule, ...], name: str, examples: list[dict[str, Any]]) -> None:
    """That every expression can be run on resources of the type: fhirpathpy finds some mistakes only then."""
    for rule in rules:
        for example in examples if rule.is_fhirpath else ():
            try:
                list(rule.find(example))
            except Exception as error:
                raise DefinitionError(f"{name}: {rule.diagnostics}: FHIRPath that cannot be run: {error}") from error


def places(structure: Structure, id: str, resource: dict[str, Any]) -> Iterator[tuple[Steps, Any]]:
    """Where the element of an id stands in a resource, with what is there; of a slice, the items that it is known by."""
    steps = id.split(".")
    ids = [".".join(steps[: count + 1]) for count in range(1, len(steps))]
    return _within(structure, ids, resource, ())


def _rule(structure: Structure, element: Element, constraint: Constraint) -> Rule:
    diagnostics = f"{constraint.key}: {constraint.human}"
    if constraint.severity not in ("error", "warning"):
        raise DefinitionError(f"{structure.name}: {constraint.key}: a severity is error or warning.")
    if function := invariants_cradle.PROFILE_RULES.get(constraint.key):
        if element.id != structure.type:
            raise DefinitionError(f"{structure.name}: {constraint.key} is a rule of the whole resource.")
        return Rule(function, diagnostics, constraint.severity)
    if not constraint.expression:
        raise DefinitionError(f"{structure.name}: {constraint.key} has neither an expression nor a function.")
    return Rule(expressed(structure, element, constraint), diagnostics, constraint.severity, is_fhirpath=True)


def expressed(structure: Structure, element: Element, constraint: Constraint) -> Find:
    """A constraint as its expression says it."""
    try:
        holds = fhirpath.compiled(constraint.expression, element.path)
    except NotFHIRPath as error:
        raise DefinitionError(f"{structure.name}: {element.id}: {constraint.key}: {error}.") from error

    def find(resource: dict[str, Any]) -> Iterator[Steps]:
        for steps, value in places(structure, element.id, resource):
            if not holds(value, resource):
                yield steps

    return find


def _order(structure: Structure, element: Element) -> Rule:
    """slicing.ordered: an item of a slice does not come after one of a later slice."""
    slices = [_recogniser(structure, part.id) for part in structure.slices(element)]

    def find(resource: dict[str, Any]) -> Iterator[Steps]:
        for steps, around in places(structure, element.parent, resource):
            furthest = 0
            for index, item in enumerate(around.get(element.name, ())):
                found = next((n for n, recogniser in enumerate(slices) if recogniser.is_valid(item)), furthest)
                if found < furthest:
                    yield (*steps, element.name, index)
                furthest = max(found, furthest)

    names = ", ".join(part.slice_name or "" for part in structure.slices(element))
    return Rule(find, f"The profile has {element.name} in the order {names}.", "error")


def _within(structure: Structure, ids: list[str], value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if not ids:
        yield steps, value
        return
    element = structure.element(ids[0])
    assert element is not None, "the ids are those of a snapshot"
    recogniser = _recogniser(structure, element.id) if element.slice_name and not element.is_choice else None
    for name in [name for name, _ in element.names()] or [element.name]:
        child = value.get(name) if isinstance(value, dict) else None
        for index, item in enumerate(child) if isinstance(child, list) else [(None, child)]:
            if item is not None and (recogniser is None or recogniser.is_valid(item)):
                at = (*steps, name) if index is None else (*steps, name, index)
                yield from _within(structure, ids[1:], item, at)


@cache
def _recogniser(structure: Structure, id: str) -> jsonschema_rs.Draft202012Validator:
    part = structure.element(id)
    assert part is not None, "the ids are those of a snapshot"
    return jsonschema_rs.Draft202012Validator(schema_slicing.known_by(structure, part))

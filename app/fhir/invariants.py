"""The rules that a schema cannot say: found at each place of a resource by its type, and run in one walk.

https://hl7.org/fhir/R4/conformance-rules.html#constraints

`invariants_base` holds HL7's, `invariants_cradle` ours. The walk runs on what has passed the schema.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.fhir import invariants_base, invariants_cradle, schema_definitions, schema_primitives, schema_shape
from app.fhir.fault import Fault
from app.fhir.invariants_predicates import Invariant, Value
from app.fhir.schema_elements import Constraint
from app.fhir.schema_shape import Step

_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
_WRITTEN_WHOLE = "A whole number is written without point and exponent."


@dataclass(frozen=True, slots=True)
class NestedResource:
    """A resource inside another, to be held to the definition of its own type."""

    steps: tuple[Step, ...]
    value: Value
    is_contained: bool


@dataclass(frozen=True, slots=True)
class NestedExtension:
    """An extension, to be held to its own definition where there is one; `within` is the type that it extends."""

    steps: tuple[Step, ...]
    value: Value
    within: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """`at` is the step from the object to what is wrong in it."""

    holds: Invariant
    diagnostics: str
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """What to do with the value of one JSON name: `rules` are those of the element, beside those of its type."""

    type: str
    rules: tuple[_Rule, ...]
    is_primitive_list: bool


def broken(
    resource: Value, type: str, start: str = "", container: Value | None = None
) -> Iterator[Fault | NestedResource | NestedExtension]:
    """What does not hold in a resource of `type`, and what in it has definitions of its own.

    `container` is the resource that it is contained in, whose other contained resources it may refer to.
    """
    whole = resource if container is None else container
    waiting: list[tuple[str, Value, tuple[Step, ...]]] = [(type, resource, ())]
    while waiting:
        at, value, steps = waiting.pop()
        for rule in _rules(at):
            if not rule.holds(value, whole):
                yield Fault(schema_shape.expression(type, steps + rule.at, start), "invariant", rule.diagnostics)
        places = _places(at)
        for name, child in value.items():
            place = places.get(name)
            if place is None:
                continue
            for index, item in enumerate(child) if isinstance(child, list) else ((None, child),):
                found = (*steps, name) if index is None else (*steps, name, index)
                if place.is_primitive_list:
                    if item is None and not _stands_for_null(value, name, index):
                        say = "null stands only where _" + name.lstrip("_") + " or its value has something to say."
                        yield Fault(schema_shape.expression(type, found, start), "structure", say)
                    continue
                if item is None:
                    continue
                if place.type == "Resource":
                    yield NestedResource(found, item, is_contained=name == "contained")
                    continue
                if place.type == "Extension":
                    yield NestedExtension(found, item, at)
                for rule in place.rules:
                    if not rule.holds(item, whole):
                        yield Fault(schema_shape.expression(type, found, start), "invariant", rule.diagnostics)
                waiting.append((place.type, item, found))


def _stands_for_null(value: Value, name: str, index: int | None) -> bool:
    """In `"given": ["Ann", null]` the null needs an object at the same place of `_given`."""
    beside = value.get("_" + name, ())
    return index is not None and index < len(beside) and beside[index] is not None


@cache
def _rules(type: str) -> tuple[_Rule, ...]:
    """The rules of a type or part, with those of its primitives, which are told at the primitive."""
    members = schema_shape.members(type).values()
    primitives = {m.definition.path: m for m in members if m.is_primitive}.values()
    rules = [_rule(type, constraint, ()) for constraint in _constraints(type)]
    rules += [_rule(type, c, (member.element,)) for member in primitives for c in member.definition.constraints]
    whole = ((name, m) for name, m in schema_shape.members(type).items() if m.type in _WHOLE and name[0] != "_")
    rules += [_Rule(_is_written_whole(name), _WRITTEN_WHOLE, (member.element,)) for name, member in whole]
    ours = [_Rule(rule, said, at) for rule, said, at in invariants_cradle.ANYWHERE.get(type, ())]
    return (*(rule for rule in rules if rule), *ours)


def _is_written_whole(name: str) -> Invariant:
    """1.0 is a whole number to JSON Schema, and no integer to FHIR (https://hl7.org/fhir/R4/datatypes.html#integer)."""
    return lambda value, _: not isinstance(value.get(name), float)


def _constraints(type: str) -> tuple[Constraint, ...]:
    if type in schema_primitives.SCHEMAS or type == "Resource":
        return ()
    elements = schema_definitions.structure(type.partition(".")[0]).elements
    return next(element.constraints for element in elements if element.path == type)


def _rule(type: str, constraint: Constraint, at: tuple[str, ...]) -> _Rule | None:
    """None for what cannot be judged here; `inv-1` is a key of two types, so such rules are listed by type and key."""
    if constraint.key in invariants_base.NOT_CHECKED:
        return None
    holds = invariants_base.INVARIANTS.get(f"{type}:{constraint.key}") or invariants_base.INVARIANTS[constraint.key]
    return _Rule(holds, f"{constraint.key}: {constraint.human}", at)


@cache
def _places(type: str) -> dict[str, _Place]:
    """The names under which there is something to visit: objects, and lists of primitives, for their nulls."""
    places = {}
    for name, member in schema_shape.members(type).items():
        if member.is_primitive:
            if member.is_list:
                places[name] = _Place(member.type, (), is_primitive_list=True)
            continue
        is_part = member.type == member.definition.path or name.startswith("_")
        at_use = () if is_part else member.definition.constraints
        rules = (_rule(type, constraint, ()) for constraint in at_use)
        places[name] = _Place(member.type, tuple(rule for rule in rules if rule), is_primitive_list=False)
    return places

"""Slices as JSON Schema: what an item of a list is known by, how often it may be there, in which order.

https://hl7.org/fhir/R4/profiling.html#slicing

A discriminator has to be found in the item itself: one of type `profile`, or one that follows a reference, is refused at
start. An extension that is sliced without a discriminator is known by its URL, anything else by the pattern of the slice.
"""

from typing import Any

from app.fhir import schema_terminology
from app.fhir.schema_elements import DefinitionError, Element, Structure

Schema = dict[str, Any]
Steps = tuple[str, ...]

_SELF = "$this"


def matching(pattern: Any) -> Schema:
    """The schema of `pattern[x]`: what the pattern says must be there, more may be."""
    if isinstance(pattern, dict):
        properties = {name: matching(value) for name, value in pattern.items()}
        return {"type": "object", "required": list(pattern), "properties": properties}
    if isinstance(pattern, list):
        return {"type": "array", "allOf": [{"contains": matching(item)} for item in pattern]}
    return {"const": pattern}


def known_by(structure: Structure, part: Element) -> Schema:
    """What an item is recognised by as one of this slice. DefinitionError where it cannot be."""
    whole = structure.element(f"{part.parent}.{part.name}")
    stated = whole.slicing.discriminators if whole and whole.slicing else ()
    if not stated:
        stated = (("value", "url" if part.types[0].code == "Extension" else _SELF),)
    rules = [_discriminator(structure, part, kind, path) for kind, path in stated]
    return rules[0] if len(rules) == 1 else {"allOf": rules}


def counted(structure: Structure, part: Element) -> list[Schema]:
    """How often a list holds items of a slice."""
    known = {"contains": known_by(structure, part)}
    say = part.short or f"the profile's slice {part.slice_name} is not met"
    rules = []
    if part.min:
        rules.append({**known, "minContains": part.min, "x-fault": {"code": "required", "say": say}})
    if part.max not in (None, "*"):
        most = {"code": "structure", "say": f"at most {part.max}: {say}"}
        rules.append({**known, "minContains": 0, "maxContains": int(part.max or 0), "x-fault": most})
    return rules


def closed(structure: Structure, whole: Element, slices: list[Element]) -> Schema:
    """That every item is of one of the slices."""
    names = ", ".join(part.slice_name or "" for part in slices)
    say = f"the profile allows nothing in {whole.name} but {names}"
    allowed = {"anyOf": [known_by(structure, part) for part in slices]}
    return {"items": allowed | {"x-fault": {"code": "structure", "say": say}}}


def _discriminator(structure: Structure, part: Element, kind: str, path: str) -> Schema:
    at = f"{structure.name}: {part.id}"
    if any(letter in path for letter in "()"):
        raise DefinitionError(f"{at}: the discriminator {path} follows what is not in the item itself.")
    steps = () if path == _SELF else tuple(path.removeprefix(f"{_SELF}.").split("."))
    match kind:
        case "value" | "pattern":
            return _by_value(structure, part, steps, at)
        case "exists":
            return _by_existence(structure, part, steps, at)
        case "type":
            return _by_type(structure, part, steps, at)
        case _:
            raise DefinitionError(f"{at}: a discriminator of type {kind} is not enforced here.")


def _by_value(structure: Structure, part: Element, steps: Steps, at: str) -> Schema:
    passed: list[Element] = []
    element, left = part, list(steps)
    while True:
        if element.fixed is not None or element.pattern is not None:
            value = element.pattern if element.fixed is None else element.fixed
            return _nested(passed, _excerpt(value, left, element.fixed is not None and not left, at))
        if not left:
            break
        below = structure.element(f"{element.id}.{left[0]}")
        if below is None:
            if left == ["url"] and (urls := [url for type in element.types for url in type.profiles]):
                return _nested(passed, {"type": "object", "required": ["url"], "properties": {"url": {"enum": urls}}})
            raise DefinitionError(f"{at}: nothing is fixed at {'.'.join(steps)}, so the slice is known by nothing.")
        passed.append(below)
        element, left = below, left[1:]
    bound = schema_terminology.binding(element.value_set, element.types[0].code) if element.value_set else None
    if bound is None:
        raise DefinitionError(
            f"{at}: nothing is fixed at {'.'.join(steps) or _SELF}, so the slice is known by nothing."
        )
    return _nested(passed, bound)


def _excerpt(value: Any, steps: list[str], is_whole: bool, at: str) -> Schema:
    """Of a fixed value or pattern, only what stands at the discriminator's path."""
    if is_whole:
        return {"const": value}
    if not steps:
        return matching(value)
    if isinstance(value, list):
        return {"type": "array", "allOf": [{"contains": _excerpt(item, steps, False, at)} for item in value]}
    if not isinstance(value, dict) or steps[0] not in value:
        raise DefinitionError(f"{at}: the pattern says nothing of {steps[0]}, so the slice is known by nothing.")
    below = _excerpt(value[steps[0]], steps[1:], False, at)
    return {"type": "object", "required": [steps[0]], "properties": {steps[0]: below}}


def _nested(passed: list[Element], schema: Schema) -> Schema:
    """The schema of an object in which `schema` holds at the end of these elements."""
    for element in reversed(passed):
        inner = {"type": "array", "contains": schema} if element.is_list else schema
        options = [{"required": [name], "properties": {name: inner}} for name, _ in element.names()]
        schema = {"type": "object", **options[0]} if len(options) == 1 else {"type": "object", "anyOf": options}
    return schema


def _by_existence(structure: Structure, part: Element, steps: Steps, at: str) -> Schema:
    element, passed = _followed(structure, part, steps, at)
    present = _nested(passed, {})
    if element.max == "0":
        return {"not": present}
    if element.min:
        return present
    raise DefinitionError(f"{at}: {'.'.join(steps)} is neither required nor forbidden in the slice.")


def _by_type(structure: Structure, part: Element, steps: Steps, at: str) -> Schema:
    """By which type of a choice the item has, such as `value`. The types of a list's own items are one."""
    element, passed = _followed(structure, part, steps, at)
    if not element.is_choice:
        raise DefinitionError(f"{at}: {'.'.join(steps) or _SELF} is no choice of types.")
    return _nested(passed, {})


def _followed(structure: Structure, part: Element, steps: Steps, at: str) -> tuple[Element, list[Element]]:
    element, passed = part, []
    for step in steps:
        below = structure.element(f"{element.id}.{step}") or structure.element(f"{element.id}.{step}[x]")
        if below is None:
            raise DefinitionError(f"{at}: the slice says nothing of {'.'.join(steps)}.")
        passed.append(below)
        element = below
    return element, passed

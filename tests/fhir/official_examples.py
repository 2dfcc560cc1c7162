"""HL7's own examples, and each with one defect: a systematic way to find out what a gate lets through.

https://hl7.org/fhir/R4/examples.html
"""

import copy
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.fhir import schema_primitives, schema_shape, schema_terminology
from app.fhir.schema_shape import Member
from tests.fhir.resources import REMOVED, Steps, changed

Json = dict[str, Any]

INVALID = {
    "Observation-clinical-gender": "its performer is an Encounter, which is none of the types that R4 allows",
    "Consent-consent-example-pkb": "its narrative shows a picture from beside the page, which is fetched from whoever serves it",
}
"""The examples that are refused, with the reason: the first against R4 itself, the second against our reading of txt-1."""

_MOST_OF_A_KIND = 3  # defects of one kind in one example


@cache
def texts() -> dict[str, str]:
    """Name -> text of every example."""
    with zipfile.ZipFile(Path(__file__).with_name("official") / "examples.zip") as archive:
        return {name.removesuffix(".json"): archive.read(name).decode() for name in archive.namelist()}


def valid() -> dict[str, str]:
    """Those that are not refused."""
    return {name: text for name, text in texts().items() if name not in INVALID}


@dataclass(frozen=True)
class Defect:
    """`place` is where the resource is wrong, as FHIRPath."""

    name: str
    kind: str
    place: str
    resource: Json


def defects() -> Iterator[Defect]:
    """Every valid example with one thing wrong, the same each time."""
    for name, text in valid().items():
        resource = json.loads(text)
        for kind, wrong in KINDS.items():
            found = list(wrong(resource))
            few = random.Random(name + kind).sample(found, min(_MOST_OF_A_KIND, len(found)))
            for steps, value, at in few:
                place = schema_shape.expression(resource["resourceType"], at)
                yield Defect(name, kind, place, changed(resource, steps, value))


Change = tuple[Steps, Any, Steps]  # where, what instead, where that is wrong


def places(resource: Json) -> Iterator[tuple[Steps, Any, str, Member | None]]:
    """Every value, with the type of it: not within contained resources or extensions, which have types of their own."""
    waiting: list[tuple[Steps, Any, str, Member | None]] = [((), resource, resource["resourceType"], None)]
    while waiting:
        steps, value, type, member = waiting.pop()
        yield steps, value, type, member
        if not isinstance(value, dict):
            continue
        for name, each in schema_shape.members(type).items():
            if name in value and each.type not in ("Resource", "Extension") and not name.startswith("_"):
                listed = value[name] if isinstance(value[name], list) else [value[name]]
                for index, item in enumerate(listed):
                    at = (*steps, name, index) if isinstance(value[name], list) else (*steps, name)
                    if item is not None:
                        waiting.append((at, item, each.type, each))


def _required(resource: Json) -> Iterator[Change]:
    for steps, value, type, _ in places(resource):
        for name, member in schema_shape.members(type).items():
            if isinstance(value, dict) and member.definition.min and name in value and "_" + name not in value:
                yield (*steps, name), REMOVED, (*steps, name)


def _unknown(resource: Json) -> Iterator[Change]:
    for steps, value, _, _ in places(resource):
        if isinstance(value, dict):
            yield (*steps, "nickname"), "x", (*steps, "nickname")


def _code(resource: Json) -> Iterator[Change]:
    for steps, _, type, member in places(resource):
        bound = member.definition.value_set if member else None
        if type == "code" and bound and schema_terminology.codes(bound):
            yield steps, "not-such-a-code", steps


def _target(resource: Json) -> Iterator[Change]:
    for steps, value, type, member in places(resource):
        if type == "Reference" and member and isinstance(value.get("reference"), str):
            targets = {target for each in member.definition.types for target in each.targets}
            if targets and "Account" not in targets:
                yield (*steps, "reference"), "Account/1", (*steps, "reference")


def _two_choices(resource: Json) -> Iterator[Change]:
    for steps, value, type, _ in places(resource):
        for name, member in schema_shape.members(type).items():
            if (
                isinstance(value, dict)
                and member.definition.is_choice
                and name in value
                and len(member.definition.types) > 1
            ):
                other = "Boolean" if not name.endswith("Boolean") else "String"
                others = {n for n, _ in member.definition.names()}
                second = f"{member.element}{other}"
                if second in others:
                    yield (*steps, second), True if other == "Boolean" else "x", (*steps, name)


def _json_type(resource: Json) -> Iterator[Change]:
    for steps, value, type, member in places(resource):
        if member and type != "Resource":
            yield steps, (["x"] if isinstance(value, dict) else {"x": 1}), steps


def _cardinality(resource: Json) -> Iterator[Change]:
    for steps, value, _, member in places(resource):
        if member and member.is_list and isinstance(steps[-1], int):
            yield steps[:-1], copy.deepcopy(value), steps[:-1]
        elif member and not member.is_list:
            yield steps, [copy.deepcopy(value)], steps


def _empty(resource: Json) -> Iterator[Change]:
    for steps, value, _, member in places(resource):
        if member:
            yield steps, {} if isinstance(value, dict) else "", steps
            if member.is_list:
                yield steps[:-1], [], steps[:-1]


def _null(resource: Json) -> Iterator[Change]:
    return ((steps, None, steps) for steps, _, _, member in places(resource) if member)


def _date(resource: Json) -> Iterator[Change]:
    wrong = {"date": "2023-02-30", "dateTime": "2023-02-30", "instant": "2023-02-28T10:00:00", "time": "25:00:00"}
    return ((steps, wrong[type], steps) for steps, _, type, _ in places(resource) if type in wrong)


def _primitive(resource: Json) -> Iterator[Change]:
    wrong: dict[str, Any] = {
        "code": " x",
        "id": "a b",
        "uri": "a b",
        "url": "a b",
        "canonical": "a b",
        "boolean": "true",
        "decimal": "1.0",
    }
    wrong |= {
        "positiveInt": 0,
        "unsignedInt": -1,
        "integer": 1.5,
        "base64Binary": "?",
        "string": "\u0001",
        "markdown": " ",
    }
    assert wrong.keys() <= schema_primitives.SCHEMAS.keys()
    return ((steps, wrong[type], steps) for steps, _, type, member in places(resource) if member and type in wrong)


def _invariant(resource: Json) -> Iterator[Change]:
    """HL7's rules for data types, broken one by one."""
    for steps, value, type, member in places(resource):
        match type:
            case "Period" if member:
                yield steps, {"start": "2024-02-01", "end": "2024-01-01"}, steps
            case "Quantity" if member:
                yield steps, {"value": 1, "code": "kg"}, steps
            case "ContactPoint":
                yield steps, {"value": "x"}, steps
            case "Attachment":
                yield steps, {"data": "QUJD"}, steps
            case "Narrative":
                script = '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>'
                yield (*steps, "div"), script, (*steps, "div")
            case "Reference" if "reference" in value:
                yield (*steps, "reference"), "#nowhere", steps
            case "Range" if member:
                yield steps, {"low": {"value": 2}, "high": {"value": 1}}, steps
            case "Timing":
                yield steps, {"repeat": {"duration": 1}}, (*steps, "repeat")


KINDS: dict[str, Callable[[Json], Iterator[Change]]] = {
    "a required element is missing": _required,
    "an element is unknown": _unknown,
    "a code is outside its required binding": _code,
    "a reference leads to another type": _target,
    "a choice is made twice": _two_choices,
    "a value is of another JSON type": _json_type,
    "one value where a list is due, or the other way round": _cardinality,
    "an element is empty": _empty,
    "an element is null": _null,
    "a date that is none": _date,
    "a primitive out of its form": _primitive,
    "an invariant is broken": _invariant,
}

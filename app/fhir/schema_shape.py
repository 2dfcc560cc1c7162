"""What a JSON name means at a place in a resource: its element, its type, whether it is a list.

https://hl7.org/fhir/R4/json.html; https://hl7.org/fhir/R4/fhirpath.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from app.fhir import schema_definitions, schema_primitives
from app.fhir.schema_elements import Element

Step = str | int

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Member:
    """`element` is the FHIRPath name (`value` for valueString, `birthDate` for _birthDate); `type` is a key for
    `members`: a type name such as Period, or the path of a part such as Consent.provision."""

    element: str
    type: str
    is_list: bool
    definition: Element

    @property
    def is_primitive(self) -> bool:
        return self.type in schema_primitives.SCHEMAS


@cache
def members(type: str) -> dict[str, Member]:
    """JSON name -> member, of a resource, a data type, or a part of one. Empty for a primitive."""
    if type in schema_primitives.SCHEMAS or type == "Resource":
        return {}
    found: dict[str, Member] = {}
    for element in schema_definitions.structure(type.partition(".")[0]).elements:
        if element.parent != type:
            continue
        name = element.name.removesuffix("[x]")
        if element.content_reference:
            found[name] = Member(name, element.content_reference, element.is_list, element)
        for json_name, declared in element.names():
            is_part = declared.code in ("BackboneElement", "Element")
            found[json_name] = Member(name, element.path if is_part else declared.code, element.is_list, element)
            if found[json_name].is_primitive:
                found["_" + json_name] = Member(name, "Element", element.is_list, element)
    return found


def type_at(type: str, steps: Sequence[Step]) -> str | None:
    """The type of the value that `steps` lead to, or None where they leave the definition."""
    for step in steps:
        if isinstance(step, int):
            continue
        member = members(type).get(step)
        if member is None:
            return None
        type = member.type
    return type


def expression(type: str, steps: Sequence[Step], start: str = "") -> str:
    """FHIRPath for JSON `steps` from a resource of `type`, whose own expression is `start` where it is nested."""
    text = start or type
    at: str | None = type
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        member = members(at).get(step) if at else None
        text += f".{member.element if member else said(step)}"
        at = member.type if member else None
    return text


def said(name: str) -> str:
    """A sender's own element name, where it is one and not something else in its place."""
    return name if _SAFE_NAME.fullmatch(name) else "$this"

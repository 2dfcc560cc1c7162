"""What in a resource refers to something else by URL, and the resource with other URLs in those places.

https://hl7.org/fhir/R4/http.html#trules: references, elements of type uri, url, oid, uuid (and canonical, which is a
uri), and the links and images of the narrative.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from app.fhir import schema_definitions, schema_shape
from app.fhir.schema_shape import Member, Step

Visit: TypeAlias = Callable[[str, bool, tuple[Step, ...]], str]
"""Given a URL, whether it is a Reference's, and where it stands: what to write in its place, which may be itself."""

_URLS = frozenset({"uri", "url", "canonical", "oid", "uuid"})
_LINK = re.compile(r"""((?:href|src)\s*=\s*["'])([^"']*)""")


def rewritten(resource: dict[str, Any], visit: Visit) -> dict[str, Any]:
    """A copy with what `visit` says in the place of each URL. It need not be valid; what is unknown stays as it is."""
    return _object(resource.get("resourceType"), resource, (), visit)


def listed(resource: dict[str, Any], start: str = "") -> list[tuple[str, str]]:
    """What every Reference refers to by URL, with its place; `start` is that of the resource where it is nested."""
    found: list[tuple[str, str]] = []
    type = str(resource.get("resourceType"))

    def visit(url: str, is_reference: bool, steps: tuple[Step, ...]) -> str:
        if is_reference:
            found.append((url, schema_shape.expression(type, steps, start)))
        return url

    rewritten(resource, visit)
    return found


def _object(type: object, value: dict[str, Any], steps: tuple[Step, ...], visit: Visit) -> dict[str, Any]:
    if not isinstance(type, str) or not _is_known(type.partition(".")[0]):
        return value
    members = schema_shape.members(type)
    return {
        name: _value(members[name], child, name == "reference" and type == "Reference", (*steps, name), visit)
        if name in members
        else child
        for name, child in value.items()
    }


def _is_known(type: str) -> bool:
    return type in schema_definitions.data_types() or type in schema_definitions.known_resources()


def _value(member: Member, value: Any, is_reference: bool, steps: tuple[Step, ...], visit: Visit) -> Any:
    match value:
        case list():
            return [_value(member, each, is_reference, (*steps, at), visit) for at, each in enumerate(value)]
        case dict():
            type = value.get("resourceType") if member.type == "Resource" else member.type
            return _object(type, value, steps, visit)
        case str() if is_reference or member.type in _URLS:
            return visit(value, is_reference, steps)
        case str() if member.type == "xhtml":
            return _LINK.sub(lambda link: link[1] + visit(link[2], False, steps), value)
        case _:
            return value

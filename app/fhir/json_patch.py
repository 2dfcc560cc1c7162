"""JSON Patch on a resource, bare or as the Personal Demographics Service takes it (`{"patches": [...]}`).

https://www.rfc-editor.org/rfc/rfc6902; https://hl7.org/fhir/R4/http.html#patch
https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir (patches; remove after test)

Whole or not at all. A fault names the operation by its place, from 1, and never repeats a path, which a sender may have
filled with anything.
"""

from typing import Any

import jsonpatch
import jsonpointer

from app.fhir import json_text
from app.fhir.errors import Malformed, Unprocessable
from app.fhir.json_text import JSONTextError

MEDIA_TYPE = "application/json-patch+json"
MOST_OPERATIONS = 100
_NEEDS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path", "value"),
}

Operation = dict[str, Any]


def read(raw: bytes, *, removes_what_was_tested: bool = False) -> list[Operation]:
    """The operations of a patch. Malformed where it is none.

    `removes_what_was_tested`: a `remove` has to follow a `test` of the same place or of a part of it, as PDS asks.
    """
    is_bare = raw.lstrip()[:1] == b"["
    try:
        _, text = json_text.read(b'{"patches":' + raw + b"}" if is_bare else raw)
    except JSONTextError as error:
        raise Malformed(str(error)) from None
    sent = json_text.exact(text)
    operations = sent.get("patches")
    if set(sent) != {"patches"} or not isinstance(operations, list) or not 0 < len(operations) <= MOST_OPERATIONS:
        raise Malformed(
            f'A JSON Patch is a list of 1 to {MOST_OPERATIONS} operations, or {{"patches": [...]}} with one.'
        )
    for place, operation in enumerate(operations, 1):
        _check(place, operation)
        if removes_what_was_tested and operation["op"] == "remove":
            _check_tested(place, operation, operations[place - 2] if place > 1 else {})
    return operations


def applied(resource: dict[str, Any], operations: list[Operation], largest: int) -> dict[str, Any]:
    """The resource (from `json_text.exact`, and used up) after all operations. Unprocessable where one does not fit.

    `largest` is how many characters it may have on the way: a few copies of the whole would fill the memory.
    """
    for place, operation in enumerate(operations, 1):
        try:
            if operation["op"] == "test":
                _test(place, operation, resource)
            else:
                resource = jsonpatch.JsonPatch([operation]).apply(resource, in_place=True)
            if operation["op"] == "copy":
                _check_size(place, resource, largest)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
            raise _unfit(place, operation, "does not fit what is there") from None
    return resource


def _check(place: int, operation: object) -> None:
    op = operation.get("op") if isinstance(operation, dict) else None
    if not isinstance(operation, dict) or not isinstance(op, str) or op not in _NEEDS:
        raise Malformed(f"Operation {place} is none of {', '.join(_NEEDS)}.")
    for name in _NEEDS[op]:
        if name not in operation:
            raise Malformed(f"Operation {place} ({op}) needs {name}.")
    for name in {"path", "from"} & set(_NEEDS[op]):
        pointer = operation[name]
        if not isinstance(pointer, str) or not pointer.startswith("/"):
            raise Malformed(f"Operation {place} ({op}): {name} is a JSON Pointer to a part of the resource: /name/0.")


def _check_tested(place: int, removal: Operation, before: Operation) -> None:
    path, tested = removal["path"], before.get("path", "")
    if before.get("op") != "test" or not (tested == path or tested.startswith(f"{path}/")):
        raise Malformed(f"Operation {place} (remove) has to follow a test of what it removes.")


def _test(place: int, operation: Operation, resource: dict[str, Any]) -> None:
    if not _same(jsonpointer.JsonPointer(operation["path"]).resolve(resource), operation["value"]):
        raise _unfit(place, operation, "finds another value")


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON (RFC 6902, 4.6): Python would hold true and 1 for the same."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case _:
            return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _check_size(place: int, resource: dict[str, Any], largest: int) -> None:
    try:
        text = json_text.written_exactly(resource)
        if len(text) <= largest:
            json_text.read(text.encode())
            return
    except (JSONTextError, RecursionError):
        pass
    raise Unprocessable(f"After operation {place} (copy) the resource is too large or too deep.")


def _unfit(place: int, operation: Operation, problem: str) -> Unprocessable:
    return Unprocessable(f"Operation {place} ({operation['op']}) {problem}. Nothing was changed.")

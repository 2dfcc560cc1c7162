"""FHIRPath Patch: the operations of a Parameters resource, done to another resource.

https://hl7.org/fhir/R4/fhirpatch.html

Whole or not at all. A fault says which operation it is in: `Parameters.parameter[0]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.fhir import fhirpath_place, fhirpath_value
from app.fhir.errors import Malformed, Unprocessable
from app.fhir.fhirpath_place import Path, PathError, Steps

MOST_OPERATIONS = 100
_PARTS = {  # what an operation takes beside its type
    "add": {"path", "name", "value"},
    "insert": {"path", "value", "index"},
    "delete": {"path"},
    "replace": {"path", "value"},
    "move": {"path", "source", "destination"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `parts` beside its type and path, each as it stands in the Parameters."""

    type: str
    path: Path
    parts: dict[str, dict[str, Any]]

    def number(self, name: str) -> int:
        return int(self.parts[name]["valueInteger"])


def read(parameters: dict[str, Any]) -> list[Operation]:
    """The operations of a Parameters that has passed the gate (from `json_text.exact`). Malformed where it is no patch."""
    sent = parameters.get("parameter", [])
    if not 0 < len(sent) <= MOST_OPERATIONS:
        raise Malformed(f"A FHIRPath Patch has 1 to {MOST_OPERATIONS} operations.", expression="Parameters.parameter")
    return [_operation(each, f"Parameters.parameter[{place}]") for place, each in enumerate(sent)]


def applied(resource: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """The resource (from `json_text.exact`, and used up) after all operations. Unprocessable where one does not fit."""
    for place, operation in enumerate(operations):
        try:
            _DO[operation.type](resource, operation)
        except PathError as error:
            raise Unprocessable(
                f"{operation.type}: {error} Nothing was changed.", expression=f"Parameters.parameter[{place}]"
            ) from None
    return resource


def _operation(sent: dict[str, Any], where: str) -> Operation:
    parts = {each["name"]: each for each in sent.get("part", ())}
    kind = parts.pop("type", {}).get("valueCode")
    if sent["name"] != "operation" or kind not in _PARTS:
        raise Malformed(f"An operation has a type (valueCode): {', '.join(_PARTS)}.", expression=where)
    if (
        set(parts) != _PARTS[kind]
        or len(sent["part"]) != len(parts) + 1
        or any(len(each) != 2 for each in sent["part"])
    ):
        raise Malformed(f"{kind} takes {', '.join(sorted(_PARTS[kind]))}, each once.", expression=where)
    wanted = {"path": "valueString", "name": "valueString"} | dict.fromkeys(
        ("index", "source", "destination"), "valueInteger"
    )
    if wrong := [name for name in parts if name in wanted and wanted[name] not in parts[name]]:
        raise Malformed(f"Give {wrong[0]} as {wanted[wrong[0]]}.", expression=where)
    try:
        path = fhirpath_place.parsed(parts["path"]["valueString"])
    except PathError as error:
        raise Unprocessable(str(error), expression=where) from None
    return Operation(kind, path, parts)


def _add(resource: dict[str, Any], operation: Operation) -> None:
    """Append to a list, or set what is not there yet."""
    (parent,) = _only(fhirpath_place.found(resource, operation.path))
    element = operation.parts["name"]["valueString"]
    name, value = fhirpath_value.given(resource, parent, element, operation.parts["value"])
    if fhirpath_value.is_list(resource, parent, name):
        held = list(fhirpath_place.children(resource, parent, element))
        _edit(
            resource,
            parent,
            name,
            len(held),
            lambda values, is_of_values: values.append(value if is_of_values else None),
        )
        return
    if list(fhirpath_place.children(resource, parent, element)):
        raise PathError("This element is there already: replace it.")
    fhirpath_place.at(resource, parent)[name] = value


def _insert(resource: dict[str, Any], operation: Operation) -> None:
    parent, name, length = _list(resource, operation.path)
    index = operation.number("index")
    if not 0 <= index <= length:
        raise PathError("The index is beyond the end of the list.")
    _, value = fhirpath_value.given(resource, parent, operation.path.name, operation.parts["value"])
    _edit(
        resource,
        parent,
        name,
        length,
        lambda values, is_of_values: values.insert(index, value if is_of_values else None),
    )


def _delete(resource: dict[str, Any], operation: Operation) -> None:
    """What is not there is deleted already."""
    places = fhirpath_place.found(resource, operation.path)
    if places:
        (place,) = _only(places)
        _remove(resource, place)


def _replace(resource: dict[str, Any], operation: Operation) -> None:
    (place,) = _only(fhirpath_place.found(resource, operation.path))
    parent, element = fhirpath_value.held_by(resource, place)
    name, value = fhirpath_value.given(resource, parent, element, operation.parts["value"])
    if isinstance(place[-1], int):
        index = place[-1]
        length = len(list(fhirpath_place.children(resource, parent, element)))

        def put(values: list[Any], is_of_values: bool) -> None:
            values[index] = value if is_of_values else None

        _edit(resource, parent, name, length, put)
        return
    _remove(resource, place)
    fhirpath_place.at(resource, parent)[name] = value


def _move(resource: dict[str, Any], operation: Operation) -> None:
    parent, name, length = _list(resource, operation.path)
    source, destination = operation.number("source"), operation.number("destination")
    if not (0 <= source < length and 0 <= destination < length):
        raise PathError("The source or destination is beyond the end of the list.")
    _edit(resource, parent, name, length, lambda values, _: values.insert(destination, values.pop(source)))


_DO: dict[str, Callable[[dict[str, Any], Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


def _only(places: list[Steps]) -> list[Steps]:
    if len(places) != 1:
        raise PathError(f"The path leads to {len(places)} elements, and has to lead to one.")
    return places


def _list(resource: dict[str, Any], path: Path) -> tuple[Steps, str, int]:
    """The one list that a path names: where, its name, and its length."""
    if not path.names_a_list:
        raise PathError("The path has to name a list, by the element that it is.")
    (parent,) = _only(fhirpath_place.found(resource, path.above))
    name, *others = fhirpath_place.json_names(resource["resourceType"], parent, path.name)
    if others or not fhirpath_value.is_list(resource, parent, name):
        raise PathError("The path has to name a list.")
    return parent, name, len(list(fhirpath_place.children(resource, parent, path.name)))


def _remove(resource: dict[str, Any], place: Steps) -> None:
    parent, element = fhirpath_value.held_by(resource, place)
    if isinstance(place[-1], int):
        index, length = place[-1], len(list(fhirpath_place.children(resource, parent, element)))
        _edit(resource, parent, str(place[-2]), length, lambda values, _: values.pop(index))
        return
    holder = fhirpath_place.at(resource, parent)
    for name in (place[-1], f"_{place[-1]}"):
        holder.pop(name, None)


def _edit(
    resource: dict[str, Any], parent: Steps, name: str, length: int, edit: Callable[[list[Any], bool], Any]
) -> None:
    """Edit a list, and in the same way the extensions of its primitives, which stand beside it (`_given`).

    `edit` is told whether it edits the values, or what stands beside them.
    """
    holder = fhirpath_place.at(resource, parent)
    for each, is_of_values in ((name, True), (f"_{name}", False)):
        if is_of_values or each in holder:
            values = [*holder.get(each, ()), *[None] * (length - len(holder.get(each, ())))]
            edit(values, is_of_values)
            holder[each] = values
            if all(value is None for value in values):
                del holder[each]

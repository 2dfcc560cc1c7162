"""The value that an operation of a FHIRPath Patch brings, as JSON has it.

https://hl7.org/fhir/R4/fhirpatch.html; https://hl7.org/fhir/R4/parameters.html

A value of a data type stands in `value[x]`. One of a part that has no type of its own (Patient.contact) stands in `part`,
an element in each.
"""

from typing import Any

from app.fhir import fhirpath_place, schema_shape
from app.fhir.fhirpath_place import PathError, Steps


def given(resource: dict[str, Any], parent: Steps, element: str, sent: dict[str, Any]) -> tuple[str, Any]:
    """The JSON name and the value for an element at `parent`. Raises PathError."""
    return _given(_type(resource, parent), element, sent)


def is_list(resource: dict[str, Any], parent: Steps, name: str) -> bool:
    """Whether a JSON name at `parent` holds a list."""
    return schema_shape.members(_type(resource, parent))[name].is_list


def held_by(resource: dict[str, Any], place: Steps) -> tuple[Steps, str]:
    """The place and the element's name that a place is in: of an item, those of its list. Raises PathError for the root."""
    parent = place[:-2] if place and isinstance(place[-1], int) else place[:-1]
    if not place:
        raise PathError("The whole resource is replaced by an update.")
    return parent, schema_shape.members(_type(resource, parent))[str(place[len(parent)])].element


def _type(resource: dict[str, Any], place: Steps) -> str:
    type = schema_shape.type_at(resource["resourceType"], place)
    if type is None:
        raise PathError("The path leads out of the definition.")
    return type


def _given(type: str, element: str, sent: dict[str, Any]) -> tuple[str, Any]:
    names = fhirpath_place.names_in(type, element)
    held = next((name for name in sent if name.startswith("value")), None)
    if len(sent) != 2:  # its name, and the value
        raise PathError("An operation's value stands in value[x], or in parts, with nothing beside it.")
    if held is not None:
        suffix = held.removeprefix("value")
        name = names[0] if len(names) == 1 else f"{element}{suffix}"
        if name not in names:
            raise PathError("The value has a type that the element cannot have.")
        return name, sent[held]
    if "part" not in sent:
        raise PathError("An operation's value stands in value[x], or in parts, with nothing beside it.")
    member = schema_shape.members(type)[names[0]]
    return names[0], _built(member.type, sent["part"])


def _built(type: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The object of a part without a type, from the parts of a parameter: one that is named twice is a list."""
    whole: dict[str, Any] = {}
    for part in parts:
        name, value = _given(type, part["name"], part)
        if schema_shape.members(type)[name].is_list:
            whole.setdefault(name, []).append(value)
        elif name in whole:
            raise PathError("A part is given twice, and is no list.")
        else:
            whole[name] = value
    return whole

"""What JSON Schema found, as faults a sender can act on.

https://hl7.org/fhir/R4/valueset-issue-type.html
"""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

from app.fhir import schema_primitives, schema_shape
from app.fhir.fault import Fault
from app.fhir.schema_shape import Step

_FEW = 16
_JSON_TYPES = {"object": "an object { }", "array": "a list [ ]", "string": "text in quotation marks"}


def described(
    errors: Iterable[ValidationError], schema: dict[str, Any], type: str, profile: str | None, start: str = ""
) -> Iterator[Fault]:
    """The faults in a resource of `type`. `profile` names what it was held to beyond the base; `start` is where it is."""
    for error in errors:
        steps: list[Step] = list(error.instance_path)
        node = _node(schema, error.schema_path)
        match error.kind:
            case ValidationErrorKind.AdditionalProperties(unexpected):
                for name in unexpected:
                    yield _unknown(type, steps, name, profile, start)
            case ValidationErrorKind.Required(property) if "x-fault" not in node:
                yield _at(type, [*steps, property], "required", f"{_element(property)} is required.", start)
            case ValidationErrorKind.Type() if "x-type" not in node:
                what = _JSON_TYPES.get(str(node.get("type")), "another JSON type")
                yield _at(type, steps, "structure", f"This must be {what}{_null(error.instance)}.", start)
            case kind:
                yield _other(type, steps, node, kind, error.instance, start)


def _other(
    type: str, steps: list[Step], node: dict[str, Any], kind: ValidationErrorKind, instance: Any, start: str
) -> Fault:
    if "x-fault" in node:
        told = node["x-fault"]
        place = [*steps, told["element"]] if "element" in told else steps
        return _at(type, place, told["code"], _sentence(told["say"]), start)
    if "x-type" in node:
        code = "structure" if isinstance(kind, ValidationErrorKind.Type) else "value"
        explanation = schema_primitives.EXPLANATIONS[node["x-type"]]
        return _at(type, steps, code, f"This must be {explanation}{_null(instance)}.", start)
    match kind:
        case ValidationErrorKind.Enum(options):
            return _at(type, steps, "code-invalid", f"This must be one of {', '.join(map(str, options))}.", start)
        case ValidationErrorKind.Constant(expected_value):
            return _at(type, steps, "value", f"This must be {expected_value}.", start)
        case ValidationErrorKind.MinProperties() | ValidationErrorKind.MinItems(limit=1):
            return _at(type, steps, "structure", "This is empty. Leave the element out, or fill it.", start)
        case ValidationErrorKind.MinItems(limit):
            return _at(type, steps, "required", f"At least {limit} are required.", start)
        case ValidationErrorKind.MaxItems(limit):
            return _at(type, steps, "structure", f"At most {limit} may be given.", start)
        case _:
            return _at(type, steps, "structure", "This does not fit the definition.", start)


def _unknown(type: str, steps: list[Step], name: str, profile: str | None, start: str) -> Fault:
    """An element that is not in the schema: never heard of, forbidden by the profile, or not safe to ignore."""
    within = schema_shape.type_at(type, steps) or type
    known = schema_shape.members(within)
    element = schema_shape.said(name)
    if name == "modifierExtension":
        say = "A modifier extension changes what the rest means, and none is understood here. Send it without."
        return _at(type, [*steps, name], "extension", say, start)
    if name == "implicitRules":
        return _at(
            type, [*steps, name], "not-supported", "No implicit rules are understood here. Send it without.", start
        )
    if name in known and profile:
        say = f"{profile} does not allow {element} here. Leave it out."
    else:
        near = difflib.get_close_matches(name, [k for k in known if not k.startswith("_")], n=1, cutoff=0.6)
        say = f"{within} has no such element." + (f" Perhaps {near[0]} was meant." if near else "")
    return _at(type, [*steps, name], "structure", say, start)


def _at(type: str, steps: list[Step], code: str, diagnostics: str, start: str) -> Fault:
    return Fault(schema_shape.expression(type, steps, start), code, diagnostics)


def _node(schema: dict[str, Any], path: list[Step]) -> dict[str, Any]:
    """The schema object that holds the failing keyword."""
    node: Any = schema
    for step in path[:-1]:
        node = node[step]
    return node if isinstance(node, dict) else {}


def _element(name: str) -> str:
    return name.lstrip("_")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _null(instance: Any) -> str:
    return "; null is not a value in FHIR, leave the element out" if instance is None else ""

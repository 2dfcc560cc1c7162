"""What an element demands beyond its type, as JSON Schema: bindings, patterns, limits, targets, choices.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from typing import Any

from app.fhir import schema_definitions, schema_slicing, schema_terminology
from app.fhir.schema_elements import Element, Type

Schema = dict[str, Any]

_ID = r"[A-Za-z0-9\-.]{1,64}"


def restricted(schema: Schema, element: Element, type: Type) -> Schema:
    """The same with what the element fixes, patterns, binds and limits."""
    rules = [schema]
    if element.fixed is not None:
        rules.append(_told({"const": element.fixed}, "value", element.short or "this value is fixed"))
    if element.pattern is not None:
        rules.append(
            _told(schema_slicing.matching(element.pattern), "value", element.short or "this value is fixed in part")
        )
    if element.value_set and (binding := schema_terminology.binding(element.value_set, type.code)):
        rules.append(_told(binding, "code-invalid", f"a code of {element.value_set} is needed"))
    if element.max_length is not None:
        rules.append(_told({"maxLength": element.max_length}, "value", f"at most {element.max_length} characters"))
    if element.min_value is not None:
        rules.append(_told({"minimum": element.min_value}, "value", f"at least {element.min_value}"))
    if element.max_value is not None:
        rules.append(_told({"maximum": element.max_value}, "value", f"at most {element.max_value}"))
    return schema if len(rules) == 1 else {"allOf": rules}


def _told(schema: Schema, code: str, say: str) -> Schema:
    """`schema` as one rule that fails as a whole, with one explanation."""
    return {"anyOf": [schema], "x-fault": {"code": code, "say": say}}


def narrow(reference: Schema, targets: tuple[str, ...]) -> None:
    """Let a Reference name these types only."""
    named = targets or schema_definitions.resource_types()
    relative = rf"(https?://\S+/)?({'|'.join(named)})/{_ID}(/_history/{_ID})?"
    pattern = rf"^(#{_ID}|#|urn:uuid:[0-9a-fA-F-]{{36}}|urn:oid:[0-9.]+|{relative})$"
    say = f"a reference to {_listed(targets)} is needed, such as {named[0]}/[id]" if targets else "this is no reference"
    reference["properties"]["reference"] = {
        "type": "string",
        "pattern": pattern,
        "x-fault": {"code": "value", "say": say},
    }
    if targets:
        type = {"enum": list(targets), "x-fault": {"code": "value", "say": f"{_listed(targets)} is needed"}}
        reference["properties"]["type"] = type


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def at_most_one(element: Element, options: list[list[str]]) -> Schema:
    present = [{"anyOf": [{"required": [name]} for name in option]} for option in options]
    say = f"only one {element.name} may be given"
    return {"oneOf": [*present, {"not": {"anyOf": present}}], "x-fault": {"code": "structure", "say": say}}


def require(schema: Schema, rules: list[Schema], element: Element, names: list[str]) -> None:
    if len(names) == 1:
        schema.setdefault("required", []).append(names[0])
    else:
        fault = {"code": "required", "say": f"{element.name} is required", "element": element.name.removesuffix("[x]")}
        rules.append({"anyOf": [{"required": [name]} for name in names], "x-fault": fault})


def a_value_or_extensions(properties: Schema) -> Schema:
    """ext-1: https://hl7.org/fhir/R4/extensibility.html#Extension"""
    values = [name for name in properties if name.lstrip("_").startswith("value")]
    present: Schema = {"anyOf": [{"required": [name]} for name in values] or [False]}
    say = "an extension has either a value or extensions of its own"
    return {"oneOf": [{"required": ["extension"]}, present], "x-fault": {"code": "invariant", "say": f"ext-1: {say}"}}

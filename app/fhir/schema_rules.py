"""What an element demands beyond its type, as JSON Schema: bindings, patterns, targets, choices, slices.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from typing import Any

from app.fhir import schema_definitions, schema_terminology
from app.fhir.schema_definitions import DefinitionError, Element, Type

Schema = dict[str, Any]

_ID = r"[A-Za-z0-9\-.]{1,64}"


def matching(pattern: Any) -> Schema:
    """The schema of `pattern[x]`: what the pattern says must be there, more may be."""
    if isinstance(pattern, dict):
        properties = {name: matching(value) for name, value in pattern.items()}
        return {"type": "object", "required": list(pattern), "properties": properties}
    if isinstance(pattern, list):
        return {"type": "array", "allOf": [{"contains": matching(item)} for item in pattern]}
    return {"const": pattern}


def restricted(schema: Schema, element: Element, type: Type) -> Schema:
    """The same with what the element fixes, patterns and binds."""
    rules = [schema]
    if element.fixed is not None:
        rules.append(_told({"const": element.fixed}, "value", element.short or "this value is fixed"))
    if element.pattern is not None:
        rules.append(_told(matching(element.pattern), "value", element.short or "this value is fixed in part"))
    if element.value_set and (binding := schema_terminology.binding(element.value_set, type.code)):
        rules.append(_told(binding, "code-invalid", f"a code of {element.value_set} is needed"))
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


def slice(part: Element) -> list[Schema]:
    """How often a list holds what the slice is known by: its pattern, or the URL of its extension."""
    known_by = {"contains": _discriminator(part)}
    say = part.short or f"the profile's slice {part.slice_name} is not met"
    rules = []
    if part.min:
        rules.append({**known_by, "minContains": part.min, "x-fault": {"code": "required", "say": say}})
    if part.max not in (None, "*"):
        most = {"code": "structure", "say": f"at most {part.max}: {say}"}
        rules.append({**known_by, "minContains": 0, "maxContains": int(part.max or 0), "x-fault": most})
    return rules


def _discriminator(part: Element) -> Schema:
    if part.pattern is not None:
        return matching(part.pattern)
    urls = [url for type in part.types for url in type.profiles]
    if not urls:
        raise DefinitionError(f"{part.path}:{part.slice_name} is known neither by pattern nor URL.")
    return {"type": "object", "required": ["url"], "properties": {"url": {"enum": urls}}}


def closed(element: Element, slices: list[Element]) -> Schema:
    names = ", ".join(part.slice_name or "" for part in slices)
    say = f"the profile allows nothing in {element.name} but {names}"
    allowed = {"anyOf": [_discriminator(part) for part in slices]}
    return {"items": allowed | {"x-fault": {"code": "structure", "say": say}}}

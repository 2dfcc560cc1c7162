"""StructureDefinitions, read from their JSON.

https://hl7.org/fhir/R4/elementdefinition.html

What an ElementDefinition says and nobody enforces is an error here, so that nothing stands in a profile without effect.
"""

from collections.abc import Mapping
from typing import Any

from app.fhir.schema_elements import CORE, Constraint, DefinitionError, Element, Slicing, Structure, Type

_SYSTEM_TYPE = "http://hl7.org/fhirpath/System.String"
_SAYS_NOTHING = {
    *("id", "short", "definition", "comment", "requirements", "alias", "label", "code", "example", "mapping", "base"),
    *("condition", "meaningWhenMissing", "orderMeaning", "mustSupport", "isModifier", "isModifierReason", "isSummary"),
}
_ENFORCED = {
    *("path", "sliceName", "slicing", "min", "max", "type", "contentReference", "binding", "constraint", "maxLength")
}
_VALUES = ("fixed", "pattern", "minValue", "maxValue")
_NOT_BINDING = ("preferred", "example")


def parsed(json: Mapping[str, Any], view: str) -> Structure:
    """A StructureDefinition's `snapshot` or `differential`. DefinitionError where it holds what is not enforced."""
    where = str(json.get("name"))
    if not json.get(view):
        raise DefinitionError(f"{where} has no {view}.")
    return Structure(
        url=json["url"],
        name=where,
        type=json["type"],
        kind=json["kind"],
        elements=tuple(_element(element, where, json) for element in json[view]["element"]),
        contexts=tuple(_context(context, where) for context in json.get("context", ())),
    )


def _context(context: Mapping[str, Any], where: str) -> str:
    if context["type"] != "element":
        raise DefinitionError(f"{where}: a context of type {context['type']} is not enforced here.")
    return str(context["expression"])


def _element(json: Mapping[str, Any], where: str, of: Mapping[str, Any]) -> Element:
    path, slice_name = json["path"], json.get("sliceName")
    at = f"{where}: {json.get('id', path)}"
    for key in json:
        if key not in _ENFORCED and key not in _SAYS_NOTHING and not key.startswith(_VALUES):
            raise DefinitionError(f"{at}: {key} is not enforced here.")
    return Element(
        id=json.get("id", f"{path}:{slice_name}" if slice_name else path),
        path=path,
        min=json.get("min"),
        max=json.get("max"),
        types=tuple(_type(each, path, of) for each in json.get("type", ())),
        content_reference=json["contentReference"].lstrip("#") if "contentReference" in json else None,
        slice_name=slice_name,
        slicing=_slicing(json["slicing"], at) if "slicing" in json else None,
        value_set=_value_set(json["binding"], at) if "binding" in json else None,
        fixed=_value(json, "fixed"),
        pattern=_value(json, "pattern"),
        max_length=json.get("maxLength"),
        min_value=_number(json, "minValue", at),
        max_value=_number(json, "maxValue", at),
        constraints=tuple(_constraint(each) for each in json.get("constraint", ())),
        short=json.get("short", ""),
        is_list=json.get("max") not in ("0", "1"),
    )


def _constraint(json: Mapping[str, Any]) -> Constraint:
    return Constraint(json["key"], json["human"], json.get("expression", ""), json.get("severity", "error"))


def _slicing(json: Mapping[str, Any], at: str) -> Slicing:
    if json.get("rules", "open") not in ("open", "closed"):
        raise DefinitionError(f"{at}: slicing with rules {json['rules']} is not enforced here.")
    discriminators = tuple((each["type"], each["path"]) for each in json.get("discriminator", ()))
    return Slicing(discriminators, json.get("rules") == "closed", json.get("ordered", False))


def _value_set(json: Mapping[str, Any], at: str) -> str | None:
    """The value set of a required binding; one that only recommends demands nothing."""
    if json["strength"] in _NOT_BINDING:
        return None
    if json["strength"] != "required" or "valueSet" not in json:
        raise DefinitionError(f"{at}: only required bindings are enforced here.")
    return str(json["valueSet"]).partition("|")[0]


def _type(json: Mapping[str, Any], path: str, of: Mapping[str, Any]) -> Type:
    code = json["code"]
    if code == _SYSTEM_TYPE:
        code = _system_type(path, of)
    if unknown := json.keys() - {"code", "profile", "targetProfile"}:
        raise DefinitionError(f"{path}: type.{min(unknown)} is not enforced here.")
    named = json.get("targetProfile", ())
    targets = tuple(sorted(each.removeprefix(CORE) for each in named if each.startswith(CORE)))
    others = tuple(each for each in named if not each.startswith(CORE))
    return Type(code, () if "Resource" in targets else targets, tuple(json.get("profile", ())), others)


def _system_type(path: str, of: Mapping[str, Any]) -> str:
    """The FHIR type behind a FHIRPath one: `Patient.id` is an id, `Period.id` a string, `Extension.url` a uri."""
    if path == "Extension.url":
        return "uri"
    return "id" if of["kind"] == "resource" and path == f"{of['type']}.id" else "string"


def _number(json: Mapping[str, Any], prefix: str, at: str) -> int | float | None:
    value = _value(json, prefix)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise DefinitionError(f"{at}: {prefix}[x] is enforced for numbers only.")
    return value


def _value(json: Mapping[str, Any], prefix: str) -> Any:
    return next((value for key, value in json.items() if key.startswith(prefix)), None)

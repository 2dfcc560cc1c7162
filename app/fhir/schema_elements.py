"""StructureDefinitions as they are written, in one shape for HL7's and ours: elements, slicing, constraints.

https://hl7.org/fhir/R4/elementdefinition.html

What an ElementDefinition says and nobody enforces is an error here, so that nothing stands in a profile without effect.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

CORE = "http://hl7.org/fhir/StructureDefinition/"

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


class DefinitionError(ValueError):
    """A definition in `fhir_profiles/` that cannot be enforced; raised at start, never for a resource."""


@dataclass(frozen=True, slots=True)
class Type:
    """One `ElementDefinition.type`. `targets` are the resource types a Reference may name; empty means any.

    `profiles` are canonical URLs of StructureDefinitions on this type, `target_profiles` those that are not HL7's.
    """

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    target_profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """One invariant: `key` finds its function where there is one, `human` is what the sender is told."""

    key: str
    human: str
    expression: str = ""
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a list is parted. `discriminators` are (type, path) as in ElementDefinition.slicing.discriminator."""

    discriminators: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One ElementDefinition. `min` and `max` are None where a differential leaves them as they are.

    `id` is the path with the slices on the way: `Patient.identifier:nhsNumber.system`. `is_list` is the base's: an element
    stays a list in JSON when a profile allows only one. `value_required` is whether a reason for its absence (an extension in
    place of a primitive's value) will not do.
    """

    id: str
    path: str
    min: int | None = None
    max: str | None = None
    types: tuple[Type, ...] = ()
    content_reference: str | None = None
    slice_name: str | None = None
    slicing: Slicing | None = None
    value_set: str | None = None
    fixed: Any = None
    pattern: Any = None
    max_length: int | None = None
    min_value: int | float | None = None
    max_value: int | float | None = None
    constraints: tuple[Constraint, ...] = ()
    short: str = ""
    is_list: bool = False
    value_required: bool = False

    @property
    def name(self) -> str:
        """The last step of the path, `value[x]` for a choice."""
        return self.path.rpartition(".")[2]

    @property
    def parent(self) -> str:
        """The id of the element around it."""
        return self.id.rpartition(".")[0]

    @property
    def is_choice(self) -> bool:
        return self.path.endswith("[x]")

    def names(self) -> Iterator[tuple[str, Type]]:
        """The JSON names of this element with the type of each: several for a choice."""
        for type in self.types:
            yield ((self.name[:-3] + type.code[0].upper() + type.code[1:] if self.is_choice else self.name), type)


@dataclass(frozen=True, eq=False)
class Structure:
    """A resource or data type with the elements of its snapshot, or of a profile's differential."""

    url: str
    name: str
    type: str
    kind: str
    elements: tuple[Element, ...]
    contexts: tuple[str, ...] = ()

    @cached_property
    def _within(self) -> dict[str, list[Element]]:
        within: dict[str, list[Element]] = {}
        for element in self.elements:
            within.setdefault(element.parent, []).append(element)
        return within

    @cached_property
    def _by_id(self) -> dict[str, Element]:
        return {element.id: element for element in self.elements}

    def children(self, id: str) -> list[Element]:
        """The elements right below one, its slices among them."""
        return self._within.get(id, [])

    def slices(self, element: Element) -> list[Element]:
        """The slices of an element, in the order in which they are defined."""
        return [each for each in self.children(element.parent) if each.slice_name and each.path == element.path]

    def element(self, id: str) -> Element | None:
        return self._by_id.get(id)


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

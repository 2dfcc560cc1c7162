"""The definitions that the gate is compiled from: HL7's, reduced and committed, as elements of one shape.

https://hl7.org/fhir/R4/elementdefinition.html

Files are read when a type is first asked for. `fhir_profiles/base/generate.py` makes them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "fhir_profiles"
_BASE = FOLDER / "base"

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System.String"
_SAYS_NOTHING = {"id", "short", "definition", "comment", "mustSupport", "isModifierReason"}
_UNDERSTOOD = {
    "path", "sliceName", "slicing", "min", "max", "type", "contentReference", "isModifier", "binding", "constraint",
}  # fmt: skip


class DefinitionError(ValueError):
    """A definition in `fhir_profiles/` that cannot be enforced; raised at start, never for a resource."""


@dataclass(frozen=True, slots=True)
class Type:
    """One `ElementDefinition.type`. `targets` are the resource types a Reference may name; empty means any."""

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """One invariant: `key` finds its function, `human` is what the sender is told."""

    key: str
    human: str


@dataclass(frozen=True, slots=True)
class Element:
    """One ElementDefinition. `min` and `max` are None where a differential leaves them as they are.

    `is_list` is the base's: an element stays a list in JSON when a profile allows only one. `value_required` is whether a
    reason for its absence (an extension in place of a primitive's value) will not do.
    """

    path: str
    min: int | None = None
    max: str | None = None
    types: tuple[Type, ...] = ()
    content_reference: str | None = None
    slice_name: str | None = None
    closed: bool = False
    value_set: str | None = None
    fixed: Any = None
    pattern: Any = None
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
        return self.path.rpartition(".")[0]

    @property
    def is_choice(self) -> bool:
        return self.path.endswith("[x]")

    def names(self) -> Iterator[tuple[str, Type]]:
        """The JSON names of this element with the type of each: several for a choice."""
        for type in self.types:
            yield ((self.name[:-3] + type.code[0].upper() + type.code[1:] if self.is_choice else self.name), type)


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource or data type with the elements of its snapshot, or of a profile's differential."""

    url: str
    name: str
    type: str
    kind: str
    elements: tuple[Element, ...]
    contexts: tuple[str, ...] = ()


@cache
def structure(type: str) -> Structure:
    """HL7's definition of a resource or complex data type. KeyError where it is not one that is held here."""
    if type in data_types():
        return data_types()[type]
    if type not in known_resources():
        raise KeyError(type)
    return _read(_BASE / f"{type}.json")[0]


@cache
def known_resources() -> frozenset[str]:
    """The resource types whose definitions are held, so which can be validated."""
    return frozenset(path.stem for path in _BASE.glob("[A-Z]*.json"))


@cache
def data_types() -> dict[str, Structure]:
    return {structure.type: structure for structure in _read(_BASE / "data-types.json")}


@cache
def core_extensions() -> tuple[Structure, ...]:
    """HL7's own extensions that are checked wherever they are used."""
    return tuple(_read(_BASE / "extensions.json"))


@cache
def codes() -> dict[str, dict[str, list[str]]]:
    """Value set -> system -> codes, for HL7's required bindings."""
    return json.loads((_BASE / "codes.json").read_text("utf-8"))  # type: ignore[no-any-return]  # our own file


@cache
def resource_types() -> tuple[str, ...]:
    """Every resource type of R4, also those that are not held: a Reference may name any."""
    (names,) = codes()["http://hl7.org/fhir/ValueSet/resource-types"].values()
    return tuple(sorted(names))


def _read(path: Path) -> list[Structure]:
    return [parsed(structure, "snapshot") for structure in json.loads(path.read_text("utf-8"))]


def parsed(json: dict[str, Any], view: str) -> Structure:
    """A StructureDefinition's `snapshot` or `differential`. DefinitionError where it holds what is not enforced."""
    return Structure(
        url=json["url"],
        name=json["name"],
        type=json["type"],
        kind=json["kind"],
        elements=tuple(_element(element, json["name"]) for element in json[view]["element"]),
        contexts=tuple(context["expression"] for context in json.get("context", ())),
    )


def _element(json: dict[str, Any], where: str) -> Element:
    fixed = _value(json, "fixed")
    pattern = _value(json, "pattern")
    for key in json:
        if key not in _UNDERSTOOD and key not in _SAYS_NOTHING and not key.startswith(("fixed", "pattern")):
            raise DefinitionError(f"{where}: {json['path']}: {key} is not enforced here.")
    if ":" in json.get("id", "") and "sliceName" not in json:
        raise DefinitionError(f"{where}: {json['id']}: elements inside a slice are not enforced here.")
    if json.get("binding", {}).get("strength", "required") != "required":
        raise DefinitionError(f"{where}: {json['path']}: only required bindings are enforced here.")
    return Element(
        path=json["path"],
        min=json.get("min"),
        max=json.get("max"),
        types=tuple(_type(type, json["path"]) for type in json.get("type", ())),
        content_reference=json["contentReference"].lstrip("#") if "contentReference" in json else None,
        slice_name=json.get("sliceName"),
        closed=json.get("slicing", {}).get("rules") == "closed",
        value_set=json["binding"]["valueSet"] if "binding" in json else None,
        fixed=fixed,
        pattern=pattern,
        constraints=tuple(Constraint(c["key"], c["human"]) for c in json.get("constraint", ())),
        short=json.get("short", ""),
        is_list=json.get("max") not in ("0", "1"),
    )


def _type(json: dict[str, Any], path: str) -> Type:
    code = json["code"]
    if code == _SYSTEM_TYPE:
        code = _system_type(path)
    targets = tuple(sorted(target.removeprefix(_CORE) for target in json.get("targetProfile", ())))
    return Type(code, () if "Resource" in targets else targets, tuple(json.get("profile", ())))


def _system_type(path: str) -> str:
    """The FHIR type behind a FHIRPath one: `Patient.id` is an id, `Period.id` a string, `Extension.url` a uri."""
    if path == "Extension.url":
        return "uri"
    return "id" if path.count(".") == 1 and path.partition(".")[0] in known_resources() else "string"


def _value(json: dict[str, Any], prefix: str) -> Any:
    return next((value for key, value in json.items() if key.startswith(prefix)), None)

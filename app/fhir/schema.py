"""The compiler: a StructureDefinition's elements in, a strict JSON Schema out.

https://hl7.org/fhir/R4/json.html; https://json-schema.org/draft/2020-12

Beyond HL7's own fhir.schema.json it refuses empty objects and lists, `null` as a value, more than one value of a
choice, codes outside a required binding, references to the wrong type, extensions with a value and extensions both,
and elements that must be understood and are not (`modifierExtension`, `implicitRules`).

`x-fault` beside a keyword holds what to tell the sender: JSON Schema ignores it, `schema_faults` reads it.
"""

from collections.abc import Callable

from app.fhir import schema_definitions, schema_primitives, schema_profiles, schema_rules, schema_slicing
from app.fhir.schema_elements import DefinitionError, Element, Structure, Type
from app.fhir.schema_rules import Schema

_NOT_UNDERSTOOD = ("modifierExtension", "implicitRules")


def compile(structure: Structure) -> Schema:
    """The schema of a resource type, an extension or a profile on one, with everything that it refers to."""
    compiler = _Compiler()
    root = compiler.object(structure, structure.type)
    if structure.kind == "resource":
        root["properties"]["resourceType"] = {"const": structure.type}
        root["required"] = ["resourceType", *root.get("required", ())]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": compiler.definitions, **root}


class _Compiler:
    """Collects `$defs` on the way; a definition is entered before it is filled, because types are recursive."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def object(self, structure: Structure, id: str) -> Schema:
        """The schema of the object at the element `id`, with all that is below it."""
        schema: Schema = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {}}
        rules: list[Schema] = []
        for element in structure.children(id):
            if element.slice_name is None and element.max != "0" and element.name not in _NOT_UNDERSTOOD:
                self._add(schema, rules, structure, element)
        if id == "Extension":
            rules.append(schema_rules.a_value_or_extensions(schema["properties"]))
        return schema | ({"allOf": rules} if rules else {})

    def _add(self, schema: Schema, rules: list[Schema], structure: Structure, element: Element) -> None:
        """Enter one element's properties, and what it demands of the object around it."""
        properties = schema["properties"]
        options: list[list[str]] = []
        slices = structure.slices(element)
        if slices and not element.is_choice and not element.is_list:
            raise DefinitionError(f"{structure.name}: {element.id} is no list, so it has no slices.")
        if element.content_reference and not structure.children(element.id):
            backbone = self._backbone(element.content_reference)
            properties[element.name] = self._list(structure, element, backbone)
            options.append([element.name])
        for name, type in element.names():
            part = _for_type(structure, element, type)
            if part and part.max == "0":
                continue
            properties[name] = self._list(structure, element, self._value(structure, element, type, part))
            options.append([name])
            value_required = element.value_required or bool(part and part.value_required)
            if type.code in schema_primitives.SCHEMAS and not _is_attribute(element):
                properties["_" + name] = self._sibling(element)
                if not value_required:
                    options[-1].append("_" + name)
            if part and part.min:
                schema_rules.require(schema, rules, part, options[-1])
        if element.is_choice and len(options) > 1:
            rules.append(schema_rules.at_most_one(element, options))
        if element.min or (not element.is_choice and any(part.min for part in slices)):
            schema_rules.require(schema, rules, element, [name for option in options for name in option])

    def _value(self, structure: Structure, element: Element, type: Type, part: Element | None = None) -> Schema:
        """The schema of one value of `type`; `part` is what a choice demands of this type alone."""
        schema = self._plain(structure, part or element, type)
        if part:
            schema = schema_rules.restricted(schema, part, type)
        return schema_rules.restricted(schema, element, type)

    def _plain(self, structure: Structure, element: Element, type: Type) -> Schema:
        if type.code in schema_primitives.SCHEMAS:
            return self._defined(type.code, lambda: {**schema_primitives.SCHEMAS[type.code], "x-type": type.code})
        if type.code == "Resource":
            required, properties = ["resourceType"], {"resourceType": {"type": "string"}}
            return {"type": "object", "required": required, "properties": properties}
        if structure.children(element.id):
            if type.code in ("BackboneElement", "Element") and _is_base(structure, element):
                return self._backbone(element.path)
            schema = self.object(structure, element.id)
            if type.code == "Reference":
                schema_rules.narrow(schema, type.targets)
        elif type.code == "Reference":
            schema = self._reference(type.targets)
        else:
            schema = self._complex(type.code)
        profiles = [self._profile(url, type) for url in type.profiles if type.code != "Extension"]
        return {"allOf": [schema, *profiles]} if profiles else schema

    def _list(self, structure: Structure, element: Element, value: Schema) -> Schema:
        if not element.is_list:
            return value
        schema: Schema = {"type": "array", "minItems": max(1, element.min or 0)}
        if element.max != "*":
            schema["maxItems"] = int(element.max or 0)
        if any(type.code in schema_primitives.SCHEMAS for type in element.types):
            schema["items"] = {"if": {"type": "null"}, "else": value}
        else:
            schema["items"] = value
        rules = self._slices(structure, element)
        return schema | ({"allOf": rules} if rules else {})

    def _slices(self, structure: Structure, element: Element) -> list[Schema]:
        slices = structure.slices(element)
        rules = []
        for part in slices:
            rules += schema_slicing.counted(structure, part)
            content = self._content(structure, part) if part.max != "0" else {}
            if content:
                rules.append({"items": {"if": schema_slicing.known_by(structure, part), "then": content}})
        if slices and element.slicing and element.slicing.closed:
            rules.append(schema_slicing.closed(structure, element, slices))
        return rules

    def _content(self, structure: Structure, part: Element) -> Schema:
        """What the items of a slice have to meet beyond what every item of the list has to."""
        whole = structure.element(f"{part.parent}.{part.name}")
        type = part.types[0] if part.types else Type("BackboneElement")
        if structure.children(part.id):
            return self._value(structure, part, type)
        if type.code == "Reference" and whole and part.types != whole.types:
            return schema_rules.restricted(self._reference(type.targets), part, type)
        profiles = [self._profile(url, type) for url in type.profiles if type.code != "Extension"]
        return schema_rules.restricted({"allOf": profiles} if profiles else {}, part, type)

    def _profile(self, url: str, type: Type) -> Schema:
        """A data type as a profile of ours has it."""
        profile = schema_profiles.of_data_type(url, type.code)
        return self._defined(url.rpartition("/")[2], lambda: self.object(profile, profile.type))

    def _sibling(self, element: Element) -> Schema:
        """`_birthDate` beside `birthDate`: the id and extensions of a primitive."""
        schema = self._complex("Element")
        if not element.is_list:
            return schema
        return {"type": "array", "minItems": 1, "items": {"if": {"type": "null"}, "else": schema}}

    def _complex(self, code: str) -> Schema:
        return self._defined(code, lambda: self.object(schema_definitions.structure(code), code))

    def _backbone(self, path: str) -> Schema:
        """HL7's own definition of a part such as Consent.provision, which may contain itself."""
        structure = schema_definitions.structure(path.partition(".")[0])
        return self._defined(path, lambda: self.object(structure, path))

    def _reference(self, targets: tuple[str, ...]) -> Schema:
        def definition() -> Schema:
            schema = self.object(schema_definitions.structure("Reference"), "Reference")
            schema_rules.narrow(schema, targets)
            return schema

        return self._defined("Reference" + "".join(f".{target}" for target in targets), definition)

    def _defined(self, name: str, make: Callable[[], Schema]) -> Schema:
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name].update(make())
        return {"$ref": f"#/$defs/{name}"}


def _for_type(structure: Structure, element: Element, type: Type) -> Element | None:
    """What a profile says of one type of a choice: `value[x]:valueQuantity`. A closed choice allows no other type."""
    if not element.is_choice:
        return None
    slices = structure.slices(element)
    for part in slices:
        if any(each.code == type.code for each in part.types):
            if len(part.types) != 1:
                raise DefinitionError(f"{structure.name}: {part.id} has to name one type.")
            return part
    if slices and element.slicing and element.slicing.closed:
        return Element(id=element.id, path=element.path, max="0")
    return None


def _is_attribute(element: Element) -> bool:
    """Element.id, Resource.id and Extension.url are attributes in XML: they have no `_id` beside them in JSON."""
    return element.name == "id" or element.path == "Extension.url"


def _is_base(structure: Structure, element: Element) -> bool:
    """Whether a profile leaves this part as HL7 defined it, so that its definition can be shared."""
    if element.id != element.path:
        return False
    base = schema_definitions.structure(element.path.partition(".")[0]).elements
    beneath = [each for each in structure.elements if each.id.startswith(element.id + ".")]
    return beneath == [each for each in base if each.id.startswith(element.path + ".")]

"""The compiler: a StructureDefinition's elements in, a strict JSON Schema out.

https://hl7.org/fhir/R4/json.html; https://json-schema.org/draft/2020-12

Beyond HL7's own fhir.schema.json it refuses empty objects and lists, `null` as a value, more than one value of a
choice, codes outside a required binding, references to the wrong type, extensions with a value and extensions both,
and elements that must be understood and are not (`modifierExtension`, `implicitRules`).

`x-fault` beside a keyword holds what to tell the sender: JSON Schema ignores it, `schema_faults` reads it.
"""

from typing import Any

from app.fhir import schema_definitions, schema_primitives, schema_rules
from app.fhir.schema_definitions import Element, Structure, Type
from app.fhir.schema_rules import Schema

_NOT_UNDERSTOOD = ("modifierExtension", "implicitRules")


def compile(structure: Structure) -> Schema:
    """The schema of a resource type, an extension or a profile on one, with everything that it refers to."""
    compiler = _Compiler()
    root = compiler.object(structure.elements, structure.type)
    if structure.kind == "resource":
        root["properties"]["resourceType"] = {"const": structure.type}
        root["required"] = ["resourceType", *root.get("required", ())]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": compiler.definitions, **root}


class _Compiler:
    """Collects `$defs` on the way; a definition is entered before it is filled, because types are recursive."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def object(self, elements: tuple[Element, ...], path: str) -> Schema:
        """The schema of the object at `path`, whose children and their children are among `elements`."""
        schema: Schema = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": {}}
        rules: list[Schema] = []
        children = [element for element in elements if element.parent == path]
        for element in children:
            if element.slice_name is None and element.max != "0" and element.name not in _NOT_UNDERSTOOD:
                slices = [other for other in children if other.path == element.path and other.slice_name]
                self._add(schema, rules, elements, element, slices)
        if path == "Extension":
            rules.append(schema_rules.a_value_or_extensions(schema["properties"]))
        return schema | ({"allOf": rules} if rules else {})

    def _add(
        self,
        schema: Schema,
        rules: list[Schema],
        elements: tuple[Element, ...],
        element: Element,
        slices: list[Element],
    ) -> None:
        """Enter one element's properties, and what it demands of the object around it."""
        properties = schema["properties"]
        options: list[list[str]] = []
        if element.content_reference and not _children(elements, element):
            properties[element.name] = self._list(element, self._backbone(element.content_reference), slices)
            options.append([element.name])
        for name, type in element.names():
            value = self._value(elements, element, type)
            properties[name] = self._list(element, value, slices)
            options.append([name])
            if type.code in schema_primitives.SCHEMAS and not _is_attribute(element):
                properties["_" + name] = self._sibling(element)
                if not element.value_required:
                    options[-1].append("_" + name)
        if element.is_choice and len(options) > 1:
            rules.append(schema_rules.at_most_one(element, options))
        if element.min:
            schema_rules.require(schema, rules, element, [name for option in options for name in option])

    def _value(self, elements: tuple[Element, ...], element: Element, type: Type) -> Schema:
        if type.code in schema_primitives.SCHEMAS:
            schema = self._defined(type.code, lambda: {**schema_primitives.SCHEMAS[type.code], "x-type": type.code})
        elif type.code == "Resource":
            schema = {
                "type": "object",
                "required": ["resourceType"],
                "properties": {"resourceType": {"type": "string"}},
            }
        elif _children(elements, element):
            if type.code in ("BackboneElement", "Element") and _is_base(elements, element):
                schema = self._backbone(element.path)
            else:
                schema = self.object(elements, element.path)
                if type.code == "Reference":
                    schema_rules.narrow(schema, type.targets)
        elif type.code == "Reference":
            schema = self._reference(type.targets)
        else:
            schema = self._complex(type.code)
        return schema_rules.restricted(schema, element, type)

    def _list(self, element: Element, value: Schema, slices: list[Element]) -> Schema:
        if not element.is_list:
            return value
        schema: Schema = {"type": "array", "minItems": max(1, element.min or 0)}
        if element.max != "*":
            schema["maxItems"] = int(element.max or 0)
        if any(type.code in schema_primitives.SCHEMAS for type in element.types):
            schema["items"] = {"if": {"type": "null"}, "else": value}
        else:
            schema["items"] = value
        rules = [rule for part in slices for rule in schema_rules.slice(part)]
        if element.closed:
            rules.append(schema_rules.closed(element, slices))
        return schema | ({"allOf": rules} if rules else {})

    def _sibling(self, element: Element) -> Schema:
        """`_birthDate` beside `birthDate`: the id and extensions of a primitive."""
        schema = self._complex("Element")
        if not element.is_list:
            return schema
        return {"type": "array", "minItems": 1, "items": {"if": {"type": "null"}, "else": schema}}

    def _complex(self, code: str) -> Schema:
        return self._defined(code, lambda: self.object(schema_definitions.structure(code).elements, code))

    def _backbone(self, path: str) -> Schema:
        """HL7's own definition of a part such as Consent.provision, which may contain itself."""
        elements = schema_definitions.structure(path.partition(".")[0]).elements
        return self._defined(path, lambda: self.object(elements, path))

    def _reference(self, targets: tuple[str, ...]) -> Schema:
        def definition() -> Schema:
            schema = self.object(schema_definitions.structure("Reference").elements, "Reference")
            schema_rules.narrow(schema, targets)
            return schema

        return self._defined("Reference" + "".join(f".{target}" for target in targets), definition)

    def _defined(self, name: str, make: Any) -> Schema:
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name].update(make())
        return {"$ref": f"#/$defs/{name}"}


def _is_attribute(element: Element) -> bool:
    """Element.id, Resource.id and Extension.url are attributes in XML: they have no `_id` beside them in JSON."""
    return element.name == "id" or element.path == "Extension.url"


def _children(elements: tuple[Element, ...], element: Element) -> bool:
    return any(other.parent == element.path for other in elements)


def _is_base(elements: tuple[Element, ...], element: Element) -> bool:
    """Whether a profile leaves this part as HL7 defined it, so that its definition can be shared."""
    base = schema_definitions.structure(element.path.partition(".")[0]).elements
    beneath = [e for e in elements if e.path.startswith(element.path + ".")]
    return beneath == [e for e in base if e.path.startswith(element.path + ".")]

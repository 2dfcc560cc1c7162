"""Search parameters as data: what each type can be searched by.

https://hl7.org/fhir/R4/search.html; https://hl7.org/fhir/R4/searchparameter-registry.html

`fhir_profiles/SearchParameter/` is the list. A type is served once it has a profile of ours too: before that nothing says
what is valid. `search_index` computes what a resource is found under.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

from app.fhir import schema_definitions, schema_profiles, schema_terminology, search_expression
from app.fhir.schema_definitions import FOLDER
from app.fhir.schema_elements import DefinitionError
from app.fhir.search_expression import Expression

ParameterType: TypeAlias = Literal["token", "reference", "string", "date", "uri", "quantity"]

# How the answer is to look, whatever the type: https://hl7.org/fhir/R4/search.html#return
RESULT = ("_count", "_total", "_sort", "_summary", "_elements", "_include", "_revinclude", "_format", "_pretty")

# The data types that each type of parameter may be asked of: https://hl7.org/fhir/R4/search.html#table
_USABLE: dict[str, frozenset[str]] = {
    "token": frozenset(
        ("boolean", "code", "id", "string", "uri", "Coding", "CodeableConcept", "Identifier", "ContactPoint")
    ),
    "reference": frozenset(("Reference", "canonical", "uri")),
    "string": frozenset(("string", "markdown", "HumanName", "Address")),
    "date": frozenset(("date", "dateTime", "instant", "Period", "Timing")),
    "uri": frozenset(("uri", "url", "canonical", "oid", "uuid")),
    "quantity": frozenset(("Quantity", "Duration", "Age", "Count", "Distance")),
}


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`targets` are the types that a reference may name."""

    base: str
    code: str
    type: ParameterType
    url: str
    targets: tuple[str, ...]
    expression: Expression

    @property
    def key(self) -> str:
        """How values are kept apart from those of other parameters: `Patient.family`."""
        return f"{self.base}.{self.code}"

    @property
    def is_the_person(self) -> bool:
        """Whether it asks whom the resource is about, which every resource is kept by already."""
        return self.targets == ("Patient",) and self.code in ("patient", "subject")

    @property
    def data_types(self) -> frozenset[str]:
        """Of what is found there: `Identifier`."""
        return frozenset().union(*(path.types for path in self.expression.paths))

    @property
    def implied_systems(self) -> frozenset[str]:
        """Those from which a plain code comes by its binding, which a search may name although no resource does."""
        if self.data_types != {"code"}:
            return frozenset()
        bound = (schema_terminology.codes(path.value_set) for path in self.expression.paths if path.value_set)
        return frozenset().union(*(systems for systems in bound if systems))

    @property
    def is_canonical(self) -> bool:
        """Whether it refers by a canonical URL, which is no address of a resource here."""
        return self.type == "reference" and "Reference" not in self.data_types


@cache
def parameters(type: str) -> Mapping[str, SearchParameter]:
    """Code -> parameter. KeyError for a type that cannot be searched."""
    return _all()[type]


@cache
def searched_by(type: str) -> Mapping[str, SearchParameter]:
    """All that a type can be searched by: its own parameters, and those of every resource."""
    return {**_of_every_resource(type), **parameters(type)}


@cache
def searchable_types() -> tuple[str, ...]:
    return tuple(sorted({"AuditEvent", *_profiled()} & _all().keys()))


@cache
def written_types() -> tuple[str, ...]:
    """Those that callers write too: all but the audit."""
    return tuple(type for type in searchable_types() if type != "AuditEvent")


@cache
def _of_every_resource(type: str) -> dict[str, SearchParameter]:
    """https://hl7.org/fhir/R4/search.html#all"""
    kinds: tuple[tuple[str, ParameterType, str], ...] = (
        ("_id", "token", "id"),
        ("_lastUpdated", "date", "meta.lastUpdated"),
        ("_tag", "token", "meta.tag"),
        ("_security", "token", "meta.security"),
        ("_profile", "uri", "meta.profile"),
        ("_source", "uri", "meta.source"),
    )
    return {
        code: SearchParameter(
            type,
            code,
            kind,
            f"http://hl7.org/fhir/SearchParameter/Resource-{code[1:]}",
            (),
            search_expression.parse(f"{type}.{path}", type, _USABLE[kind]),
        )
        for code, kind, path in kinds
        if type != "AuditEvent" or code in ("_id", "_lastUpdated")  # the audit has a table of its own
    }


def _profiled() -> frozenset[str]:
    return frozenset(profile.structure.type for profile in schema_profiles.profiles().values())


@cache
def _all() -> dict[str, dict[str, SearchParameter]]:
    found: dict[str, dict[str, SearchParameter]] = {}
    for file in sorted((FOLDER / "SearchParameter").glob("*.json")):
        for entry in json.loads(file.read_text("utf-8"))["entry"]:
            parameter = _parsed(entry["resource"])
            of_type = found.setdefault(parameter.base, {})
            if parameter.code in of_type:
                raise DefinitionError(f"{file.name}: {parameter.key} is defined twice.")
            of_type[parameter.code] = parameter
    return found


def _parsed(definition: dict[str, Any]) -> SearchParameter:
    (base,) = definition["base"]
    type = definition["type"]
    if type not in get_args(ParameterType):
        raise DefinitionError(f"{definition['id']}: type {type} is not served.")
    expression = search_expression.parse(definition["expression"], base, _USABLE[type])
    targets = tuple(definition.get("target", schema_definitions.resource_types() if type == "reference" else ()))
    return SearchParameter(base, definition["code"], type, definition["url"], targets, expression)

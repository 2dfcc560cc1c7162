"""The CapabilityStatement: exactly what exists here.

https://hl7.org/fhir/R4/capabilitystatement.html; https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.fhir import schema_profiles, search_parameters, systems
from app.fhir.search_parameters import SearchParameter

_SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"


@dataclass(frozen=True, slots=True)
class Surface:
    """What is served: for each type, and for the system ('') where there is anything, the codes of interactions (`read`)
    and the names of operations (`$match`). `conditional` are those codes that a search may stand for an id in."""

    types: Mapping[str, tuple[str, ...]]
    conditional: Mapping[str, Collection[str]]


def statement(base: str, token_url: str, version: str, surface: Surface) -> dict[str, Any]:
    """For a service at `base`."""
    types = [
        _resource(type, codes, surface.conditional.get(type, ()))
        for type, codes in sorted(surface.types.items())
        if type
    ]
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{systems.CRADLE}/CapabilityStatement/cradle",
        "version": version,
        "name": "Cradle",
        "title": "Cradle: information sharing around a young child",
        "status": "active",
        "date": "2026-11-24",
        "publisher": "Cradle",
        "description": "A FHIR server in which consent is part of every query, and every answer is in the audit first.",
        "kind": "instance",
        "software": {"name": "Cradle", "version": version},
        "implementation": {"description": "Cradle", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": _SMART, "extension": [{"url": "token", "valueUri": token_url}]}],
                    "service": [{"coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
                    "description": "SMART Backend Services: client credentials with a signed assertion that states the "
                    "purpose of use and, where somebody is at the screen, the user.",
                },
                "resource": types,
                "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"],
                **_codes("", surface.types.get("", ())),
            }
        ],
    }


def _codes(type: str, codes: tuple[str, ...]) -> dict[str, Any]:
    """The interactions and the operations, each where there are any."""
    interactions = [{"code": code} for code in codes if not code.startswith("$")]
    operations = [{"name": code[1:], "definition": _operation(type, code[1:])} for code in codes if code[0] == "$"]
    listed = {"interaction": interactions, "operation": operations}
    return {name: value for name, value in listed.items() if value}


def _resource(type: str, codes: tuple[str, ...], conditional: Collection[str]) -> dict[str, Any]:
    is_written = type in search_parameters.written_types()
    parameters = search_parameters.searched_by(type).values()
    references = [each for each in parameters if each.type == "reference" and not each.is_canonical and is_written]
    profiles = [url for url, profile in sorted(schema_profiles.profiles().items()) if profile.structure.type == type]
    found: dict[str, Any] = {
        "type": type,
        "supportedProfile": profiles,
        **_codes(type, codes),
        "versioning": "versioned-update" if is_written else "no-version",
        "readHistory": is_written,
        "updateCreate": False,
        "conditionalRead": "full-support" if is_written else "not-supported",
        "conditionalCreate": "create" in conditional,
        "conditionalUpdate": "update" in conditional,
        "conditionalDelete": "single" if "delete" in conditional else "not-supported",
        "referencePolicy": ["logical", "literal"] if is_written else [],
        "searchInclude": [f"{type}:{each.code}" for each in references],
        "searchRevInclude": [f"{each.base}:{each.code}" for each in _referring_to(type)] if is_written else [],
        "searchParam": [{"name": each.code, "definition": each.url, "type": each.type} for each in parameters],
    }
    return {name: value for name, value in found.items() if value != []}


def _referring_to(type: str) -> Iterator[SearchParameter]:
    """The parameters of other types, and of this one, by which something refers to it."""
    for source in search_parameters.written_types():
        for parameter in search_parameters.parameters(source).values():
            if type in parameter.targets and not parameter.is_canonical:
                yield parameter


def _operation(type: str, name: str) -> str:
    """The canonical of an operation: HL7's own where it defines one (`$merge` since R5)."""
    if name == "unmerge":
        return f"{systems.CRADLE}/OperationDefinition/{type}-{name}"
    return f"http://hl7.org/fhir/OperationDefinition/{'Resource' if name == 'validate' else type}-{name}"

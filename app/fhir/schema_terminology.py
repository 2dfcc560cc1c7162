"""Which codes a required binding allows: HL7's lists and those of our ValueSets.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

import json
from functools import cache
from typing import Any

from app.fhir import schema_definitions
from app.fhir.schema_definitions import FOLDER, DefinitionError

Codes = dict[str, list[str]]


def codes(value_set: str) -> Codes | None:
    """System -> codes. None for a list that HL7 leaves to others (MIME types, languages, currencies)."""
    if value_set in _ours():
        return _ours()[value_set]
    if value_set.startswith("http://hl7.org/fhir/ValueSet/"):
        return schema_definitions.codes().get(value_set)
    raise DefinitionError(f"There is no {value_set} in fhir_profiles/ValueSet.")


def binding(value_set: str, type: str) -> dict[str, Any] | None:
    """The schema of a value of `type` (code, Coding or CodeableConcept) under a required binding."""
    allowed = codes(value_set)
    if allowed is None or type not in ("code", "Coding", "CodeableConcept"):
        return None
    if type == "code":
        return {"enum": sorted({code for listed in allowed.values() for code in listed})}
    coding = {"anyOf": [_coding(system, listed) for system, listed in allowed.items()]}
    if type == "Coding":
        return coding
    return {"type": "object", "required": ["coding"], "properties": {"coding": {"contains": coding}}}


def _coding(system: str, listed: list[str]) -> dict[str, Any]:
    properties = {"system": {"const": system}, "code": {"enum": listed}}
    return {"type": "object", "required": ["system", "code"], "properties": properties}


@cache
def _ours() -> dict[str, Codes]:
    systems = {system["url"]: system for system in _files("CodeSystem")}
    return {value_set["url"]: _expanded(value_set, systems) for value_set in _files("ValueSet")}


def _files(folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / folder).glob("*.json"))]


def _expanded(value_set: dict[str, Any], systems: dict[str, dict[str, Any]]) -> Codes:
    found: Codes = {}
    for include in value_set["compose"]["include"]:
        listed = include.get("concept") or systems.get(include["system"], {}).get("concept")
        if not listed:
            raise DefinitionError(f"{value_set['url']}: no codes are listed for {include['system']}.")
        found.setdefault(include["system"], []).extend(concept["code"] for concept in listed)
    return found

"""Which codes a required binding allows: HL7's lists and those of our ValueSets.

https://hl7.org/fhir/R4/valueset.html#compositions; https://hl7.org/fhir/R4/terminologies.html#strength

A list has to be complete here: a ValueSet that is defined by a filter, or by a code system that is not held, stops the start.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from app.fhir import schema_definitions
from app.fhir.schema_elements import DefinitionError

Codes = dict[str, list[str]]

_HL7 = "http://hl7.org/fhir/ValueSet/"


def codes(value_set: str) -> Codes | None:
    """System -> codes. None for a list that HL7 leaves to others (MIME types, languages, currencies)."""
    if value_set in _value_sets():
        return _expanded(value_set)
    if value_set.startswith(_HL7):
        return schema_definitions.codes().get(value_set)
    raise DefinitionError(f"There is no {value_set} in fhir_profiles/ValueSet.")


def binding(value_set: str, type: str) -> dict[str, Any] | None:
    """The schema of a value of `type` (code, Coding or CodeableConcept ...) under a required binding."""
    allowed = codes(value_set)
    if allowed is None:
        return None
    match type:
        case "code" | "string" | "uri":
            return {"enum": sorted({code for listed in allowed.values() for code in listed})}
        case "Coding" | "Quantity":
            return {"anyOf": [_coding(system, listed) for system, listed in allowed.items()]}
        case "CodeableConcept":
            coding = {"anyOf": [_coding(system, listed) for system, listed in allowed.items()]}
            return {"type": "object", "required": ["coding"], "properties": {"coding": {"contains": coding}}}
        case _:
            return None


def _coding(system: str, listed: list[str]) -> dict[str, Any]:
    properties = {"system": {"const": system}, "code": {"enum": listed}}
    return {"type": "object", "required": ["system", "code"], "properties": properties}


@cache
def _value_sets() -> dict[str, dict[str, Any]]:
    return {value_set["url"]: value_set for value_set in _files("ValueSet")}


@cache
def _code_systems() -> dict[str, dict[str, Any]]:
    return {system["url"]: system for system in _files("CodeSystem")}


def _files(folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted((schema_definitions.FOLDER / folder).glob("*.json"))]


@cache
def _expanded(url: str) -> Codes:
    """What is included without what is excluded."""
    compose = _value_sets()[url].get("compose", {})
    left_out = {(system, code) for part in compose.get("exclude", ()) for system, code in _listed(url, part)}
    found: Codes = {}
    for part in compose.get("include", ()):
        for system, code in _listed(url, part):
            if (system, code) not in left_out and code not in found.setdefault(system, []):
                found[system].append(code)
    if not any(found.values()):
        raise DefinitionError(f"{url} holds no code, so nothing would be allowed.")
    return found


def _listed(url: str, part: dict[str, Any]) -> list[tuple[str, str]]:
    """One include or exclude: of the codes of a system those that every named value set holds."""
    if unknown := part.keys() - {"system", "version", "concept", "valueSet"}:
        raise DefinitionError(f"{url}: a {min(unknown)} in compose is not enforced here: list the codes.")
    parts = [_of_value_set(url, each) for each in part.get("valueSet", ())]
    if "system" in part:
        parts.append([(part["system"], code) for code in _of_system(url, part)])
    if not parts:
        raise DefinitionError(f"{url}: an include names a system or a value set.")
    return [each for each in parts[-1] if all(each in other for other in parts)]


def _of_value_set(url: str, other: str) -> list[tuple[str, str]]:
    found = codes(other.partition("|")[0]) if other != url else None
    if found is None:
        raise DefinitionError(f"{url}: the codes of {other} are not held here.")
    return [(system, code) for system, listed in found.items() for code in listed]


def _of_system(url: str, part: dict[str, Any]) -> Iterator[str]:
    if "concept" in part:
        return (concept["code"] for concept in part["concept"])
    system = _code_systems().get(part["system"], {})
    if system.get("content") != "complete":
        raise DefinitionError(f"{url}: no codes are listed for {part['system']}.")
    return _flat(system.get("concept", ()))


def _flat(concepts: Any) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _flat(concept.get("concept", ()))

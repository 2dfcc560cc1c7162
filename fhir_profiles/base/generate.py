"""Reduce HL7's R4 4.0.1 definitions to what the validation gate enforces, and write them beside this file.

https://hl7.org/fhir/R4/downloads.html ("FHIR Definitions", JSON); licence CC0.

    npm pack hl7.fhir.r4.examples@4.0.1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
    python fhir_profiles/base/generate.py package

That package of HL7's holds each StructureDefinition, ValueSet and CodeSystem of the specification as a file.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESOURCES = """
    Patient RelatedPerson Organization Practitioner PractitionerRole Consent CommunicationRequest Communication Flag CarePlan
    CareTeam Provenance AuditEvent Bundle OperationOutcome CapabilityStatement Parameters Subscription Encounter Observation
    Task DocumentReference QuestionnaireResponse Group
    Condition Goal Location Medication ServiceRequest
"""
EXTENSIONS = ("http://hl7.org/fhir/StructureDefinition/flag-detail",)

# Said once by the compiler for every type, or checked there by other means.
SAID_ELSEWHERE = {"ele-1", "ext-1"}
# Resource types are checked by name; a code list longer than this is an external terminology, not a fixed list.
LONGEST_CODE_LIST = 400

Json = dict[str, Any]


def main(package: Path, target: Path) -> None:
    """Write one file per resource type, and one each for data types, extensions, code lists and the parts of resources."""
    structures = {s["name"]: s for s in _read(package, "StructureDefinition-[A-Z]*") if s["fhirVersion"] == "4.0.1"}
    data_types = sorted(_data_types(structures))
    resources = RESOURCES.split()
    for name in resources:
        _write(target / f"{name}.json", [_reduced(structures[name])])
    _write(target / "data-types.json", [_reduced(structures[name]) for name in data_types])
    _write_elements(target / "elements.json", {name: structures[name] for name in resources})
    extensions = (s for s in _read(package, "StructureDefinition-[a-z]*") if s["url"] in EXTENSIONS)
    _write(target / "extensions.json", [_reduced(s) for s in extensions])
    terminology = {r["url"]: r for kind in ("ValueSet", "CodeSystem") for r in _read(package, f"{kind}-*")}
    _write_codes(target / "codes.json", terminology, [structures[name] for name in (*resources, *data_types)])


def _write_elements(path: Path, structures: dict[str, Json]) -> None:
    """Of each resource type, the elements of its summary, and those that no part of it is without."""
    found = {}
    for name, structure in sorted(structures.items()):
        own = [each for each in structure["snapshot"]["element"] if each["path"].count(".") == 1]
        summary = [each for each in own if each.get("isSummary")]
        kept = [each for each in own if each["min"] > 0 or each.get("isModifier")]
        found[name] = {
            "kept": [each["path"].partition(".")[2] for each in kept],
            "summary": [each["path"].partition(".")[2] for each in summary],
        }
    lines = [f"{json.dumps(name)}:{json.dumps(lists, separators=(',', ':'))}" for name, lists in found.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _read(package: Path, name: str) -> Iterator[Json]:
    for path in sorted(package.glob(f"{name}.json")):
        resource = json.loads(path.read_text("utf-8"))
        if resource["resourceType"] in ("StructureDefinition", "ValueSet", "CodeSystem"):
            yield resource


def _data_types(structures: dict[str, Json]) -> set[str]:
    """Every complex data type that the chosen resources reach; primitives are the compiler's own."""
    found: set[str] = set()
    waiting = RESOURCES.split()
    while waiting:
        for element in structures[waiting.pop()]["snapshot"]["element"]:
            for code in (type["code"] for type in element.get("type", ())):
                if code not in found and structures.get(code, {}).get("kind") == "complex-type":
                    found.add(code)
                    waiting.append(code)
    return found


def _reduced(structure: Json) -> Json:
    elements = [_reduced_element(element) for element in structure["snapshot"]["element"]]
    kept = {key: structure[key] for key in ("resourceType", "url", "name", "type", "kind")}
    if structure.get("context"):
        kept["context"] = structure["context"]
    return kept | {"snapshot": {"element": elements}}


def _reduced_element(element: Json) -> Json:
    kept: Json = {key: element[key] for key in ("path", "sliceName", "min", "max") if key in element}
    if "contentReference" in element:
        kept["contentReference"] = element["contentReference"]
    if "fixedUri" in element:
        kept["fixedUri"] = element["fixedUri"]
    if "type" in element and "." in element["path"]:
        kept["type"] = [_reduced_type(type) for type in element["type"]]
    if element.get("isModifier"):
        kept["isModifier"] = True
    if element.get("binding", {}).get("strength") == "required" and "valueSet" in element["binding"]:
        kept["binding"] = {"strength": "required", "valueSet": element["binding"]["valueSet"].split("|")[0]}
    constraints = [
        {"key": c["key"], "human": " ".join(c["human"].split()), "expression": c["expression"]}
        for c in element.get("constraint", ())
        if c["severity"] == "error" and c["key"] not in SAID_ELSEWHERE
    ]
    return kept | ({"constraint": constraints} if constraints else {})


def _reduced_type(type: Json) -> Json:
    return {key: type[key] for key in ("code", "targetProfile") if key in type}


def _write_codes(path: Path, value_sets: dict[str, Json], structures: list[Json]) -> None:
    """The codes of every required binding whose list is complete and short, by value set and system."""
    bound = {
        element["binding"]["valueSet"]
        for structure in map(_reduced, structures)
        for element in structure["snapshot"]["element"]
        if "binding" in element
    }
    lists = {url: _expanded(url, value_sets) for url in sorted(bound | {"http://hl7.org/fhir/ValueSet/resource-types"})}
    lines = [f"{json.dumps(url)}:{json.dumps(codes, separators=(',', ':'))}" for url, codes in lists.items() if codes]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _expanded(url: str, value_sets: dict[str, Json]) -> dict[str, list[str]] | None:
    codes: dict[str, list[str]] = {}
    for include in value_sets.get(url, {}).get("compose", {}).get("include", ()):
        if "filter" in include or "valueSet" in include:
            return None
        system = value_sets.get(include["system"], {})
        if "concept" not in include and system.get("content") != "complete":
            return None
        listed = include.get("concept") or system["concept"]
        codes.setdefault(include["system"], []).extend(_flat(listed))
    return codes if 0 < sum(map(len, codes.values())) < LONGEST_CODE_LIST else None


def _flat(concepts: list[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _flat(concept.get("concept", []))


def _write(path: Path, structures: list[Json]) -> None:
    """One element a line, so that a difference between two versions can be read."""
    blocks = []
    for structure in structures:
        elements = structure.pop("snapshot")["element"]
        head = json.dumps(structure, separators=(",", ":"))[:-1]
        rows = ",\n".join(json.dumps(e, separators=(",", ":"), ensure_ascii=False) for e in elements)
        blocks.append(f'{head},"snapshot":{{"element":[\n{rows}\n]}}}}')
    path.write_text("[\n" + ",\n".join(blocks) + "\n]\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(__file__).parent)

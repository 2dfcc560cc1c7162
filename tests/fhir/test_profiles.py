"""The profiles are enforced as they are written, and each has examples.

https://hl7.org/fhir/R4/profiling.html
"""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.fhir import (
    invariants_base,
    invariants_cradle,
    json_text,
    schema_definitions,
    schema_parsing,
    schema_profiles,
    schema_terminology,
    systems,
    validation,
)
from app.fhir.schema_definitions import FOLDER
from app.fhir.schema_elements import DefinitionError
from app.fhir.schema_profiles import Profile

EXAMPLES = {path.stem: path for path in sorted((FOLDER / "examples").glob("*.json"))}
INVALID = FOLDER / "examples" / "invalid"
EXPECTED: dict[str, dict[str, str]] = json.loads((INVALID / "expected.json").read_text("utf-8"))
DEFINITIONS = {path.stem: path for path in sorted((FOLDER / "StructureDefinition").glob("*.json"))}


def _read(path: Path) -> dict[str, Any]:
    return json_text.read(path.read_bytes())[0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid(name: str) -> None:
    assert validation.faults(_read(EXAMPLES[name])) == []


@pytest.mark.parametrize("name", EXPECTED)
def test_every_invalid_example_is_refused_where_it_is_wrong(name: str) -> None:
    found = {(fault.expression, fault.code) for fault in validation.faults(_read(INVALID / f"{name}.json"))}
    assert (EXPECTED[name]["expression"], EXPECTED[name]["code"]) in found


def test_every_invalid_example_says_what_is_expected() -> None:
    assert {path.stem for path in INVALID.glob("*.json")} - {"expected"} == EXPECTED.keys()


def test_every_profile_on_a_resource_has_two_valid_examples() -> None:
    """One that other profiles build upon has theirs."""
    held: Counter[str] = Counter()
    for path in EXAMPLES.values():
        for applying in schema_profiles.applying(_read(path)):
            profile: Profile | None = applying
            while profile:
                held[profile.structure.url] += 1
                profile = schema_profiles.profiles().get(profile.base)
    for profile in schema_profiles.profiles().values():
        if profile.structure.type != "Extension":
            assert held[profile.structure.url] >= 2, profile.structure.name


def test_everything_in_the_folder_compiles() -> None:
    assert len(schema_profiles.profiles()) == len(DEFINITIONS) >= 12
    validation.prepare()


def test_every_invariant_of_hl7_is_checked_or_listed_as_not() -> None:
    structures = [schema_definitions.structure(type) for type in sorted(schema_definitions.known_resources())]
    structures += schema_definitions.data_types().values()
    stated = {c.key for s in structures for element in s.elements for c in element.constraints}
    checked = {key.rpartition(":")[2] for key in invariants_base.INVARIANTS} | invariants_base.NOT_CHECKED
    assert stated == checked


def test_every_rule_of_ours_is_stated_in_a_profile() -> None:
    stated = {c.key for p in schema_profiles.profiles().values() for e in p.structure.elements for c in e.constraints}
    assert stated == invariants_cradle.PROFILE_RULES.keys()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definitions_are_complete_resources(name: str) -> None:
    definition = _read(DEFINITIONS[name])
    assert definition["id"] == name
    assert definition["url"].endswith(f"/StructureDefinition/{name}")
    assert definition["fhirVersion"] == "4.0.1"
    for constraint in (c for e in definition["differential"]["element"] for c in e.get("constraint", ())):
        assert constraint.keys() == {"key", "severity", "human", "expression"}


@pytest.mark.parametrize(
    "element",
    [
        {"path": "Patient.name", "minValueDate": "2020-01-01"},
        {"path": "Patient.name", "defaultValueString": "x"},
        {"path": "Patient.name", "slicing": {"rules": "openAtEnd"}},
        {"path": "Patient.name", "type": [{"code": "HumanName", "aggregation": ["contained"]}]},
        {"path": "Patient.maritalStatus", "binding": {"strength": "extensible", "valueSet": "x"}},
    ],
)
def test_what_would_not_be_enforced_stops_the_start(element: dict[str, Any]) -> None:
    profile = _read(DEFINITIONS["Cradle-Patient"])
    profile["differential"]["element"] = [element]
    with pytest.raises(DefinitionError):
        schema_parsing.parsed(profile, "differential")


@pytest.mark.parametrize("path", ["Patient.nickname", "Patient.name.nickname", "Patient.name.given.first", "Flag.code"])
def test_a_profile_on_an_element_that_is_not_there_stops_the_start(path: str) -> None:
    definition = copy.deepcopy(_read(DEFINITIONS["Cradle-Patient"]))
    definition["differential"]["element"] = [{"path": path, "min": 1}]
    structure = schema_parsing.parsed(definition, "differential")
    profile = schema_profiles.Profile(structure, "http://hl7.org/fhir/StructureDefinition/Patient", ())
    with pytest.raises(DefinitionError):
        schema_profiles.snapshot(profile)


def test_a_value_set_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(DefinitionError):
        schema_terminology.codes("https://fhir.cradle.example/ValueSet/missing")


def test_a_flag_is_held_to_the_child_protection_profile_by_its_code_wherever_it_stands() -> None:
    flag = _read(EXAMPLES["flag-other-than-child-protection"])
    assert schema_profiles.applying(flag) == ()
    flag["code"]["coding"] = [
        {"system": "https://example.org", "code": "other"},
        _read(EXAMPLES["child-protection-flag-active-plan"])["code"]["coding"][0] | {"display": "Alert"},
    ]
    urls = [profile.structure.url for profile in schema_profiles.applying(flag)]
    assert urls == [f"{systems.CRADLE}/StructureDefinition/Cradle-ChildProtection-Flag"]

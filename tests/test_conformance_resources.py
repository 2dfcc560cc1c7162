"""What `fhir_profiles/` says of the service is what the service does: its CapabilityStatement and its operations.

https://hl7.org/fhir/R4/capabilitystatement.html; https://hl7.org/fhir/R4/operationdefinition.html
"""

import json
from pathlib import Path
from typing import Any

import pytest

from app.api import everything, match, merge, router, validate
from app.fhir import models, validation
from app.fhir.schema_definitions import FOLDER
from fhir_profiles.CapabilityStatement import generate

STATEMENT = FOLDER / "CapabilityStatement" / "cradle.json"
OPERATIONS = {path.stem: path for path in sorted((FOLDER / "OperationDefinition").glob("*.json"))}
TAKEN: dict[str, set[str]] = {
    "Resource-validate": set(validate._TAKEN),
    "Patient-everything": set(everything._TAKEN),
    "Patient-match": set(match._TAKEN),
    "Patient-merge": set(merge._TAKEN),
    "Patient-unmerge": set(),
}


def _read(path: Path) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return definition


def test_the_statement_in_the_folder_is_the_one_that_is_served() -> None:
    assert STATEMENT.read_text("utf-8") == generate.text(), "Write it anew: make openapi"
    assert validation.base_faults(_read(STATEMENT)) == []


def test_every_operation_is_defined_and_no_other() -> None:
    served = {(line.code, "{id}" in line.path) for line in router.table() if line.code.startswith("$")}
    defined = set()
    for path in OPERATIONS.values():
        operation = _read(path)
        levels = [has_id for level, has_id in (("type", False), ("instance", True)) if operation[level]]
        defined |= {(f"${operation['code']}", has_id) for has_id in levels}
    assert defined == served
    assert len(defined) > 4


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_defined_as_it_is_taken(name: str) -> None:
    operation = _read(OPERATIONS[name])
    assert models.faults(operation) == []
    assert operation["id"] == name
    assert operation["url"].endswith(f"/OperationDefinition/{name}")
    assert {each["name"] for each in operation["parameter"] if each["use"] == "in"} == TAKEN[name]
    assert [each["name"] for each in operation["parameter"] if each["use"] == "out"] == ["return"]


def test_the_statement_names_the_operations_by_what_is_defined() -> None:
    for resource in _read(STATEMENT)["rest"][0]["resource"]:
        for named in resource.get("operation", ()):
            assert named["definition"].rpartition("/")[2] in OPERATIONS

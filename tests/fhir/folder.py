"""A folder of profiles of a test's own, in the place of `fhir_profiles/`, and what the gate makes of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.fhir import profile_rules, schema_definitions, schema_profiles, schema_terminology, validation
from app.fhir.schema_elements import CORE

CANONICAL = "https://example.org/fhir"
_READ_ONCE = (
    schema_profiles.profiles,
    schema_profiles._by_type,
    schema_profiles.extension,
    schema_terminology._value_sets,
    schema_terminology._code_systems,
    schema_terminology._expanded,
    validation._extension_gate,
    profile_rules._recogniser,
)


class Folder:
    """Profiles are dropped into it, and resources are held to them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def drop(self, folder: str, name: str, resource: dict[str, Any]) -> None:
        (self.path / folder).mkdir(exist_ok=True)
        (self.path / folder / f"{name}.json").write_text(json.dumps(resource), "utf-8")
        forget()

    def profile(self, type: str, *elements: dict[str, Any], name: str = "Dropped", **more: Any) -> str:
        """Drop a StructureDefinition with these elements as its differential; its URL."""
        url = f"{CANONICAL}/StructureDefinition/{name}"
        definition = {
            "resourceType": "StructureDefinition",
            "url": url,
            "name": name,
            "status": "draft",
            "kind": "complex-type" if type == "Extension" or type in schema_definitions.data_types() else "resource",
            "abstract": False,
            "type": type,
            "baseDefinition": f"{CORE}{type}",
            "derivation": "constraint",
            "fhirVersion": "4.0.1",
            "differential": {"element": [{"id": each["path"], **each} for each in elements]},
        }
        self.drop("StructureDefinition", name, definition | more)
        return url

    def value_set(self, name: str, **compose: Any) -> str:
        url = f"{CANONICAL}/ValueSet/{name}"
        self.drop("ValueSet", name, {"resourceType": "ValueSet", "url": url, "status": "draft", "compose": compose})
        return url

    def code_system(self, name: str, concepts: list[dict[str, Any]], content: str = "complete") -> str:
        url = f"{CANONICAL}/CodeSystem/{name}"
        self.drop("CodeSystem", name, {"url": url, "content": content, "concept": concepts})
        return url

    def places(self, resource: dict[str, Any]) -> set[str]:
        """Where a resource is wrong, once everything in the folder has compiled."""
        validation.prepare()
        return {fault.expression for fault in validation.faults(resource)}


def forget() -> None:
    """What was read of the folder before."""
    for each in _READ_ONCE:
        each.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    (tmp_path / "StructureDefinition").mkdir()
    monkeypatch.setattr(schema_definitions, "FOLDER", tmp_path)
    forget()
    yield Folder(tmp_path)
    monkeypatch.undo()
    forget()

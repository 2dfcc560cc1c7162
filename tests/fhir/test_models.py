"""fhir.resources reads whatever the gate lets in, and what it cannot read is said without repeating it."""

import json
from pathlib import Path

import pytest

from app.fhir import models, search_parameters
from app.fhir.schema_definitions import FOLDER

EXAMPLES = sorted((FOLDER / "examples").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_is_read(path: Path) -> None:
    resource = json.loads(path.read_text("utf-8"))
    assert models.faults(resource) == []


def test_every_type_that_is_written_has_a_model() -> None:
    for type in search_parameters.written_types():
        assert models.faults({"resourceType": type, "id": "no blank is allowed"})


def test_a_fault_says_where_and_not_what() -> None:
    (fault,) = models.faults({"resourceType": "Patient", "birthDate": "Amelia"})
    assert fault.expression == "Patient.birthDate"
    assert "Amelia" not in fault.diagnostics

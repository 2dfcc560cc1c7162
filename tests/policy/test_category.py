"""What can be written can be asked for: every code that a profile allows has a data category.

https://hl7.org/fhir/R4/terminologies.html
"""

from typing import Any

import pytest

from app.fhir import schema_terminology, systems
from app.policy import category, label
from app.policy.category import UNKNOWN

VALUE_SETS = {
    ("Encounter", "type"): "Cradle-EncounterType",
    ("Observation", "code"): "Cradle-ObservationCode",
    ("DocumentReference", "category"): "Cradle-DocumentCategory",
    ("Communication", "category"): "Cradle-CommunicationCategory",
    ("CommunicationRequest", "category"): "Cradle-CommunicationCategory",
    ("Task", "code"): "Cradle-TaskCode",
    ("Flag", "category"): "Cradle-ChildProtectionPlan",
}


def codes(value_set: str) -> list[dict[str, str]]:
    found = schema_terminology.codes(f"{systems.CRADLE}/ValueSet/{value_set}") or {}
    return [{"system": system, "code": code} for system, listed in found.items() for code in listed]


@pytest.mark.parametrize(("type", "element"), VALUE_SETS)
def test_every_code_of_a_value_set_has_a_category(type: str, element: str) -> None:
    allowed = codes(VALUE_SETS[type, element])
    assert len(allowed) >= 3
    for each in allowed:
        resource: dict[str, Any] = {"resourceType": type, element: {"coding": [each]}}
        found = category.of(resource)
        assert found.kind == each["code"]
        assert found.name in label.DEFAULTS


def test_every_review_has_a_category() -> None:
    allowed = codes("Cradle-ChildHealthReview")
    assert len(allowed) == 5
    for each in allowed:
        answers = {"resourceType": "QuestionnaireResponse", "questionnaire": systems.QUESTIONNAIRE + each["code"]}
        encounter = {"resourceType": "Encounter", "type": [{"coding": [each]}]}
        assert category.of(answers) == category.of(encounter)
        assert category.of(answers).name != UNKNOWN

"""The expressions of search parameters: the forms that are read, and that nothing else is.

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

from typing import Any

import pytest

from app.fhir import search_expression, search_parameters
from app.fhir.schema_elements import DefinitionError

USABLE = frozenset(
    (
        *("boolean", "code", "string", "uri", "canonical", "date", "dateTime", "Period", "Timing", "Quantity"),
        *("Coding", "CodeableConcept", "Identifier", "ContactPoint", "Reference", "HumanName"),
    )
)
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Example", "given": ["Amelia", "Rose"]}, {"family": "Other"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "deceasedDateTime": "2026-01-01",
    "extension": [{"url": "urn:x", "valueCode": "a"}, {"url": "urn:y", "valueCode": "b"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "subject": {"reference": "Patient/1"},
    "valueCodeableConcept": {"text": "words"},
    "effectivePeriod": {"start": "2026"},
    "component": [{"valueQuantity": {"value": 1}}, {"valueString": "x"}],
}


@pytest.mark.parametrize(
    ("resource", "expression", "expected"),
    [
        (PATIENT, "Patient.name.given", ["Amelia", "Rose"]),
        (PATIENT, "Patient.name.family | Patient.name.given", ["Example", "Other", "Amelia", "Rose"]),
        (PATIENT, "Patient.telecom.where(system='email')", [{"system": "email", "value": "2"}]),
        (PATIENT, "Patient.telecom.where(system='fax')", []),
        (PATIENT, "(Patient.extension('urn:y').value as code)", ["b"]),
        (PATIENT, "(Patient.deceased as dateTime)", ["2026-01-01"]),
        (PATIENT, "Patient.deceased as dateTime", ["2026-01-01"]),
        (PATIENT, "(Patient.deceased as boolean)", []),
        (PATIENT, "Patient.deceased.exists() and Patient.deceased != false", [True]),
        ({"resourceType": "Patient"}, "Patient.deceased.exists() and Patient.deceased != false", [False]),
        (
            {"resourceType": "Patient", "deceasedBoolean": False},
            "Patient.deceased.exists() and Patient.deceased != false",
            [False],
        ),
        (OBSERVATION, "Observation.effective", [{"start": "2026"}]),
        (OBSERVATION, "Observation.subject.where(resolve() is Patient)", [{"reference": "Patient/1"}]),
        (OBSERVATION, "Observation.subject.where(resolve() is Group)", []),
        (OBSERVATION, "(Observation.value as CodeableConcept).text", ["words"]),
        (OBSERVATION, "(Observation.component.value as Quantity)", [{"value": 1}]),
        (OBSERVATION, "(Observation.value as string) | (Observation.value as CodeableConcept).text", ["words"]),
    ],
)
def test_what_an_expression_leads_to(resource: dict[str, Any], expression: str, expected: list[Any]) -> None:
    parsed = search_expression.parse(expression, resource["resourceType"], USABLE)
    assert list(parsed.values(resource)) == expected


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/1"},
        {"reference": "https://example.org/fhir/Patient/1/_history/2"},
        {"type": "Patient", "identifier": {"value": "1"}},
    ],
)
def test_a_reference_says_its_type_itself(reference: dict[str, Any]) -> None:
    parsed = search_expression.parse("Flag.subject.where(resolve() is Patient)", "Flag", USABLE)
    assert list(parsed.values({"resourceType": "Flag", "subject": reference})) == [reference]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.nothing",
        "Flag.subject",
        "Patient",
        "Patient.name.nothing",
        "Patient.name.first()",
        "Patient.name[0]",
        "Patient.name.where(family.exists())",
        "Patient.name.where(use='official' and family='x')",
        "Patient.name.family + Patient.name.given",
        "Patient.link.other.resolve()",
        "(Patient.deceased as Quantity)",
        "Patient.photo",
        "Patient.name.exists()",
        "Patient.deceased.exists() and Patient.deceased != true",
        "iif(true, Patient.name, Patient.name)",
    ],
)
def test_anything_else_stops_the_start(expression: str) -> None:
    with pytest.raises(DefinitionError):
        search_expression.parse(expression, "Patient", USABLE)


def test_every_parameter_leads_to_a_type_that_it_can_be_asked_of() -> None:
    parameters = [each for type in search_parameters.written_types() for each in _of(type)]
    assert len(parameters) > 250
    for parameter in parameters:
        assert parameter.data_types, parameter.key
        assert parameter.type != "reference" or parameter.targets, parameter.key
        assert parameter.url.startswith(("http://hl7.org/fhir/SearchParameter/", "https://fhir.cradle.example/")), (
            parameter.key
        )


def _of(type: str) -> list[search_parameters.SearchParameter]:
    return list(search_parameters.parameters(type).values())


@pytest.mark.parametrize("type", sorted({*search_parameters.written_types()} - {"Organization", "Practitioner"}))
def test_whoever_a_type_is_about_it_is_searched_by(type: str) -> None:
    about_nobody = {"Patient", "PractitionerRole", "Subscription", "Group"}
    assert any(each.is_the_person for each in _of(type)) is (type not in about_nobody)

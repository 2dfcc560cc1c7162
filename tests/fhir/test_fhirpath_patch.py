"""FHIRPath Patch, case by case as https://hl7.org/fhir/R4/fhirpatch.html lists what each operation does."""

import json
from typing import Any

import pytest

from app.fhir import fhirpath_patch, json_text
from app.fhir.errors import FHIRError

Part = dict[str, Any]

START: dict[str, Any] = {
    "resourceType": "Patient",
    "birthDate": "1920-01-01",
    "identifier": [{"system": "http://example.org/1", "value": "a"}, {"system": "http://example.org/2", "value": "b"}],
    "contact": [{"name": {"text": "one"}, "gender": "unknown"}],
    "name": [{"use": "official", "given": ["Ada", "Bea"], "_given": [None, {"id": "g2"}]}, {"use": "nickname"}],
    "deceasedBoolean": False,
    "extension": [{"url": "http://example.org/weight", "valueDecimal": 1}],
}


def operation(type: str, path: str, **parts: Any) -> Part:
    """`value` is a part without its name; numbers and texts are written as they have to be."""
    made: list[Part] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        match value:
            case int():
                made.append({"name": name, "valueInteger": value})
            case str():
                made.append({"name": name, "valueString": value})
            case _:
                made.append({"name": name} | value)
    return {"name": "operation", "part": made}


def patched(*operations: Part) -> dict[str, Any]:
    read = fhirpath_patch.read({"resourceType": "Parameters", "parameter": list(operations)})
    return fhirpath_patch.applied(json.loads(json.dumps(START)), read)


CHANGES: dict[str, tuple[Part, dict[str, Any]]] = {
    "a primitive is replaced": (
        operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"}),
        {"birthDate": "1930-01-01"},
    ),
    "an element in a list is replaced": (
        operation("replace", "Patient.contact[0].gender", value={"valueCode": "male"}),
        {"contact": [{"name": {"text": "one"}, "gender": "male"}]},
    ),
    "an item of a list is replaced": (
        operation("replace", "Patient.name.where(use = 'nickname')", value={"valueHumanName": {"text": "Nick"}}),
        {"name": [START["name"][0], {"text": "Nick"}]},
    ),
    "a primitive in a list is replaced with what stood beside it": (
        operation("replace", "Patient.name[0].given[1]", value={"valueString": "Cleo"}),
        {"name": [{"use": "official", "given": ["Ada", "Cleo"]}, {"use": "nickname"}]},
    ),
    "a choice is replaced by another type": (
        operation("replace", "Patient.deceased", value={"valueDateTime": "1990"}),
        {"deceasedBoolean": None, "deceasedDateTime": "1990"},
    ),
    "a single element is added": (
        operation("add", "Patient", name="gender", value={"valueCode": "female"}),
        {"gender": "female"},
    ),
    "to a list is appended": (
        operation("add", "Patient", name="identifier", value={"valueIdentifier": {"value": "c"}}),
        {"identifier": [*START["identifier"], {"value": "c"}]},
    ),
    "a list begins": (
        operation("add", "Patient", name="telecom", value={"valueContactPoint": {"system": "phone"}}),
        {"telecom": [{"system": "phone"}]},
    ),
    "a part without a type of its own is added": (
        operation(
            "add",
            "Patient",
            name="contact",
            value={
                "part": [
                    {"name": "name", "valueHumanName": {"text": "two"}},
                    {"name": "telecom", "valueContactPoint": {"value": "1"}},
                    {"name": "telecom", "valueContactPoint": {"value": "2"}},
                ]
            },
        ),
        {"contact": [*START["contact"], {"name": {"text": "two"}, "telecom": [{"value": "1"}, {"value": "2"}]}]},
    ),
    "an extension is added": (
        operation(
            "add",
            "Patient.name.first()",
            name="extension",
            value={"valueExtension": {"url": "http://example.org/x", "valueString": "y"}},
        ),
        {
            "name": [
                START["name"][0] | {"extension": [{"url": "http://example.org/x", "valueString": "y"}]},
                {"use": "nickname"},
            ]
        },
    ),
    "an item is inserted": (
        operation("insert", "Patient.identifier", index=1, value={"valueIdentifier": {"value": "between"}}),
        {"identifier": [START["identifier"][0], {"value": "between"}, START["identifier"][1]]},
    ),
    "what stands beside a primitive moves with it": (
        operation("insert", "Patient.name[0].given", index=0, value={"valueString": "Cleo"}),
        {
            "name": [
                {"use": "official", "given": ["Cleo", "Ada", "Bea"], "_given": [None, None, {"id": "g2"}]},
                {"use": "nickname"},
            ]
        },
    ),
    "an element is deleted": (operation("delete", "Patient.birthDate"), {"birthDate": None}),
    "an item is deleted": (
        operation("delete", "Patient.identifier.where(system = 'http://example.org/1')"),
        {"identifier": [START["identifier"][1]]},
    ),
    "the last item is deleted with its list": (operation("delete", "Patient.contact[0]"), {"contact": None}),
    "an extension is deleted": (
        operation("delete", "Patient.extension.where(url = 'http://example.org/weight')"),
        {"extension": None},
    ),
    "what is not there is deleted already": (operation("delete", "Patient.maritalStatus"), {}),
    "an item moves": (
        operation("move", "Patient.identifier", source=1, destination=0),
        {"identifier": [START["identifier"][1], START["identifier"][0]]},
    ),
    "a primitive moves with what stands beside it": (
        operation("move", "Patient.name[0].given", source=1, destination=0),
        {"name": [{"use": "official", "given": ["Bea", "Ada"], "_given": [{"id": "g2"}, None]}, {"use": "nickname"}]},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_operation_does_what_it_says(case: str) -> None:
    change, expected = CHANGES[case]
    assert patched(change) == {name: value for name, value in (START | expected).items() if value is not None}


REFUSED: dict[str, Part] = {
    "another type": operation("delete", "Observation.status"),
    "a path to two": operation("delete", "Patient.name"),
    "nothing to replace": operation("replace", "Patient.gender", value={"valueCode": "male"}),
    "an element that there is not": operation("add", "Patient", name="colour", value={"valueCode": "red"}),
    "a path of none": operation("delete", "Patient.colour"),
    "a path below what is not there": operation("delete", "Patient.maritalStatus.colour"),
    "what is there already": operation("add", "Patient", name="birthDate", value={"valueDate": "2000"}),
    "what is there already as another type": operation(
        "add", "Patient", name="deceased", value={"valueDateTime": "1990"}
    ),
    "a type that the choice has not": operation("replace", "Patient.deceased", value={"valueInteger": 1}),
    "an index beyond the end": operation("insert", "Patient.identifier", index=3, value={"valueIdentifier": {}}),
    "an index before the start": operation("insert", "Patient.identifier", index=-1, value={"valueIdentifier": {}}),
    "a move from nowhere": operation("move", "Patient.identifier", source=2, destination=0),
    "a move to nowhere": operation("move", "Patient.identifier", source=0, destination=2),
    "a list that is none": operation("insert", "Patient.birthDate", index=0, value={"valueDate": "2000"}),
    "an item as a list": operation("move", "Patient.identifier[0]", source=0, destination=0),
    "the whole": operation("delete", "Patient"),
    "the whole anew": operation("replace", "Patient", value={"valueString": "x"}),
    "a function": operation("delete", "Patient.name.last()"),
    "an expression": operation("delete", "Patient.name.where(use = 'official' or true)"),
    "a type test": operation("delete", "(Patient.deceased as boolean)"),
    "an escape": operation("delete", "Patient.name.where(use = 'a\\'b')"),
    "the class of things": operation("delete", "Patient.__class__"),
    "an operation that there is not": operation("remove", "Patient.birthDate"),
    "a part too many": operation("delete", "Patient.birthDate", index=0),
    "a part too few": operation("insert", "Patient.identifier", index=0),
    "a number as text": operation("move", "Patient.identifier", source="0", destination=1),
    "a value with something beside it": operation(
        "replace", "Patient.birthDate", value={"valueDate": "2000", "_valueDate": {"id": "x"}}
    ),
    "a value of nothing": operation("replace", "Patient.birthDate", value={"resource": {"resourceType": "Basic"}}),
    "a contained resource": operation("delete", "Patient.contained[0].status"),
    "another name": operation("delete", "Patient.birthDate") | {"name": "op"},
    "parts that are not there": operation(
        "add", "Patient", name="contact", value={"part": [{"name": "colour", "valueString": "red"}]}
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_its_place(case: str) -> None:
    with pytest.raises(FHIRError) as refused:
        patched(operation("delete", "Patient.maritalStatus"), REFUSED[case])
    assert refused.value.status in (400, 422)
    assert refused.value.issues[0].expression == "Parameters.parameter[1]"


def test_none_and_too_many_are_refused() -> None:
    for operations in ([], [operation("delete", "Patient.birthDate")] * 101):
        with pytest.raises(FHIRError):
            patched(*operations)


def test_digits_stay() -> None:
    resource = json_text.exact('{"resourceType":"Patient","extension":[{"url":"x","valueDecimal":1.10}]}')
    value = json_text.exact('{"valueDecimal":2.50}')
    read = fhirpath_patch.read({"parameter": [operation("replace", "Patient.extension[0].value", value=value)]})
    assert '"valueDecimal":2.50' in json_text.written_exactly(fhirpath_patch.applied(resource, read))

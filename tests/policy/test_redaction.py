"""What is left out of a record that is shown, and how it is marked.

https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

import json
from typing import Any

import pytest

from app.fhir import systems
from app.policy import redaction, subtraction
from tests.policy.records import example

Json = dict[str, Any]

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
BIRTHPLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
PHARMACY = "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-NominatedPharmacy"
CHILD: Json = example("patient-toddler") | {
    "meta": {"versionId": "1", "security": [{"system": systems.CONFIDENTIALITY, "code": "N"}]},
    "telecom": [{"system": "phone", "value": "01632 960000"}],
    "contact": [{"name": {"text": "Olivia"}}],
    "extension": [
        {"url": BIRTHPLACE, "valueAddress": {"city": "Exampletown"}},
        {"url": systems.PREGNANCY, "valueCode": "ongoing"},
        {"url": PHARMACY, "valueReference": {"display": "Example Pharmacy"}},
    ],
}
RELATIVE: Json = example("related-person-mother") | {"meta": {"versionId": "1"}}
FLAG: Json = example("child-protection-flag-active-plan") | {"meta": {"versionId": "1"}}
TELLING = ("Exampletown", "Example Street", "ZZ99", "01632", "Olivia", "Surgery", "Y99999", "Pharmacy")


def shown(resource: Json, *, contact: bool = True, location: bool = True) -> Json:
    text = redaction.shown(json.dumps(resource), resource["resourceType"], contact=contact, location=location)
    read: Json = json.loads(text)
    return read


@pytest.mark.parametrize("resource", [CHILD, RELATIVE, FLAG], ids=["a child", "a relative", "a flag"])
def test_what_may_be_shown_whole_is_shown_to_the_byte(resource: Json) -> None:
    text = json.dumps(resource, indent=3)
    assert redaction.shown(text, resource["resourceType"], contact=True, location=True) == text


def test_what_has_no_location_is_shown_to_the_byte() -> None:
    text = json.dumps(example("consent-parent-refuses"), indent=3)
    assert redaction.shown(text, "Consent", contact=False, location=False) == text


def test_of_a_restricted_child_nothing_is_left_that_tells_where_they_are() -> None:
    left = shown(CHILD, location=False)
    assert not [word for word in TELLING if word in json.dumps(left)]
    assert left["name"] == CHILD["name"]
    assert left["extension"] == [CHILD["extension"][1]]


def test_that_a_location_was_left_out_is_not_said() -> None:
    without = {name: value for name, value in CHILD.items() if name not in subtraction.LOCATION["Patient"]}
    without["extension"] = [CHILD["extension"][1]]
    assert shown(CHILD, location=False) == without
    assert shown(without, location=False) == without


def test_an_extension_element_is_left_out_with_its_last_extension() -> None:
    only = CHILD | {"extension": [CHILD["extension"][0]]}
    assert "extension" not in shown(only, location=False)


@pytest.mark.parametrize("element", ["address", "telecom", "contact"])
def test_contact_details_that_nobody_agreed_to_are_marked_as_masked(element: str) -> None:
    left = shown(CHILD, contact=False)
    assert left[element] == [{"extension": [{"url": ABSENT, "valueCode": "masked"}]}]
    assert {"system": systems.OBSERVATION_VALUE, "code": "REDACTED", "display": "redacted"} in left["meta"]["security"]
    assert CHILD["meta"]["security"][0] in left["meta"]["security"]


def test_the_mark_does_not_tell_whether_there_are_any() -> None:
    silent = {name: value for name, value in CHILD.items() if name not in subtraction.CONTACT["Patient"]}
    assert shown(CHILD, contact=False) == shown(silent, contact=False)


def test_of_a_restricted_child_no_mark_tells_that_there_was_an_address() -> None:
    left = shown(CHILD, contact=False, location=False)
    assert subtraction.LOCATION["Patient"][0] not in left
    assert "masked" not in json.dumps(left)


def test_a_relatives_contact_details_are_masked_and_their_place_left_out() -> None:
    assert "07700" not in json.dumps(shown(RELATIVE, contact=False))
    assert "telecom" not in shown(RELATIVE, location=False)
    assert shown(RELATIVE, contact=False)["address"] == shown(RELATIVE, contact=False)["telecom"]


def test_of_a_restricted_child_the_flag_does_not_name_the_authority() -> None:
    assert shown(FLAG, location=False) == {name: value for name, value in FLAG.items() if name != "author"}
    assert shown(FLAG, contact=False) == FLAG


def test_numbers_keep_their_digits_where_something_is_left_out() -> None:
    weighed = {"url": "https://example.org/birth-weight", "valueDecimal": 3.5}
    text = json.dumps(CHILD | {"extension": [weighed]}).replace("3.5", "3.50")
    left = redaction.shown(text, "Patient", contact=False, location=True)
    assert "01632" not in left
    assert '"valueDecimal":3.50' in left

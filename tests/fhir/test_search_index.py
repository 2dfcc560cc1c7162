"""What a resource is found under.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from decimal import Decimal
from typing import Any

import pytest

from app.fhir import search_index
from app.fhir.search_index import Quantity

MEDICAL = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}], "text": "Record no."}


def tokens(resource: dict[str, Any], code: str) -> set[str]:
    found = search_index.index(resource).tokens
    return {each.partition("#")[2] for each in found if each.partition("#")[0] == code}


def flag(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Flag", "status": "active", "subject": {"reference": "Patient/1"}, **elements}


@pytest.mark.parametrize(
    ("resource", "code", "expected"),
    [
        pytest.param(flag(), "status", {"", "|active", "||active"}, id="a code"),
        pytest.param(flag(), "author", set(), id="what is not there"),
        pytest.param(flag(), "patient", set(), id="the person, by whom it is kept"),
        pytest.param(
            flag(category=[{"coding": [{"system": "urn:x", "code": "a"}, {"code": "b"}]}]),
            "category",
            {"", "|a", "urn:x|a", "urn:x|", "|b", "||b"},
            id="codes with and without a system",
        ),
        pytest.param(flag(category=[{"text": "words"}]), "category", {""}, id="words alone, which are a value"),
        pytest.param(
            flag(author={"reference": "Organization/1", "identifier": {"system": "urn:x", "value": "7"}}),
            "author",
            {"", "Organization/1", "|7", "urn:x|7", "urn:x|"},
            id="a reference with an identifier",
        ),
        pytest.param(
            flag(author={"reference": "https://example.org/Organization/1/_history/3"}),
            "author",
            {"", "Organization/1"},
            id="a reference to a version",
        ),
        pytest.param(flag(author={"reference": "#1"}), "author", {""}, id="a reference to what is contained"),
        pytest.param(
            flag(meta={"tag": [{"system": "urn:t", "code": "x"}]}), "_tag", {"", "|x", "urn:t|x", "urn:t|"}, id="a tag"
        ),
        pytest.param(flag(meta={"profile": ["urn:p"]}), "_profile", {"", "|urn:p"}, id="a profile"),
        pytest.param(flag(meta={"source": "urn:s"}), "_source", {"", "|urn:s"}, id="a source"),
        pytest.param(flag(), "_tag", set(), id="no tag"),
        pytest.param(
            {"resourceType": "Patient", "identifier": [{"type": MEDICAL, "system": "urn:x", "value": "7"}]},
            "identifier:of-type",
            {"http://terminology.hl7.org/CodeSystem/v2-0203|MR|7"},
            id="an identifier of a type",
        ),
        pytest.param({"resourceType": "Patient", "active": True}, "active", {"", "|true", "||true"}, id="yes or no"),
        pytest.param(
            {"resourceType": "Patient"}, "deceased", {"", "|false", "||false"}, id="alive, as far as is known"
        ),
        pytest.param(
            {"resourceType": "Patient", "deceasedDateTime": "2026"},
            "deceased",
            {"", "|true", "||true"},
            id="dead since a day",
        ),
        pytest.param(
            {
                "resourceType": "Patient",
                "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
            },
            "phone",
            {"", "|1", "phone|1", "phone|"},
            id="a telephone number, and no e-mail address",
        ),
        pytest.param(
            {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "urn:q|2"},
            "questionnaire",
            {"", "|urn:q|2", "|urn:q"},
            id="a canonical URL with and without its version",
        ),
    ],
)
def test_tokens(resource: dict[str, Any], code: str, expected: set[str]) -> None:
    assert tokens(resource, code) == expected


def test_strings_are_kept_folded_and_as_given() -> None:
    found = search_index.index({"resourceType": "Patient", "name": [{"family": "Ó Briain", "given": ["Zoë"]}]}).strings
    assert ("Patient.family", "o briain", "Ó Briain") in found
    assert {key for key, _, _ in found} == {"Patient.family", "Patient.given", "Patient.name"}


def test_an_address_is_found_by_each_of_its_parts() -> None:
    address = {"line": ["1 Example Street"], "city": "Exampletown", "postalCode": "EX1"}
    found = search_index.index({"resourceType": "Patient", "address": [address]}).strings
    assert {given for key, _, given in found if key == "Patient.address"} == {"1 Example Street", "Exampletown", "EX1"}


def test_the_words_beside_a_code_are_kept() -> None:
    coded = flag(category=[{"text": "One", "coding": [{"system": "urn:x", "code": "a", "display": "Two"}]}])
    found = search_index.index(coded).strings
    assert {given for key, _, given in found if key == "Flag.category:text"} == {"One", "Two"}
    identifier = {"resourceType": "Patient", "identifier": [{"type": MEDICAL, "value": "7"}]}
    assert ("Patient.identifier:text", "record no.", "Record no.") in search_index.index(identifier).strings


def test_dates_are_spans_and_a_timing_is_when_it_happens() -> None:
    plan = {"resourceType": "CarePlan", "activity": [{"detail": {"scheduledTiming": {"event": ["2026-01-01"]}}}]}
    ((key, period),) = search_index.index(plan).dates
    assert (key, str(period.start)) == ("CarePlan.activity-date", "2026-01-01 00:00:00+00:00")
    bounds = {"repeat": {"boundsPeriod": {"start": "2026-01-01"}}}
    plan["activity"] = [{"detail": {"scheduledTiming": bounds}}]
    ((_, period),) = search_index.index(plan).dates
    assert (str(period.start), period.end) == ("2026-01-01 00:00:00+00:00", None)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (
            {"value": 1.1, "system": "urn:u", "code": "kg", "unit": "kilogram"},
            {Quantity(Decimal("1.1"), Decimal("1.1"), "urn:u", "kg"), Quantity(Decimal("1.1"), Decimal("1.1"), "", "kilogram")},
        ),
        ({"value": 2, "comparator": "<"}, {Quantity(None, Decimal(2), "", "")}),
        ({"value": 2, "comparator": ">="}, {Quantity(Decimal(2), None, "", "")}),
        ({"unit": "kg"}, set()),
    ],
)  # fmt: skip
def test_quantities(quantity: dict[str, Any], expected: set[Quantity]) -> None:
    found = search_index.index({"resourceType": "Observation", "valueQuantity": quantity}).quantities
    assert {each for key, each in found if key == "Observation.value-quantity"} == expected

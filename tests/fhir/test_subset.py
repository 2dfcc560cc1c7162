"""A part of a resource has what it must have, says that it is a part, and keeps the digits of numbers.

https://hl7.org/fhir/R4/search.html#summary
"""

import json

import pytest

from app.fhir import subset
from app.fhir.search_criteria import Summary
from app.fhir.subset import WHOLE, Part

TEXT = (
    '{"resourceType":"Observation","id":"1","meta":{"versionId":"1","tag":[{"code":"x"}]},"text":{"status":"generated",'
    '"div":"<div/>"},"status":"final","code":{"text":"weight"},"valueQuantity":{"value":1.10,"unit":"kg"},'
    '"_issued":{"extension":[]},"note":[{"text":"a"}],"method":{"text":"m"},"modifierExtension":[{"url":"urn:m"}]}'
)
ALWAYS = {"resourceType", "id", "meta", "status", "code", "modifierExtension"}
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@pytest.mark.parametrize(
    ("summary", "elements", "more"),
    [
        ("true", (), {"valueQuantity", "_issued"}),
        ("text", (), {"text"}),
        ("data", (), {"valueQuantity", "_issued", "note", "method"}),
        ("false", ("value[x]",), {"valueQuantity"}),
        ("false", ("note", "issued"), {"note", "_issued"}),
    ],
)
def test_what_is_kept(summary: Summary, elements: tuple[str, ...], more: set[str]) -> None:
    part = json.loads(subset.of(TEXT, Part(summary, elements)))
    assert part.keys() == ALWAYS | more
    assert part["meta"] == {"versionId": "1", "tag": [{"code": "x"}, SUBSETTED]}


def test_the_whole_is_the_text_that_was_given() -> None:
    assert subset.of(TEXT, WHOLE) is TEXT


def test_numbers_keep_their_digits() -> None:
    assert '"value":1.10,' in subset.of(TEXT, Part(elements=("value[x]",)))


def test_an_element_is_not_taken_for_another_that_begins_like_it() -> None:
    text = (
        '{"resourceType":"Patient","id":"1","meta":{},"contact":[],"communication":[],"deceasedBoolean":true,"name":[]}'
    )
    assert json.loads(subset.of(text, Part(elements=("contact",)))).keys() == {
        *("resourceType", "id", "meta", "contact", "deceasedBoolean")
    }


def test_a_part_is_known_as_one() -> None:
    assert subset.is_part(json.loads(subset.of(TEXT, Part("true"))))
    assert not subset.is_part(json.loads(TEXT))
    assert not subset.is_part({"resourceType": "Observation", "meta": "nonsense"})

"""FHIR JSON is read strictly and kept as it was sent.

https://hl7.org/fhir/R4/json.html
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir import json_text

NAMES = st.sampled_from(["id", "meta", "name", "active", "text", "é", 'a"b', "\\"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


def test_what_was_sent_is_kept_to_the_byte() -> None:
    raw = '{ "resourceType" : "Observation",\n\t"valueDecimal": 1.10, "é": "\\u00e9\\/" }'.encode()
    value, text = json_text.read(raw)
    assert text.encode() == raw
    assert value == {"resourceType": "Observation", "valueDecimal": 1.1, "é": "é/"}


@pytest.mark.parametrize(
    ("raw", "error", "position"),
    [
        (b'{"a":1,"a":1}', json_text.DuplicateMember, 7),
        (b'{"b":[{"a":1},{"c":"}:{","x":{"q":1,"q":2}}]}', json_text.DuplicateMember, 36),
        (b'{"a":1,"\\u0061":1}', json_text.DuplicateMember, 7),
        (b'{"a":NaN}', json_text.NotJSON, None),
        (b'{"a":Infinity}', json_text.NotJSON, None),
        (b'{"a":-Infinity}', json_text.NotJSON, None),
        (b'{"a":1e999}', json_text.NotJSON, None),
        (b'{"a":' + b"1" * 5000 + b"}", json_text.NotJSON, None),
        (b'{"a":"\xff"}', json_text.NotUTF8, 6),
        (b'\xef\xbb\xbf{"a":1}', json_text.NotJSON, 0),
        (b'{"a":1,}', json_text.NotJSON, 7),
        (b'{"a":01}', json_text.NotJSON, 6),
        (b"{'a':1}", json_text.NotJSON, 1),
        (b'{"a":1} {"b":1}', json_text.NotJSON, 8),
        (b"", json_text.NotJSON, 0),
        (b'{"a":"x', json_text.NotJSON, 5),
        (b'{"a":"\x01"}', json_text.NotJSON, 6),
        (b'{"a":"\\u0000"}', json_text.NotJSON, 6),
        (b'{"a":"\\b"}', json_text.NotJSON, 6),
        (b'{"a":"\\ud83d"}', json_text.NotJSON, 6),
        (b'{"a":"\\\\ud83d\\ude00"}', json_text.NotJSON, 7),
        (b"[]", json_text.NotAnObject, 0),
        (b'"a"', json_text.NotAnObject, 0),
        (b"null", json_text.NotAnObject, 0),
        (b'{"a":' * 65 + b"1" + b"}" * 65, json_text.TooDeep, None),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", json_text.TooDeep, None),
        (b'{"a":' + b"[" * 100_000, json_text.TooDeep, None),
    ],
)
def test_text_that_could_be_read_in_two_ways_is_refused(
    raw: bytes, error: type[json_text.JSONTextError], position: int | None
) -> None:
    with pytest.raises(error) as refusal:
        json_text.read(raw)
    assert refusal.value.position == position


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"\\ud83d\\ude00"}',
        b'{"a":"\\\\b \\\\u0000 \\\\ud83d"}',
        b'{"a":"\\t\\n\\r"}',
        b'{"a":' * 64 + b"1" + b"}" * 64,
        b' \n{"a":1}\n',
    ],
)
def test_what_json_allows_is_read(raw: bytes) -> None:
    assert json_text.read(raw)[1] == raw.decode()


def test_an_error_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(json_text.JSONTextError) as refusal:
        json_text.read(b'{"name":"Amelia","name":"Amelia"}')
    assert "Amelia" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"resourceType":"Flag"}', '{"resourceType":"Flag","id":"7","meta":{"versionId":"1"}}'),
        (
            '{"id":"x","resourceType":"Flag","a":1.10}',
            '{"resourceType":"Flag","id":"7","meta":{"versionId":"1"},"a":1.10}',
        ),
        (
            '{\n  "resourceType": "Flag",\n  "id": "x",\n  "a": 1.10\n}\n',
            '{\n  "resourceType": "Flag","id":"7","meta":{"versionId":"1"},\n  "a": 1.10\n}\n',
        ),
        (
            '{"meta":{"id":"m"},"a":{"id":"kept","meta":1},"\\u0069d":"x","resourceType":"Flag" }',
            '{"a":{"id":"kept","meta":1},"resourceType":"Flag","id":"7","meta":{"versionId":"1"} }',
        ),
        (
            '{"resourceType":"Flag","a":"}, \\"id\\":1","meta":{}}',
            '{"resourceType":"Flag","id":"7","meta":{"versionId":"1"},"a":"}, \\"id\\":1"}',
        ),
    ],
)
def test_id_and_meta_are_the_servers_and_the_rest_is_untouched(text: str, expected: str) -> None:
    assert json_text.with_identity(text, "7", {"versionId": "1"}) == expected


@given(st.dictionaries(NAMES, VALUES), st.integers(0, 8), st.sampled_from([None, 2]), st.booleans())
def test_identity_changes_nothing_but_itself(
    members: dict[str, object], place: int, indent: int | None, ascii_only: bool
) -> None:
    ordered = list(members.items())
    ordered.insert(place, ("resourceType", "Flag"))
    text = json.dumps(dict(ordered), indent=indent, ensure_ascii=ascii_only)
    stamped = json_text.with_identity(text, "7", {"versionId": "1"})
    assert json.loads(stamped) == dict(ordered) | {"id": "7", "meta": {"versionId": "1"}}
    assert json_text.with_identity(stamped, "7", {"versionId": "1"}) == stamped


@pytest.mark.parametrize(
    "number", ["1.10", "0.0", "-0.50", "1e2", "1E+2", "10", "123456789012345678901234567890", "3.0e-7"]
)
def test_a_number_is_written_again_in_the_digits_in_which_it_came(number: str) -> None:
    text = f'{{"a":{number},"b":[{{"c":{number}}}],"é":"\\n😀"}}'
    assert json_text.written_exactly(json_text.exact(text)) == text


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_exactly_says_what_was_read(members: dict[str, object]) -> None:
    assert json.loads(json_text.written_exactly(json_text.exact(json.dumps(members)))) == members

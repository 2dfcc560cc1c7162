"""JSON Patch: RFC 6902's own examples, and what a hostile one would do."""

import json
from typing import Any

import pytest

from app.fhir import json_patch, json_text
from app.fhir.errors import FHIRError, Malformed, Unprocessable

LARGEST = 10_000


def patched(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    read = json_patch.read(json.dumps(operations).encode())
    return json_patch.applied(json.loads(json.dumps(resource)), read, LARGEST)


# https://www.rfc-editor.org/rfc/rfc6902#appendix-A
EXAMPLES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
    ({"foo": ["a", "c"]}, {"op": "add", "path": "/foo/1", "value": "b"}, {"foo": ["a", "b", "c"]}),
    ({"foo": 1, "bar": 2}, {"op": "remove", "path": "/foo"}, {"bar": 2}),
    ({"foo": ["a", "b"]}, {"op": "remove", "path": "/foo/0"}, {"foo": ["b"]}),
    ({"foo": 1}, {"op": "replace", "path": "/foo", "value": 2}, {"foo": 2}),
    ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/b"}, {"a": {}, "c": {"b": 1}}),
    ({"foo": ["a", "b"]}, {"op": "move", "from": "/foo/0", "path": "/foo/1"}, {"foo": ["b", "a"]}),
    ({"foo": ["a"]}, {"op": "test", "path": "/foo/0", "value": "a"}, {"foo": ["a"]}),
    ({"foo": "bar"}, {"op": "add", "path": "/child", "value": {"x": {}}}, {"foo": "bar", "child": {"x": {}}}),
    ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux", "xyz": 123}, {"foo": "bar", "baz": "qux"}),
    ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
    ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["abc"]}, {"foo": ["bar", ["abc"]]}),
    ({"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: json.dumps(example[1]))
def test_the_standards_examples_hold(example: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
    resource, operation, expected = example
    assert patched(resource, operation) == expected


UNFIT: list[dict[str, Any]] = [
    {"op": "test", "path": "/foo", "value": "other"},
    {"op": "test", "path": "/yes", "value": 1},
    {"op": "test", "path": "/none", "value": None},
    {"op": "add", "path": "/baz/bat", "value": "qux"},
    {"op": "add", "path": "/list/9", "value": "qux"},
    {"op": "add", "path": "/list/01", "value": "qux"},
    {"op": "add", "path": "/list/x", "value": "qux"},
    {"op": "add", "path": "/list/-1", "value": "qux"},
    {"op": "add", "path": "/foo/x", "value": "qux"},
    {"op": "add", "path": "/number/x", "value": "qux"},
    {"op": "remove", "path": "/list/-"},
    {"op": "remove", "path": "/nothing"},
    {"op": "remove", "path": "/foo/0"},
    {"op": "replace", "path": "/nothing", "value": 1},
    {"op": "replace", "path": "/__class__/__init__", "value": 1},
    {"op": "replace", "path": "/~2", "value": 1},
    {"op": "replace", "path": "/list/-", "value": 1},
    {"op": "move", "from": "/nothing", "path": "/foo"},
    {"op": "move", "from": "/deep", "path": "/deep/down"},
    {"op": "copy", "from": "/list/7", "path": "/foo"},
]


@pytest.mark.parametrize("operation", UNFIT, ids=json.dumps)
def test_what_does_not_fit_is_refused_and_named_by_its_place(operation: dict[str, Any]) -> None:
    resource = {"foo": "bar", "list": ["a"], "yes": True, "number": 7, "deep": {"down": {}}}
    with pytest.raises(Unprocessable, match=rf"^Operation 2 \({operation['op']}\)"):
        patched(resource, {"op": "test", "path": "/foo", "value": "bar"}, operation)


MALFORMED: list[Any] = [
    *({}, {"patches": []}, {"patches": {}}, {"patches": [], "more": 1}, [], ["x"], [{}], [[]], "x", 1, None),
    *([{"op": "increment", "path": "/a"}], [{"op": ["add"], "path": "/a"}], [{"op": "add", "path": "/a"}]),
    *([{"op": "add", "path": "", "value": {}}], [{"op": "remove", "path": 1}], [{"op": "remove", "path": "a"}]),
    *([{"op": "copy", "path": "/a", "from": ""}], [{"op": "move", "path": "/a"}]),
    [{"op": "remove", "path": "/a"}] * 101,
]


@pytest.mark.parametrize("sent", MALFORMED, ids=lambda sent: json.dumps(sent)[:40])
def test_what_is_no_patch_is_malformed(sent: Any) -> None:
    with pytest.raises(Malformed):
        json_patch.read(json.dumps(sent).encode())


@pytest.mark.parametrize("raw", [b"", b"[", b'[{"op":"remove","op":"add","path":"/a"}]', b"\xff", b"[1e999]", b"[]}"])
def test_it_is_read_as_strictly_as_a_resource(raw: bytes) -> None:
    with pytest.raises(Malformed):
        json_patch.read(raw)


def test_it_may_be_wrapped() -> None:
    operation = {"op": "remove", "path": "/a"}
    assert json_patch.read(json.dumps({"patches": [operation]}).encode()) == [operation]
    assert json_patch.read(b" \n" + json.dumps([operation]).encode()) == [operation]


def test_a_few_copies_do_not_fill_the_memory() -> None:
    doubles = [{"op": "copy", "from": "/list", "path": "/list/-"} for _ in range(100)]
    with pytest.raises(FHIRError, match="too large or too deep"):
        patched({"list": ["a" * 10]}, *doubles)


@pytest.mark.parametrize("path", ["/a", "/a/id"])
def test_where_it_is_asked_for_a_test_goes_before_a_removal(path: str) -> None:
    test, removal = {"op": "test", "path": path, "value": 1}, {"op": "remove", "path": "/a"}
    assert json_patch.read(json.dumps([test, removal]).encode(), removes_what_was_tested=True)
    for sent in ([removal], [{"op": "test", "path": "/ab", "value": 1}, removal], [removal, test]):
        with pytest.raises(Malformed, match="has to follow a test"):
            json_patch.read(json.dumps(sent).encode(), removes_what_was_tested=True)


def test_digits_stay() -> None:
    read = json_patch.read(b'[{"op":"add","path":"/b","value":2.50},{"op":"test","path":"/a","value":1.1}]')
    left = json_patch.applied(json_text.exact('{"a":1.10}'), read, LARGEST)
    assert json_text.written_exactly(left) == '{"a":1.10,"b":2.50}'

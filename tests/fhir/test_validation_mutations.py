"""Any single defect in a valid example is refused, and so is whatever fhir.resources refuses.

https://hl7.org/fhir/R4/validation.html
"""

import copy
import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.fhir import schema_profiles, schema_shape, validation
from app.fhir.schema_definitions import FOLDER
from tests.fhir import official_examples
from tests.fhir.resources import VALID, Steps, changed
from tests.fhir.test_validation import INVALID

EXAMPLES = [json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "examples").glob("*.json"))]
_SMALL = 4000  # characters
OFFICIAL = [json.loads(text) for text in official_examples.valid().values() if len(text) < _SMALL]
RESOURCES = [*VALID, *EXAMPLES, *OFFICIAL]


def _places(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    yield steps, value
    for step, child in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from _places(child, (*steps, step))


def _required(resource: dict[str, Any]) -> Iterator[Steps]:
    """Each place of an element that HL7 requires, in what is not nested."""
    for steps, value in _places(resource):
        if isinstance(value, dict) and not {"contained", "resource"} & set(steps):
            type = schema_shape.type_at(resource["resourceType"], steps)
            for name, member in schema_shape.members(type).items() if type else ():
                if member.definition.min and name in value:
                    yield (*steps, name)


def _of_another_type(value: Any) -> st.SearchStrategy[Any]:
    others: dict[type, list[Any]] = {
        str: [1, True, {"value": "x"}, ["x"]],
        bool: ["true", 1, {"value": True}],
        int: ["1", {"value": 1}],
        float: ["1.0", {"value": 1.0}],
        dict: ["x", 1, [{"id": "x"}]],
        list: ["x", 1, {"id": "x"}],
    }
    return st.sampled_from([None, [], {}, *others.get(type(value), ["x"])])


@st.composite
def defects(draw: st.DrawFn) -> dict[str, Any]:
    """A valid resource with one thing wrong."""
    resource: dict[str, Any] = draw(st.sampled_from(RESOURCES))
    places = list(_places(resource))
    match draw(st.sampled_from(["type", "unknown", "required"])):
        case "type":
            steps, value = draw(st.sampled_from([place for place in places if place[0] and place[1] is not None]))
            return changed(resource, steps, draw(_of_another_type(value)))
        case "unknown":
            steps, _ = draw(st.sampled_from([place for place in places if isinstance(place[1], dict)]))
            return changed(resource, (*steps, draw(st.sampled_from(["nickname", "_x", "Id", "value[x]"]))), "x")
        case _:
            required = list(_required(resource))
            if not required:
                return {}
            copied: dict[str, Any] = copy.deepcopy(resource)
            *path, last = draw(st.sampled_from(required))
            parent: Any = copied
            for step in path:
                parent = parent[step]
            del parent[last]
            return copied


@settings(max_examples=500, deadline=None)
@given(defects())
def test_one_defect_in_a_valid_resource_is_refused(resource: dict[str, Any]) -> None:
    assert validation.base_faults(resource) != []


@settings(max_examples=300, deadline=None)
@given(defects())
def test_a_profile_refuses_what_the_base_refuses(resource: dict[str, Any]) -> None:
    assert validation.faults(resource) != []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_no_json_makes_the_gate_fail(data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(RESOURCES))
    for _ in range(2):
        steps, _value = data.draw(st.sampled_from([place for place in _places(resource) if place[0]]))
        resource = changed(resource, steps, data.draw(JSON))
    assert isinstance(validation.faults(resource), list)


def _rejected_by_fhir_resources(resource: dict[str, Any]) -> bool:
    name = resource["resourceType"]
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{name.lower()}"), name)
    try:
        model.model_validate(copy.deepcopy(resource))
    except (ValidationError, ValueError, TypeError, AttributeError, LookupError):
        return True
    return False


def test_what_fhir_resources_refuses_is_refused_here() -> None:
    refused = 0
    for resource, steps, value, _, _ in INVALID:
        defect = changed(resource, steps, value)
        if _rejected_by_fhir_resources(defect):
            refused += 1
            assert validation.base_faults(defect) != [], steps
    assert refused > 20


@pytest.mark.parametrize("resource", [*VALID, *EXAMPLES], ids=lambda resource: resource["resourceType"])
def test_what_passes_here_is_a_model_to_fhir_resources(resource: dict[str, Any]) -> None:
    assert not _rejected_by_fhir_resources(resource)


def test_some_examples_are_held_to_a_profile() -> None:
    assert sum(bool(schema_profiles.applying(resource)) for resource in EXAMPLES) >= 20

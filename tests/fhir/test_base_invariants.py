"""HL7's invariants as we have them say what HL7's own FHIRPath says, wherever that can be run.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from app.fhir import fhirpath, invariants_base, schema_definitions, validation
from app.fhir.fhirpath import Holds, NotFHIRPath
from tests.fhir import official_examples, one_change
from tests.fhir.official_examples import places

Json = dict[str, Any]
Key = tuple[str, str]  # the type or part, and the constraint's key

# Where HL7's expression cannot be run, or does not say what its words say.
NOT_COMPARED = {
    "ctm-1": "asks for what a reference leads to",
    "txt-1": "htmlChecks() is ours on both sides",
    "txt-2": "htmlChecks() is ours on both sides",
    "ref-1": "does not know a reference by name alone",
    "ppc-1": "is not held against a refusal",
}


@cache
def _stated() -> dict[Key, tuple[str, str]]:
    """(expression, path) of each invariant of a type, or of a part of one."""
    found = {}
    structures = [schema_definitions.structure(type) for type in sorted(schema_definitions.known_resources())]
    for structure in [*structures, *schema_definitions.data_types().values()]:
        for element in structure.elements:
            for each in element.constraints:
                is_part = bool(element.types) and element.types[0].code in ("BackboneElement", "Element")
                if is_part or "." not in element.path:
                    found[element.path, each.key] = (each.expression, element.path)
    return found


@cache
def _compiled(type: str, key: str) -> Holds | None:
    expression, path = _stated()[type, key]
    try:
        return fhirpath.compiled(expression, path)
    except NotFHIRPath:
        return None


@cache
def _sample() -> list[Json]:
    found = []
    for name, text in official_examples.texts().items():
        if name in official_examples.INVALID or len(text) > 12_000:
            continue
        whole = json.loads(text)
        changes = [*one_change.everywhere(whole)]
        found += [whole, *random.Random(name).sample(changes, min(12, len(changes)))]
    return [each for each in found if validation._base_gate(each["resourceType"]).validator.is_valid(each)]


def _judged() -> Iterator[tuple[Key, bool, bool | None, Json]]:
    """What we say and what HL7's expression says, of every object that an invariant speaks of."""
    for resource in _sample():
        for _, value, type, _ in places(resource):
            for key in (key for at, key in _stated() if at == type and key not in NOT_COMPARED):
                ours = invariants_base.INVARIANTS.get(f"{type}:{key}") or invariants_base.INVARIANTS.get(key)
                expressed = _compiled(type, key)
                if ours and expressed and isinstance(value, dict):
                    yield (type, key), ours(value, resource), _outcome(expressed, value, resource), resource


def _outcome(expressed: Holds, value: Json, resource: Json) -> bool | None:
    try:
        return expressed(value, resource)
    except Exception:
        return None  # what fhirpathpy cannot run on this resource it says nothing about


def test_what_we_say_is_what_the_expression_says() -> None:
    compared: Counter[Key] = Counter()
    differing: dict[Key, Json] = {}
    for key, ours, theirs, resource in _judged():
        if theirs is not None:
            compared[key] += 1
            if ours is not theirs:
                differing[key] = resource
    assert len(compared) > 100
    assert sum(compared.values()) > 10_000
    assert differing == {}


@pytest.mark.parametrize("key", sorted(NOT_COMPARED))
def test_what_is_not_compared_is_stated(key: str) -> None:
    stated = {c.key for s in schema_definitions.data_types().values() for e in s.elements for c in e.constraints}
    stated |= {
        c.key
        for type in schema_definitions.known_resources()
        for e in schema_definitions.structure(type).elements
        for c in e.constraints
    }
    assert key in stated

"""HL7's own examples pass and are kept to the byte; with one defect each, they are refused where they are wrong.

https://hl7.org/fhir/R4/examples.html
"""

import json
import random
import re
from collections import Counter
from typing import Any

import pytest

from app.fhir import acceptance, json_text, models, validation
from tests.fhir import official_examples, one_change
from tests.fhir.official_examples import INVALID, KINDS

NAMES = sorted(official_examples.texts())
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')


def test_there_are_examples_of_every_type_that_has_any() -> None:
    assert len(NAMES) == 204
    assert len({name.partition("-")[0] for name in NAMES}) == 21


@pytest.mark.parametrize("name", [name for name in NAMES if name not in INVALID])
def test_an_official_example_passes_and_is_kept_to_the_byte(name: str) -> None:
    sent = official_examples.texts()[name]
    resource, text = acceptance.read(sent.encode())
    assert validation.base_faults(resource) == []
    compact = "".join(_TOKEN.findall(text))
    assert json_text.written_exactly(json_text.exact(text)) == compact
    served = json_text.with_identity(text, "1", {"versionId": "1"})
    assert json.loads(served) | {"id": 0, "meta": 0} == json.loads(sent) | {"id": 0, "meta": 0}


@pytest.mark.parametrize("name", INVALID)
def test_an_official_example_that_is_not_valid_is_refused(name: str) -> None:
    assert validation.base_faults(json.loads(official_examples.texts()[name])) != []


@pytest.fixture(scope="module")
def defects() -> list[official_examples.Defect]:
    return list(official_examples.defects())


def test_there_are_defects_of_every_kind(defects: list[official_examples.Defect]) -> None:
    found = Counter(defect.kind for defect in defects)
    assert found.keys() == KINDS.keys()
    assert len(defects) > 5000
    assert min(found.values()) > 40


@pytest.mark.parametrize("kind", KINDS)
def test_one_defect_is_refused_where_it_is(kind: str, defects: list[official_examples.Defect]) -> None:
    for defect in (each for each in defects if each.kind == kind):
        places = {fault.expression for fault in validation.base_faults(defect.resource)}
        assert {defect.place, defect.place.rpartition(".")[0]} & places, (defect.name, defect.place, places)


def test_fhir_resources_alone_would_let_many_of_them_through(defects: list[official_examples.Defect]) -> None:
    """`docs/validation.md` has the figures."""
    passed = Counter(defect.kind for defect in defects if _is_read_by_fhir_resources(defect.resource))
    assert passed["a code is outside its required binding"] > 400
    assert passed["an invariant is broken"] > 400
    assert sum(passed.values()) > 1000


def test_what_the_gate_lets_in_fhir_resources_reads() -> None:
    """So that a write need not wait for it."""
    let_in = 0
    for text in official_examples.texts().values():
        changes = list(one_change.everywhere(json.loads(text)))
        few = random.Random(len(changes)).sample(changes, min(20, len(changes)))
        for resource in (json.loads(text), *few):
            if not validation.base_faults(resource):
                let_in += 1
                assert models.faults(resource) == []
    assert let_in > 1500


def _is_read_by_fhir_resources(resource: dict[str, Any]) -> bool:
    try:
        return models.faults(resource) == []
    except (TypeError, ValueError, AttributeError, LookupError):
        return False  # it fails on some instead of refusing them

"""What a resource says once it is deleted is valid, in the words of its type."""

import json

import pytest

from app.fhir import deletion, schema_definitions, validation
from tests.api import examples

EXAMPLES = sorted(
    file.stem
    for file in examples.FOLDER.glob("*.json")
    if deletion.is_deletable(json.loads(file.read_text("utf-8"))["resourceType"])
)


_AS_IF_DELETED = ("group-of-a-trial", "subscription-switched-off")  # they say already what a deletion would say


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_left_of_an_example_is_valid(name: str) -> None:
    left = deletion.deleted(examples.example(name))
    assert validation.faults(left) == []
    if name not in _AS_IF_DELETED:
        assert left != examples.example(name)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("type", ["Patient", "Provenance", "AuditEvent"])
def test_what_has_no_such_words_is_not_deleted(type: str) -> None:
    assert type in schema_definitions.known_resources()
    assert not deletion.is_deletable(type)
    assert deletion.instead(type).startswith(f"A {type} is not deleted." if type != "AuditEvent" else "A")
    with pytest.raises(KeyError):
        deletion.deleted({"resourceType": type})

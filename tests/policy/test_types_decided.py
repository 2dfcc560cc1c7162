"""Of every type that is served, something is decided; of any other, nothing is kept or shown.

https://hl7.org/fhir/R4/resourcelist.html
"""

from typing import Any

import pytest

from app.api import router
from app.fhir import schema_definitions, search_parameters, subject
from app.policy import authorship, category, facts
from app.policy.access import Kind
from app.policy.category import NoPolicy
from app.policy.facts import Person
from app.security import scope
from tests.policy import records
from tests.policy.records import HEALTH_VISITOR

ROUTED = sorted({type for line in router.table() for type in line.types})
WRITTEN = sorted(search_parameters.written_types())


def test_types_are_routed() -> None:
    assert len(ROUTED) > 8
    assert set(ROUTED) == {*WRITTEN, "AuditEvent"}


@pytest.mark.parametrize("type", ROUTED)
def test_every_type_that_is_routed_has_a_scope(type: str) -> None:
    assert type in scope.TYPES


@pytest.mark.parametrize("type", WRITTEN)
def test_every_type_that_is_written_is_known_by_name(type: str) -> None:
    assert type in facts.TYPES
    assert type in subject.TYPES
    assert type in schema_definitions.known_resources()


def test_what_is_decided_and_whom_it_is_about_is_known_of_the_same_types() -> None:
    assert category.TYPES == subject.TYPES == set(scope.TYPES) - {"AuditEvent"}


@pytest.mark.parametrize("type", ["AuditEvent", "Bundle", "Condition", "Immunization", ""])
def test_what_nothing_is_decided_about_is_not_kept(type: str) -> None:
    with pytest.raises(NoPolicy):
        facts.of({"resourceType": type}, "RX999", None)


@pytest.mark.parametrize("type", sorted(category.TYPES))
@pytest.mark.parametrize("kind", [Kind.AUDITOR, Kind.PARENT_APP])
def test_who_does_not_write_is_refused_every_type(type: str, kind: Kind) -> None:
    """Save that a parent's app records what the parent says."""
    resource: dict[str, Any] = {"resourceType": type, "identifier": [], "criteria": "Patient?active=true"}
    refused = authorship.refusal(records.caller(kind, "RX999", records.TREAT), resource, Person())
    assert refused is not None
    assert refused.status == 403


@pytest.mark.parametrize("type", sorted(category.TYPES - {"Practitioner", "Flag", "CarePlan", "CareTeam", "Patient"}))
def test_what_names_nobody_responsible_is_not_written(type: str) -> None:
    """A record says in whose name it is; what a family says or is, and flags and teams, are their keeper's own."""
    resource: dict[str, Any] = {"resourceType": type, "identifier": [], "criteria": "Patient?active=true"}
    refused = authorship.refusal(HEALTH_VISITOR, resource, Person())
    assert (refused is None) is (type in ("Consent", "RelatedPerson"))

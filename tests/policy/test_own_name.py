"""Who writes which record of care: each organisation in its own name, about its own records.

https://hl7.org/fhir/R4/fivews.html; Good practice in information sharing in the Foundation Years (2013), Appendix C
"""

from dataclasses import replace
from typing import Any

import pytest

from app.policy import authorship, category
from app.policy.access import Caller, Kind, Scope
from app.policy.facts import Person
from tests.policy import records
from tests.policy.records import CENTRE, COUNCIL, HEALTH_VISITOR, PERSON, SURGERY, example, organization

Json = dict[str, Any]

MAY_SEARCH = replace(HEALTH_VISITOR, scopes=(Scope("system", "Task", "s"), Scope("system", "Subscription", "c")))
WRITTEN = {  # the element that says in whose name, and an example that the health visitors write
    "sender": "communication-professional-notice",
    "custodian": "document-reference-development-letter",
    "serviceProvider": "encounter-two-year-review",
    "managingEntity": "group-of-one-caseload",
    "performer": "observation-development-gross-motor",
    "organization": "practitioner-role-health-visitor",
    "author": "questionnaire-response-two-year-review",
    "requester": "task-contact-the-family",
}


def answer(caller: Caller, resource: Json, *, owns: bool = True) -> int:
    """The status with which it is refused, or 201."""
    refused = authorship.refusal(caller, resource, PERSON, owns=owns)
    return refused.status if refused else 201


@pytest.mark.parametrize("element", WRITTEN)
def test_a_service_writes_in_its_own_name_alone(element: str) -> None:
    resource = example(WRITTEN[element])
    many = isinstance(resource[element], list)
    both = [organization("RX999"), organization("CC901")]
    assert answer(HEALTH_VISITOR, resource) == 201
    assert answer(HEALTH_VISITOR, resource | {element: both[:1] if many else organization("rx999")}) == 201
    assert answer(CENTRE, resource) == 403
    assert answer(HEALTH_VISITOR, resource | {element: both[1:] if many else both[1]}) == 403
    assert answer(HEALTH_VISITOR, resource | {element: both}) == 403
    assert answer(HEALTH_VISITOR, {name: value for name, value in resource.items() if name != element}) == 403
    assert answer(HEALTH_VISITOR, resource | {element: {"display": "Health Visiting"}}) == 403


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        pytest.param([{"who": organization("RX999")}], 201, id="the organisation itself"),
        pytest.param([{"who": {"display": "A nurse"}, "onBehalfOf": organization("RX999")}], 201, id="on its behalf"),
        pytest.param([{"who": organization("CC901")}], 403, id="not another"),
        pytest.param([{"who": organization("RX999")}, {"who": organization("CC901")}], 403, id="nor another beside it"),
        pytest.param([{"who": {"display": "A nurse"}}], 403, id="nor nobody that is known"),
    ],
)
def test_a_provenance_is_of_the_organisation_that_records_it(agents: list[Json], expected: int) -> None:
    assert answer(HEALTH_VISITOR, example("provenance-of-a-review") | {"agent": agents}) == expected


@pytest.mark.parametrize("name", ["provenance-of-a-review", "group-of-one-caseload"])
def test_what_refers_to_records_refers_to_ones_own(name: str) -> None:
    assert answer(HEALTH_VISITOR, example(name), owns=True) == 201
    assert answer(HEALTH_VISITOR, example(name), owns=False) == 422


def test_any_service_enters_a_professional() -> None:
    for caller in (HEALTH_VISITOR, CENTRE, COUNCIL, SURGERY):
        assert answer(caller, example("practitioner-midwife")) == 201
    for caller in (records.MOTHERS_APP, records.AUDITOR):
        assert answer(caller, example("practitioner-midwife")) == 403


def test_a_client_waits_for_what_it_may_search() -> None:
    assert answer(MAY_SEARCH, example("subscription-to-own-tasks")) == 201
    assert answer(HEALTH_VISITOR, example("subscription-to-own-tasks")) == 403
    assert answer(MAY_SEARCH, example("subscription-to-own-tasks") | {"criteria": "Task?nothing=1"}) == 422


@pytest.mark.parametrize("type", sorted(category.TYPES))
def test_a_parents_app_and_an_auditor_write_nothing_but_what_a_parent_says(type: str) -> None:
    resource: Json = {"resourceType": type, "identifier": [], "criteria": "Task?status=requested"}
    for kind in (Kind.PARENT_APP, Kind.AUDITOR):
        assert answer(replace(MAY_SEARCH, kind=kind), resource) == 403


TASK = example("task-follow-up")


@pytest.mark.parametrize(
    ("caller", "rule", "change", "expected"),
    [
        pytest.param(SURGERY, "own_data", {"description": "Ring them first."}, True, id="who asks says what is asked"),
        pytest.param(SURGERY, "own_data", {"status": "cancelled"}, True, id="and takes it back"),
        pytest.param(HEALTH_VISITOR, "recipient", {"status": "accepted"}, True, id="who is asked takes it on"),
        pytest.param(
            HEALTH_VISITOR, "recipient", {"status": "completed", "output": []}, True, id="says what came of it"
        ),
        pytest.param(HEALTH_VISITOR, "recipient", {"status": "cancelled"}, False, id="does not take it back"),
        pytest.param(HEALTH_VISITOR, "recipient", {"status": "entered-in-error"}, False, id="nor calls it an error"),
        pytest.param(HEALTH_VISITOR, "recipient", {"description": "Nothing"}, False, id="nor changes what is asked"),
        pytest.param(HEALTH_VISITOR, "recipient", {"owner": organization("CC901")}, False, id="nor hands it on"),
        pytest.param(HEALTH_VISITOR, "recipient", {"input": []}, False, id="nor adds to it"),
        pytest.param(HEALTH_VISITOR, "consent", {"status": "accepted"}, False, id="and nobody else says anything"),
    ],
)
def test_who_says_what_of_a_task(caller: Caller, rule: str, change: Json, expected: bool) -> None:
    refused = authorship.refusal_to_change(caller, rule, TASK, TASK | change, PERSON)
    assert (refused is None) is expected


def test_a_message_is_not_changed_by_whom_it_was_sent_to() -> None:
    message = example("communication-professional-notice")
    changed = message | {"note": [{"text": "Read"}]}
    assert authorship.refusal_to_change(SURGERY, "recipient", message, changed, PERSON) is not None


def test_where_a_record_comes_from_is_not_rewritten() -> None:
    origin = example("provenance-of-a-review")
    refused = authorship.refusal_to_change(HEALTH_VISITOR, "own_data", origin, origin, PERSON, owns=True)
    assert refused is not None
    assert refused.status == 405


def test_of_a_list_only_who_is_added_has_to_be_ones_own() -> None:
    group = example("group-of-one-caseload")
    fewer = group | {"member": group["member"][:1]}
    assert authorship.refusal_to_change(HEALTH_VISITOR, "own_data", group, fewer, Person()) is None
    refused = authorship.refusal_to_change(HEALTH_VISITOR, "own_data", fewer, group, Person())
    assert refused is not None
    assert refused.status == 422

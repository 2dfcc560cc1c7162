"""Who may write what: each in their own name, and nobody a yes for themselves.

Good practice in information sharing in the Foundation Years (2013), Appendix C; DCB1609 (plans are uploaded by local
authorities)
"""

from dataclasses import replace
from typing import Any

import pytest

from app.fhir import systems
from app.policy import authorship, explanation
from app.policy.access import Caller, Kind
from app.policy.facts import Person
from tests.policy import records
from tests.policy.records import (
    AUDITOR,
    CENTRE,
    COUNCIL,
    FATHERS_APP,
    HEALTH_VISITOR,
    HOSPITAL,
    MOTHERS_APP,
    PERSON,
    example,
    organization,
)

Json = dict[str, Any]

PATIENT, RELATIVE = example("patient-toddler"), example("related-person-mother")
CENTRE_ITSELF = example("organization-childrens-centre")
FLAG, PLAN = example("child-protection-flag-active-plan"), example("child-protection-care-plan-active")
TEAM_OF_PLAN, OTHER_FLAG = example("child-protection-care-team"), example("flag-other-than-child-protection")
INVITATION, NOTICE = example("communication-request-family-contact"), example("communication-request-access-notice")
RECORDED = example("consent-parent-permits-childrens-centre")
SPOKEN = {name: value for name, value in RECORDED.items() if name != "organization"}
REFUSED = example("consent-parent-refuses")
STRANGER = {name: value for name, value in RELATIVE.items() if name != "extension"}
FOR_ITSELF = RECORDED | {"organization": [organization("CC901")]}
REPLACED = example("patient-superseded-number")
TEAM: Json = {"resourceType": "CareTeam", "subject": PATIENT, "status": "active"}


def by(*nhs_numbers: str) -> Json:
    identified = [{"identifier": {"system": systems.NHS_NUMBER, "value": number}} for number in nhs_numbers]
    return {"performer": identified}


def answer(caller: Caller, resource: Json, person: Person = PERSON) -> str:
    """`yes`, or the status with which it is refused."""
    refused = authorship.refusal(caller, resource, person)
    return str(refused.status) if refused else "yes"


@pytest.mark.parametrize(
    ("caller", "resource", "expected"),
    [
        pytest.param(HEALTH_VISITOR, PATIENT, "yes", id="who keeps a child's record"),
        pytest.param(CENTRE, PATIENT, "403", id="not who does not"),
        pytest.param(CENTRE, example("patient-newborn-without-a-number"), "yes", id="anyone, where nobody is named"),
        pytest.param(MOTHERS_APP, example("patient-newborn-without-a-number"), "403", id="but not a parent"),
        pytest.param(HEALTH_VISITOR, STRANGER, "yes", id="any service who the relatives are"),
        pytest.param(HEALTH_VISITOR, RELATIVE, "403", id="but not who has parental responsibility"),
        pytest.param(MOTHERS_APP, RELATIVE, "403", id="a parent not"),
        pytest.param(CENTRE, CENTRE_ITSELF, "yes", id="an organisation itself"),
        pytest.param(COUNCIL, CENTRE_ITSELF, "403", id="not another"),
        pytest.param(HEALTH_VISITOR, TEAM, "yes", id="a service its team"),
        pytest.param(HEALTH_VISITOR, OTHER_FLAG, "yes", id="a service a flag of its own"),
        pytest.param(MOTHERS_APP, TEAM, "403", id="a parent no team"),
        pytest.param(MOTHERS_APP, OTHER_FLAG, "403", id="a parent no flag"),
        pytest.param(AUDITOR, RELATIVE, "403", id="an auditor nothing"),
        pytest.param(AUDITOR, {"resourceType": "Patient"}, "403", id="an auditor no child"),
    ],
)
def test_who_may_write(caller: Caller, resource: Json, expected: str) -> None:
    assert answer(caller, resource) == expected


@pytest.mark.parametrize(
    ("caller", "resource", "expected"),
    [
        pytest.param(CENTRE, INVITATION, "yes", id="its sender"),
        pytest.param(HOSPITAL, INVITATION, "403", id="nobody in the sender's name"),
        pytest.param(CENTRE, INVITATION | {"requester": organization("CC901")}, "yes", id="who asks and sends"),
        pytest.param(CENTRE, INVITATION | {"requester": organization("LA901")}, "403", id="not for another"),
        pytest.param(CENTRE, INVITATION | {"sender": {"display": "Us"}}, "403", id="nobody without a name"),
        pytest.param(replace(CENTRE, organization="CC902"), INVITATION, "403", id="nobody else"),
        pytest.param(MOTHERS_APP, INVITATION | {"sender": organization("PA901")}, "403", id="no parent's app"),
        pytest.param(HOSPITAL, NOTICE, "403", id="nobody that somebody looked, which is written here"),
        pytest.param(
            CENTRE,
            INVITATION | {"category": [*INVITATION["category"], *NOTICE["category"]]},
            "403",
            id="nor that among other things",
        ),
    ],
)
def test_who_may_send_a_message(caller: Caller, resource: Json, expected: str) -> None:
    assert answer(caller, resource) == expected


@pytest.mark.parametrize(
    ("caller", "resource", "expected"),
    [
        pytest.param(HEALTH_VISITOR, RECORDED, "yes", id="a service records what it was told"),
        pytest.param(CENTRE, RECORDED, "403", id="but not in another's name"),
        pytest.param(CENTRE, REFUSED, "yes", id="a refusal that names no organisation is taken from anyone"),
        pytest.param(MOTHERS_APP, SPOKEN, "yes", id="the mother says what she agrees to"),
        pytest.param(MOTHERS_APP, SPOKEN | {"provision": {"type": "deny"}}, "yes", id="or refuses"),
        pytest.param(MOTHERS_APP, RECORDED, "403", id="but not in the name of a service"),
        pytest.param(MOTHERS_APP, SPOKEN | by(records.FATHER), "403", id="nor of the father"),
        pytest.param(MOTHERS_APP, SPOKEN | by(records.MOTHER, records.FATHER), "403", id="nor of both"),
        pytest.param(
            MOTHERS_APP,
            SPOKEN | {"performer": [*by(records.MOTHER)["performer"], {"display": "Another"}]},
            "403",
            id="nor of somebody beside her",
        ),
        pytest.param(MOTHERS_APP, {n: v for n, v in SPOKEN.items() if n != "performer"}, "403", id="nor of nobody"),
        pytest.param(FATHERS_APP, SPOKEN | by(records.FATHER), "403", id="a father without responsibility does not"),
        pytest.param(replace(MOTHERS_APP, user=None), SPOKEN, "403", id="an app does not speak for itself"),
    ],
)
def test_who_may_say_what_a_family_wants(caller: Caller, resource: Json, expected: str) -> None:
    assert answer(caller, resource) == expected


def test_of_a_child_whom_nobody_knows_no_parent_is_known() -> None:
    assert answer(MOTHERS_APP, SPOKEN, Person()) == "403"
    assert answer(MOTHERS_APP, SPOKEN | {"provision": {"type": "deny"}}, Person()) == "yes"


def test_who_has_parental_responsibility_is_recorded_by_who_keeps_the_childs_record() -> None:
    assert authorship.refusal(HEALTH_VISITOR, RELATIVE, PERSON, keeps=True) is None


def test_a_yes_to_the_service_that_records_it_needs_the_signed_form() -> None:
    assert answer(CENTRE, FOR_ITSELF) == "422"
    assert answer(CENTRE, FOR_ITSELF | {"sourceReference": {"reference": "DocumentReference/1"}}) == "yes"
    under_a_no = {"type": "deny", "provision": [RECORDED["provision"]]}
    assert answer(CENTRE, FOR_ITSELF | {"provision": under_a_no}) == "422"


def test_two_records_are_made_one_by_who_keeps_both() -> None:
    assert answer(HEALTH_VISITOR, REPLACED) == "403"
    assert authorship.refusal(HEALTH_VISITOR, REPLACED, PERSON, may_merge=True) is None
    for keeps, may_merge, expected in ((True, True, True), (True, False, False), (False, True, False)):
        refused = authorship.refusal_to_change(
            HEALTH_VISITOR, "own_data", PATIENT, PATIENT | REPLACED, PERSON,
            custodian="RX999", keeps=keeps, may_merge=may_merge,
        )  # fmt: skip
        assert (refused is None) is expected


def test_a_record_is_handed_over_by_who_keeps_it() -> None:
    elsewhere = PATIENT | {"managingOrganization": organization("RX998")}
    for caller, expected in ((HEALTH_VISITOR, True), (records.SURGERY, False)):
        refused = authorship.refusal_to_change(caller, "own_data", PATIENT, elsewhere, PERSON, custodian="RX999")
        assert (refused is None) is expected


def test_what_was_said_is_not_turned_round() -> None:
    for changed in (by(records.FATHER), {"provision": {"type": "deny"}}):
        refused = authorship.refusal_to_change(
            HEALTH_VISITOR, "own_data", RECORDED, RECORDED | changed, PERSON, custodian="RX999"
        )
        assert refused is not None
        assert refused.status == 422
    ended = RECORDED | {"status": "inactive"}
    for custodian, expected in (("RX999", True), ("CC901", False)):
        refused = authorship.refusal_to_change(HEALTH_VISITOR, "own_data", RECORDED, ended, PERSON, custodian=custodian)
        assert (refused is None) is expected


def test_a_plan_of_a_child_restricted_since_is_ended_by_the_authority() -> None:
    ended, restricted = FLAG | {"status": "inactive"}, replace(PERSON, restriction="R")
    assert authorship.refusal_to_change(COUNCIL, "own_data", FLAG, ended, restricted, custodian="LA901") is None


def test_a_plan_that_is_not_coded_as_one_is_refused_before_it_is_missed() -> None:
    assert answer(COUNCIL, OTHER_FLAG) == "422"


@pytest.mark.parametrize("resource", [FLAG, PLAN, TEAM_OF_PLAN], ids=["flag", "plan", "team"])
def test_a_plan_is_uploaded_by_the_local_authority(resource: Json) -> None:
    assert answer(COUNCIL, resource) == "yes"
    for kind in set(Kind) - {Kind.LOCAL_AUTHORITY}:
        assert answer(replace(COUNCIL, kind=kind), resource) == "403"


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        pytest.param(FLAG, "author", id="a flag"),
        pytest.param(PLAN, "author", id="a plan"),
        pytest.param(TEAM_OF_PLAN, "managingOrganization", id="a team"),
    ],
)
def test_a_plan_is_uploaded_in_the_authoritys_own_name(resource: Json, element: str) -> None:
    assert answer(COUNCIL, resource | {element: organization("LA902")}) == "403"
    assert answer(COUNCIL, resource | {element: organization("la901")}) == "yes"
    assert answer(COUNCIL, resource | {element: {"display": "The council"}}) == "403"


@pytest.mark.parametrize("restriction", ["R", "V"])
def test_a_plan_for_a_restricted_person_is_answered_as_nationally(restriction: str) -> None:
    refused = authorship.refusal(COUNCIL, FLAG, replace(PERSON, restriction=restriction))
    assert refused is not None
    assert (refused.status, refused.issues[0].diagnostics[:5]) == (422, "CPR02")
    assert answer(HOSPITAL, FLAG, replace(PERSON, restriction=restriction)) == "403"
    assert answer(HEALTH_VISITOR, PATIENT, replace(PERSON, restriction=restriction)) == "yes"


def test_a_refusal_says_who_may_instead_and_names_nobody() -> None:
    refused = authorship.refusal(CENTRE, PATIENT, PERSON)
    assert refused is not None
    assert refused.issues[0].diagnostics == explanation.practitioner("not_yours_to_write")


@pytest.mark.parametrize(
    ("caller", "rule", "current", "expected"),
    [
        pytest.param(HEALTH_VISITOR, "own_data", PATIENT, True, id="a service changes its own record"),
        pytest.param(CENTRE, "consent", PATIENT, False, id="not what a family let it see"),
        pytest.param(COUNCIL, "recipient", NOTICE, False, id="nor what was addressed to it"),
        pytest.param(HOSPITAL, "directory", CENTRE_ITSELF, False, id="nor what everyone knows"),
        pytest.param(MOTHERS_APP, "family", SPOKEN, True, id="a mother changes her own words"),
        pytest.param(MOTHERS_APP, "family", SPOKEN | by(records.FATHER), False, id="not the father's"),
        pytest.param(MOTHERS_APP, "family", PATIENT, False, id="nor the child's record"),
        pytest.param(MOTHERS_APP, "own_data", SPOKEN, False, id="nor by any other rule"),
        pytest.param(replace(MOTHERS_APP, user=None), "family", SPOKEN, False, id="an app changes nothing by itself"),
    ],
)
def test_who_may_change(caller: Caller, rule: str, current: Json, expected: bool) -> None:
    refused = authorship.refusal_to_change(caller, rule, current, current | {"language": "en"}, PERSON)
    assert (refused is None) is expected


def test_a_parent_withdraws_what_a_service_wrote_down_for_them_and_changes_nothing_else_of_it() -> None:
    withdrawn = RECORDED | {"status": "inactive", "meta": {"versionId": "1"}}
    assert authorship.refusal_to_change(MOTHERS_APP, "family", RECORDED, withdrawn, PERSON) is None
    for changed in ({"status": "active"}, {"dateTime": "2026-11-01"}):
        wider = withdrawn | changed
        assert authorship.refusal_to_change(MOTHERS_APP, "family", RECORDED, wider, PERSON) is not None
    others = RECORDED | by(records.FATHER)
    assert authorship.refusal_to_change(MOTHERS_APP, "family", others, others | {"status": "inactive"}, PERSON)

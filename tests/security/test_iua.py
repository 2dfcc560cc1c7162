"""The user, the purpose and the activity codes in an assertion: never defaulted, never ignored."""

from typing import Any

import pytest

from app.fhir import systems
from app.policy.access import Kind, User
from app.security import iua
from app.security.iua import Statement
from app.security.oauth_error import InvalidClient, InvalidRequest
from tests.security.clients import ETREAT, ODS_CODE, USER, registration

TOKEN = f"{systems.ACT_REASON}|ETREAT"
AMARA = User("555021935107", "Amara Okafor", "R8000")


def said(**iua_members: Any) -> Statement:
    return iua.statement({"ihe_iua": iua_members}, registration())


def test_what_is_not_said_is_absent() -> None:
    organization = {"subject_organization_id": ODS_CODE}
    nothing: list[dict[str, Any]] = [{}, {"ihe_iua": {}}, {"nhs": {}}, {"ihe_iua": organization}]
    for extensions in nothing:
        assert iua.statement(extensions, registration()) == Statement(None, None, frozenset())


def test_everything_that_can_be_said() -> None:
    extensions = {
        "ihe_iua": {**USER, "subject_organization_id": ODS_CODE, "purpose_of_use": [ETREAT]},
        "nhs": {"activity_codes": ["B0107"]},
    }
    assert iua.statement(extensions, registration()) == Statement(TOKEN, AMARA, frozenset({"B0107"}))


def test_a_purpose_is_an_object_or_a_list_of_one() -> None:
    assert said(purpose_of_use=ETREAT).purpose == said(purpose_of_use=[ETREAT]).purpose == TOKEN


@pytest.mark.parametrize(
    ("purpose", "message"),
    [
        ({"system": systems.ACT_REASON, "code": "NOTHING"}, "purpose_unknown"),
        ({"system": "urn:oid:2.16.840.1.113883.1.11.20448", "code": "ETREAT"}, "purpose_unknown"),
        ({"system": systems.ACT_REASON, "code": "HMARKT"}, "purpose_not_allowed"),
        ({"system": systems.ACT_REASON, "code": "BTG"}, "purpose_not_allowed"),
        ({"system": systems.PURPOSE, "code": "safeguarding"}, "purpose_not_allowed"),
        ([], "exactly one"),
        ([ETREAT, ETREAT], "exactly one"),
        ([ETREAT, {"system": systems.ACT_REASON, "code": "TREAT"}], "exactly one"),
        (None, "JSON object"),
        ("ETREAT", "JSON object"),
        (TOKEN, "JSON object"),
        ([[ETREAT]], "JSON object"),
        ({"code": "ETREAT"}, "a system and a code"),
        ({"system": systems.ACT_REASON}, "a system and a code"),
        ({"system": systems.ACT_REASON, "code": ["ETREAT"]}, "a system and a code"),
        ({**ETREAT, "display": "emergency treatment"}, "not served"),
    ],
)
def test_any_other_purpose_is_refused(purpose: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        said(purpose_of_use=purpose)


def test_a_role_may_be_a_coding_of_the_sds_roles() -> None:
    assert said(**{**USER, "subject_role": {"system": systems.SDS_ROLE, "code": "R8000"}}).user == AMARA
    for role in ({"system": "urn:other", "code": "R8000"}, {"code": "R8000"}, {"system": systems.SDS_ROLE}, {}):
        with pytest.raises(InvalidRequest):
            said(**{**USER, "subject_role": role})


@pytest.mark.parametrize("missing", sorted(USER))
def test_half_a_user_is_refused(missing: str) -> None:
    with pytest.raises(InvalidRequest, match="A user has"):
        said(**{name: value for name, value in USER.items() if name != missing})


@pytest.mark.parametrize("name", sorted(USER))
@pytest.mark.parametrize("value", ["", " ", " a", "a\n", "a\x00b", "\ud800", "a" * 201, 7, None, True, ["a"]])
def test_a_user_is_plain_text(name: str, value: object) -> None:
    with pytest.raises(InvalidRequest):
        said(**{**USER, name: value})


def test_a_parent_is_known_by_nhs_number() -> None:
    parent = registration(kind=Kind.PARENT_APP)
    person = {**USER, "person_id": "999 000 0018"}
    found = iua.statement({"ihe_iua": person}, parent).user
    assert found is not None
    assert found.id == "9990000018"
    for id in ("9990000019", "555021935107", "maya"):
        with pytest.raises(InvalidRequest, match="NHS number") as refused:
            iua.statement({"ihe_iua": {**USER, "person_id": id}}, parent)
        assert id not in refused.value.description


@pytest.mark.parametrize("organization", ["RJ1", "rjz", "", None, 7, [ODS_CODE], {"value": ODS_CODE}])
def test_another_organisation_than_the_registered_one_is_another_client(organization: object) -> None:
    with pytest.raises(InvalidClient, match="subject_organization_id"):
        said(subject_organization_id=organization, purpose_of_use=ETREAT)


@pytest.mark.parametrize("codes", [["B9999"], ["B0107", "B9999"], "B0107", [7], [["B0107"]], None, {"B0107": True}])
def test_activity_codes_are_a_list_of_registered_ones(codes: object) -> None:
    with pytest.raises(InvalidRequest, match=r"activity.codes?"):
        iua.statement({"nhs": {"activity_codes": codes}}, registration())


def test_no_activity_codes_may_be_said() -> None:
    assert iua.statement({"nhs": {"activity_codes": []}}, registration()).activity_codes == frozenset()


@pytest.mark.parametrize(
    "extensions",
    [
        {"ihe_bppc": {"patient_id": "1"}},
        {"ihe_iua": {"home_community_id": "urn:oid:1.2.3"}},
        {"ihe_iua": {"purpose": "ETREAT"}},
        {"nhs": {"activity_codes": [], "nationalrbacaccess": []}},
        {"ihe_iua": []},
        {"nhs": None},
        None,
        [],
        "ihe_iua",
    ],
)
def test_what_is_not_served_is_refused_and_not_ignored(extensions: object) -> None:
    with pytest.raises(InvalidRequest):
        iua.statement(extensions, registration())

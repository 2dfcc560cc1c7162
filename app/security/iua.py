"""What a client's assertion says beside who the client is: the user at the screen, the purpose, the activity codes.

https://profiles.ihe.net/ITI/IUA/index.html#371412-json-web-token-option (`extensions.ihe_iua`)

Nothing is defaulted and nothing is ignored: a member that is not served refuses the request. What is left out is
absent from the token, and the endpoints that need it refuse that token.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeGuard

from app.fhir import systems
from app.fhir.nhs_number import NHSNumber
from app.policy import purpose as purpose_of_use
from app.policy.access import Kind, User
from app.security.oauth_error import InvalidClient, InvalidRequest
from app.store.client import Client

_USER = ("person_id", "subject_name", "subject_role")


@dataclass(frozen=True, slots=True)
class Statement:
    """`purpose` is `system|code`. Each is None or empty where the assertion does not say."""

    purpose: str | None = None
    user: User | None = None
    activity_codes: frozenset[str] = frozenset()


def statement(extensions: object, client: Client) -> Statement:
    """Read the `extensions` of an assertion, an object. Raises InvalidRequest; InvalidClient for another organisation."""
    members = _members(extensions, "extensions", ("ihe_iua", "nhs"))
    iua = _members(members.get("ihe_iua", {}), "ihe_iua", (*_USER, "subject_organization_id", "purpose_of_use"))
    nhs = _members(members.get("nhs", {}), "nhs", ("activity_codes",))
    if "subject_organization_id" in iua and iua["subject_organization_id"] != client.ods_code:
        raise InvalidClient("subject_organization_id is not the organisation that this client is registered for.")
    return Statement(
        purpose=_purpose(iua["purpose_of_use"], client) if "purpose_of_use" in iua else None,
        user=_user(iua, client.kind) if any(name in iua for name in _USER) else None,
        activity_codes=_activity_codes(nhs["activity_codes"], client) if "activity_codes" in nhs else frozenset(),
    )


def is_plain(value: object, longest: int) -> TypeGuard[str]:
    """Whether it is text that can be stored and shown: no control characters, no half surrogates, no blank ends."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() and value == value.strip()


def _purpose(value: object, client: Client) -> str:
    if isinstance(value, list):
        if len(value) != 1:
            raise InvalidRequest("purpose_of_use names exactly one purpose.")
        value = value[0]
    purpose = _token(value, "purpose_of_use")
    if purpose not in purpose_of_use.KNOWN:
        raise InvalidRequest("purpose_unknown: purpose_of_use is not one of the purposes of use known here.")
    if purpose not in client.purposes:
        raise InvalidRequest("purpose_not_allowed: this client is not registered for that purpose of use.")
    return purpose


def _user(iua: dict[str, Any], kind: Kind) -> User:
    id, name, role = iua.get("person_id"), iua.get("subject_name"), iua.get("subject_role")
    if isinstance(role, dict):
        role = _sds_role(role)
    if not (is_plain(id, 64) and is_plain(name, 200) and is_plain(role, 64)):
        raise InvalidRequest("A user has a person_id, a subject_name and a subject_role. One is missing or unreadable.")
    return User(id=_nhs_number(id) if kind is Kind.PARENT_APP else id, name=name, role=role)


def _sds_role(coding: dict[str, Any]) -> str:
    system, _, code = _token(coding, "subject_role").rpartition("|")
    if system != systems.SDS_ROLE:
        raise InvalidRequest("The system of subject_role is not that of the SDS job roles.")
    return code


def _nhs_number(text: str) -> str:
    try:
        return NHSNumber.parse(text).value
    except ValueError:
        raise InvalidRequest("The person_id of a parent-app is the NHS number of its user.") from None


def _activity_codes(value: object, client: Client) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise InvalidRequest("activity_codes is a list of codes.")
    if not set(value) <= set(client.activity_codes):
        raise InvalidRequest("An activity code is not registered for this client.")
    return frozenset(value)


def _token(value: object, name: str) -> str:
    coding = _members(value, name, ("system", "code"))
    system, code = coding.get("system"), coding.get("code")
    if not is_plain(system, 200) or not is_plain(code, 64):
        raise InvalidRequest(f"{name} has a system and a code.")
    return f"{system}|{code}"


def _members(value: object, name: str, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} is a JSON object.")
    if not value.keys() <= set(known):
        raise InvalidRequest(f"{name} has a member that is not served; these are: {', '.join(sorted(known))}.")
    return value

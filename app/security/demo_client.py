"""A demonstration client's side of a token request, as `var/demo/clients.json` describes the client.

https://hl7.org/fhir/smart-app-launch/example-backend-services.html

A client is an object: client_id, name, kind, ods_code, scopes (a list of texts), purposes (a list of {system, code}),
activity_codes and jwk, its private key. What is left out of a call is what such a client would plausibly say; None is
said by leaving it out of the assertion.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from authlib.oauth2.rfc7523.client import ASSERTION_TYPE  # type: ignore[import-untyped]  # authlib publishes no types
from joserfc.jwk import ECKey

from app.policy.access import Kind, User
from app.security import jwt
from app.security.token_form import GRANT_TYPE

ALGORITHM = "ES384"
LIFE = 240


class Plausible(Enum):
    """What is said unless a call says otherwise."""

    SAID = "said"


_Said = Literal[Plausible.SAID]
_SAID: _Said = Plausible.SAID

_USERS = {
    Kind.EMERGENCY_DEPARTMENT: User("555021935101", "Amara Okafor", "R8000"),
    Kind.GP_PRACTICE: User("555021935102", "Tom Whitfield", "R8000"),
    Kind.MATERNITY: User("555021935103", "Siobhan Kelly", "R8001"),
    Kind.HEALTH_VISITING: User("555021935104", "Grace Mensah", "R8001"),
    Kind.CHILDRENS_CENTRE: User("555021935105", "Leah Novak", "R8008"),
    Kind.LOCAL_AUTHORITY: User("555021935106", "Daniel Price", "R8008"),
    Kind.SCHOOL_NURSING: User("555021935107", "Hannah Osei", "R8001"),
    Kind.PARENT_APP: User("9990000018", "Maya Example", "parent"),
    Kind.AUDITOR: User("555021935109", "Ruth Adler", "R8008"),
    Kind.UNREGISTERED_PURPOSE: User("555021935110", "Sam Carter", "R8008"),
}


def plausible_user(kind: Kind) -> User:
    """Somebody who could sit at the screen of such a client."""
    return _USERS[kind]


def assertion(
    client: Mapping[str, Any],
    token_url: str,
    now: datetime,
    *,
    purpose: Mapping[str, str] | _Said | None = _SAID,
    user: User | _Said | None = _SAID,
    activity_codes: Sequence[str] | _Said | None = _SAID,
) -> str:
    """A client assertion for one token request, valid for 240 seconds."""
    issued = int(now.timestamp())
    said_purpose = next(iter(client["purposes"]), None) if purpose is _SAID else purpose
    said_user = plausible_user(Kind(client["kind"])) if user is _SAID else user
    said_codes = client["activity_codes"] if activity_codes is _SAID else activity_codes
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": token_url,
        "iat": issued,
        "exp": issued + LIFE,
        "jti": secrets.token_urlsafe(16),
        "extensions": _extensions(client["ods_code"], said_purpose, said_user, said_codes),
    }
    return jwt.sign(claims, _key(client), algorithm=ALGORITHM)


def token_request(client: Mapping[str, Any], assertion: str, scope: str | None = None) -> dict[str, str]:
    """The form to POST to the token endpoint. Without `scope`, all that the client is registered for."""
    return {
        "grant_type": GRANT_TYPE,
        "scope": " ".join(client["scopes"]) if scope is None else scope,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }


def _key(client: Mapping[str, Any]) -> ECKey:
    key = ECKey.import_key(dict(client["jwk"]))
    key.ensure_kid()
    return key


def _extensions(
    ods_code: str, purpose: Mapping[str, str] | None, user: User | None, activity_codes: Sequence[str] | None
) -> dict[str, Any]:
    iua: dict[str, Any] = {"subject_organization_id": ods_code}
    if purpose is not None:
        iua["purpose_of_use"] = [dict(purpose)]
    if user is not None:
        iua |= {"person_id": user.id, "subject_name": user.name, "subject_role": user.role}
    nhs = {} if activity_codes is None else {"nhs": {"activity_codes": list(activity_codes)}}
    return {"ihe_iua": iua, **nhs}

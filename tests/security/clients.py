"""Registered clients and the assertions that they, and those who would pass for them, sign."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from httpx import AsyncClient, Response
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from app.fhir import systems
from app.policy.access import CareSetting, Kind
from app.store.client import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CLIENT_ID = "kings-ed"
ODS_CODE = "RJZ"
ETREAT = {"system": systems.ACT_REASON, "code": "ETREAT"}
USER = {"person_id": "555021935107", "subject_name": "Amara Okafor", "subject_role": "R8000"}
TOKEN_URL = "http://127.0.0.1:8000/oauth2/token"


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@cache
def ec_key(curve: str = "P-384", name: str = "ec") -> ECKey:
    return ECKey.generate_key(curve, parameters={"kid": name})


@cache
def rsa_key(name: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": name})


def jwks(*keys: Key) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def registration(**changes: Any) -> Client:
    """The emergency department at King's, with both kinds of key."""
    values: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "name": "ED system",
        "kind": Kind.EMERGENCY_DEPARTMENT,
        "ods_code": ODS_CODE,
        "organization_name": "KING'S COLLEGE HOSPITAL",
        "care_setting": CareSetting.UNSCHEDULED,
        "scopes": ("system/Flag.rs", "system/Patient.rs", "system/Consent.crs"),
        "purposes": (f"{systems.ACT_REASON}|ETREAT", f"{systems.ACT_REASON}|TREAT"),
        "activity_codes": ("B0107", "B0170"),
        "jwks": jwks(ec_key(), rsa_key()),
    }
    return Client(**{**values, **changes})


def claims(now: datetime = START, **changes: Any) -> dict[str, Any]:
    """What a good assertion says. A change to None leaves the claim out."""
    seconds = int(now.timestamp())
    values = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": TOKEN_URL,
        "iat": seconds,
        "exp": seconds + 240,
        "jti": secrets.token_hex(8),
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def signed(claims: Mapping[str, Any] | str, key: Key | None = None, **header: Any) -> str:
    """A JWT under any key and header, however unwise. `claims` may be JSON text."""
    key = key or ec_key()
    members = {"alg": "ES384", "kid": key.kid, "typ": "JWT", **header}
    members = {name: value for name, value in members.items() if value is not None}
    payload = claims if isinstance(claims, str) else json.dumps(claims)
    registry = jws.JWSRegistry(algorithms=[members["alg"]], strict_check_header=False)
    return jws.serialize_compact(members, payload, key, registry=registry)


def signed_with_text(claims: Mapping[str, Any], key: ECKey | RSAKey, **header: Any) -> str:
    """A JWT whose HMAC takes a public key for a shared secret. By hand, since joserfc will not."""
    members = {"kid": key.kid, "typ": "JWT", **header}
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (members, claims))
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[members["alg"]]
    return f"{signed}.{_base64(hmac.digest(key.as_pem(private=False), signed.encode(), digest))}"


def _base64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def form(assertion: str, scope: str | None = "system/Flag.rs", **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **({} if scope is None else {"scope": scope}),
        **more,
    }


async def ask(http: AsyncClient, assertion: str, scope: str | None = "system/Flag.rs", **more: str) -> Response:
    return await http.post("/oauth2/token", data=form(assertion, scope, **more))


def error(response: Response) -> tuple[int, str]:
    """Status and error of a refusal, after its shape has been checked."""
    body = response.json()
    assert set(body) == {"error", "error_description"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in response.headers) is (response.status_code == 401)
    return response.status_code, body["error"]

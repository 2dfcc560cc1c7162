"""Access tokens: signed here, verified here, and read into the Caller that every decision starts from.

https://www.rfc-editor.org/rfc/rfc9068; https://www.rfc-editor.org/rfc/rfc6750

A token carries who asks and why, and what the registry says of the client; never a decision. It is for this service
alone. It holds the user's name, and the NHS number of a parent, so no token is ever logged.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey

from app.fhir.errors import Unauthenticated
from app.policy.access import Caller, CareSetting, Kind, Scope, User
from app.security import jwt, scope
from app.security.iua import Statement
from app.security.jwt import JWTError
from app.security.keys import ALGORITHM
from app.settings import Settings
from app.store.client import Client

TYPE = "at+jwt"
LONGEST_LIFE = 300
MOST_REMEMBERED = 10_000


class TokenMissing(Unauthenticated):
    """No credentials were sent, so the challenge names no error (RFC 6750 section 3.1)."""

    www_authenticate = "Bearer"

    def __init__(self) -> None:
        super().__init__("Send an access token of this service: `Authorization: Bearer ...`.")


class TokenRefused(Unauthenticated):
    """A token was sent that does not hold, whatever the reason."""

    www_authenticate = 'Bearer error="invalid_token"'

    def __init__(self) -> None:
        super().__init__("The access token is expired or not one of this service. Ask for a new one.")


@dataclass(frozen=True)
class Issuer:
    """Signs access tokens. Raises ValueError for a life of more than 300 seconds."""

    settings: Settings
    key: ECKey

    def __post_init__(self) -> None:
        if not 0 < self.settings.token_seconds <= LONGEST_LIFE:
            raise ValueError(f"An access token lives 1 to {LONGEST_LIFE} seconds (CRADLE_TOKEN_SECONDS).")

    def issue(self, client: Client, scopes: tuple[Scope, ...], said: Statement, now: datetime) -> str:
        """A token for this client, with what its verified assertion said."""
        issued = int(now.timestamp())
        claims = {
            "iss": self.settings.base_url,
            "aud": self.settings.fhir_base,
            "sub": client.client_id,
            "client_id": client.client_id,
            "scope": " ".join(map(scope.written, scopes)),
            "iat": issued,
            "exp": issued + self.settings.token_seconds,
            "jti": secrets.token_urlsafe(16),
            **_registered(client),
            **_said(said),
        }
        return jwt.sign(claims, self.key, algorithm=ALGORITHM, type=TYPE)


class Verifier:
    """Reads the Authorization header. One that held is remembered by its hash until it expires; a failure never is."""

    def __init__(self, settings: Settings, key: ECKey) -> None:
        self._settings = settings
        self._key = key
        self._remembered: dict[bytes, tuple[int, Caller]] = {}

    def caller(self, authorization: str | None, now: datetime) -> Caller:
        """Who asks. Raises TokenMissing or TokenRefused, both with the challenge in `www_authenticate`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenMissing
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        expires, caller = self._remembered.get(digest) or self._verified(token, now, digest)
        if now.timestamp() >= expires:
            self._remembered.pop(digest, None)
            raise TokenRefused
        return caller

    def _verified(self, token: str, now: datetime, digest: bytes) -> tuple[int, Caller]:
        try:
            claims = self._claims(token, now.timestamp())
            verified = claims["exp"], _caller(claims)
        except (JWTError, KeyError, ValueError, TypeError, AttributeError):
            raise TokenRefused from None
        if len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]  # the oldest, which expires first
        self._remembered[digest] = verified
        return verified

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        unverified = jwt.read(token, [ALGORITHM], [TYPE])
        if unverified.kid != self._key.kid:
            raise JWTError("Another key signed this.")
        claims = unverified.verified(self._key)
        if claims["iss"] != self._settings.base_url or claims["aud"] != self._settings.fhir_base:
            raise JWTError("This is a token of, or for, another service.")
        if not claims["iat"] <= now + self._settings.clock_skew_seconds or not now < claims["exp"]:
            raise JWTError("This token is not valid at this time.")
        return claims


def _registered(client: Client) -> dict[str, Any]:
    return {
        "kind": client.kind.value,
        "care_setting": client.care_setting.value,
        "subject_organization_id": client.ods_code,
        "subject_organization": client.organization_name,
    }


def _said(said: Statement) -> dict[str, Any]:
    user = said.user
    named = {"person_id": user.id, "subject_name": user.name, "subject_role": user.role} if user else {}
    purpose = {"purpose_of_use": said.purpose} if said.purpose else {}
    return {**named, **purpose, "activity_codes": sorted(said.activity_codes)}


def _caller(claims: dict[str, Any]) -> Caller:
    person = claims.get("person_id")
    return Caller(
        client_id=claims["client_id"],
        kind=Kind(claims["kind"]),
        organization=claims["subject_organization_id"],
        organization_name=claims["subject_organization"],
        care_setting=CareSetting(claims["care_setting"]),
        scopes=tuple(scope.parse(text) for text in claims["scope"].split(" ")),
        purpose=claims.get("purpose_of_use"),
        user=User(person, claims["subject_name"], claims["subject_role"]) if person else None,
        activity_codes=frozenset(claims["activity_codes"]),
    )

"""The client assertion: a JWT by which a client proves, once, that it holds its registered key.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html; https://www.rfc-editor.org/rfc/rfc7523

An unknown client, an unknown key and a signature that does not hold are one answer, word for word. Only who holds the
key is told what else is wrong.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeGuard

from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from app.security import iua, jwt
from app.security.jwt import JWTError, Unverified
from app.security.oauth_error import InvalidClient
from app.store.client import Client

ALGORITHMS = ("RS384", "ES384", "RS512")
LONGEST_LIFE = 300
LONGEST_JTI = 128

_TYPES = ("jwt", None)
_LONGEST_CLIENT_ID = 200
_UNKNOWN = "The assertion is not signed by a registered client with a registered key."


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified assertion. From `expires` on it is refused for its age, so its `jti` need not be remembered longer."""

    client: Client
    jti: str
    expires: datetime
    extensions: object = field(repr=False)


def read(text: str) -> Unverified:
    """Split an assertion, unverified. Raises InvalidClient."""
    try:
        return jwt.read(text, ALGORITHMS, _TYPES)
    except JWTError:
        raise InvalidClient(_UNKNOWN) from None


def claimed_client(assertion: Unverified, client_id: str | None) -> str:
    """The client it claims to come from, which is the `client_id` sent beside it, if one is. Raises InvalidClient."""
    subject = assertion.claims.get("sub")
    if (
        not isinstance(subject, str)
        or not iua.is_plain(subject, _LONGEST_CLIENT_ID)
        or client_id not in (None, subject)
    ):
        raise InvalidClient(_UNKNOWN)
    return subject


def verify(assertion: Unverified, client: Client | None, *, audience: str, now: datetime, skew: int) -> Proof:
    """Hold an assertion against its client's registration, or None. `skew` is in seconds. Raises InvalidClient."""
    if client is None:
        raise InvalidClient(_UNKNOWN)
    try:
        claims = assertion.verified(_key(client, assertion.kid))
    except JWTError:
        raise InvalidClient(_UNKNOWN) from None
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("iss and sub are both the client_id.")
    if claims.get("aud") not in (audience, [audience]):
        raise InvalidClient("aud is the URL of the token endpoint, and that alone.")
    if not iua.is_plain(claims.get("jti"), LONGEST_JTI):
        raise InvalidClient(f"jti is a text of at most {LONGEST_JTI} characters, new for each assertion.")
    expires = _expires(claims, now.timestamp(), skew)
    return Proof(client, claims["jti"], datetime.fromtimestamp(expires, UTC), claims.get("extensions", {}))


def _key(client: Client, kid: str) -> Key:
    try:
        keys = [key for key in KeySet.import_key_set(json.loads(client.jwks)) if key.kid == kid]
    except (JoseError, ValueError, KeyError) as error:
        raise ValueError("A registered JWK Set cannot be read.") from error
    if len(keys) != 1:
        raise JWTError("There is not one key of this kid.")
    return keys[0]


def _expires(claims: dict[str, Any], now: float, skew: int) -> int:
    """The second from which the assertion no longer holds here."""
    exp = claims.get("exp")
    if not _is_time(exp):
        raise InvalidClient("exp is a whole number of seconds since 1970.")
    if exp + skew <= now:
        raise InvalidClient("The assertion has expired.")
    if exp > now + LONGEST_LIFE + skew:
        raise InvalidClient(f"exp is at most {LONGEST_LIFE} seconds ahead.")
    for name in ("iat", "nbf"):
        if name in claims and not (_is_time(claims[name]) and claims[name] <= now + skew):
            raise InvalidClient(f"{name} is a whole number of seconds since 1970, and not in the future.")
    return exp + skew


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)

"""A signed JWT in compact form, read strictly before anything in it is believed.

https://www.rfc-editor.org/rfc/rfc7519; https://www.rfc-editor.org/rfc/rfc8725 (best current practices)

Whoever reads one names the algorithms; the header only chooses among them. Key material in a header (`jwk`, `jku`,
`x5c`), `crit` and every other member that is not needed is refused, as is a member given twice: parsers disagree on
which counts.
"""

import base64
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

LARGEST = 16 * 1024

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER = frozenset({"alg", "kid", "typ"})


class JWTError(ValueError):
    """Text that is no signed JWT, or one that this key did not sign. The message never repeats any of it."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a JWT says, which anyone may have written. `claims` is for finding the key, and nothing else."""

    text: str = field(repr=False)
    algorithm: str
    kid: str
    claims: dict[str, Any] = field(repr=False)

    def verified(self, key: Key) -> dict[str, Any]:
        """The claims, once the signature holds under this key. Raises JWTError."""
        try:
            jws.deserialize_compact(self.text, key, algorithms=[self.algorithm])
        except (JoseError, ValueError, TypeError) as error:
            raise JWTError("The signature does not hold.") from error
        return self.claims


def read(text: str, algorithms: Collection[str], types: Collection[str | None]) -> Unverified:
    """Split a JWT whose `alg` and `typ` (lower case, None where absent) are among those given. Raises JWTError."""
    if len(text) > LARGEST or _COMPACT.fullmatch(text) is None:
        raise JWTError("This is no JWT in compact form.")
    header, claims = (_object(part) for part in text.split(".")[:2])
    algorithm, kid, type = header.get("alg"), header.get("kid"), header.get("typ")
    if not header.keys() <= _HEADER or not isinstance(kid, str) or algorithm not in tuple(algorithms):
        raise JWTError("The header is not one of those that are served.")
    if (type.lower() if isinstance(type, str) else type) not in tuple(types):
        raise JWTError("The typ is not one of those that are served.")
    return Unverified(text, str(algorithm), kid, claims)


def sign(claims: dict[str, Any], key: Key, *, algorithm: str, type: str = "JWT") -> str:
    """A JWT under a private key, whose `kid` the header names."""
    header = {"alg": algorithm, "kid": key.kid, "typ": type}
    return joserfc_jwt.encode(header, claims, key, algorithms=[algorithm])


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise JWTError("A part is no JSON.") from error
    if not isinstance(value, dict):
        raise JWTError("A part is no JSON object.")
    return value


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("A member is given twice.")
    return found

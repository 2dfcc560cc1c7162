"""The service's own secrets: the key that signs access tokens, and the key that buckets are computed with.

https://www.rfc-editor.org/rfc/rfc7517; https://www.rfc-editor.org/rfc/rfc7638 (the kid is the thumbprint)

Without a setting each is made once and kept under `var`, readable by its owner alone. Several processes that start at
once agree on one.
"""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from app.settings import Settings

ALGORITHM = "ES256"

_CURVE = "P-256"
_SHORTEST_SECRET = 32


def signing_key(settings: Settings) -> ECKey:
    """The private key of the access tokens. Raises ValueError where the file holds another kind of key."""
    path = settings.signing_key or settings.var / "signing-key.json"
    text = path.read_text() if settings.signing_key else _kept(path, _new_signing_key)
    return _private_key(text, path)


def public_jwks(key: ECKey) -> dict[str, Any]:
    """The JWK Set that access tokens can be verified with."""
    return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM)]}


def bucket_key(settings: Settings) -> bytes:
    """The secret of the keyed hash that gives a person their bucket. Raises ValueError under 32 characters."""
    if settings.bucket_key is not None:
        secret = settings.bucket_key.get_secret_value()
    else:
        secret = _kept(settings.var / "bucket-key", lambda: secrets.token_hex(32))
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"The bucket key needs at least {_SHORTEST_SECRET} characters.")
    return secret.encode()


def _private_key(text: str, path: Path) -> ECKey:
    try:
        members = json.loads(text)
        numbers = {name: members[name] for name in ("kty", "crv", "x", "y", "d")}
        key = ECKey.import_key(numbers)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold a private JWK.") from error
    if key.curve_name != _CURVE:
        raise ValueError(f"{path} must hold an {ALGORITHM} key, on the curve {_CURVE}.")
    key.ensure_kid()
    return key


def _new_signing_key() -> str:
    return json.dumps(ECKey.generate_key(_CURVE).as_dict(private=True))


def _kept(path: Path, make: Callable[[], str]) -> str:
    """What the file holds; what `make` returns, written first, where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, make())
    return path.read_text()


def _write_once(path: Path, secret: str) -> None:
    """Whole or not at all: a link fails where another process was faster, and nobody reads half a key."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

"""The service's own keys: made once, kept from others, refused when they are of another kind."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from pydantic import SecretStr

from app.security import keys
from app.settings import Settings
from tests.security.clients import rsa_key


def test_a_signing_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path / "var")
    first, second = keys.signing_key(settings), keys.signing_key(settings)
    assert first.kid == second.kid == first.thumbprint()
    assert first.curve_name == "P-256"
    files = list((tmp_path / "var").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_a_signing_key_may_be_given(tmp_path: Path) -> None:
    given = ECKey.generate_key("P-256", parameters={"kid": "its own name"})
    path = tmp_path / "key.json"
    path.write_text(json.dumps(given.as_dict(private=True)))
    key = keys.signing_key(Settings(var=tmp_path / "var", signing_key=path))
    assert key.kid == given.thumbprint()
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "not JSON",
        "{}",
        json.dumps(ECKey.generate_key("P-384").as_dict(private=True)),
        json.dumps(ECKey.generate_key("P-256").as_dict(private=False)),
        json.dumps(rsa_key().as_dict(private=True)),
    ],
)
def test_another_kind_of_key_stops_the_start(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"key\.json"):
        keys.signing_key(Settings(signing_key=path))


def test_a_signing_key_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keys.signing_key(Settings(var=tmp_path, signing_key=tmp_path / "nothing.json"))
    assert not list(tmp_path.iterdir())


def test_the_published_key_is_public(tmp_path: Path) -> None:
    key = keys.signing_key(Settings(var=tmp_path))
    (published,) = keys.public_jwks(key)["keys"]
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (published["use"], published["alg"], published["kid"]) == ("sig", "ES256", key.thumbprint())


def test_a_bucket_key_is_made_once(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    assert keys.bucket_key(settings) == keys.bucket_key(settings)
    assert len(keys.bucket_key(settings)) >= 32
    assert keys.bucket_key(Settings(var=tmp_path / "other")) != keys.bucket_key(settings)
    assert stat.S_IMODE((tmp_path / "bucket-key").stat().st_mode) == 0o600


def test_a_bucket_key_may_be_given_but_not_a_short_one(tmp_path: Path) -> None:
    assert keys.bucket_key(Settings(var=tmp_path, bucket_key=SecretStr("k" * 32))) == b"k" * 32
    assert not list(tmp_path.iterdir())
    for short in ("k" * 31, ""):
        with pytest.raises(ValueError, match="32 characters"):
            keys.bucket_key(Settings(var=tmp_path, bucket_key=SecretStr(short)))


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: keys.bucket_key(Settings(var=tmp_path / "var")), range(64)))
    assert len(found) == 1
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["bucket-key"]

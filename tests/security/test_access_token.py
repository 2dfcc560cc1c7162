"""Access tokens: what the service believes, for how long, and what it never does."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from app.fhir import systems
from app.policy.access import Caller, Scope, User
from app.security import keys, token
from app.security.iua import Statement
from app.security.token import Issuer, TokenMissing, TokenRefused, Verifier
from app.settings import Settings
from tests.security.clients import START, ec_key, registration, signed_with_text

SCOPES = (Scope("system", "Flag", "rs"), Scope("system", "*", "r"))
SAID = Statement(f"{systems.ACT_REASON}|ETREAT", User("555021935107", "Zoë O'Neill", "R8000"), frozenset({"B0107"}))


@pytest.fixture
def issued(settings: Settings, key: ECKey) -> str:
    return Issuer(settings, key).issue(registration(), SCOPES, SAID, START)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")[:2])
    return header, claims


def _signed(text: str, key: Key, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """The same token, under this key, with these changes. None leaves a claim out."""
    old_header, old_claims = _parts(text)
    new_header = {**old_header, **(header or {})}
    new_claims = {name: value for name, value in {**old_claims, **claims}.items() if value is not None}
    return jwt.encode(new_header, new_claims, key, algorithms=[new_header["alg"]])


def test_a_token_is_that_of_rfc_9068(issued: str, settings: Settings, key: ECKey) -> None:
    header, claims = _parts(issued)
    assert header == {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    assert claims["iss"] == "http://127.0.0.1:8000"
    assert claims["aud"] == "http://127.0.0.1:8000/fhir/R4"
    assert claims["sub"] == claims["client_id"] == "kings-ed"
    assert claims["scope"] == "system/Flag.rs system/*.r"
    assert claims["exp"] - claims["iat"] == 300
    assert len(claims["jti"]) >= 20


def test_a_token_comes_back_as_its_caller(issued: str, verifier: Verifier) -> None:
    expected = Caller(
        client_id="kings-ed",
        kind=registration().kind,
        organization="RJZ",
        organization_name="KING'S COLLEGE HOSPITAL",
        care_setting=registration().care_setting,
        scopes=SCOPES,
        purpose=SAID.purpose,
        user=SAID.user,
        activity_codes=SAID.activity_codes,
    )
    assert verifier.caller(f"Bearer {issued}", START) == expected
    assert verifier.caller(f"bearer {issued}", START) == expected  # the second is remembered
    assert "Zoë" not in repr(expected)


def test_two_tokens_are_never_the_same(settings: Settings, key: ECKey) -> None:
    issuer = Issuer(settings, key)
    assert len({issuer.issue(registration(), SCOPES, SAID, START) for _ in range(20)}) == 20


@pytest.mark.parametrize("authorization", [None, "", "Basic a2luZ3M6", "Token x", "bearerx"])
def test_without_a_token_the_challenge_names_no_error(authorization: str | None, verifier: Verifier) -> None:
    with pytest.raises(TokenMissing) as refused:
        verifier.caller(authorization, START)
    assert (refused.value.status, refused.value.www_authenticate) == (401, "Bearer")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b", "é.b.c", "\ud800", "{}", "a" * 100_000])
def test_what_is_no_token_is_refused(text: str, verifier: Verifier) -> None:
    with pytest.raises(TokenRefused) as refused:
        verifier.caller(f"Bearer {text}", START)
    assert (refused.value.status, refused.value.www_authenticate) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize("wrapping", [" {}", "{} ", "{}, {}", "{}\n", '"{}"', "{}="])
def test_a_token_stands_alone(wrapping: str, issued: str, verifier: Verifier) -> None:
    assert verifier.caller(f"Bearer {issued}", START)
    with pytest.raises(TokenRefused):
        verifier.caller("Bearer " + wrapping.replace("{}", issued), START)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "https://evil.example/fhir/R4"},
        {"aud": "http://127.0.0.1:8000"},
        {"aud": ["http://127.0.0.1:8000/fhir/R4"]},
        {"aud": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": int(START.timestamp())},
        {"iat": int(START.timestamp()) + 11},
        {"iat": None},
        {"client_id": None},
        {"kind": "no-such-kind"},
        {"kind": None},
        {"care_setting": None},
        {"scope": ""},
        {"scope": "system/Patient.read"},
        {"scope": 7},
        {"activity_codes": None},
        {"subject_name": None},
    ],
)
def test_our_own_signature_is_not_enough(claims: dict[str, Any], issued: str, verifier: Verifier, key: ECKey) -> None:
    assert verifier.caller(f"Bearer {_signed(issued, key)}", START)
    with pytest.raises(TokenRefused):
        verifier.caller(f"Bearer {_signed(issued, key, **claims)}", START)


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "id_token+jwt"}, {"kid": "other"}, {"crit": ["exp"]}])
def test_another_header_is_another_kind_of_token(
    header: dict[str, Any], issued: str, verifier: Verifier, key: ECKey
) -> None:
    with pytest.raises(TokenRefused):
        verifier.caller(f"Bearer {_unchecked(issued, key, header)}", START)


def _unchecked(text: str, key: Key, header: dict[str, Any]) -> str:
    old_header, claims = _parts(text)
    head = base64.urlsafe_b64encode(json.dumps({**old_header, **header}).encode()).rstrip(b"=").decode()
    body = text.split(".")[1]
    assert isinstance(key, ECKey)
    whole = jwt.encode(old_header, claims, key, algorithms=["ES256"])
    return f"{head}.{body}.{whole.split('.')[2]}" if "crit" in header else _signed(text, key, header)


def test_a_foreign_key_signs_nothing(issued: str, verifier: Verifier, key: ECKey) -> None:
    stranger = ECKey.generate_key("P-256")
    for header in ({}, {"kid": key.kid}, {"kid": stranger.thumbprint()}):
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {_signed(issued, stranger, header)}", START)


def test_another_service_signs_nothing(issued: str, settings: Settings, key: ECKey) -> None:
    elsewhere = settings.model_copy(update={"public_url": "https://elsewhere.example"})
    with pytest.raises(TokenRefused):
        Verifier(elsewhere, key).caller(f"Bearer {issued}", START)


def test_the_algorithm_is_ours_to_choose(issued: str, verifier: Verifier, key: ECKey) -> None:
    for algorithm in ("HS256", "HS384", "HS512"):
        forged = signed_with_text(_parts(issued)[1], key, alg=algorithm, typ="at+jwt")
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {forged}", START)
    with pytest.raises(TokenRefused):
        verifier.caller(f"Bearer {_signed(issued, ec_key(), {'alg': 'ES384', 'kid': key.kid})}", START)
    _, body, signature = issued.split(".")
    for alg in ("none", "None", "ES384", ""):
        head = json.dumps({"alg": alg, "kid": key.kid, "typ": "at+jwt"}).encode()
        unsigned = base64.urlsafe_b64encode(head).rstrip(b"=").decode() + "." + body
        for tail in ("", ".", f".{signature}"):
            with pytest.raises(TokenRefused):
                verifier.caller(f"Bearer {unsigned}{tail}", START)


def test_a_token_tampered_with_is_refused(issued: str, verifier: Verifier) -> None:
    head, _, signature = issued.split(".")
    claims = {**_parts(issued)[1], "scope": "system/*.cruds"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for forged in (f"{head}.{body}.{signature}", f"{head}.{body}.", f"{head}.{body}.{'A' * 86}"):
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {forged}", START)


@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 10_000), letter=st.characters())
def test_no_changed_letter_goes_unnoticed(at: int, letter: str, issued: str, verifier: Verifier) -> None:
    at %= len(issued) - 1  # of the last letter some bits say nothing
    if issued[at] != letter:
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {issued[:at]}{letter}{issued[at + 1 :]}", START)


@pytest.mark.parametrize("remembered", [False, True])
def test_a_token_lives_300_seconds_remembered_or_not(remembered: bool, issued: str, verifier: Verifier) -> None:
    if remembered:
        verifier.caller(f"Bearer {issued}", START)
    assert verifier.caller(f"Bearer {issued}", START + timedelta(seconds=299.9))
    for seconds in (300, 301, 10**6):
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {issued}", START + timedelta(seconds=seconds))


def test_an_expired_token_is_forgotten(issued: str, verifier: Verifier) -> None:
    verifier.caller(f"Bearer {issued}", START)
    assert len(verifier._remembered) == 1
    with pytest.raises(TokenRefused):
        verifier.caller(f"Bearer {issued}", START + timedelta(seconds=300))
    assert not verifier._remembered


def test_failures_are_not_remembered(issued: str, verifier: Verifier) -> None:
    early = START - timedelta(seconds=60)
    for text in (issued + "A", "x", issued):
        with pytest.raises(TokenRefused):
            verifier.caller(f"Bearer {text}", early)
    assert not verifier._remembered
    assert verifier.caller(f"Bearer {issued}", START)


def test_memory_is_bounded_and_holds_no_token(
    settings: Settings, key: ECKey, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token, "MOST_REMEMBERED", 5)
    issuer = Issuer(settings, key)
    tokens = [issuer.issue(replace(registration(), client_id=f"c{n}"), SCOPES, SAID, START) for n in range(20)]
    for n, text in enumerate(tokens):
        assert verifier.caller(f"Bearer {text}", START).client_id == f"c{n}"
    assert len(verifier._remembered) == 5
    assert all(len(digest) == 32 for digest in verifier._remembered)
    assert verifier.caller(f"Bearer {tokens[0]}", START).client_id == "c0"  # forgotten, so verified again


def test_a_remembered_token_is_not_verified_again(
    issued: str, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = verifier.caller(f"Bearer {issued}", START)
    monkeypatch.setattr(verifier, "_claims", None)
    assert verifier.caller(f"Bearer {issued}", START) is first


@pytest.mark.parametrize("seconds", [0, -1, 301, 864_000])
def test_no_token_is_issued_for_longer_than_five_minutes(seconds: int, tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, token_seconds=seconds)
    with pytest.raises(ValueError, match="300"):
        Issuer(settings, keys.signing_key(settings))

"""Who is let in: assertions over HTTP, good ones and all that others have got wrong."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx import AsyncClient
from joserfc.jwk import ECKey, Key

from app.fhir import systems
from app.security import assertion
from app.security.oauth_error import InvalidClient
from app.security.token import Verifier
from app.store import client as registry
from app.store.database import Database
from tests.security.clients import (
    CLIENT_ID,
    ETREAT,
    START,
    TOKEN_URL,
    USER,
    Clock,
    ask,
    claims,
    ec_key,
    error,
    jwks,
    registration,
    rsa_key,
    signed,
    signed_with_text,
)

NOW = int(START.timestamp())


@pytest.mark.parametrize(("algorithm", "its_key"), [("ES384", ec_key()), ("RS384", rsa_key()), ("RS512", rsa_key())])
async def test_each_served_algorithm_is_accepted(
    algorithm: str, its_key: Key, http: AsyncClient, verifier: Verifier, clock: Clock
) -> None:
    response = await ask(http, signed(claims(), its_key, alg=algorithm))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "system/Flag.rs")
    assert verifier.caller(f"Bearer {body['access_token']}", clock()).client_id == CLIENT_ID


async def test_a_token_says_who_asks_and_why(http: AsyncClient, verifier: Verifier, clock: Clock) -> None:
    extensions = {"ihe_iua": {**USER, "purpose_of_use": ETREAT}, "nhs": {"activity_codes": ["B0107"]}}
    token = (await ask(http, signed(claims(extensions=extensions)), "system/Patient.r")).json()["access_token"]
    caller = verifier.caller(f"Bearer {token}", clock())
    assert (caller.client_id, caller.kind.value, caller.care_setting.value) == (
        CLIENT_ID,
        "emergency-department",
        "unscheduled",
    )
    assert (caller.organization, caller.organization_name) == ("RJZ", "KING'S COLLEGE HOSPITAL")
    assert caller.purpose == f"{systems.ACT_REASON}|ETREAT"
    assert caller.user is not None
    assert (caller.user.id, caller.user.name, caller.user.role) == tuple(USER.values())
    assert caller.activity_codes == frozenset({"B0107"})
    assert caller.may("Patient", "r")
    assert not caller.may("Patient", "s")
    assert not caller.may("Flag", "r")


async def test_without_a_purpose_or_a_user_the_token_carries_none(
    http: AsyncClient, verifier: Verifier, clock: Clock
) -> None:
    token = (await ask(http, signed(claims()))).json()["access_token"]
    caller = verifier.caller(f"Bearer {token}", clock())
    assert (caller.purpose, caller.user, caller.activity_codes) == (None, None, frozenset())


async def unknown(http: AsyncClient) -> tuple[int, bytes]:
    response = await ask(http, signed(claims(iss="nobody", sub="nobody")))
    assert error(response) == (401, "invalid_client")
    return response.status_code, response.content


def _raw(header: dict[str, Any], signature: bytes = b"x" * 96) -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims()).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


FORGED: dict[str, Callable[[], str]] = {
    "an unknown kid": lambda: signed(claims(), ec_key(name="another")),
    "a stranger's key under a known kid": lambda: signed(claims(), ECKey.generate_key("P-384"), kid="ec"),
    "no kid": lambda: signed(claims(), kid=None),
    "a kid that is no text": lambda: _raw({"alg": "ES384", "kid": 7, "typ": "JWT"}),
    "a kid that is a path": lambda: signed(claims(), kid="../../dev/null"),
    "no signature": lambda: _raw({"alg": "none", "kid": "ec", "typ": "JWT"}, b"").rstrip("."),
    "alg none": lambda: _raw({"alg": "none", "kid": "ec", "typ": "JWT"}),
    "alg none with an empty signature": lambda: _raw({"alg": "none", "kid": "ec", "typ": "JWT"}, b""),
    "alg as a list": lambda: _raw({"alg": ["ES384"], "kid": "ec", "typ": "JWT"}),
    "no alg": lambda: _raw({"kid": "ec", "typ": "JWT"}),
    "an empty ECDSA signature": lambda: _raw({"alg": "ES384", "kid": "ec", "typ": "JWT"}, bytes(96)),
    "a short signature": lambda: _raw({"alg": "ES384", "kid": "ec", "typ": "JWT"}, b"x"),
    "HS256 under the public EC key": lambda: signed_with_text(claims(), ec_key(), alg="HS256"),
    "HS384 under the public RSA key": lambda: signed_with_text(claims(), rsa_key(), alg="HS384"),
    "RS256": lambda: signed(claims(), rsa_key(), alg="RS256"),
    "PS384": lambda: signed(claims(), rsa_key(), alg="PS384"),
    "the EC key named for RS384": lambda: signed(claims(), rsa_key(), alg="RS384", kid="ec"),
    "the RSA key named for ES384": lambda: signed(claims(), ec_key(), kid="rsa"),
    "an id token": lambda: signed(claims(), typ="id+jwt"),
    "an access token's typ": lambda: signed(claims(), typ="at+jwt"),
    "a key in the header": lambda: signed(claims(), jwk=ec_key().as_dict(private=False)),
    "a key set in the header": lambda: signed(claims(), jku="https://evil.example/jwks"),
    "a critical extension": lambda: _raw({"alg": "ES384", "kid": "ec", "typ": "JWT", "crit": ["b64"], "b64": False}),
    "a member twice": lambda: signed(json.dumps(claims())[:-1] + f', "sub": "{CLIENT_ID}"}}'),
    "a list of claims": lambda: signed("[]"),
    "claims that are no JSON": lambda: signed("{"),
    "claims nested deeply": lambda: signed('{"a":' * 1500 + "1" + "}" * 1500),
    "no sub": lambda: signed(claims(sub=None)),
    "a sub that is no text": lambda: signed(claims(sub=[CLIENT_ID])),
    "a sub with a NUL": lambda: signed(claims(sub="a\x00")),
    "a sub of half a character": lambda: signed(claims(sub="\ud800")),
    "a very long sub": lambda: signed(claims(sub="a" * 5000)),
    "a very long assertion": lambda: signed(claims(padding="a" * 20_000)),
    "five parts": lambda: "a.b.c.d.e",
    "two parts": lambda: ".".join(signed(claims()).split(".")[:2]),
    "padding": lambda: signed(claims()) + "=",
    "a letter of another alphabet": lambda: signed(claims()) + "ä",
    "nothing": lambda: ".",
}


@pytest.mark.parametrize("name", FORGED)
async def test_whoever_does_not_hold_the_key_is_nobody(name: str, http: AsyncClient) -> None:
    response = await ask(http, FORGED[name]())
    assert (response.status_code, response.content) == await unknown(http)


async def test_an_es256_assertion_is_refused_even_under_a_registered_key(http: AsyncClient, database: Database) -> None:
    key = ec_key("P-256", "short")
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(jwks=jwks(ec_key(), key))])
    response = await ask(http, signed(claims(), key, alg="ES256"))
    assert (response.status_code, response.content) == await unknown(http)
    response = await ask(http, signed(claims(), ec_key(), kid="short"))
    assert (response.status_code, response.content) == await unknown(http)


async def test_a_tampered_assertion_is_refused(http: AsyncClient) -> None:
    header, _, signature = signed(claims()).split(".")
    other = signed(claims(exp=NOW + 299)).split(".")[1]
    response = await ask(http, f"{header}.{other}.{signature}")
    assert (response.status_code, response.content) == await unknown(http)


async def test_a_kid_that_two_keys_share_names_neither(http: AsyncClient, database: Database) -> None:
    twin = ECKey.generate_key("P-384", parameters={"kid": "ec"})
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(jwks=jwks(ec_key(), twin))])
    for key in (ec_key(), twin):
        response = await ask(http, signed(claims(), key))
        assert (response.status_code, response.content) == await unknown(http)


async def test_a_key_registered_for_one_algorithm_serves_no_other(http: AsyncClient, database: Database) -> None:
    only = {**rsa_key().as_dict(private=False), "alg": "RS384", "use": "sig"}
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(jwks=json.dumps({"keys": [only]}))])
    assert (await ask(http, signed(claims(), rsa_key(), alg="RS384"))).status_code == 200
    response = await ask(http, signed(claims(), rsa_key(), alg="RS512"))
    assert (response.status_code, response.content) == await unknown(http)


async def test_one_clients_key_does_not_speak_for_another(http: AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(client_id="other", jwks=jwks(ec_key(name="other")))])
    response = await ask(http, signed(claims(iss="other", sub="other"), ec_key()))
    assert (response.status_code, response.content) == await unknown(http)
    response = await ask(http, signed(claims(), ec_key()), client_id="other")
    assert (response.status_code, response.content) == await unknown(http)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another iss": ({"iss": "other"}, "iss and sub"),
    "no iss": ({"iss": None}, "iss and sub"),
    "iss as a list": ({"iss": [CLIENT_ID]}, "iss and sub"),
    "another aud": ({"aud": "https://evil.example/token"}, "aud"),
    "the base as aud": ({"aud": "http://127.0.0.1:8000"}, "aud"),
    "aud with a slash": ({"aud": TOKEN_URL + "/"}, "aud"),
    "aud in capitals": ({"aud": TOKEN_URL.upper()}, "aud"),
    "two audiences": ({"aud": [TOKEN_URL, "https://evil.example/token"]}, "aud"),
    "the same audience twice": ({"aud": [TOKEN_URL, TOKEN_URL]}, "aud"),
    "no audiences": ({"aud": []}, "aud"),
    "no aud": ({"aud": None}, "aud"),
    "aud as an object": ({"aud": {TOKEN_URL: True}}, "aud"),
    "expired": ({"exp": NOW - 10}, "expired"),
    "long expired": ({"exp": 0}, "expired"),
    "exp before 1970": ({"exp": -(10**30)}, "expired"),
    "too far": ({"exp": NOW + 311}, "300 seconds"),
    "absurdly far": ({"exp": 10**400}, "300 seconds"),
    "milliseconds": ({"exp": NOW * 1000}, "300 seconds"),
    "no exp": ({"exp": None}, "whole number"),
    "exp as text": ({"exp": str(NOW + 200)}, "whole number"),
    "exp as a fraction": ({"exp": NOW + 200.5}, "whole number"),
    "exp as infinity": ({"exp": float("inf")}, "whole number"),
    "exp as NaN": ({"exp": float("nan")}, "whole number"),
    "exp as true": ({"exp": True}, "whole number"),
    "issued in the future": ({"iat": NOW + 11}, "iat"),
    "iat as text": ({"iat": str(NOW)}, "iat"),
    "not yet valid": ({"nbf": NOW + 11}, "nbf"),
    "nbf as text": ({"nbf": "now"}, "nbf"),
    "no jti": ({"jti": None}, "jti"),
    "an empty jti": ({"jti": ""}, "jti"),
    "a long jti": ({"jti": "j" * 129}, "jti"),
    "jti as a number": ({"jti": 7}, "jti"),
    "jti with a NUL": ({"jti": "a\x00b"}, "jti"),
    "jti of half a character": ({"jti": "\udc00"}, "jti"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_who_holds_the_key_is_told_what_is_wrong(name: str, http: AsyncClient) -> None:
    changes, message = REFUSED[name]
    response = await ask(http, signed(claims(**changes)))
    assert error(response) == (401, "invalid_client")
    assert message in response.json()["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [TOKEN_URL]},
        {"exp": NOW + 300},
        {"exp": NOW + 310},
        {"exp": NOW - 9},
        {"iat": None},
        {"iat": NOW + 10},
        {"nbf": NOW + 10},
        {"nbf": NOW - 5},
        {"jti": "j" * 128},
        {"jti": "ein Zeichen: ✓"},
        {"acr": "AAL3_ANY"},
    ],
)
async def test_clocks_may_differ_by_ten_seconds_and_claims_of_others_are_left_alone(
    changes: dict[str, Any], http: AsyncClient
) -> None:
    assert (await ask(http, signed(claims(**changes)))).status_code == 200


def test_an_assertion_is_held_against_the_client_that_it_names() -> None:
    unverified = assertion.read(signed(claims(sub="other")))
    with pytest.raises(InvalidClient, match="iss and sub"):
        assertion.verify(unverified, registration(), audience=TOKEN_URL, now=START, skew=10)


@pytest.mark.parametrize("typ", ["JWT", "jwt", None])
async def test_a_typ_is_jwt_or_absent(typ: str | None, http: AsyncClient) -> None:
    assert (await ask(http, signed(claims(), typ=typ))).status_code == 200


async def test_an_assertion_is_used_once(http: AsyncClient, clock: Clock) -> None:
    assertion = signed(claims())
    assert (await ask(http, assertion)).status_code == 200
    for seconds in (0, 1, 200):
        clock.advance(seconds)
        replayed = await ask(http, assertion)
        assert error(replayed) == (401, "invalid_client")
        assert "used before" in replayed.json()["error_description"]


async def test_the_same_jti_under_another_signature_is_a_replay(http: AsyncClient) -> None:
    assert (await ask(http, signed(claims(jti="one")))).status_code == 200
    assert error(await ask(http, signed(claims(jti="one", exp=NOW + 100), rsa_key(), alg="RS512"))) == (
        401,
        "invalid_client",
    )


async def test_two_clients_may_choose_the_same_jti(http: AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await registry.put_all(tx, [registration(client_id="other")])
    assert (await ask(http, signed(claims(jti="one")))).status_code == 200
    assert (await ask(http, signed(claims(jti="one", iss="other", sub="other")))).status_code == 200


async def test_an_assertion_is_used_up_by_a_refusal_too(http: AsyncClient) -> None:
    assertion = signed(claims())
    assert error(await ask(http, assertion, "system/AuditEvent.rs")) == (400, "invalid_scope")
    assert error(await ask(http, assertion)) == (401, "invalid_client")
    assertion = signed(claims(extensions={"ihe_iua": {"purpose_of_use": []}}))
    assert error(await ask(http, assertion)) == (400, "invalid_request")
    assert error(await ask(http, assertion)) == (401, "invalid_client")


async def test_a_forgery_uses_nothing_up(http: AsyncClient) -> None:
    assert error(await ask(http, signed(claims(jti="one"), ec_key(name="another")))) == (401, "invalid_client")
    assert error(await ask(http, signed(claims(jti="one", exp=1)))) == (401, "invalid_client")
    assert (await ask(http, signed(claims(jti="one")))).status_code == 200


async def test_of_sixteen_uses_at_once_exactly_one_succeeds(http: AsyncClient) -> None:
    for _ in range(5):
        assertion = signed(claims())
        answers = await asyncio.gather(*(ask(http, assertion) for _ in range(16)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15


@pytest.mark.parametrize(
    ("extensions", "expected", "message"),
    [
        ({"ihe_iua": {"purpose_of_use": {**ETREAT, "code": "X"}}}, (400, "invalid_request"), "purpose_unknown"),
        ({"ihe_iua": {"purpose_of_use": {**ETREAT, "code": "BTG"}}}, (400, "invalid_request"), "purpose_not_allowed"),
        ({"ihe_iua": {"purpose_of_use": [ETREAT, ETREAT]}}, (400, "invalid_request"), "exactly one"),
        ({"ihe_iua": {"subject_organization_id": "RJ1"}}, (401, "invalid_client"), "organisation"),
        ({"nhs": {"activity_codes": ["B9999"]}}, (400, "invalid_request"), "activity code"),
        ({"ihe_iua": {"unheard_of": 1}}, (400, "invalid_request"), "not served"),
        ("", (400, "invalid_request"), "JSON object"),
    ],
)
async def test_what_an_assertion_says_must_be_registered(
    extensions: object, expected: tuple[int, str], message: str, http: AsyncClient
) -> None:
    response = await ask(http, signed(claims(extensions=extensions)))
    assert error(response) == expected
    assert message in response.json()["error_description"]

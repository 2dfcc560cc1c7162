"""The demonstration clients: what they sign is accepted as it stands, and says only what it is told to."""

import json
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from joserfc.jwk import ECKey

from app.fhir import systems
from app.policy.access import Caller, Kind, User
from app.security import demo_client
from app.security.token import Verifier
from app.store import client as registry
from app.store.database import Database
from tests.security.clients import TOKEN_URL, Clock, ec_key, jwks, registration

TREAT = {"system": systems.ACT_REASON, "code": "TREAT"}
AUDIT = {"system": systems.PURPOSE, "code": "audit"}


def entry(kind: Kind, key: ECKey) -> dict[str, Any]:
    text = json.dumps(
        {
            "client_id": f"demo-{kind}",
            "name": "A demonstration",
            "kind": kind,
            "ods_code": "RJZ",
            "scopes": ["system/Patient.rs", "system/Consent.crs"],
            "purposes": [TREAT, AUDIT],
            "activity_codes": ["B0107"],
            "jwk": key.as_dict(private=True),
        }
    )
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest_asyncio.fixture(params=list(Kind))
async def demo(request: pytest.FixtureRequest, database: Database) -> dict[str, Any]:
    kind: Kind = request.param
    client = entry(kind, ec_key())
    registered = registration(
        client_id=client["client_id"],
        kind=kind,
        scopes=tuple(client["scopes"]),
        purposes=tuple(f"{each['system']}|{each['code']}" for each in client["purposes"]),
        activity_codes=tuple(client["activity_codes"]),
        jwks=jwks(ec_key()),
    )
    async with database.transaction() as tx:
        await registry.put_all(tx, [registered])
    return client


async def caller(http: AsyncClient, verifier: Verifier, clock: Clock, form: dict[str, str]) -> Caller:
    response = await http.post("/oauth2/token", data=form)
    assert response.status_code == 200, response.text
    return verifier.caller(f"Bearer {response.json()['access_token']}", clock())


async def test_what_a_client_would_plausibly_say(
    demo: dict[str, Any], http: AsyncClient, verifier: Verifier, clock: Clock
) -> None:
    form = demo_client.token_request(demo, demo_client.assertion(demo, TOKEN_URL, clock()))
    found = await caller(http, verifier, clock, form)
    assert found.purpose == f"{systems.ACT_REASON}|TREAT"
    assert found.user == demo_client.plausible_user(Kind(demo["kind"]))
    assert found.activity_codes == frozenset({"B0107"})
    assert found.may("Patient", "s")
    assert found.may("Consent", "c")


async def test_what_it_is_told_to_say(
    demo: dict[str, Any], http: AsyncClient, verifier: Verifier, clock: Clock
) -> None:
    user = User("9990000026", "Iris Example", "R8001")
    assertion = demo_client.assertion(demo, TOKEN_URL, clock(), purpose=AUDIT, user=user, activity_codes=[])
    found = await caller(http, verifier, clock, demo_client.token_request(demo, assertion, "system/Patient.r"))
    assert (found.purpose, found.user, found.activity_codes) == (f"{systems.PURPOSE}|audit", user, frozenset())
    assert not found.may("Patient", "s")


async def test_what_it_is_told_to_leave_out(
    demo: dict[str, Any], http: AsyncClient, verifier: Verifier, clock: Clock
) -> None:
    assertion = demo_client.assertion(demo, TOKEN_URL, clock(), purpose=None, user=None, activity_codes=None)
    found = await caller(http, verifier, clock, demo_client.token_request(demo, assertion))
    assert (found.purpose, found.user, found.activity_codes) == (None, None, frozenset())

"""The form that asks for a token, and what is refused before anybody is authenticated."""

import logging
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from httpx import ASGITransport, AsyncClient, Response
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

from app.api import oauth2
from app.security.token_form import LARGEST
from app.settings import Settings
from app.store.database import Database
from tests.security.clients import ASSERTION_TYPE, USER, Clock, ask, claims, ec_key, error, form, signed

FORM = "application/x-www-form-urlencoded"


async def post(http: AsyncClient, body: bytes | str, content_type: str | None = FORM) -> Response:
    headers = {} if content_type is None else {"content-type": content_type}
    return await http.post("/oauth2/token", content=body, headers=headers)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": '"><script>'}, "unsupported_grant_type"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_request"),
        ({"client_assertion_type": ASSERTION_TYPE.upper()}, "invalid_request"),
        ({"client_assertion_type": ""}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_secret": "s"}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "system/Patient.read"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "system/Flag.rs system/Flag.c"}, "invalid_scope"),
        ({"scope": "system/Flag.rs\tsystem/Patient.rs"}, "invalid_scope"),
        ({"scope": "system/Flag.rs ñ"}, "invalid_scope"),
    ],
)
async def test_a_parameter_that_is_not_served_is_refused(
    change: dict[str, str], expected: str, http: AsyncClient
) -> None:
    response = await post(http, urlencode({**form(signed(claims())), **change}))
    assert error(response) == (400, expected)
    assert "<script" not in response.text


@pytest.mark.parametrize("missing", ["grant_type", "client_assertion_type", "client_assertion"])
async def test_a_required_parameter_is_missing(missing: str, http: AsyncClient) -> None:
    fields = {name: value for name, value in form(signed(claims())).items() if name != missing}
    response = await post(http, urlencode(fields))
    assert error(response) == (400, "invalid_request")
    assert missing in response.json()["error_description"]


async def test_scopes_are_never_granted_unasked(http: AsyncClient) -> None:
    assert error(await ask(http, signed(claims()), None)) == (400, "invalid_scope")


async def test_a_parameter_is_given_once(http: AsyncClient) -> None:
    fields = form(signed(claims()))
    for name, value in fields.items():
        for second in (value, "x", ""):
            response = await post(http, urlencode([*fields.items(), (name, second)]))
            assert error(response) == (400, "invalid_request")


async def test_a_client_id_is_that_of_the_assertion(http: AsyncClient) -> None:
    assert (await ask(http, signed(claims()), client_id="kings-ed")).status_code == 200
    assert error(await ask(http, signed(claims()), client_id="other")) == (401, "invalid_client")
    assert (await ask(http, signed(claims()), client_id="")).status_code == 200  # without a value: left out


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "application/json", "multipart/form-data; boundary=x", "text/plain"),
        *(f"{FORM}; charset=utf-16", f"{FORM}; charset=utf-8; x=y", f"{FORM}, text/plain"),
    ],
)
async def test_another_media_type_is_refused(content_type: str | None, http: AsyncClient) -> None:
    response = await post(http, urlencode(form(signed(claims()))), content_type)
    assert error(response) == (400, "invalid_request")


async def test_two_media_types_are_none(http: AsyncClient) -> None:
    headers = [("content-type", FORM), ("content-type", "application/json")]
    response = await http.post("/oauth2/token", content=urlencode(form(signed(claims()))), headers=headers)
    assert error(response) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", [FORM, f"{FORM};charset=UTF-8", f"{FORM}; charset=utf-8", FORM.upper()])
async def test_the_media_type_of_a_form_is_accepted(content_type: str, http: AsyncClient) -> None:
    assert (await post(http, urlencode(form(signed(claims()))), content_type)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"&",
        b"grant_type",
        b"=x",
        b"\xff=\xff",
        b"a=%FF",
        b"{}",
        b"a=1&" * 17 + b"b=1",
        b"%67rant_type=x&grant_type=y",
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, http: AsyncClient) -> None:
    assert error(await post(http, body)) == (400, "invalid_request")


async def test_what_is_not_utf_8_is_refused(http: AsyncClient) -> None:
    assert error(await post(http, urlencode(form(signed(claims()))) + "&client_id=%FF")) == (400, "invalid_request")


async def test_a_body_of_more_than_64_kilobytes_is_not_read_to_its_end(http: AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b"a" * 1024

    whole = urlencode(form(signed(claims()), padding="")).encode()
    response = await post(http, whole + b"a" * (LARGEST - len(whole) + 1))
    assert error(response) == (400, "invalid_request")
    assert "larger" in response.json()["error_description"]
    response = await http.post("/oauth2/token", content=endless(), headers={"content-type": FORM})
    assert error(response) == (400, "invalid_request")
    assert sent <= LARGEST + 2048


async def test_nothing_is_taken_from_the_url_or_the_authorization_header(http: AsyncClient) -> None:
    fields = form(signed(claims()))
    response = await http.post("/oauth2/token?scope=system/Patient.rs", data=fields)
    assert error(response) == (400, "invalid_request")
    response = await http.post("/oauth2/token", data=fields, headers={"authorization": "Basic a2luZ3MtZWQ6"})
    assert error(response) == (400, "invalid_request")
    assert (await http.post("/oauth2/token", data=fields)).status_code == 200


async def test_the_token_endpoint_is_for_post(http: AsyncClient) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        assert (await http.request(method, "/oauth2/token")).status_code == 405


async def test_without_a_database_there_is_no_token(settings: Settings, key: ECKey, database: Database) -> None:
    nowhere = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/nothing")
    app = Starlette(routes=oauth2.routes(settings, Database(nowhere, database.hot, 1), key, Clock()))
    async with AsyncClient(transport=ASGITransport(app), base_url=settings.base_url) as http:
        assert error(await ask(http, signed(claims()))) == (503, "temporarily_unavailable")


async def test_a_token_and_its_user_reach_no_log(http: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assertion = signed(claims(extensions={"ihe_iua": USER}))
    token = (await ask(http, assertion)).json()["access_token"]
    refused = signed(claims(extensions={"ihe_iua": {**USER, "unheard_of": 1}}))
    assert (await ask(http, refused)).status_code == 400
    assert caplog.text
    for secret in (assertion, refused, token, *USER.values()):
        assert secret not in caplog.text


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES384", "RS384", "none", "HS256", "", 7, None, ["ES384"]]),
        "kid": st.one_of(st.just("ec"), st.just("rsa"), st.text(max_size=5), st.none(), st.integers()),
        "typ": st.sampled_from(["JWT", "at+jwt", None, 7, []]),
    },
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "extensions"])
IUA = st.sampled_from(["person_id", "subject_name", "subject_role", "purpose_of_use", "subject_organization_id"])


@st.composite
def garbage(draw: st.DrawFn) -> str:
    """From any text to a well-signed assertion with some claims replaced."""
    match draw(st.integers(0, 4)):
        case 0:
            return draw(st.text(max_size=60))
        case 1:
            return draw(st.text(alphabet="eyJhbGci.-_=09", max_size=80))
        case 2:
            extensions = {"ihe_iua": draw(st.dictionaries(IUA, JSON)), "nhs": {"activity_codes": draw(JSON)}}
            return signed(claims(extensions=extensions))
        case 3:
            good = signed(claims())
            at = draw(st.integers(0, len(good) - 1))
            return good[:at] + draw(st.characters()) + good[at + 1 :]
    return signed({**claims(), **draw(st.dictionaries(NAMES, JSON, max_size=3))}, ec_key())


@given_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(assertion=garbage())
async def test_no_assertion_whatever_is_an_error_of_the_server(assertion: str, http: AsyncClient) -> None:
    response = await http.post(
        "/oauth2/token", content=urlencode(form(assertion), errors="replace"), headers={"content-type": FORM}
    )
    if response.status_code != 200:
        assert error(response)[0] in (400, 401)


@given_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200) | st.text(alphabet="grant_type=&%;+client_assertion01", max_size=80).map(str.encode)
)
async def test_no_body_whatever_is_an_error_of_the_server(body: bytes, http: AsyncClient) -> None:
    assert error(await post(http, body))[0] == 400

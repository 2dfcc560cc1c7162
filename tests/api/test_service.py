"""What is promised of the whole service: every operation, every refusal, every line of log, and what it says of itself.

https://hl7.org/fhir/R4/capabilitystatement.html; https://owasp.org/API-Security/ (API5, API9)
"""

import json
import logging
import re
from typing import Any

import pytest
from starlette.routing import Route

from app.settings import FHIR_PATH
from tests.api import answers, examples
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

OPEN = {f"{FHIR_PATH}/metadata"}
NOT_FHIR = {
    "/oauth2/token",
    "/oauth2/jwks",
    "/.well-known/smart-configuration",
    "/.well-known/oauth-authorization-server",
    f"{FHIR_PATH}/.well-known/smart-configuration",
    f"{FHIR_PATH}/",
    "/openapi.json",
    "/docs",
    *(f"/docs/{name}" for name in ("start.js", "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")),
}
IDS = ("018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b", "x")
REQUEST_ID = "0b6d5c0e-64a4-4d57-9f0b-9a0a6a8f6d10"


def operations(running: Running) -> list[tuple[str, str]]:
    """Every operation of the OpenAPI document, as (method, path)."""
    paths = running.app.openapi()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert len(found) > 40
    return found


def _url(path: str, id: str = IDS[0]) -> str:
    return path.replace("{id}", id).replace("{version}", "1").replace("{type}", "Consent")


async def _send(caller: Caller, method: str, path: str, text: str = "{}") -> Any:
    url = str(caller.http.base_url.copy_with(path=_url(path)))
    form = path.endswith("_search")
    media_type = "application/x-www-form-urlencoded" if form else "application/fhir+json"
    content = "" if form and text == "{}" else text
    more: dict[str, Any] = {"content": content, "headers": {"Content-Type": media_type}}
    return await caller.send(method, url, **(more if method in ("POST", "PUT") else {}))


@pytest.mark.parametrize(
    ("token", "challenge"), [(None, "Bearer"), ("x", 'Bearer error="invalid_token"'), ("", "Bearer")]
)
async def test_every_operation_refuses_a_caller_without_a_token(
    token: str | None, challenge: str, as_: Callers, running: Running
) -> None:
    stranger = Caller(as_.http, token)
    opened = set()
    for method, path in operations(running):
        answer = await _send(stranger, method, path)
        if answer.status_code == 200:
            opened.add(path)
            continue
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == challenge
        assert answer.json()["issue"][0]["code"] == "login"
    assert opened == OPEN


async def test_a_token_is_not_enough_where_it_has_no_scope(as_: Callers, running: Running) -> None:
    """Of every kind of caller, with the narrowest token that there is."""
    narrow = await as_.as_said("stranger", scope="system/Organization.c")
    for method, path in operations(running):
        enough = ("POST", f"{FHIR_PATH}/Organization"), ("POST", f"{FHIR_PATH}/Organization/$validate")
        if path in OPEN | {FHIR_PATH} or (method, path) in enough:
            continue
        answer = await _send(narrow, method, path)
        assert answer.status_code == 403, path


async def test_no_route_is_unlisted(running: Running) -> None:
    described = {path for _, path in operations(running)}
    every = [each for route in running.app.router.routes for each in getattr(route, "routes", [route])]
    routed = {route.path_format for route in every if isinstance(route, Route)}
    assert described <= routed
    assert routed - described == NOT_FHIR


NOISE = [
    "{",
    "null",
    "[]",
    '{"resourceType":{}}',
    '{"resourceType":"Patient","identifier":[null]}',
    '{"resourceType":"Consent","provision":[]}',
    "%",
    "patient=%ff",
    "patient:identifier=|",
    "patient=%00",
    "_count=9999999999999999999999",
    "_lastUpdated=ge0000-00-00",
    "_lastUpdated=9999-12-31",
    "_id=" + "a," * 3000,
    "&".join(f"_id={n}" for n in range(65)),
    "_include=:::::",
    "identifier=%5C",
    "_page=AAAA",
]


@pytest.mark.parametrize("noise", NOISE)
async def test_noise_is_refused_and_never_a_defect(noise: str, as_: Callers, running: Running) -> None:
    some = [each for each in operations(running) if re.search("/(Patient|Consent|Flag|AuditEvent)", each[1])]
    assert len(some) > 20
    for method, path in some:
        caller = as_["auditor" if "AuditEvent" in path else "stranger"]
        answer = await _send(caller, method, path, noise)
        assert answer.status_code < 500, (method, path)
        if method == "GET":
            url = str(caller.http.base_url.copy_with(path=_url(path))) + "?" + noise.replace('"', "%22")
            assert (await caller.get(url)).status_code < 500, path


async def test_whom_it_is_about_is_included(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get("RelatedPerson", {**child.about(), "_include": "RelatedPerson:patient"})
    assert answers.resources(answer) == [child.mother]
    assert answers.resources(answer, "include") == [child.patient]
    other = await as_["stranger"].get("RelatedPerson", {**child.about(), "_include": "RelatedPerson:patient"})
    assert answers.resources(other, "include") == []


async def test_open_documents_name_one_service(as_: Callers, running: Running) -> None:
    statement = (await as_.nobody.get("metadata")).json()
    smart = (await as_.nobody.get(".well-known/smart-configuration")).json()
    assert statement["implementation"]["url"] == running.settings.fhir_base
    assert smart["token_endpoint"] in json.dumps(statement["rest"][0]["security"])


async def test_a_line_of_log_says_what_was_done_and_of_nobody(as_: Callers, child: Child) -> None:
    lines: list[str] = []
    keep = logging.Handler()
    keep.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # a handler in a line
    logging.getLogger("cradle").addHandler(keep)
    try:
        await as_["health-visiting"].get("Patient", {"identifier": examples.number_token(child.nhs_number)})
        await as_["health-visiting"].get("Patient", {"family": "Example"}, {"X-Request-ID": REQUEST_ID})
        await as_["emergency-department"].get("Flag", child.about())
        await as_["health-visiting"].create(child.patient | {"gender": "Amelia"})
        await as_.nobody.get(f"Patient/{child.nhs_number}")
    finally:
        logging.getLogger("cradle").removeHandler(keep)
    assert len(lines) == 5
    second = json.loads(lines[1])
    assert second.pop("milliseconds") > 0
    assert second == {
        "request": REQUEST_ID,
        "client": "health-visiting",
        "organization": "RX999",
        "interaction": "search",
        "type": "Patient",
        "status": 200,
    }
    for line in lines:
        assert not answers.numbers_in(line)
        assert not any(name in line for name in (*answers.NAMES, "Example"))

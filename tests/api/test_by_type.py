"""Routes that are looked for by type match what they would match one after the other.

https://www.starlette.dev/routing/
"""

from collections.abc import Awaitable, Callable
from itertools import product

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.api.by_type import ByType
from app.settings import FHIR_PATH

LINES = [
    *(("GET", "/metadata"), ("POST", "/"), ("POST", ""), ("GET", "/Patient"), ("POST", "/Patient"), ("GET", "/Flag")),
    *(("POST", "/Patient/_search"), ("POST", "/Patient/$match"), ("GET", "/Patient/{id}"), ("PUT", "/Patient/{id}")),
    *(("GET", "/Patient/{id}/_history/{version}"), ("GET", "/_history")),
]
PATHS = [
    *("", "/", "/metadata", "/metadata/", "/Patient", "/Patient/", "/Patient/1", "/Patient/1/", "/Patient/_search"),
    *("/Patient/$match", "/Patient/1/_history/2", "/Patient/1/_history", "/Flag", "/Flag/1", "/patient", "/_history"),
    *("/Patients", "/Pat", "//Patient", "/Patient//1", "/Nothing/1"),
]


def routes() -> list[Route]:
    return [Route(FHIR_PATH + path, _endpoint(f"{method} {path}"), methods=[method]) for method, path in LINES]


def _endpoint(name: str) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    async def respond(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{name} {request.path_params}")

    return respond


@pytest.mark.parametrize("path", PATHS)
async def test_it_answers_as_the_routes_would(path: str) -> None:
    one_by_one, by_type = Starlette(routes=routes()), Starlette(routes=[ByType(routes())])
    for app in (one_by_one, by_type):
        app.router.redirect_slashes = False
    for method, start in product(("GET", "POST", "PUT", "DELETE", "HEAD"), (FHIR_PATH, "", "/fhir/R5")):
        answers = []
        for app in (one_by_one, by_type):
            async with AsyncClient(transport=ASGITransport(app), base_url="http://x") as http:
                answers.append(await http.request(method, start + path))
        expected, found = answers
        assert (found.status_code, found.text, found.headers) == (
            expected.status_code,
            expected.text,
            expected.headers,
        ), (method, start + path)


async def test_most_of_them_are_found() -> None:
    async with AsyncClient(transport=ASGITransport(Starlette(routes=[ByType(routes())])), base_url="http://x") as http:
        found = [(await http.get(FHIR_PATH + path)).status_code for path in PATHS]
    assert found.count(200) > 5

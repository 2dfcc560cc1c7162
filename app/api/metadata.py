"""capabilities: what exists here, open to everyone.

https://hl7.org/fhir/R4/http.html#capabilities
"""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from app.api import requests, responses, tracing
from app.fhir import capability
from app.fhir.capability import Surface
from app.fhir.errors import FHIRError, InvalidParameter
from app.settings import VERSION, Settings


def of(settings: Settings, surface: Surface) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. The statement is made once."""
    statement = capability.statement(settings.fhir_base, settings.token_url, VERSION, surface)
    text = json.dumps(statement, ensure_ascii=False, separators=(",", ":"))

    async def capabilities(request: Request) -> Response:
        try:
            response = _answer(request, text)
        except FHIRError as refused:
            response = responses.error(refused)
        tracing.give_back(request, response, tracing.any_id(request))
        return response

    return capabilities


def _answer(request: Request, text: str) -> Response:
    requests.check_accept(request)
    pairs = requests.query_pairs(request)
    requests.only(pairs, "mode")
    if any(name == "mode" and value != "full" for name, value in pairs):
        raise InvalidParameter("mode is full.", expression="mode")
    response = responses.fhir(text)
    return responses.indented(response) if requests.wants_pretty(request) else response

"""capabilities: what exists here, open to everyone.

https://hl7.org/fhir/R4/http.html#capabilities
"""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from app.api import requests, responses
from app.fhir import capability
from app.fhir.capability import Surface
from app.fhir.errors import FHIRError
from app.settings import VERSION, Settings


def of(settings: Settings, surface: Surface) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. The statement is made once."""
    statement = capability.statement(settings.fhir_base, settings.token_url, VERSION, surface)
    text = json.dumps(statement, ensure_ascii=False, separators=(",", ":"))

    async def capabilities(request: Request) -> Response:
        try:
            requests.check_accept(request)
            return responses.fhir(text)
        except FHIRError as refused:
            return responses.error(refused)

    return capabilities

"""The headers by which a request is found again, here and at the caller: X-Request-ID and X-Correlation-ID.

https://digital.nhs.uk/developer/guides-and-documentation/reference-guide
"""

import re
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from app.fhir.errors import InvalidValue, MissingValue

REQUEST_ID, CORRELATION_ID = "x-request-id", "x-correlation-id"

_ID = re.compile(r"[A-Za-z0-9\-._]{1,128}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def request_id(request: Request, *, is_strict: bool = False) -> str:
    """The caller's X-Request-ID, which is given back and kept in the audit; one of our own where there is none.

    Where it `is_strict`, as the NHS's services are, there has to be one, and a UUID. Raises MissingValue and InvalidValue.
    """
    sent = request.headers.get(REQUEST_ID)
    if is_strict and sent is None:
        raise MissingValue("Send an X-Request-ID, a UUID that you have made for this request.")
    if is_strict and not _UUID.fullmatch(sent or ""):
        raise InvalidValue("X-Request-ID is a UUID.")
    if sent is None:
        return str(uuid4())
    if not _ID.fullmatch(sent):
        raise InvalidValue("X-Request-ID is up to 128 letters, digits and -._; a UUID is best.")
    return sent


def any_id(request: Request) -> str:
    """The caller's X-Request-ID where it can be given back, or else one of our own: of what is refused in any case."""
    sent = request.headers.get(REQUEST_ID, "")
    return sent if _ID.fullmatch(sent) else str(uuid4())


def check(request: Request) -> None:
    """Raises InvalidValue for an X-Correlation-ID that could not be given back as it came."""
    sent = request.headers.get(CORRELATION_ID)
    if sent is not None and not _ID.fullmatch(sent):
        raise InvalidValue("X-Correlation-ID is up to 128 letters, digits and -._.")


def give_back(request: Request, response: Response, request_id: str) -> None:
    """Both, as the caller sent them as far as they are ids at all."""
    response.headers[REQUEST_ID] = request_id
    sent = request.headers.get(CORRELATION_ID)
    if sent is not None and _ID.fullmatch(sent):
        response.headers[CORRELATION_ID] = sent

"""What a request says of itself: its id, what it accepts, its parameters and its body.

https://hl7.org/fhir/R4/http.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.requests import Request

from app.fhir import json_text
from app.fhir.errors import Malformed, NotAcceptable, PreconditionFailed, TooLarge, UnsupportedMediaType
from app.fhir.json_text import JSONTextError
from app.policy.access import Caller

_ID = re.compile(r"[A-Za-z0-9\-._]{1,128}")
_JSON = ("application/fhir+json", "application/json", "text/json")
_ACCEPTED = (*_JSON, "*/*", "application/*", "json")
_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose caller is known. `now` is the one moment at which everything in it is judged."""

    request: Request
    caller: Caller
    request_id: str
    now: datetime


def request_id(request: Request) -> str:
    """The caller's X-Request-ID, which is given back and kept in the audit; one of our own where there is none."""
    sent = request.headers.get("x-request-id")
    if sent is None:
        return str(uuid4())
    if not _ID.fullmatch(sent):
        raise Malformed("X-Request-ID is up to 128 letters, digits and -._; a UUID is best.")
    return sent


def check_accept(request: Request) -> None:
    """Refuse a caller who wants anything but JSON. `_format` goes before the Accept header (R4, 3.1.0.1.11)."""
    asked = []
    if b"_format" in request.scope["query_string"]:
        asked = [value for name, value in request.query_params.multi_items() if name == "_format"]
    _check_wanted(asked[-1:] or request.headers.get("accept", "*/*").split(","))


def _check_wanted(wanted: Sequence[str]) -> None:
    if not any(each.partition(";")[0].strip().lower() in _ACCEPTED for each in wanted):
        raise NotAcceptable("Only JSON is served: Accept: application/fhir+json.")


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of the URL, in the order in which they were sent."""
    return _pairs(request.url.query)


async def form_pairs(request: Request, largest: int) -> list[tuple[str, str]]:
    """The parameters of a `POST _search`: those of its body and of its URL."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await body(request, largest)
    if raw and sent != _FORM:
        raise UnsupportedMediaType(f"Send the search as {_FORM}.")
    try:
        pairs = _pairs(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise Malformed("The search is not UTF-8.") from None
    for name, value in pairs:
        if name == "_format":
            _check_wanted([value])
    return query_pairs(request) + pairs


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise Malformed(f"At most {_MOST_PARAMETERS} parameters, in UTF-8.") from None


async def resource_body(request: Request, largest: int) -> bytes:
    """The body of a request that sends a resource."""
    check_is_json(request)
    return await body(request, largest)


def check_is_json(request: Request) -> None:
    """Refuse a body that does not say that it is FHIR's JSON."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in _JSON:
        raise UnsupportedMediaType("Send the resource as application/fhir+json.")


def json_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Malformed."""
    try:
        return json_text.read(raw)[0]
    except JSONTextError as error:
        raise Malformed(str(error)) from None


async def body(request: Request, largest: int) -> bytes:
    """The whole body, refused as soon as it is too large."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > largest:
            raise TooLarge(f"The body may have {largest} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def if_match(request: Request) -> int | None:
    """The version in `If-Match: W/"2"`; None where there is no such header."""
    sent = request.headers.get("if-match")
    if sent is None:
        return None
    match = re.fullmatch(r'(?:W/)?"([1-9][0-9]{0,8})"', sent.strip())
    if match is None:
        raise Malformed('If-Match is a version: W/"2".')
    return int(match[1])


def version_seen(request: Request) -> int:
    """The version in If-Match, by which a caller says what they have seen. Raises PreconditionFailed without it."""
    version = if_match(request)
    if version is None:
        raise PreconditionFailed('Send If-Match with the version that you have seen, such as W/"2".')
    if "if-none-match" in request.headers:
        raise PreconditionFailed(
            "If-None-Match is for reading. A resource is created by POST, which may be conditional."
        )
    return version


def is_lenient(request: Request) -> bool:
    """Whether the caller would have a search parameter that is not known passed over (`Prefer: handling=lenient`)."""
    sent = ";".join(request.headers.getlist("prefer")).replace(",", ";")
    return "handling=lenient" in [each.strip().lower() for each in sent.split(";")]


def only(pairs: Sequence[tuple[str, str]], *allowed: str) -> None:
    """Refuse any parameter but these."""
    for name, _ in pairs:
        if name not in allowed:
            raise Malformed(f"This takes no parameters{' but ' + ', '.join(allowed) if allowed else ''}.")

"""What a request says of itself: what it accepts, its parameters and its body.

https://hl7.org/fhir/R4/http.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from app.api import media_types, preferences
from app.fhir import json_text
from app.fhir.errors import (
    InvalidParameter,
    Malformed,
    NotAcceptable,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
)
from app.fhir.json_text import JSONTextError
from app.policy.access import Caller

GENERAL = ("_format", "_pretty")
_MOST_PARAMETERS = 64
_LONGEST_LENGTH = 15  # digits of a Content-Length that are worth reading
_VERSION = "[1-9][0-9]{0,8}"
_PRETTY = "cradle.pretty"  # where a search by POST leaves, in the ASGI scope, that it asked for it


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose caller is known. `now` is the one moment at which everything in it is judged."""

    request: Request
    caller: Caller
    request_id: str
    now: datetime


def check_accept(request: Request) -> None:
    """Refuse a caller who wants anything but JSON. `_format` goes before the Accept header (R4, 3.1.0.1.11)."""
    asked = []
    if b"_format" in request.scope["query_string"]:
        asked = [value for name, value in request.query_params.multi_items() if name == "_format"]
    if asked:
        _check_format(asked[-1])
    elif not media_types.accepts_json(",".join(request.headers.getlist("accept")) or "*/*"):
        raise NotAcceptable("Only FHIR R4 in JSON is served: Accept: application/fhir+json; fhirVersion=4.0.")


def _check_format(value: str) -> None:
    if not media_types.is_format(value):
        raise NotAcceptable("Only JSON is served: _format=json.")


def wants_pretty(request: Request) -> bool:
    """Whether the answer is to be indented (`_pretty=true`). Raises InvalidParameter."""
    if b"_pretty" not in request.scope["query_string"]:
        return bool(request.scope.get(_PRETTY))
    asked = [_is_true(value) for name, value in request.query_params.multi_items() if name == "_pretty"]
    return asked[-1:] == [True]


def _is_true(value: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidParameter("_pretty is true or false.", expression="_pretty")
    return value == "true"


def is_lenient(request: Request) -> bool:
    """Whether the caller would have a search parameter that is not known passed over (`Prefer: handling=lenient`)."""
    return preferences.of(request).is_lenient


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of the URL, in the order in which they were sent."""
    return encoded_pairs(request.scope["query_string"])


async def form_pairs(request: Request, largest: int) -> list[tuple[str, str]]:
    """The parameters of a `POST _search`: those of its body and of its URL."""
    raw = await body(request, largest)
    if raw and not media_types.is_form(request.headers.get("content-type", "")):
        raise UnsupportedMediaType(f"Send the search as {media_types.FORM}, in UTF-8.")
    pairs = encoded_pairs(raw)
    for name, value in pairs:
        if name == "_format":
            _check_format(value)
        if name == "_pretty":
            request.scope[_PRETTY] = _is_true(value)
    return query_pairs(request) + pairs


def encoded_pairs(raw: bytes) -> list[tuple[str, str]]:
    """The parameters in what is encoded as in a URL. Raises Malformed."""
    try:
        return parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise Malformed(f"At most {_MOST_PARAMETERS} parameters, in UTF-8.") from None


async def resource_body(request: Request, largest: int) -> bytes:
    """The body of a request that sends a resource."""
    check_is_json(request)
    return await body(request, largest)


def check_is_json(request: Request) -> None:
    """Refuse a body that does not say that it is FHIR's JSON."""
    if not media_types.is_json(request.headers.get("content-type", "")):
        raise UnsupportedMediaType("Send the resource as application/fhir+json; fhirVersion=4.0, in UTF-8.")


def json_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Malformed."""
    try:
        return json_text.read(raw)[0]
    except JSONTextError as error:
        raise Malformed(str(error)) from None


async def body(request: Request, largest: int) -> bytes:
    """The whole body, refused as soon as it is too large: before it is sent, where it says how long it is."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _LONGEST_LENGTH or int(declared) > largest):
        raise TooLarge(f"The body may have {largest} bytes.")
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
    match = re.fullmatch(rf'(?:W/)?"({_VERSION})"', sent.strip())
    if match is None:
        raise Malformed('If-Match is a version: W/"2".')
    return int(match[1])


def version_seen(request: Request, stated: object = None) -> int:
    """The version by which a caller says what they have seen. Raises PreconditionFailed where they do not say.

    That is If-Match, or without it the `meta.versionId` that came back in the resource, `stated`: client libraries that
    send no If-Match send that.
    """
    version = version_if_seen(request)
    if version is not None:
        return version
    if isinstance(stated, str) and re.fullmatch(_VERSION, stated):
        return int(stated)
    raise PreconditionFailed('Send If-Match with the version that you have seen, such as W/"2".')


def version_if_seen(request: Request) -> int | None:
    """The same where a condition says what is meant, and If-Match may be left out. Raises PreconditionFailed."""
    if "if-none-match" in request.headers:
        raise PreconditionFailed("If-None-Match is for reading. A resource is created by POST, with If-None-Exist.")
    return if_match(request)


def only(pairs: Sequence[tuple[str, str]], *allowed: str) -> None:
    """Refuse any parameter but these and those that every request may have."""
    for name, _ in pairs:
        if name not in (*allowed, *GENERAL):
            raise Malformed(f"This takes no parameters{' but ' + ', '.join(allowed) if allowed else ''}.")

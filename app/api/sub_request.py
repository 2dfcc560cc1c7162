"""One entry of a Bundle as the request that it stands for, answered by the interaction that would answer it alone.

https://hl7.org/fhir/R4/http.html#transaction

The caller is who sent the Bundle, and nothing in an entry can say otherwise. Everything else is the entry's own: what may
be seen, the audit, and a request id of the Bundle's with the entry's place after it.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from app.api import requests, responses
from app.api.endpoint import ASSIGNED, answer
from app.api.registered import Matched, Table
from app.api.requests import Asked
from app.api.service import Service
from app.child_protection import gate
from app.fhir import json_text
from app.fhir.bundle_request import Requested
from app.fhir.errors import FHIRError, Malformed
from app.settings import FHIR_PATH

_JSON, _JSON_PATCH, _FORM = "application/fhir+json", "application/json-patch+json", "application/x-www-form-urlencoded"
# Of the headers of the Bundle's request, what holds for each entry. The others were settled at the door.
_INHERITED = ("prefer", gate.HEADER.lower())


@dataclass(frozen=True, slots=True)
class SubRequest:
    """An entry, found in the table: what a request of its own would be by then."""

    matched: Matched
    asked: Asked


def of(service: Service, asked: Asked, table: Table, entry: Requested, assigned: UUID | None = None) -> SubRequest:
    """`asked` is the request that brought the Bundle. Raises what its form or its URL is refused for."""
    matched = table.match("GET" if entry.method == "HEAD" else entry.method, entry.path)
    request = _request(asked.request, entry, matched, assigned)
    requests.check_accept(request)
    requests.wants_pretty(request)  # which it may say, and cannot have
    own = Asked(request, asked.caller, f"{asked.request_id}.{entry.index}", service.clock())
    return SubRequest(matched, own)


async def run(service: Service, asked: Asked, table: Table, entry: Requested, assigned: UUID | None = None) -> Response:
    """What the entry is answered."""
    try:
        own = of(service, asked, table, entry, assigned)
    except FHIRError as refused:
        return responses.error(refused)
    line, type = own.matched.line, own.matched.type
    return await answer(service, own.asked, line.name, type, line.of(type))


def _request(outer: Request, entry: Requested, matched: Matched, assigned: UUID | None) -> Request:
    media_type, body = _body(entry)
    headers = [(name, value) for name in _INHERITED for value in outer.headers.getlist(name)]
    headers += [*entry.headers, ("content-type", media_type), ("content-length", str(len(body)))]
    path = f"{FHIR_PATH}/{entry.path}"
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET" if entry.method == "HEAD" else entry.method,
        "scheme": outer.scope["scheme"],
        "server": outer.scope.get("server"),
        "client": outer.scope.get("client"),
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": entry.query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "path_params": matched.path_params,
    }
    if assigned is not None:
        scope[ASSIGNED] = assigned

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def _body(entry: Requested) -> tuple[str, bytes]:
    """Media type and content. A JSON Patch comes in a Binary (R4, 3.1.0.11.2)."""
    resource = entry.resource
    if resource is None:
        return (_FORM if entry.is_search else _JSON), b""
    if entry.method == "PATCH" and resource.get("resourceType") == "Binary":
        return _JSON_PATCH, _json_patch(resource, f"{entry.place}.resource")
    return _JSON, json_text.written_exactly(resource).encode()


def _json_patch(binary: Mapping[str, Any], place: str) -> bytes:
    if set(binary) - {"resourceType", "id", "meta"} != {"contentType", "data"}:
        raise Malformed("A Binary with a patch has contentType and data, and nothing else.", expression=place)
    if binary["contentType"] != _JSON_PATCH:
        raise Malformed(f"The contentType of a patch is {_JSON_PATCH}.", expression=f"{place}.contentType")
    try:
        return base64.b64decode(str(binary["data"]), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("This is not base64.", expression=f"{place}.data") from None

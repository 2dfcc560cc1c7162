"""The OpenAPI document: what FastAPI cannot see in routes that take the request as it is.

https://spec.openapis.org/oas/v3.1.0

It is a file, `openapi/openapi.json`, and is not served. `make openapi` writes it anew.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

from app.api import oauth2
from app.child_protection import gate
from app.fhir import search_parameters
from app.security import scope

_EVERYWHERE = ("_id", "_lastUpdated", "_count", "_total")
_FORM, _FHIR = "application/x-www-form-urlencoded", "application/fhir+json"


class Described(FastAPI):
    """An application whose document says how a caller proves who it is."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        document["components"] = {"securitySchemes": {"smart": _smart()}}
        return document


class Answer(JSONResponse):
    """What every answer is, for the document."""

    media_type = _FHIR


def operation(method: str, path: str, type: str) -> dict[str, Any]:
    """Parameters, body and security of one interaction."""
    is_search = method == "GET" and path == f"/{type}"
    parameters = [_parameter(name, "path") for name in ("id", "version") if f"{{{name}}}" in path]
    if is_search:
        parameters += [_parameter(name, "query") for name in _searched_by(type)]
    if method in ("PUT", "PATCH", "DELETE") and path.endswith("/{id}"):
        parameters.append(_parameter("If-Match", "header", required=True))
    if type == "Flag" and (is_search or path.endswith("_search")):
        parameters.append(_parameter(gate.HEADER, "header"))
    described: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if path.endswith("_search"):
        form = {"type": "object", "properties": {name: {"type": "string"} for name in _searched_by(type)}}
        described["requestBody"] = {"content": {_FORM: {"schema": form}}}
    elif path.endswith("/$validate"):
        parameters += [_parameter(name, "query") for name in ("mode", "profile")]
        described = {"parameters": parameters}
        if method == "POST":
            body = {"anyOf": [_resource(type), _resource("Parameters")]}
            described["requestBody"] = {"required": "{id}" not in path, "content": {_FHIR: {"schema": body}}}
    elif method in ("POST", "PUT"):
        described["requestBody"] = {"required": True, "content": {_FHIR: {"schema": _resource(type)}}}
    if path != "/metadata":
        described["security"] = [{"smart": []}]
    return described


def _parameter(name: str, place: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required or place == "path", "schema": {"type": "string"}}


def _searched_by(type: str) -> Iterator[str]:
    for parameter in search_parameters.parameters(type).values():
        yield parameter.code
        if parameter.type == "reference":
            yield f"{parameter.code}:identifier"
    yield from _EVERYWHERE
    if type in search_parameters.written_types():
        yield from ("_include", "_include:iterate")


def _resource(type: str) -> dict[str, Any]:
    """No more than its type: the profiles say the rest, and the service holds resources to them."""
    return {"type": "object", "properties": {"resourceType": {"const": type}}, "required": ["resourceType"]}


def _smart() -> dict[str, Any]:
    scopes = dict.fromkeys(scope.supported(), "SMART v2: create, read, update, search")
    return {
        "type": "oauth2",
        "description": "SMART Backend Services: the client proves itself with a signed assertion (private_key_jwt), which "
        "states the purpose of use and, where somebody is at the screen, the user.",
        "flows": {"clientCredentials": {"tokenUrl": oauth2.TOKEN_PATH, "scopes": scopes}},
    }

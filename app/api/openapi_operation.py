"""One interaction with one type, as OpenAPI describes it.

https://spec.openapis.org/oas/v3.1.0#operation-object; https://hl7.org/fhir/R4/http.html
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from app.api import openapi_words
from app.child_protection import gate
from app.fhir import json_patch, search_parameters
from app.fhir.schema_definitions import FOLDER

FHIR_JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"


class Line(Protocol):
    """A line of the router's table."""

    @property
    def code(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def types(self) -> tuple[str, ...]: ...


def capabilities() -> dict[str, Any]:
    """The one request that needs no token."""
    return {
        "operationId": "capabilities",
        "summary": "What is served here",
        "tags": [_group("").name],
        "responses": _answers("200", "The CapabilityStatement"),
    }


def operation(line: Line, type: str) -> dict[str, Any]:
    """Summary, parameters, body, answers and security."""
    described: dict[str, Any] = {
        "operationId": _id(line, type),
        "summary": openapi_words.SUMMARIES.get(line.code, f"{line.code} of {{type}}").format(type=type),
        "tags": [_group(type).name],
        "parameters": list(_parameters(line, type)),
    }
    if body := _body(line, type):
        described["requestBody"] = body
    said = "Done" if line.method in ("PUT", "PATCH", "DELETE") else "What may be seen"
    described["responses"] = _answers(openapi_words.STATUS.get(line.code, "200"), said)
    return described | {"security": [{"smart": []}, {"token": []}]}


def parameters() -> dict[str, Any]:
    """The headers that several interactions share."""
    return {
        name: {"name": name, "in": "header", "description": said, "schema": {"type": "string"}}
        for name, said in openapi_words.SHARED_HEADERS.items()
    }


def _group(type: str) -> openapi_words.Group:
    return next((group for group in openapi_words.GROUPS if type in group.types), openapi_words.GROUPS[-1])


def _id(line: Line, type: str) -> str:
    """`read-Patient`; a second way to the same has its path or method in the name."""
    name = line.code.removeprefix("$").removesuffix("-type").removesuffix("-instance").removesuffix("-system")
    of_one = "-of-one" if (line.code[0] == "$" and "{id}" in line.path) or line.code == "history-instance" else ""
    by_search = "-by-search" if line.method in ("PUT", "PATCH", "DELETE") and "{id}" not in line.path else ""
    with_post = line.path.endswith("_search") or (line.code[0] == "$" and line.method == "POST")
    in_compartment = "-in-compartment" if line.code == "search-type" and "{id}" in line.path else ""
    by_post = "-by-post" if with_post else ""
    return f"{name}-{type or 'system'}{of_one}{in_compartment}{by_search}{by_post}"


def _parameters(line: Line, type: str) -> Iterator[dict[str, Any]]:
    for name in ("id", "version", "type"):
        if f"{{{name}}}" in line.path:
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if line.code == "search-type" and line.method == "GET":
        yield from _searched_by(None if "{type}" in line.path else type)
    for name in openapi_words.QUERIES.get(line.code, ()):
        yield _query(name, "")
    for name in (
        "X-Request-ID",
        "X-Correlation-ID",
        "NHSD-End-User-Organisation-ODS",
        *openapi_words.HEADERS.get(line.code, ()),
    ):
        yield {"$ref": f"#/components/parameters/{name}"}
    if type == "Flag" and line.code == "search-type":
        yield {"$ref": f"#/components/parameters/{gate.HEADER}"}


def _searched_by(type: str | None) -> Iterator[dict[str, Any]]:
    """Without a type, what every type is searched by."""
    for parameter in search_parameters.parameters(type).values() if type else ():
        yield _query(parameter.code, f"{parameter.type}: {parameter.url}")
        if parameter.type == "reference":
            yield _query(f"{parameter.code}:identifier", "by an identifier: [system]|[value]")
    for name in openapi_words.SEARCH_RESULT:
        yield _query(name, "")


def _query(name: str, said: str) -> dict[str, Any]:
    described = {"name": name, "in": "query", "schema": {"type": "string"}}
    return described | ({"description": said} if said else {})


def _body(line: Line, type: str) -> dict[str, Any] | None:
    match line.code, line.method:
        case _, "GET" | "DELETE":
            return None
        case "search-type", _:
            names = [each["name"] for each in _searched_by(None if "{type}" in line.path else type)]
            form = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
            return {"content": {_FORM: {"schema": form}}}
        case "create" | "update", _:
            examples = {name: {"$ref": f"#/components/examples/{name}"} for name in _examples().get(type, ())}
            content = {"schema": _resource(type)} | ({"examples": examples} if examples else {})
            return {"required": True, "content": {FHIR_JSON: content}}
        case "patch", _:
            parameters = {FHIR_JSON: {"schema": _resource("Parameters")}}
            return {
                "required": True,
                "content": {json_patch.MEDIA_TYPE: {"schema": {"type": ["array", "object"]}}, **parameters},
            }
        case "batch" | "transaction", _:
            return {"required": True, "content": {FHIR_JSON: {"schema": _resource("Bundle")}}}
        case "$validate", _:
            either = {"anyOf": [_resource(type), _resource("Parameters")]}
            return {"required": "{id}" not in line.path, "content": {FHIR_JSON: {"schema": either}}}
        case _:
            return {"required": "{id}" not in line.path, "content": {FHIR_JSON: {"schema": _resource("Parameters")}}}


def _resource(type: str) -> dict[str, Any]:
    """No more than its type: the profiles say the rest, and the service holds resources to them."""
    return {"type": "object", "properties": {"resourceType": {"const": type}}, "required": ["resourceType"]}


def _answers(status: str, said: str) -> dict[str, Any]:
    done: dict[str, Any] = {"description": said}
    if status != "204":
        done["content"] = {FHIR_JSON: {"schema": {"type": "object"}}}
    return {status: done, "default": {"$ref": "#/components/responses/Refused"}}


@cache
def _examples() -> dict[str, list[str]]:
    """The names of the examples, by type."""
    found: dict[str, list[str]] = {}
    for file in sorted((FOLDER / "examples").glob("*.json")):
        found.setdefault(json.loads(file.read_text("utf-8"))["resourceType"], []).append(file.stem)
    return found

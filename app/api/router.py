"""Every FHIR route: one line an interaction. The CapabilityStatement and the OpenAPI document are made from this table.

https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api import (
    audit_event,
    create,
    delete,
    lookup,
    match,
    merge,
    metadata,
    openapi,
    read,
    search,
    unmerge,
    update,
    validate,
    vread,
)
from app.api.endpoint import Interact, endpoint
from app.api.service import Service
from app.fhir import deletion, search_parameters
from app.fhir.capability import Surface
from app.fhir.schema_definitions import DefinitionError
from app.policy import facts
from app.settings import FHIR_PATH

OPEN = frozenset({f"{FHIR_PATH}/metadata"})  # what is answered without a token


@dataclass(frozen=True, slots=True)
class Registered:
    """One line of the table.

    `code` is of http://hl7.org/fhir/restful-interaction, or `$name` for an operation. `path` is below `[base]/[type]`,
    or below `[base]` where `types` is empty. `name` is what the audit and the log call it.
    """

    code: str
    method: str
    path: str
    of: Callable[[str], Interact]
    types: tuple[str, ...]
    name: str


def _search(type: str) -> Interact:
    return lookup.look_up if type == "Flag" else search.of(type)


def table() -> Iterator[Registered]:
    """All that is served with a token, in the order in which it is matched."""
    written = search_parameters.written_types()
    yield Registered("search-type", "GET", "", _search, written, "search")
    yield Registered("search-type", "POST", "/_search", _search, written, "search")
    yield Registered("create", "POST", "", create.of, written, "create")
    yield Registered("$validate", "POST", "/$validate", validate.of, written, "validate")
    yield Registered("read", "GET", "/{id}", read.of, written, "read")
    yield Registered("$validate", "GET", "/{id}/$validate", validate.of_one, written, "validate")
    yield Registered("$validate", "POST", "/{id}/$validate", validate.of_one, written, "validate")
    yield Registered("update", "PUT", "/{id}", update.of, written, "update")
    deletable = tuple(type for type in written if deletion.is_deletable(type))
    yield Registered("delete", "DELETE", "/{id}", delete.of, deletable, "delete")
    yield Registered("vread", "GET", "/{id}/_history/{version}", vread.of, written, "vread")
    patient = ("Patient",)
    yield Registered("$match", "POST", "/$match", lambda _: match.match, patient, "match")
    yield Registered("$merge", "POST", "/$merge", lambda _: merge.merge, patient, "merge")
    yield Registered("$unmerge", "POST", "/{id}/$unmerge", lambda _: unmerge.unmerge, patient, "unmerge")
    audit = ("AuditEvent",)
    yield Registered("search-type", "GET", "", lambda _: audit_event.search_type, audit, "search")
    yield Registered("search-type", "POST", "/_search", lambda _: audit_event.search_type, audit, "search")
    yield Registered("read", "GET", "/{id}", lambda _: audit_event.read, audit, "read")


def refusals() -> Iterator[Registered]:
    """What is answered only to say what to do instead, and told of nowhere."""
    kept = tuple(type for type in search_parameters.written_types() if not deletion.is_deletable(type))
    yield Registered("delete", "DELETE", "/{id}", delete.refused, kept, "delete")


def surface() -> Surface:
    """What the table serves, by type, for the CapabilityStatement."""
    types: dict[str, dict[str, None]] = {}
    for line in table():
        for type in line.types or ("",):
            types.setdefault(type, {})[line.code] = None
    return Surface({type: tuple(codes) for type, codes in types.items()})


class _Route(APIRoute):
    """A route in the OpenAPI document whose endpoint takes the request as it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint


def router(service: Service) -> APIRouter:
    """The routes of a service. DefinitionError for a type about which no policy decides: it would be shown by oversight."""
    if undecided := set(search_parameters.written_types()) - facts.TYPES:
        raise DefinitionError(f"app/policy/category.py says nothing of {', '.join(sorted(undecided))}.")
    routes = APIRouter(prefix=FHIR_PATH, route_class=_Route)
    _add(routes, "GET", "/metadata", "capabilities", "CapabilityStatement", metadata.of(service.settings, surface()))
    for line in table():
        for type in line.types:
            respond = endpoint(service, line.name, type, line.of(type))
            _add(routes, line.method, f"/{type}{line.path}", line.name, type, respond)
        if not line.types:
            _add(routes, line.method, line.path, line.name, "", endpoint(service, line.name, "", line.of("")))
    for line in refusals():
        for type in line.types:
            respond = endpoint(service, line.name, type, line.of(type))
            _add(routes, line.method, f"/{type}{line.path}", line.name, type, respond, is_told_of=False)
    return routes


def lookup_routes(service: Service) -> list[Route]:
    """The child-protection lookup once more, to be matched before everything else and without FastAPI's own work.

    It is the one request whose cost is counted in microseconds; the router's twin is what OpenAPI describes.
    """
    look_up = endpoint(service, "search", "Flag", lookup.look_up)
    return [
        Route(f"{FHIR_PATH}/Flag/_search", look_up, methods=["POST"]),
        Route(f"{FHIR_PATH}/Flag", look_up, methods=["GET"]),
    ]


def _add(
    routes: APIRouter,
    method: str,
    path: str,
    name: str,
    type: str,
    respond: Callable[[Request], Awaitable[Response]],
    *,
    is_told_of: bool = True,
) -> None:
    of_one = "-of-one" if "/{id}/$" in path else ""
    by_post = "-by-post" if path.endswith("_search") or (of_one and method == "POST") else ""
    routes.add_api_route(
        path,
        respond,
        methods=[method],
        name=f"{name} {type}",
        summary=f"{name} {type}",
        operation_id=f"{name}-{type}{of_one}{by_post}",
        tags=[type],
        include_in_schema=is_told_of,
        status_code=201 if name == "create" else 200,
        response_class=openapi.Answer,
        response_model=None,
        openapi_extra=openapi.operation(method, path, type),
        responses={"default": {"description": "An OperationOutcome", "content": {"application/fhir+json": {}}}},
    )

"""Every FHIR route: type by type, one line an interaction.

https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api import audit_event, create, lookup, metadata, openapi, read, search, update, vread
from app.api.endpoint import Interact, endpoint
from app.api.service import Service
from app.fhir import search_parameters
from app.settings import FHIR_PATH

OPEN = frozenset({f"{FHIR_PATH}/metadata"})  # what is answered without a token


class _Route(APIRoute):
    """A route in the OpenAPI document whose endpoint takes the request as it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint


def router(service: Service) -> APIRouter:
    """The routes of a service."""
    routes = APIRouter(prefix=FHIR_PATH, route_class=_Route)

    def add(method: str, path: str, name: str, type: str, interact: Interact) -> None:
        _add(routes, method, path, name, type, endpoint(service, name, type, interact))

    _add(routes, "GET", "/metadata", "capabilities", "CapabilityStatement", metadata.of(service.settings))
    for type in search_parameters.written_types():
        looked_for = lookup.look_up if type == "Flag" else search.of(type)
        add("GET", f"/{type}", "search", type, looked_for)
        add("POST", f"/{type}/_search", "search", type, looked_for)
        add("POST", f"/{type}", "create", type, create.of(type))
        add("GET", f"/{type}/{{id}}", "read", type, read.of(type))
        add("PUT", f"/{type}/{{id}}", "update", type, update.of(type))
        add("GET", f"/{type}/{{id}}/_history/{{version}}", "vread", type, vread.of(type))
    add("GET", "/AuditEvent", "search", "AuditEvent", audit_event.search_type)
    add("POST", "/AuditEvent/_search", "search", "AuditEvent", audit_event.search_type)
    add("GET", "/AuditEvent/{id}", "read", "AuditEvent", audit_event.read)
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
) -> None:
    is_form = path.endswith("_search")
    routes.add_api_route(
        path,
        respond,
        methods=[method],
        name=f"{name} {type}",
        summary=f"{name} {type}",
        operation_id=f"{name}-{type}" + ("-by-post" if is_form else ""),
        tags=[type],
        status_code=201 if name == "create" else 200,
        response_class=openapi.Answer,
        response_model=None,
        openapi_extra=openapi.operation(method, path, type),
        responses={"default": {"description": "An OperationOutcome", "content": {"application/fhir+json": {}}}},
    )

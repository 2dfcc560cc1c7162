"""Every FHIR route: one line an interaction. The CapabilityStatement and the OpenAPI document are made from this table.

https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api import (
    audit_event,
    bundle,
    compartment,
    create,
    delete,
    everything,
    history,
    lookup,
    match,
    merge,
    metadata,
    openapi,
    patch,
    paths,
    read,
    search,
    unmerge,
    unrouted,
    update,
    validate,
    vread,
)
from app.api.endpoint import Interact, endpoint
from app.api.registered import Registered, Table
from app.api.service import Service
from app.fhir import deletion, search_parameters
from app.fhir.capability import Surface
from app.fhir.schema_elements import DefinitionError
from app.policy import authorship, facts
from app.settings import FHIR_PATH

Respond: TypeAlias = Callable[[Request], Awaitable[Response]]
OPEN = frozenset({f"{FHIR_PATH}/metadata"})  # what is answered without a token


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
    changed = tuple(type for type in written if type not in authorship.UNCHANGED)
    yield Registered("update", "PUT", "/{id}", update.of, changed, "update")
    yield Registered("update", "PUT", "", update.conditional_of, changed, "update")
    yield Registered("patch", "PATCH", "/{id}", patch.of, changed, "patch")
    yield Registered("patch", "PATCH", "", patch.conditional_of, changed, "patch")
    deletable = tuple(type for type in written if deletion.is_deletable(type))
    yield Registered("delete", "DELETE", "/{id}", delete.of, deletable, "delete")
    yield Registered("delete", "DELETE", "", delete.conditional_of, deletable, "delete")
    yield Registered("vread", "GET", "/{id}/_history/{version}", vread.of, written, "vread")
    yield Registered("history-instance", "GET", "/{id}/_history", history.of, written, "history")
    yield Registered("history-type", "GET", "/_history", history.of_type, written, "history")
    yield Registered("history-system", "GET", "/_history", lambda _: history.system, (), "history")
    patient = ("Patient",)
    yield Registered("$everything", "GET", "/{id}/$everything", lambda _: everything.everything, patient, "everything")
    yield Registered("$everything", "POST", "/{id}/$everything", lambda _: everything.everything, patient, "everything")
    in_compartment = compartment.search_compartment
    yield Registered("search-type", "GET", "/{id}/{type}", lambda _: in_compartment, patient, "search")
    yield Registered("search-type", "POST", "/{id}/{type}/_search", lambda _: in_compartment, patient, "search")
    yield Registered("$match", "POST", "/$match", lambda _: match.match, patient, "match")
    yield Registered("$merge", "POST", "/$merge", lambda _: merge.merge, patient, "merge")
    yield Registered("$unmerge", "POST", "/{id}/$unmerge", lambda _: unmerge.unmerge, patient, "unmerge")
    for code in ("batch", "transaction"):  # told apart by the Bundle itself
        yield Registered(code, "POST", "", lambda _: bundle.of(ENTRIES), (), "bundle")
    audit = ("AuditEvent",)
    yield Registered("search-type", "GET", "", lambda _: audit_event.search_type, audit, "search")
    yield Registered("search-type", "POST", "/_search", lambda _: audit_event.search_type, audit, "search")
    yield Registered("read", "GET", "/{id}", lambda _: audit_event.read, audit, "read")


def refusals() -> Iterator[Registered]:
    """What is answered only to say what to do instead, and told of nowhere."""
    kept = tuple(type for type in search_parameters.written_types() if not deletion.is_deletable(type))
    yield Registered("delete", "DELETE", "/{id}", delete.refused, kept, "delete")
    yield Registered("delete", "DELETE", "", delete.refused, kept, "delete")
    unchanged = tuple(sorted(authorship.UNCHANGED))
    yield Registered("update", "PUT", "/{id}", update.of, unchanged, "update")
    yield Registered("patch", "PATCH", "/{id}", patch.of, unchanged, "patch")


ENTRIES = Table(lambda: (*table(), *refusals()))
"""The same, for the entries of Bundles."""


def surface() -> Surface:
    """What the table serves, by type, for the CapabilityStatement."""
    types: dict[str, dict[str, None]] = {}
    conditional: dict[str, set[str]] = {}
    for line in table():
        for type in line.types or ("",):
            types.setdefault(type, {})[line.code] = None
            if line.method in ("POST", "PUT", "PATCH", "DELETE") and not line.path:  # by If-None-Exist, or by the URL
                conditional.setdefault(type, set()).add(line.code)
    return Surface({type: tuple(codes) for type, codes in types.items()}, conditional)


def routes(service: Service) -> list[Route]:
    """The routes of a service. DefinitionError for a type about which no policy decides: it would be shown by oversight."""
    if undecided := set(search_parameters.written_types()) - facts.TYPES:
        raise DefinitionError(f"app/policy/category.py says nothing of {', '.join(sorted(undecided))}.")
    # The lookup is matched first: its cost is counted in microseconds.
    look_up = endpoint(service, "search", "Flag", lookup.look_up, service.lookup_rate_limit)
    found = [_route("POST", "/Flag/_search", look_up), _route("GET", "/Flag", look_up)]
    found += [_route("GET", "/metadata", metadata.of(service.settings, surface()))]
    found += [_route("POST", "/", endpoint(service, "bundle", "", bundle.of(ENTRIES)))]  # [base] as some write it
    for line in table():
        found += [_route(line.method, path, respond) for path, respond in _placed(service, line)]
    for line in refusals():
        found += [_route(line.method, path, respond, unrouted.REFUSED) for path, respond in _placed(service, line)]
    return found


def _placed(service: Service, line: Registered) -> Iterator[tuple[str, Respond]]:
    """A line's paths below the base, one for each type, with what answers there."""
    for type in line.types or ("",):
        yield f"/{type}{line.path}" if type else line.path, endpoint(service, line.name, type, line.of(type))


def document() -> dict[str, Any]:
    """What is served, as OpenAPI describes it."""
    return openapi.document(table())


def _route(method: str, path: str, respond: Respond, name: str | None = None) -> Route:
    return Route(FHIR_PATH + paths.of(path), respond, methods=[method], name=name)

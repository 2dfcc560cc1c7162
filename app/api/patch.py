"""patch: the next version of a resource, told by what changes in it.

https://hl7.org/fhir/R4/http.html#patch; https://www.rfc-editor.org/rfc/rfc5789

JSON Patch and FHIRPath Patch, done to what the caller may see. Then it goes the way of an update, with the same rules:
If-Match is required, and what was hidden stays.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.responses import Response

from app.api import conditional, next_version, read, requests, responses, submission
from app.api.endpoint import Interact, permit
from app.api.next_version import Change, Place
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import fhirpath_patch, json_patch, json_text, outcome, resource_id, validation
from app.fhir.errors import Malformed, NotFound, Unprocessable, UnsupportedPatch
from app.policy import continuation
from app.settings import Settings
from app.store import audit
from app.store.resource import Stored
from app.store.search import Row
from app.store.writing import Draft

Patch: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
_FHIR_JSON = "application/fhir+json"
_OURS = (("id",), ("resourceType",), ("meta", "versionId"), ("meta", "lastUpdated"))


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def patch(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "patch", type, "u")
        expected = requests.version_seen(asked.request)
        change = await sent(service, asked, type)
        id = resource_id.parse(asked.request.path_params["id"])
        written = None
        async with service.database.transaction() as tx:
            if id:
                place = Place(type, id, expected)
                written = await next_version.write(service, asked, tx, "patch", may_see, place, change)
            if written is None:
                await audit.record(tx, [read.entry(asked, "patch", type, id, None)])
        if written is None:
            raise NotFound
        return submission.written(service, asked, written.version, 200, written.shown)

    return patch


def conditional_of(type: str) -> Interact:
    """The same where the URL says by a search which resource is meant."""

    async def patch(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "patch", type, "u")
        expected = requests.version_if_seen(asked.request)
        condition = conditional.of_url(service, asked, type)
        change = await sent(service, asked, type)
        written = None
        async with service.database.transaction() as tx:
            met = await conditional.met(service, asked, tx, condition)
            if met.row:
                place = Place(type, met.row.id, expected)
                written = await next_version.write(service, asked, tx, "patch", may_see, place, change)
            if written is None:
                await audit.record(tx, conditional.nothing(asked, "patch", condition, met))
        if written is None:
            raise NotFound
        return submission.written(service, asked, written.version, 200, written.shown)

    return patch


async def sent(service: Service, asked: Asked, type: str) -> Change:
    """The change that the body tells of."""
    media_type = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (json_patch.MEDIA_TYPE, _FHIR_JSON):
        raise UnsupportedPatch
    raw = await requests.body(asked.request, service.settings.largest_body)
    is_json_patch = media_type == json_patch.MEDIA_TYPE
    apply = _json_patch(raw, service.settings) if is_json_patch else _fhirpath_patch(raw)

    def change(row: Row, stored: Stored) -> Draft:
        shown = responses.shown(row)
        patched = apply(json_text.exact(shown))
        before = json_text.exact(shown)
        _check_ours(before, patched)
        if shown != stored.content:
            patched = continuation.rejoined(json_text.exact(stored.content), before, patched)
        return submission.checked(service, asked, type, json_text.written_exactly(patched).encode())

    return change


def _json_patch(raw: bytes, settings: Settings) -> Patch:
    operations = json_patch.read(raw, removes_what_was_tested=settings.nhs_strict)
    return lambda resource: json_patch.applied(resource, operations, settings.largest_body)


def _fhirpath_patch(raw: bytes) -> Patch:
    parameters = requests.json_body(raw)
    if parameters.get("resourceType") != "Parameters":
        raise Malformed("A FHIRPath Patch is a Parameters resource.", expression="resourceType")
    if found := validation.base_faults(parameters):
        raise Unprocessable("The patch is not a valid Parameters resource.", issues=outcome.issues(found))
    operations = fhirpath_patch.read(json_text.exact(raw.decode()))
    return lambda resource: fhirpath_patch.applied(resource, operations)


def _check_ours(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What the service gives is not patched. Raises Unprocessable."""
    for path in _OURS:
        if _at(before, path) != _at(after, path):
            raise Unprocessable(f"{'.'.join(path)} is given by the service, and is not patched.")


def _at(resource: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = resource
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value

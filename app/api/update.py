"""update: the next version of a resource, by its owner, on the version that the caller has seen.

https://hl7.org/fhir/R4/http.html#update; https://hl7.org/fhir/R4/http.html#concurrency

Nobody overwrites what they have not seen: the version is named by If-Match, or by the `meta.versionId` that comes back (not in
strict NHS mode). A resource is not created under a caller's id, since ids are ours; by a condition it is, where nothing meets
it.
"""

from starlette.responses import Response

from app.api import conditional, create, next_version, read, requests, submission
from app.api.endpoint import Interact, permit
from app.api.next_version import Place
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id
from app.fhir.errors import InvalidResourceId, NotFound, PreconditionFailed
from app.store import audit
from app.store.database import Transaction
from app.store.resource import Version
from app.store.writing import Draft

CREATED_ELSEWHERE = "Ids are given here: create a resource by POST [base]/[type]."


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def update(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "update", type, "u")
        if service.settings.nhs_strict:
            requests.version_seen(asked.request)
        draft = await submission.sent(service, asked, type)
        expected = requests.version_seen(asked.request, draft.resource.get("meta", {}).get("versionId"))
        if draft.resource.get("id") != asked.request.path_params["id"]:
            raise InvalidResourceId("The resource's id must be the one in the URL.", expression=f"{type}.id")
        id = resource_id.parse(asked.request.path_params["id"])
        written = None
        async with service.database.transaction() as tx:
            if id:
                place = Place(type, id, expected)
                written = await next_version.write(service, asked, tx, "update", may_see, place, lambda *_: draft)
            if written is None:
                await audit.record(tx, [read.entry(asked, "update", type, id, None)])
        if written is None:
            raise NotFound(CREATED_ELSEWHERE)
        return submission.written(service, asked, written.version, 200, written.shown)

    return update


def conditional_of(type: str) -> Interact:
    """The same where the URL says by a search which resource is meant. Where there is none, it is created."""

    async def update(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "update", type, "u")
        expected = requests.version_if_seen(asked.request)
        condition = conditional.of_url(service, asked, type)
        draft = await submission.sent(service, asked, type)
        async with service.database.transaction() as tx:
            met = await conditional.met(service, asked, tx, condition, draft.resource)
            if met.row is None:
                created = await _created(service, asked, tx, draft, expected)
                return submission.written(service, asked, created, 201, created.content)
            if draft.resource.get("id", str(met.row.id)) != str(met.row.id):
                raise InvalidResourceId("The condition meets a resource of another id.", expression=f"{type}.id")
            place = Place(type, met.row.id, expected)
            written = await next_version.write(service, asked, tx, "update", may_see, place, lambda *_: draft)
            if written is None:
                await audit.record(tx, conditional.nothing(asked, "update", condition, met))
        if written is None:
            raise NotFound(CREATED_ELSEWHERE)
        return submission.written(service, asked, written.version, 200, written.shown)

    return update


async def _created(service: Service, asked: Asked, tx: Transaction, draft: Draft, expected: int | None) -> Version:
    """What no resource met. Raises PreconditionFailed where a version was to be there, and Malformed for an id."""
    type = draft.resource["resourceType"]
    permit(service, asked, "create", type, "c")
    if expected is not None:
        raise PreconditionFailed("There is nothing that meets the condition, and so no version of it.")
    if "id" in draft.resource:
        raise InvalidResourceId("Ids are given here: leave it out where nothing is there yet.", expression=f"{type}.id")
    return await create.stored(service, asked, tx, "update", draft)

"""update: the next version of a resource, by its owner, on the version that the caller has seen.

https://hl7.org/fhir/R4/http.html#update; https://hl7.org/fhir/R4/http.html#concurrency

If-Match is required: nobody overwrites what they have not seen. A resource is not created by update, since ids are ours.
"""

from starlette.responses import Response

from app.api import next_version, read, requests, submission
from app.api.endpoint import Interact, permit
from app.api.next_version import Place
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id
from app.fhir.errors import InvalidResourceId, NotFound
from app.store import audit

CREATED_ELSEWHERE = "Ids are given here: create a resource by POST [base]/[type]."


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def update(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "update", type, "u")
        expected = requests.version_seen(asked.request)
        draft = await submission.sent(service, asked, type)
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

"""read: the current version of one resource.

https://hl7.org/fhir/R4/http.html#read
"""

from functools import partial
from uuid import UUID

from starlette.responses import Response

from app.api import conditions, requests, responses
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id
from app.fhir.errors import Gone, NotFound
from app.store import audit
from app.store.audit import Entry
from app.store.audited_reading import Read
from app.store.search import Row


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def read(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "read", type, "r")
        id = resource_id.parse(asked.request.path_params["id"])
        row = await service.read(Read(may_see, type, id, None, partial(entry, asked, "read", type, id)))
        if row is None:
            raise NotFound
        return answered(asked, row)

    return read


def answered(asked: Asked, row: Row) -> Response:
    """A version that was found: 304 where the caller has it already, 410 where it is the one that deleted."""
    if row.deleted:
        return responses.error(Gone())
    if conditions.has_already(asked.request, row.version, row.last_updated):
        return responses.not_modified(row)
    return responses.resource(row)


def entry(asked: Asked, interaction: str, type: str, id: UUID | None, row: Row | None) -> Entry:
    """What the audit keeps of a request for one resource, there or not."""
    return Entry(
        asked.caller,
        asked.now,
        interaction,
        type,
        audit.RELEASED if row else audit.NOTHING,
        row.rule if row else "nothing",
        asked.request_id,
        patient_id=row.patient_id if row else (id if type == "Patient" else None),
        resources=(named(row),) if row else ((f"{type}/{id}",) if id else ()),
    )


def named(row: Row) -> str:
    """A version as the audit names it."""
    return f"{row.type}/{row.id}/_history/{row.version}"

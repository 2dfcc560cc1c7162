"""read: the current version of one resource.

https://hl7.org/fhir/R4/http.html#read
"""

import json
from functools import partial
from uuid import UUID

from starlette.responses import Response

from app.api import conditions, requests, responses
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id, search_result, subject
from app.fhir.errors import Gone, NotFound
from app.fhir.subset import WHOLE, Part
from app.policy.authority import Permit
from app.store import audit, identity
from app.store.audit import Entry
from app.store.audited_reading import Read
from app.store.search import Row


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def read(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "read", type, "r")
        pairs = requests.query_pairs(asked.request)
        requests.only(pairs, "_summary", "_elements")
        part = search_result.part(type, pairs)
        id = resource_id.parse(asked.request.path_params["id"])
        row = await service.read(Read(may_see, type, id, None, partial(entry, asked, "read", type, id)))
        if row is None:
            raise NotFound
        return answered(asked, await _surviving(service, asked, may_see, row) or row, part)

    return read


async def _surviving(service: Service, asked: Asked, may_see: Permit, row: Row) -> Row | None:
    """Of a Patient that was replaced, the record of that person now, as the national service answers a superseded number.

    None where it was not, or where this caller may not see the record that replaced it.
    """
    number = subject.superseded_by(json.loads(row.content)) if _may_be_superseded(row) else None
    if number is None:
        return None
    async with service.database.transaction() as tx:
        people = await identity.resolve(tx, [number], service.bucket_key)
    id = people[number].patient_id if number in people else None
    if id is None or id == row.id:
        return None
    return await service.read(Read(may_see, "Patient", id, None, partial(entry, asked, "read", "Patient", id)))


def _may_be_superseded(row: Row) -> bool:
    return row.type == "Patient" and not row.deleted and '"replaced-by"' in row.content


def answered(asked: Asked, row: Row, part: Part = WHOLE) -> Response:
    """A version that was found: 304 where the caller has it already, 410 where it is the one that deleted."""
    if row.deleted:
        return responses.error(Gone())
    if conditions.has_already(asked.request, row.version, row.last_updated):
        return responses.not_modified(row)
    return responses.resource(row, part=part)


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

"""$unmerge: a record that was replaced by another is one of its own again. By whoever keeps both.

An operation of our own: HL7 has none. `fhir_profiles/OperationDefinition` describes it.

Each statement was made about one of the records and goes with it, so what belongs to whom is known; what was written about
the surviving record since the merge stays there, and has to be looked through by a person.
"""

import json
from uuid import UUID

from starlette.responses import Response

from app.api import create, patient_pair, read, requests, responses
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import parameters, patient_link, resource_id, subject
from app.fhir.errors import Conflict, NotFound
from app.policy.authority import Permit
from app.store import audit, consent, identity, merging, reading
from app.store.database import Transaction
from app.store.resource import Version
from app.store.search import Row


async def unmerge(service: Service, asked: Asked) -> Response:
    """`POST Patient/[id]/$unmerge`, of the record that was replaced. Answers with it as it is again."""
    requests.only(requests.query_pairs(asked.request), "_format")
    may_see = permit(service, asked, "operation", "Patient", "u")
    await _check_body(service, asked)
    id = resource_id.parse(asked.request.path_params["id"])
    async with service.database.transaction() as tx:
        row = await reading.read(tx, may_see, "Patient", id) if id else None
        versions, row = await _parted(service, asked, tx, may_see, row) if row else ([], None)
        kept = [create.kept(asked, "update", version) for version in versions]
        await audit.record(tx, kept or [read.entry(asked, "update", "Patient", id, None)])
    if row is None:
        raise NotFound
    return responses.resource(row)


async def _check_body(service: Service, asked: Asked) -> None:
    """It takes no parameters: nothing, or a Parameters resource that holds none."""
    raw = await requests.body(asked.request, service.settings.largest_body)
    if raw.strip():
        parameters.values(requests.json_body(raw), {})


async def _parted(
    service: Service, asked: Asked, tx: Transaction, may_see: Permit, row: Row
) -> tuple[list[Version], Row | None]:
    successor = await _successor(service, tx, row)
    pair = await patient_pair.both(service, tx, may_see, (row.id, successor)) if successor else None
    if pair is None:
        raise Conflict("This record is not merged into another.")
    source, target = pair
    for own in pair:
        if refused := await patient_pair.refusal(service, asked, tx, own, own.content):
            raise refused
    parted = await merging.part(tx, source.stored.id, service.bucket_key, asked.now)
    if parted is None:
        raise Conflict("This record is not merged into another.")
    versions = [
        await patient_pair.put(service, asked, tx, source, patient_link.restored(source.content), parts=True),
        await patient_pair.put(service, asked, tx, target, patient_link.released(target.content, str(row.id))),
    ]
    await consent.recompile(tx, parted, asked.now)
    return versions, await reading.read(tx, may_see, "Patient", row.id)


async def _successor(service: Service, tx: Transaction, row: Row) -> UUID | None:
    """The record by which this one says that it was replaced."""
    number = subject.superseded_by(json.loads(row.content))
    people = await identity.resolve(tx, [number] if number else [], service.bucket_key)
    return people[number].patient_id if number in people else None

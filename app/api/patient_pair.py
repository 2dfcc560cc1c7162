"""Two Patient records that are changed together: locked, seen by the caller, and each judged like an update.

https://hl7.org/fhir/R4/patient.html#merge
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.api.requests import Asked
from app.api.service import Service
from app.fhir import json_text
from app.fhir.errors import FHIRError
from app.policy import authorship
from app.policy.authority import Permit
from app.store import identity, known, reading, resource, writing
from app.store.database import Transaction
from app.store.resource import Stored, Version
from app.store.writing import Draft


@dataclass(frozen=True, slots=True)
class Own:
    """A Patient that the caller may see by `rule`, locked."""

    stored: Stored
    rule: str

    @property
    def content(self) -> dict[str, Any]:
        return json_text.exact(self.stored.content)


async def both(
    service: Service, tx: Transaction, may_see: Permit, ids: Sequence[UUID | None]
) -> tuple[Own, Own] | None:
    """Two different records, locked in the order in which every writer locks. None where either is not to be seen."""
    chosen = sorted({id for id in ids if id})
    if len(chosen) < len(ids):
        return None
    people = await identity.of_records(tx, chosen, service.bucket_key)
    await identity.lock(tx, {record for person in people for record in person.records})
    found: dict[UUID | None, Own] = {}
    for id in chosen:
        stored = await resource.locked(tx, "Patient", id)
        row = await reading.read(tx, may_see, "Patient", id)
        if stored and row:
            found[id] = Own(stored, row.rule)
    first, second = (found.get(id) for id in ids)
    return (first, second) if first and second else None


async def put(
    service: Service, asked: Asked, tx: Transaction, own: Own, content: dict[str, Any], *, parts: bool = False
) -> Version:
    """The next version of one of them. Raises what an update by this caller is refused with."""
    if refused := await refusal(service, asked, tx, own, content, parts=parts):
        raise refused
    draft = Draft(content, json_text.written_exactly(content), own.stored.custodian)
    return await writing.update(tx, own.stored, draft, service.bucket_key, asked.now)


async def refusal(
    service: Service, asked: Asked, tx: Transaction, own: Own, content: dict[str, Any], *, parts: bool = False
) -> FHIRError | None:
    """Why this caller may not put this content in the place of the current version, or None."""
    about = await known.about(tx, content, asked.caller.organization, service.bucket_key)
    return authorship.refusal_to_change(
        asked.caller,
        own.rule,
        own.content,
        content,
        about.person,
        custodian=own.stored.custodian,
        keeps=about.keeps,
        may_merge=about.may_merge,
        parts=parts,
    )

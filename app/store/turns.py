"""What a transaction does before its first write: it waits for its turn with everybody it is about, in one order for all.

https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS

And it gives out the ids of what it will create, since its resources refer to one another before any of them is there.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, subject
from app.fhir.nhs_number import NHSNumber
from app.store import guard, identity, tables
from app.store.identity import Identity

_RESOURCE = tables.resource


async def take(
    tx: AsyncConnection, resources: Iterable[Mapping[str, Any]], ids: Collection[UUID], key: bytes, now: datetime
) -> dict[str, Identity]:
    """The person of every NHS number that these resources name. Locked until the end, with those whom the resources
    (or Patients) of these ids are about."""
    numbers = {number for each in resources for number in _numbers(each)}
    people = await identity.register(tx, numbers, key, now)
    named = {record for person in people.values() for record in person.records}
    others = await identity.of_records(tx, await _about(tx, ids) | set(ids), key)
    await identity.lock(tx, named | {record for person in others for record in person.records})
    return people


def promised(resource: Mapping[str, Any], people: Mapping[str, Identity], patient: UUID | None, now: datetime) -> UUID:
    """The id of a resource that will be created: in the bucket of its person, as if it were created alone.

    `patient` is the Patient that it refers to, if that is known.
    """
    about = subject.of(resource)
    person = people.get(about.nhs_number) if about and about.nhs_number else None
    if person and resource["resourceType"] == "Patient":
        return person.patient_id
    if person:
        return resource_id.new(person.bucket, now)
    return resource_id.new(resource_id.bucket(patient) if patient else resource_id.any_bucket(), now)


def _numbers(resource: Mapping[str, Any]) -> Iterable[str]:
    """The valid ones: a resource that names another is refused, with all the others, when its turn comes."""
    about = subject.of(resource)
    for number in (about.nhs_number if about else None, subject.superseded_by(resource)):
        try:
            if number and NHSNumber.parse(number).value == number:
                yield number
        except ValueError:
            continue


async def _about(tx: AsyncConnection, ids: Collection[UUID]) -> set[UUID]:
    """Whom the resources of these ids are about."""
    if not ids:
        return set()
    columns = _RESOURCE.c
    listed = sorted(ids)
    statement = (
        select(columns.patient_id)
        .where(
            columns.id == tables.any_of(listed, columns.id.type),
            columns.bucket == tables.any_of([resource_id.bucket(id) for id in listed], columns.bucket.type),
            columns.patient_id.is_not(None),
        )
        .prefix_with(guard.for_itself("to take turns with all who write about a person"))
    )
    return set((await tx.execute(statement)).scalars())

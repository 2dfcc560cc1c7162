"""The person that a resource is about as it is written: who it says that is, and that it stays so.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html; https://digital.nhs.uk/services/nhs-number
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, subject
from app.fhir.errors import Conflict, Unprocessable
from app.fhir.subject import Subject
from app.store import identity, merging, targets
from app.store import resource as stored_resource
from app.store.identity import Identity
from app.store.resource import Stored


async def of_new(
    tx: AsyncConnection,
    resource: Mapping[str, Any],
    about: Subject | None,
    people: Mapping[str, Identity],
    key: bytes,
) -> Identity | None:
    """The person a new resource is about. A Patient without a number is a person of their own.

    `people` are those of the numbers that it names. Raises Unprocessable where it cannot be told.
    """
    if resource["resourceType"] == subject.TARGETED:
        return next(iter(await targets.people(tx, resource, key)), None)
    if about is None:
        return None
    named = people[about.nhs_number] if about.nhs_number else None
    if about.patient_id is not None:
        id = resource_id.parse(about.patient_id)
        known = named.records if named else ((id,) if id and id in await identity.lock(tx, [id]) else ())
        if id is None or id not in known:
            raise Unprocessable(
                "The reference names no person, or another one than the NHS number. Give the NHS number alone.",
                expression=about.element,
            )
        return named or Identity((id,))
    if named is None and resource["resourceType"] != "Patient":
        raise Unprocessable("Say whom this is about by NHS number.", expression=about.element)
    return named


async def of_next(
    tx: AsyncConnection,
    stored: Stored,
    about: Subject | None,
    people: Mapping[str, Identity],
    key: bytes,
    now: datetime,
) -> Identity:
    """The person that a stored resource is about, whom its next version has to be about too.

    Raises Unprocessable where that is about somebody else, Conflict where its NHS number is another record's.
    """
    assert stored.patient_id is not None, "only asked of what is about somebody"
    (own,) = await identity.of_records(tx, [stored.patient_id], key)
    number = about.nhs_number if about else None
    if stored.type == "Patient":
        return await _numbered(tx, own, number, people, key, now)
    named = number is None or (number in people and stored.patient_id in people[number].records)
    referred = about is None or about.patient_id is None or resource_id.parse(about.patient_id) in own.records
    if about is None or not named or not referred:
        element = about.element if about else None
        raise Unprocessable("A resource stays about the person it was created for.", expression=element)
    return own


async def _numbered(
    tx: AsyncConnection, own: Identity, number: str | None, people: Mapping[str, Identity], key: bytes, now: datetime
) -> Identity:
    """The person of a Patient whose new content has this NHS number: one may be given once, and is then kept."""
    if number is None or (number in people and set(people[number].records) & set(own.records)):
        return own
    locked = await identity.lock(tx, own.records)
    if any(row.nhs_numbers for row in locked.values()):
        raise Unprocessable(
            "An NHS number is not changed. Set active to false and link to the record that replaces this one.",
            expression="identifier",
        )
    return await _first_number(tx, own, number, key, now)


async def _first_number(tx: AsyncConnection, own: Identity, number: str, key: bytes, now: datetime) -> Identity:
    """A newborn's record gets its number: what was said about the number before is now about this record."""
    named = (await identity.register(tx, [number], key, now))[number]
    await identity.lock(tx, {*own.records, *named.records})
    if await stored_resource.about(tx, named.records, ["Patient"]):
        raise Conflict("Another record has this NHS number.")
    return await merging.merge(tx, old=named, new=own, key=key, now=now)

"""Two records of one person made one, and parted again: whose numbers lead where.

https://hl7.org/fhir/R4/patient.html#merge; https://digital.nhs.uk/services/personal-demographics-service (superseded numbers)

Nothing that was said is moved: each statement stays with the record that it was made about, and the records stand for one
person. So a merge is undone by telling the records apart, from what was noted when they were put together.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, systems
from app.store import identity, tables
from app.store.identity import Identity

_IDENTIFIER, _PERSON, _MERGE = tables.patient_identifier, tables.person, tables.patient_merge


@dataclass(frozen=True, slots=True)
class _Merge:
    """A merge that holds: the records and numbers that were one person's before, and the record they lead to since."""

    id: UUID
    records: list[UUID]
    numbers: list[str]
    target: UUID


async def merge(tx: AsyncConnection, old: Identity, new: Identity, key: bytes, now: datetime) -> Identity:
    """Let every number of either person name all their records, the new one's current (a number was superseded)."""
    records: tuple[UUID, ...] = ()
    together = Identity(tuple(dict.fromkeys((*new.records, *old.records))))
    while set(together.records) != set(records):  # who merged either meanwhile has made the group larger
        records = together.records
        locked = await identity.lock(tx, records)
        numbers = sorted({number for row in locked.values() for number in row.nhs_numbers})
        known = await identity.resolve(tx, numbers, key)
        newest = known[own[0]].records if (own := locked[new.patient_id].nhs_numbers) else new.records
        others = (record for number in numbers for record in known[number].records)
        together = Identity(tuple(dict.fromkeys((*newest, *records, *others))))
    await _note(tx, old, sorted({n for id in old.records for n in locked[id].nhs_numbers}), together, now)
    await _name(tx, together, numbers, key)
    return together


async def part(tx: AsyncConnection, source: UUID, key: bytes, now: datetime) -> tuple[Identity, Identity] | None:
    """Undo the merge in which `source` was the record replaced: that person and the other one, as they are from now on.

    None where there is no such merge, or the two were parted before. What was written about the surviving record since
    stays with it.
    """
    (whole,) = await identity.of_records(tx, [source], key)
    locked = await identity.lock(tx, whole.records)
    noted = await _noted(tx, source)
    if noted is None or noted.target not in whole.records or noted.target == source:
        return None
    gone = Identity(tuple(id for id in noted.records if id in whole.records and id != noted.target))
    stayed = Identity(tuple(id for id in whole.records if id not in gone.records))
    numbers = {number for row in locked.values() for number in row.nhs_numbers}
    own = sorted(numbers & set(noted.numbers))
    await _name(tx, gone, own, key)
    await _name(tx, stayed, sorted(numbers - set(own)), key)
    here = _MERGE.c.id == noted.id, _MERGE.c.bucket == resource_id.bucket(source)
    await tx.execute(update(_MERGE).where(*here).values(undone=now))
    return gone, stayed


async def _note(tx: AsyncConnection, old: Identity, numbers: Sequence[str], together: Identity, now: datetime) -> None:
    row = {
        "id": resource_id.new(old.bucket, now),
        "bucket": old.bucket,
        "source": old.patient_id,
        "records": list(old.records),
        "numbers": list(numbers),
        "target": together.patient_id,
        "merged": now,
        "undone": None,
    }
    await tx.execute(insert(_MERGE), row)


async def _noted(tx: AsyncConnection, source: UUID) -> _Merge | None:
    """The last merge in which this record was replaced, if it still holds."""
    columns = _MERGE.c
    statement = (
        select(columns.id, columns.records, columns.numbers, columns.target)
        .where(columns.source == source, columns.bucket == resource_id.bucket(source), columns.undone.is_(None))
        .order_by(columns.merged.desc())
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return _Merge(*row) if row else None


async def _name(tx: AsyncConnection, person: Identity, numbers: Collection[str], key: bytes) -> None:
    """Let these numbers name this person's records, the first of which is current, and nobody else's."""
    here = _IDENTIFIER.c.system == systems.NHS_NUMBER, _IDENTIFIER.c.value == bindparam("of_number")
    in_bucket = _IDENTIFIER.c.bucket == bindparam("of_bucket")
    places = [{"of_number": number, "of_bucket": resource_id.bucket_of(number, key)} for number in numbers]
    rows = [
        {
            "system": systems.NHS_NUMBER,
            "value": place["of_number"],
            "bucket": place["of_bucket"],
            "patient_id": record,
            "patient_bucket": resource_id.bucket(record),
            "current": record == person.patient_id,
        }
        for place in places
        for record in person.records
    ]
    if places:
        await tx.execute(delete(_IDENTIFIER).where(*here, in_bucket), places)
        await tx.execute(insert(_IDENTIFIER), rows)
    for record in person.records:
        own = _PERSON.c.patient_id == record, _PERSON.c.bucket == resource_id.bucket(record)
        await tx.execute(update(_PERSON).where(*own).values(nhs_numbers=sorted(numbers)))

"""Who an NHS number is: the Patient records of one person, and the facts about that person.

https://digital.nhs.uk/services/nhs-number

A number gets its Patient id when it is first named by anyone, whether as a Patient, in a refusal or in a plan. So nothing
that is said about a person is lost for want of a Patient, and whether one exists cannot be found out by writing about them.
A person with a superseded number has several records; statements about any of them are about the person.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Row, Text, and_, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, systems
from app.store import tables

_IDENTIFIER, _PERSON = tables.patient_identifier, tables.person


@dataclass(frozen=True, slots=True)
class Identity:
    """The Patient ids of one person, the current one first."""

    records: tuple[UUID, ...]

    @property
    def patient_id(self) -> UUID:
        return self.records[0]

    @property
    def bucket(self) -> int:
        return resource_id.bucket(self.patient_id)


async def resolve(tx: AsyncConnection, nhs_numbers: Collection[str], key: bytes) -> dict[str, Identity]:
    """The identities of those numbers that have been named before."""
    if not nhs_numbers:
        return {}
    columns = _IDENTIFIER.c
    wanted = sorted(nhs_numbers)
    buckets = [resource_id.bucket_of(number, key) for number in wanted]
    asked = (
        func.unnest(literal(wanted, ARRAY(Text)), literal(buckets, ARRAY(Integer)))
        .table_valued("value", "bucket")
        .render_derived("asked")
    )
    statement = (
        select(columns.value, columns.patient_id)
        .join(asked, and_(columns.value == asked.c.value, columns.bucket == asked.c.bucket))
        .where(columns.system == systems.NHS_NUMBER)
        .order_by(columns.value, columns.current.desc(), columns.patient_id)
    )
    found: dict[str, list[UUID]] = {}
    for value, patient_id in await tx.execute(statement):
        found.setdefault(value, []).append(patient_id)
    return {value: Identity(tuple(records)) for value, records in found.items()}


async def register(tx: AsyncConnection, nhs_numbers: Collection[str], key: bytes, now: datetime) -> dict[str, Identity]:
    """The identity of every number; those that are new get one. Safe under any number of concurrent callers."""
    known = await resolve(tx, nhs_numbers, key)
    new = sorted(set(nhs_numbers) - known.keys())
    if not new:
        return known
    for batch in (new[i : i + 2000] for i in range(0, len(new), 2000)):
        await _register(tx, batch, key, now)
    return known | await resolve(tx, new, key)


async def add_missing(tx: AsyncConnection, patient_ids: Collection[UUID]) -> None:
    """Make sure that these Patients are persons; a newborn may have no NHS number yet."""
    people = [_nobody_yet(id, resource_id.bucket(id), ()) for id in sorted(patient_ids)]
    if people:
        await tx.execute(insert(_PERSON).on_conflict_do_nothing(), people)


async def of_records(tx: AsyncConnection, patient_ids: Collection[UUID], key: bytes) -> list[Identity]:
    """The persons that these Patients are records of, each once."""
    if not patient_ids:
        return []
    ids = sorted(patient_ids)
    statement = select(_PERSON.c.patient_id, _PERSON.c.nhs_numbers).where(
        _PERSON.c.patient_id == tables.any_of(ids, _PERSON.c.patient_id.type),
        _PERSON.c.bucket == tables.any_of([resource_id.bucket(id) for id in ids], _PERSON.c.bucket.type),
    )
    numbers = {id: tuple(own) for id, own in await tx.execute(statement)}
    named = await resolve(tx, {number for own in numbers.values() for number in own}, key)
    found = {named[own[0]] if own else Identity((id,)) for id, own in numbers.items()}
    return sorted(found, key=lambda person: person.patient_id)


async def _register(tx: AsyncConnection, numbers: Sequence[str], key: bytes, now: datetime) -> None:
    rows = []
    for number in numbers:
        bucket = resource_id.bucket_of(number, key)
        id = resource_id.new(bucket, now)
        rows.append((number, bucket, id))
    columns = _IDENTIFIER.c
    statement = (
        insert(_IDENTIFIER)
        .values(
            [
                {
                    "system": systems.NHS_NUMBER,
                    "value": number,
                    "bucket": bucket,
                    "patient_id": id,
                    "patient_bucket": bucket,
                    "current": True,
                }
                for number, bucket, id in rows
            ]
        )
        .on_conflict_do_nothing(
            index_elements=[columns.system, columns.value, columns.bucket], index_where=text("current")
        )
        .returning(columns.value)
    )
    registered = set((await tx.execute(statement)).scalars())
    people = [_nobody_yet(id, bucket, [number]) for number, bucket, id in rows if number in registered]
    if people:
        await tx.execute(insert(_PERSON), people)


def _nobody_yet(patient_id: UUID, bucket: int, numbers: Sequence[str]) -> dict[str, object]:
    return {
        "patient_id": patient_id,
        "bucket": bucket,
        "nhs_numbers": list(numbers),
        "birth_date": None,
        "restriction": "U",
        "bereaved": False,
        "pregnancy": "",
        "pregnancy_over": None,
        "family": [f"nhs|{number}" for number in numbers],
    }


async def lock(tx: AsyncConnection, patient_ids: Collection[UUID]) -> dict[UUID, Row[tuple[object, ...]]]:
    """The persons' rows, held until the transaction ends: writers about one person take turns. In one order for all."""
    ids = sorted(patient_ids)
    buckets = [resource_id.bucket(id) for id in ids]
    statement = (
        select(_PERSON)
        .where(
            _PERSON.c.patient_id == tables.any_of(ids, _PERSON.c.patient_id.type),
            _PERSON.c.bucket == tables.any_of(buckets, _PERSON.c.bucket.type),
        )
        .order_by(_PERSON.c.patient_id)
        .with_for_update()
    )
    return {row.patient_id: row for row in await tx.execute(statement)}

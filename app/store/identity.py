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

from sqlalchemy import Row, and_, any_, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

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
    places = [(systems.NHS_NUMBER, number, resource_id.bucket_of(number, key)) for number in nhs_numbers]
    columns = _IDENTIFIER.c
    statement = (
        select(columns.value, columns.patient_id)
        .where(_in(places))
        .order_by(columns.value, columns.current.desc(), columns.patient_id)
    )
    found: dict[str, list[UUID]] = {}
    for value, patient_id in await tx.execute(statement):
        found.setdefault(value, []).append(patient_id)
    return {value: Identity(tuple(records)) for value, records in found.items()}


def _in(places: list[tuple[str, str, int]]) -> object:
    columns = _IDENTIFIER.c
    if len(places) == 1:
        ((system, value, bucket),) = places
        return and_(columns.system == system, columns.value == value, columns.bucket == bucket)
    return tuple_(columns.system, columns.value, columns.bucket).in_(places)


async def register(tx: AsyncConnection, nhs_numbers: Collection[str], key: bytes, now: datetime) -> dict[str, Identity]:
    """The identity of every number; those that are new get one. Safe under any number of concurrent callers."""
    known = await resolve(tx, nhs_numbers, key)
    new = sorted(set(nhs_numbers) - known.keys())
    if not new:
        return known
    for batch in (new[i : i + 2000] for i in range(0, len(new), 2000)):
        await _register(tx, batch, key, now)
    return known | await resolve(tx, new, key)


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
    people = [_nobody_yet(id, bucket, number) for number, bucket, id in rows if number in registered]
    if people:
        await tx.execute(insert(_PERSON), people)


def _nobody_yet(patient_id: UUID, bucket: int, number: str) -> dict[str, object]:
    return {
        "patient_id": patient_id,
        "bucket": bucket,
        "nhs_numbers": [number],
        "birth_date": None,
        "restriction": "U",
        "bereaved": False,
        "pregnancy": "",
        "family": [f"nhs|{number}"],
    }


async def lock(tx: AsyncConnection, patient_ids: Collection[UUID]) -> dict[UUID, Row[tuple[object, ...]]]:
    """The persons' rows, held until the transaction ends: writers about one person take turns. In one order for all."""
    ids = sorted(patient_ids)
    buckets = [resource_id.bucket(id) for id in ids]
    statement = (
        select(_PERSON)
        .where(
            _PERSON.c.patient_id == any_(literal(ids, ARRAY(Uuid))),
            _PERSON.c.bucket == any_(literal(buckets, ARRAY(tables.person.c.bucket.type))),
        )
        .order_by(_PERSON.c.patient_id)
        .with_for_update()
    )
    return {row.patient_id: row for row in await tx.execute(statement)}


async def merge(tx: AsyncConnection, old: Identity, new: Identity, numbers: Collection[str], key: bytes) -> Identity:
    """Let both numbers name both records, the new one current (a number that was superseded)."""
    together = Identity(tuple(dict.fromkeys((*new.records, *old.records))))
    columns = _IDENTIFIER.c
    for number in sorted(numbers):
        bucket = resource_id.bucket_of(number, key)
        here = and_(columns.system == systems.NHS_NUMBER, columns.value == number, columns.bucket == bucket)
        await tx.execute(update(_IDENTIFIER).where(here, columns.current).values(current=False))
        for record in together.records:
            row = {
                "system": systems.NHS_NUMBER,
                "value": number,
                "bucket": bucket,
                "patient_id": record,
                "patient_bucket": resource_id.bucket(record),
                "current": record == together.patient_id,
            }
            await tx.execute(
                insert(_IDENTIFIER)
                .values(row)
                .on_conflict_do_update(
                    index_elements=[columns.system, columns.value, columns.bucket, columns.patient_id],
                    set_={"current": row["current"]},
                )
            )
    return together

"""Who an NHS number is: the Patient records of one person, and the facts about that person.

https://digital.nhs.uk/services/nhs-number

A number gets its Patient id when it is first named by anyone, whether as a Patient, in a refusal or in a plan. So nothing
that is said about a person is lost for want of a Patient, and whether one exists cannot be found out by writing about them.
A person with a superseded number has several records; statements about any of them are about the person.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, Text, Uuid, and_, any_, bindparam, func, literal, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from app.fhir import resource_id, systems
from app.store import database, tables
from app.store.compiled import Compiled

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
    numbers = sorted(nhs_numbers)
    buckets = [resource_id.bucket_of(number, key) for number in numbers]
    found: dict[str, list[UUID]] = {}
    for value, patient_id in await _RESOLVE.fetch(await database.driver(tx), numbers=numbers, buckets=buckets):
        found.setdefault(value, []).append(patient_id)
    return {value: Identity(tuple(records)) for value, records in found.items()}


def _resolving() -> Select[Any]:
    columns = _IDENTIFIER.c
    asked = (
        func.unnest(bindparam("numbers", type_=ARRAY(Text)), _BUCKETS)
        .table_valued("value", "bucket")
        .render_derived("asked")
    )
    return (
        select(columns.value, columns.patient_id)
        .join(asked, and_(columns.value == asked.c.value, columns.bucket == asked.c.bucket))
        .where(columns.system == systems.NHS_NUMBER)
        .order_by(columns.value, columns.current.desc(), columns.patient_id)
    )


_BUCKETS = bindparam("buckets", type_=ARRAY(Integer))
_RESOLVE = Compiled(_resolving())


async def register(tx: AsyncConnection, nhs_numbers: Collection[str], key: bytes, now: datetime) -> dict[str, Identity]:
    """The identity of every number; those that are new get one. Safe under any number of concurrent callers."""
    known = await resolve(tx, nhs_numbers, key)
    new = sorted(set(nhs_numbers) - known.keys())
    if not new:
        return known
    registered = await _register(tx, new, key, now)
    others = await resolve(tx, set(new) - registered.keys(), key)  # somebody else was faster
    return known | registered | others


async def add_missing(tx: AsyncConnection, patient_ids: Collection[UUID]) -> None:
    """Make sure that these Patients are persons; a newborn may have no NHS number yet."""
    people = [_nobody_yet(id, resource_id.bucket(id), ()) for id in sorted(patient_ids)]
    if people:
        await _ADD.execute_all(await database.driver(tx), people)


_ADD = Compiled(insert(_PERSON).on_conflict_do_nothing())


async def of_records(tx: AsyncConnection, patient_ids: Collection[UUID], key: bytes) -> list[Identity]:
    """The persons that these Patients are records of, each once."""
    if not patient_ids:
        return []
    ids = sorted(patient_ids)
    buckets = [resource_id.bucket(id) for id in ids]
    found_numbers = await _NUMBERS.fetch(await database.driver(tx), ids=ids, buckets=buckets)
    numbers = {id: tuple(own) for id, own in found_numbers}
    named = await resolve(tx, {number for own in numbers.values() for number in own}, key)
    found = {named[own[0]] if own else Identity((id,)) for id, own in numbers.items()}
    return sorted(found, key=lambda person: person.patient_id)


_HERE = (
    _PERSON.c.patient_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
    _PERSON.c.bucket == any_(_BUCKETS),
)
_NUMBERS = Compiled(select(_PERSON.c.patient_id, _PERSON.c.nhs_numbers).where(*_HERE))


async def _register(tx: AsyncConnection, numbers: Sequence[str], key: bytes, now: datetime) -> dict[str, Identity]:
    """Those of the numbers that nobody else has registered meanwhile."""
    buckets = [resource_id.bucket_of(number, key) for number in numbers]
    ids = [resource_id.new(bucket, now) for bucket in buckets]
    driver = await database.driver(tx)
    given = {"numbers": list(numbers), "buckets": buckets, "ids": ids}
    registered = {number: Identity((id,)) for number, id in await _REGISTER.fetch(driver, **given)}
    people = [_nobody_yet(each.patient_id, each.bucket, [number]) for number, each in registered.items()]
    if people:
        await _ADD.execute_all(driver, people)
    return registered


def _registering() -> ReturningInsert[Any]:
    columns = _IDENTIFIER.c
    new = (
        func.unnest(bindparam("numbers", type_=ARRAY(Text)), _BUCKETS, bindparam("ids", type_=ARRAY(Uuid)))
        .table_valued("value", "bucket", "patient_id")
        .render_derived("new")
    )
    rows = select(literal(systems.NHS_NUMBER), new.c.value, new.c.bucket, new.c.patient_id, new.c.bucket, true())
    return (
        insert(_IDENTIFIER)
        .from_select(["system", "value", "bucket", "patient_id", "patient_bucket", "current"], rows)
        .on_conflict_do_nothing(
            index_elements=[columns.system, columns.value, columns.bucket], index_where=text("current")
        )
        .returning(columns.value, columns.patient_id)
    )


_REGISTER = Compiled(_registering())


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


@dataclass(frozen=True, slots=True)
class Locked:
    """A row of `person`: the facts about the person as one of their records has them."""

    patient_id: UUID
    bucket: int
    nhs_numbers: list[str]
    birth_date: date | None
    restriction: str
    bereaved: bool
    pregnancy: str
    pregnancy_over: datetime | None
    family: list[str]


async def lock(tx: AsyncConnection, patient_ids: Collection[UUID]) -> dict[UUID, Locked]:
    """The persons' rows, held until the transaction ends: writers about one person take turns. In one order for all."""
    if not patient_ids:
        return {}
    ids = sorted(patient_ids)
    buckets = [resource_id.bucket(id) for id in ids]
    rows = await _LOCK.fetch(await database.driver(tx), ids=ids, buckets=buckets)
    return {row["patient_id"]: Locked(*row) for row in rows}


_LOCK = Compiled(
    select(*(_PERSON.c[each.name] for each in fields(Locked)))
    .where(*_HERE)
    .order_by(_PERSON.c.patient_id)
    .with_for_update()
)

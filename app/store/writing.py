"""The life of a write inside its transaction: whose it is, the version, and all that follows from it.

https://hl7.org/fhir/R4/http.html#create

Creating one is creating all of one. What follows: the person's facts and grants, the merging of a superseded number, the
revoking of contact with a bereaved family, and the outbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, subject
from app.fhir.errors import Conflict, Unprocessable
from app.store import bereavement, consent, database, identity, merging, person, resource, tables
from app.store.identity import Identity, Locked
from app.store.resource import Stored, Version


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource that has passed the gate and may be written. `text` is what was sent; without `id` it gets one."""

    resource: dict[str, Any]
    text: str
    custodian: str
    id: UUID | None = None


async def create_all(tx: AsyncConnection, drafts: Sequence[Draft], key: bytes, now: datetime) -> list[Version]:
    """Store new resources with all that follows, in the order given.

    Raises Conflict where a Patient with the same NHS number is there already, Unprocessable where it cannot be told whom
    a resource is about.
    """
    subjects = [subject.of(draft.resource) for draft in drafts]
    successors = [number for draft in drafts if (number := subject.superseded_by(draft.resource))]
    numbers = {each.nhs_number for each in subjects if each and each.nhs_number} | set(successors)
    people = await identity.register(tx, numbers, key, now)
    owners = [
        await person.of_new(tx, draft.resource, about, people, key)
        for draft, about in zip(drafts, subjects, strict=True)
    ]
    locked = await identity.lock(tx, {id for owner in owners if owner for id in owner.records})
    await _refuse_second_patients(tx, drafts, owners)
    versions = [
        _version(draft, owner, now, id=draft.id or _new_id(draft, owner, now), number=1)
        for draft, owner in zip(drafts, owners, strict=True)
    ]
    await resource.insert_all(await database.driver(tx), versions)
    whole = {
        version.id: owner
        for version, owner, about in zip(versions, owners, subjects, strict=True)
        if owner and about and about.nhs_number
    }
    for draft, owner in zip(drafts, owners, strict=True):
        if draft.resource["resourceType"] == "Patient" and owner and await _merge(tx, draft, owner, people, key, now):
            whole = {}
    await _follow(tx, versions, whole, locked, key, now)
    return versions


async def take_turn(tx: AsyncConnection, patient_id: UUID | None, key: bytes) -> None:
    """Lock the person before anything that is about them, as every writer does: so that none waits for another in turn."""
    if patient_id is not None:
        people = await identity.of_records(tx, [patient_id], key)
        await identity.lock(tx, {id for each in people for id in each.records})


async def update(
    tx: AsyncConnection, stored: Stored, draft: Draft, key: bytes, now: datetime, *, deleted: bool = False
) -> Version:
    """Store the next version of a resource that this transaction has locked; the last one where it is `deleted` by it.

    Raises Unprocessable where the new content is about somebody else, Conflict where its NHS number is another record's.
    """
    about = subject.of(draft.resource)
    successor = subject.superseded_by(draft.resource)
    numbers = {number for number in (about.nhs_number if about else None, successor) if number}
    people = await identity.resolve(tx, numbers, key)
    owner: Identity | None = None
    if stored.patient_id:
        owner = await person.of_next(tx, stored, about, people, key, now)
    elif about is not None:
        raise Unprocessable("A resource about nobody cannot become one about a person.", expression=about.element)
    if successor and successor not in people:
        people |= await identity.register(tx, [successor], key, now)
    locked = await identity.lock(tx, owner.records) if owner else {}
    number = stored.version + 1
    version = _version(draft, owner, now, id=stored.id, number=number, patient_id=stored.patient_id, deleted=deleted)
    await resource.replace(tx, version)
    whole = {version.id: owner} if owner else {}
    if stored.type == "Patient" and owner and await _merge(tx, draft, owner, people, key, now):
        whole = {}
    await _follow(tx, [version], whole, locked, key, now)
    return version


async def _refuse_second_patients(
    tx: AsyncConnection, drafts: Sequence[Draft], owners: Sequence[Identity | None]
) -> None:
    wanted = [
        owner.patient_id
        for draft, owner in zip(drafts, owners, strict=True)
        if owner and draft.resource["resourceType"] == "Patient"
    ]
    if len(set(wanted)) < len(wanted) or (wanted and await resource.about(tx, wanted, ["Patient"])):
        raise Conflict("A Patient with this NHS number is registered already.")


def _new_id(draft: Draft, owner: Identity | None, now: datetime) -> UUID:
    if owner and draft.resource["resourceType"] == "Patient":
        return owner.patient_id
    return resource_id.new(owner.bucket if owner else resource_id.any_bucket(), now)


def _version(
    draft: Draft,
    owner: Identity | None,
    now: datetime,
    *,
    id: UUID,
    number: int,
    patient_id: UUID | None = None,
    deleted: bool = False,
) -> Version:
    is_patient = draft.resource["resourceType"] == "Patient"
    patient_id = patient_id or (id if is_patient else owner.patient_id if owner else None)
    return resource.version(
        draft.resource, draft.text, draft.custodian, patient_id, now, id=id, number=number, deleted=deleted
    )


async def _merge(
    tx: AsyncConnection,
    patient: Draft,
    owner: Identity,
    people: dict[str, Identity],
    key: bytes,
    now: datetime,
) -> bool:
    """Whether it made two people one."""
    successor = subject.superseded_by(patient.resource)
    if successor is None or people[successor].patient_id == owner.patient_id:
        return False
    await merging.merge(tx, old=owner, new=people[successor], key=key, now=now)
    return True


async def _follow(
    tx: AsyncConnection,
    versions: Sequence[Version],
    whole: Mapping[UUID, Identity],
    locked: Mapping[UUID, Locked],
    key: bytes,
    now: datetime,
) -> None:
    """`whole` are those of the versions whose person is known with all of their records; `locked` are their rows."""
    changed = [version for version in versions if version.type in consent.COMPILED_FROM and version.facts.patient_id]
    others = [version for version in changed if version.id not in whole]
    await identity.add_missing(tx, [v.id for v in others if v.type == "Patient" and v.version == 1])
    found = await identity.of_records(tx, {v.facts.patient_id for v in others if v.facts.patient_id}, key)
    people = {each.patient_id: each for each in (*(whole[v.id] for v in changed if v.id in whole), *found)}
    is_bereaved = {id: row.bereaved for id, row in locked.items()}
    if people:
        is_bereaved |= await consent.recompile(tx, people.values(), now)
    for version in versions:
        if version.deleted:
            await resource.withdraw(tx, version)
    await resource.copy(await database.driver(tx), tables.outbox, list(resource.to_deliver(versions)))
    contacted = {v.facts.patient_id for v in versions if v.type in bereavement.TYPES} - {None}
    await bereavement.revoke_contact(tx, {id for id in contacted if id and is_bereaved[id]}, now)

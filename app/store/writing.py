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
from app.store import bereavement, consent, database, identity, merging, resource, tables, targets
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
    owners = [await _person(tx, draft, about, people, key) for draft, about in zip(drafts, subjects, strict=True)]
    locked = await identity.lock(tx, {id for person in owners if person for id in person.records})
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
        await identity.lock(tx, {id for person in people for id in person.records})


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
        owner = await _same_person(tx, stored, about, people, key, now)
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


async def _person(
    tx: AsyncConnection, draft: Draft, about: subject.Subject | None, people: dict[str, Identity], key: bytes
) -> Identity | None:
    """The person a new resource is about. A Patient without a number is a person of their own."""
    if draft.resource["resourceType"] == subject.TARGETED:
        return next(iter(await targets.people(tx, draft.resource, key)), None)
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
    if named is None and draft.resource["resourceType"] != "Patient":
        raise Unprocessable("Say whom this is about by NHS number.", expression=about.element)
    return named


async def _same_person(
    tx: AsyncConnection,
    stored: Stored,
    about: subject.Subject | None,
    people: dict[str, Identity],
    key: bytes,
    now: datetime,
) -> Identity:
    """The person that a stored resource is about, whom the new content has to be about too."""
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
    tx: AsyncConnection, own: Identity, number: str | None, people: dict[str, Identity], key: bytes, now: datetime
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
    if await resource.about(tx, named.records, ["Patient"]):
        raise Conflict("Another record has this NHS number.")
    return await merging.merge(tx, old=named, new=own, key=key, now=now)


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
    people = {person.patient_id: person for person in (*(whole[v.id] for v in changed if v.id in whole), *found)}
    is_bereaved = {id: row.bereaved for id, row in locked.items()}
    if people:
        is_bereaved |= await consent.recompile(tx, people.values(), now)
    for version in versions:
        if version.deleted:
            await resource.withdraw(tx, version)
    await resource.copy(await database.driver(tx), tables.outbox, list(resource.to_deliver(versions)))
    contacted = {v.facts.patient_id for v in versions if v.type in bereavement.TYPES} - {None}
    await bereavement.revoke_contact(tx, {id for id in contacted if id and is_bereaved[id]}, now)

"""What the store knows that decides whether something may be written: the person it is about, and whose records are theirs.

https://hl7.org/fhir/R4/http.html#create
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, subject
from app.policy import authorship, facts
from app.policy.facts import Person
from app.store import identity, resource, targets
from app.store.resource import Stored


@dataclass(frozen=True, slots=True)
class Known:
    """What authorship has to know. `keeps`, `may_merge` and `owns` as in `authorship.refusal`."""

    person: Person
    keeps: bool
    may_merge: bool
    owns: bool


async def about_all(
    tx: AsyncConnection, contents: Sequence[dict[str, Any]], organization: str, key: bytes
) -> list[Known]:
    """The same for each of several resources, each person once."""
    found: dict[tuple[object, ...], Known] = {}
    asked = [_asked(content) for content in contents]
    for what, content in zip(asked, contents, strict=True):
        if what not in found:
            found[what] = await about(tx, content, organization, key)
    return [found[what] for what in asked]


def _asked(content: dict[str, Any]) -> tuple[object, ...]:
    """All of a resource that decides what is known about it."""
    about = subject.of(content)
    person = (about.nhs_number, about.patient_id) if about else None
    return person, subject.superseded_by(content), content["resourceType"], subject.targets(content)


async def about(tx: AsyncConnection, content: dict[str, Any], organization: str, key: bytes) -> Known:
    """About the person that a resource is about; of somebody not yet named, the defaults."""
    about = subject.of(content)
    ids: set[UUID] = set()
    successor = subject.superseded_by(content)
    numbers = {number for number in (about.nhs_number if about else None, successor) if number}
    people = await identity.resolve(tx, numbers, key)
    if about and about.nhs_number in people:
        ids = set(people[about.nhs_number].records)
    elif about and about.patient_id and (id := resource_id.parse(about.patient_id)):
        ids = {id, *(record for person in await identity.of_records(tx, [id], key) for record in person.records)}
    rows = (await identity.lock(tx, ids)).values() if ids else ()
    person = next((_person_of(row) for row in rows), Person())
    may_merge = successor in people and await _may_merge(tx, content, ids, people[successor].records, organization)
    owns = bool(subject.targets(content)) and await targets.owned(tx, content, organization, key)
    return Known(person, await _keeps(tx, ids, organization), may_merge, owns)


def _person_of(row: Any) -> Person:
    return Person(
        row.restriction,
        row.bereaved,
        row.pregnancy,
        row.pregnancy_over,
        row.birth_date,
        frozenset(row.nhs_numbers),
        frozenset(row.family),
    )


async def _keeps(tx: AsyncConnection, records: Iterable[UUID], organization: str) -> bool:
    """Whether an organisation owns every Patient among these records, and there is one."""
    return _owns(await resource.about(tx, records, ["Patient"]), organization)


async def _may_merge(
    tx: AsyncConnection, content: dict[str, Any], own: Iterable[UUID], successor: Iterable[UUID], organization: str
) -> bool:
    """Whether an organisation owns every record of the successor, and a merge takes none from who keeps it: all are kept
    by this organisation, or by the same one. `content` is of the record to be replaced, which may not be there yet."""
    replaced, staying = [await resource.about(tx, records, ["Patient"]) for records in (own, successor)]
    keepers = [authorship.keepers(json.loads(each.content), each.custodian) for each in (*replaced, *staying)]
    if not replaced:
        keepers.append(authorship.keepers(content, organization))
    is_keeper = all(organization in each for each in keepers)
    return _owns(staying, organization) and (is_keeper or all(each == keepers[0] for each in keepers))


def _owns(patients: Sequence[Stored], organization: str) -> bool:
    owners = [facts.of(json.loads(each.content), each.custodian, each.patient_id).owners for each in patients]
    return bool(owners) and all(f"org|{organization}" in own for own in owners)

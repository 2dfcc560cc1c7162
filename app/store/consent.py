"""What follows from what was written about a person: the facts of the person, and the grants of every Consent.

https://hl7.org/fhir/R4/consent.html

Recompiled in the transaction that changed any of it, with the person's row locked, so it holds from that commit on and
two writers cannot each overlook the other.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, any_, bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import systems, time
from app.policy import consent, facts, standing
from app.policy.grant import Grant
from app.store import database, identity, resource, tables
from app.store.compiled import Compiled
from app.store.identity import Identity
from app.store.resource import Stored

OVER = ("live-birth", "loss")
COMPILED_FROM = frozenset({"Patient", "RelatedPerson", "Consent"})
_GRANT, _PERSON = tables.consent_grant, tables.person


async def recompile(tx: AsyncConnection, people: Collection[Identity], now: datetime) -> dict[UUID, bool]:
    """Write the person facts and the grants of these people anew, for each of their records: whether it is bereaved."""
    by_id = {id: person for person in people for id in person.records}
    locked = await identity.lock(tx, by_id)
    written: dict[UUID, list[Stored]] = defaultdict(list)
    for stored in await resource.about(tx, by_id, COMPILED_FROM):
        if stored.patient_id is not None:
            written[by_id[stored.patient_id].patient_id].append(stored)
    facts_rows: list[dict[str, Any]] = []
    grants: list[tuple[Any, ...]] = []
    for person in people:
        numbers = {number for id in person.records for number in locked[id].nhs_numbers}
        about = _About(person, frozenset(numbers), written[person.patient_id], now)
        facts_rows += [about.person_row(id, locked[id]) for id in person.records]
        compiled = about.grants()
        grants += [_grant_row(id, locked[id].bucket, grant) for id in person.records for grant in compiled]
    ids = sorted(by_id)
    buckets = [locked[id].bucket for id in ids]
    driver = await database.driver(tx)
    await _FORGET_GRANTS.fetch(driver, ids=ids, buckets=buckets)
    await _PUT_PERSON.execute_all(driver, facts_rows)
    await resource.copy(driver, _GRANT, grants)
    return {row["of_id"]: row["bereaved"] for row in facts_rows}


class _About:
    """What is written about one person, across all of their records."""

    def __init__(self, person: Identity, nhs_numbers: frozenset[str], written: Iterable[Stored], now: datetime) -> None:
        self.now = now
        self.nhs_numbers = nhs_numbers
        self.contents = [(stored, json.loads(stored.content)) for stored in written]
        patients = {stored.id: content for stored, content in self.contents if stored.type == "Patient"}
        self.patients: list[Mapping[str, Any]] = [patients[id] for id in person.records if id in patients]
        self.patient: Mapping[str, Any] = self.patients[0] if self.patients else {}
        self.birth_date = _whole_date(self.patient.get("birthDate"))

    def relationships(self) -> dict[str, bool]:
        """Each relative who is known by NHS number, and whether their parental responsibility is proven."""
        found: dict[str, bool] = {}
        for stored, content in self.contents:
            if stored.type == "RelatedPerson" and content.get("active") is not False:
                for identifier in content.get("identifier", ()):
                    if identifier.get("system") == systems.NHS_NUMBER:
                        token = f"nhs|{identifier.get('value')}"
                        proven = facts.is_responsible(content) and not _is_over(content, self.now)
                        found[token] = found.get(token, False) or proven
        return found

    def grants(self) -> tuple[Grant, ...]:
        subject = standing.Subject(self.nhs_numbers, self.birth_date, self.relationships())
        statements = [
            consent.Statement(str(stored.id), content, stored.last_updated)
            for stored, content in self.contents
            if stored.type == "Consent"
        ]
        return consent.grants(statements, subject, teams={})

    def pregnancy_over(self, before: Any) -> datetime | None:
        """When it was first recorded that the pregnancy is over; `before` is the person's row as it was."""
        if facts.pregnancy(self.patient) not in OVER:
            return None
        return before.pregnancy_over if before.pregnancy in OVER else self.now

    def person_row(self, id: UUID, before: Any) -> dict[str, Any]:
        family = {f"nhs|{number}" for number in self.nhs_numbers}
        if not self.birth_date or self.now < standing.birthday(self.birth_date, 18):
            family |= {token for token, proven in self.relationships().items() if proven}
        return {
            "of_id": id,
            "of_bucket": identity.Identity((id,)).bucket,
            "nhs_numbers": sorted(self.nhs_numbers),
            "birth_date": self.birth_date,
            "restriction": max((facts.restriction(each) for each in self.patients), key="URV".index, default="U"),
            "bereaved": any(facts.is_bereaved(each) for each in self.patients),
            "pregnancy": facts.pregnancy(self.patient),
            "pregnancy_over": self.pregnancy_over(before),
            "family": sorted(family),
        }


_FORGET_GRANTS = Compiled(
    delete(_GRANT).where(
        _GRANT.c.patient_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        _GRANT.c.bucket == any_(bindparam("buckets", type_=ARRAY(Integer))),
    )
)
_PUT_PERSON = Compiled(
    update(_PERSON)
    .where(_PERSON.c.patient_id == bindparam("of_id"), _PERSON.c.bucket == bindparam("of_bucket"))
    .values(
        {
            name: bindparam(name)
            for name in (column.name for column in _PERSON.c)
            if name not in ("patient_id", "bucket")
        }
    )
)


def _is_over(related_person: Mapping[str, Any], now: datetime) -> bool:
    """Whether the relationship has ended. One that ends later is looked at again when something is next written."""
    period = time.period(related_person.get("period"))
    return period is not None and period.end is not None and period.end <= now


def _whole_date(value: object) -> date | None:
    """A birth date to the day; one that is known to the month or year only tells no age."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _grant_row(patient_id: UUID, bucket: int, grant: Grant) -> tuple[Any, ...]:
    return (
        patient_id,
        bucket,
        UUID(grant.consent_id),
        grant.performer,
        grant.rank,
        grant.permits,
        list(grant.actors),
        list(grant.purposes),
        list(grant.categories),
        grant.label,
        list(grant.sensitivities),
        grant.valid_from,
        grant.valid_to,
        grant.data_from,
        grant.data_to,
    )

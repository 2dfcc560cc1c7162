"""Who a number is, whatever happens at the same time: nothing that was said about a person is lost or late.

https://digital.nhs.uk/services/nhs-number; https://www.postgresql.org/docs/current/transaction-iso.html
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.fhir.errors import Conflict, Unprocessable
from app.policy import authority
from app.policy.authority import AccessRequest, Permit
from app.store import database as store
from app.store import identity, reading, tables
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store.drafts import (
    FATHER,
    KEY,
    MOTHER,
    START,
    agreed,
    change,
    create,
    draft,
    patient,
    refused,
    relative,
    superseded,
)

OLD, NEW, NEWER, OTHER = (synthetic(serial) for serial in (1100, 1200, 1300, 1400))
LATER = START + timedelta(minutes=1)


async def test_of_many_who_register_a_number_at_once_one_does(database: store.Database) -> None:
    sent = [create(database, draft(patient(NEW, gender="female"))) for _ in range(64)]
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert Counter(type(answer).__name__ for answer in answers) == {"list": 1, "Conflict": 63}
    assert await _stored(database, "Patient") == 1
    assert len((await _resolve(database, NEW)).records) == 1


async def test_a_number_that_is_there_already_is_refused_in_the_same_request_too(database: store.Database) -> None:
    with pytest.raises(Conflict):
        await create(database, draft(patient(NEW)), draft(patient(NEW)))
    assert await _stored(database, "Patient") == 0


async def test_a_number_has_one_identity_whoever_names_it_first(database: store.Database) -> None:
    """Consents, relatives and the child at the same moment."""
    sent: list[dict[str, Any]] = [agreed(NEW), refused(NEW, by=FATHER), relative(NEW, MOTHER), patient(NEW)]
    await asyncio.gather(
        *(create(database, draft(content)) for content in sent for _ in range(1 + ("patient" in content)))
    )
    async with database.transaction() as tx:
        people = (await tx.execute(select(tables.person.c.nhs_numbers))).scalars().all()
    assert people == [[NEW]]
    assert await _performers(database, NEW) == {f"nhs|{MOTHER}": True, f"nhs|{FATHER}": False}


async def test_whether_somebody_is_known_does_not_depend_on_being_registered(database: store.Database) -> None:
    await create(database, draft(refused(NEW)))
    before = await _resolve(database, NEW)
    (child,) = await create(database, draft(patient(NEW)))
    assert child.id == before.patient_id == (await _resolve(database, NEW)).patient_id
    assert await _performers(database, NEW) == {f"nhs|{MOTHER}": False}


async def test_two_parents_who_speak_at_once_are_both_heard(database: store.Database) -> None:
    await create(database, draft(patient(NEW)), draft(relative(NEW, MOTHER)), draft(relative(NEW, FATHER)))
    for _ in range(4):
        await asyncio.gather(
            create(database, draft(agreed(NEW, by=MOTHER))), create(database, draft(refused(NEW, by=FATHER)))
        )
    assert await _performers(database, NEW) == {f"nhs|{MOTHER}": True, f"nhs|{FATHER}": False}
    assert await _grants(database, NEW) == 8
    assert not await _centre_sees(database, NEW)


async def test_what_was_agreed_to_counts_from_its_commit_and_is_gone_with_its_withdrawal(
    database: store.Database,
) -> None:
    await create(database, draft(patient(NEW)), draft(relative(NEW, MOTHER)))
    assert not await _centre_sees(database, NEW)
    (yes,) = await create(database, draft(agreed(NEW)))
    assert await _centre_sees(database, NEW)
    async with database.engine.connect() as meanwhile:
        await change(database, "Consent", yes.id, agreed(NEW, status="inactive"), LATER)
        assert (await meanwhile.execute(select(tables.consent_grant.c.performer))).all() == []
    assert await _grants(database, NEW) == 0
    assert not await _centre_sees(database, NEW)


async def test_what_was_rolled_back_was_never_said(database: store.Database) -> None:
    await create(database, draft(patient(NEW)), draft(relative(NEW, MOTHER)))
    with pytest.raises(Conflict):
        await create(database, draft(agreed(NEW)), draft(patient(NEW)))
    assert await _grants(database, NEW) == 0


async def test_a_permit_counts_from_when_responsibility_is_proven(database: store.Database) -> None:
    await create(database, draft(patient(NEW)), draft(agreed(NEW)))
    assert not await _centre_sees(database, NEW)
    (mother,) = await create(database, draft(relative(NEW, MOTHER)))
    assert await _centre_sees(database, NEW)
    await change(database, "RelatedPerson", mother.id, relative(NEW, MOTHER) | {"active": False}, LATER)
    assert not await _centre_sees(database, NEW)


async def test_both_numbers_of_a_person_name_the_new_record(database: store.Database) -> None:
    old, new = await create(database, draft(patient(OLD)), draft(patient(NEW)))
    await change(database, "Patient", old.id, superseded(OLD, NEW), LATER)
    assert (await _resolve(database, OLD)).records == (await _resolve(database, NEW)).records == (new.id, old.id)


async def test_a_superseded_record_may_be_sent_as_such(database: store.Database) -> None:
    new, old = await create(database, draft(patient(NEW)), draft(superseded(OLD, NEW)))
    assert (await _resolve(database, OLD)).records == (new.id, old.id)


@pytest.mark.parametrize("named", [OLD, NEW], ids=["the old number", "the new number"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_what_is_said_about_either_number_counts(database: store.Database, named: str, moment: str) -> None:
    old, *_ = await create(database, draft(patient(OLD)), draft(patient(NEW)), draft(relative(OLD, MOTHER)))
    if moment == "before":
        await create(database, draft(agreed(named)))
    await change(database, "Patient", old.id, superseded(OLD, NEW), LATER)
    if moment == "after":
        await create(database, draft(agreed(named)))
    assert await _centre_sees(database, NEW)
    assert await _grants(database, OLD) == await _grants(database, NEW) == 2  # beside each of the two records
    await create(database, draft(refused(OLD if named == NEW else NEW, by=FATHER)))
    assert not await _centre_sees(database, NEW)


async def test_two_who_supersede_at_once_leave_one_current_record(database: store.Database) -> None:
    old, new, _ = await create(database, draft(patient(OLD)), draft(patient(NEW)), draft(relative(NEW, MOTHER)))
    sent = [change(database, "Patient", old.id, superseded(OLD, NEW), LATER) for _ in range(8)]
    await asyncio.gather(*sent, create(database, draft(agreed(OLD))), create(database, draft(refused(NEW, by=FATHER))))
    assert (await _resolve(database, OLD)).records == (new.id, old.id)
    assert (await _performers(database, NEW)).keys() == {f"nhs|{MOTHER}", f"nhs|{FATHER}"}


async def test_an_adoption_is_not_followed(database: store.Database) -> None:
    old, new, _ = await create(database, draft(patient(OLD)), draft(patient(NEW)), draft(relative(OLD, MOTHER)))
    await change(database, "Patient", old.id, patient(OLD, active=False), LATER)
    assert (await _resolve(database, OLD)).records == (old.id,)
    assert (await _resolve(database, NEW)).records == (new.id,)


async def test_a_number_that_was_superseded_twice_names_the_newest_record(database: store.Database) -> None:
    first, second, third, _ = await create(
        database, draft(patient(OLD)), draft(patient(NEW)), draft(patient(NEWER)), draft(relative(OLD, MOTHER))
    )
    await change(database, "Patient", first.id, superseded(OLD, NEW), LATER)
    await change(database, "Patient", second.id, superseded(NEW, NEWER), LATER)
    for number in (OLD, NEW, NEWER):
        assert (await _resolve(database, number)).patient_id == third.id
    await create(database, draft(agreed(OLD)))
    assert await _centre_sees(database, NEWER)


async def test_a_restricted_person_stays_so_under_a_new_number(database: store.Database) -> None:
    """Also while nobody has registered the new one."""
    (old,) = await create(database, draft(records.restricted(patient(OLD), "V")))
    await change(database, "Patient", old.id, records.restricted(superseded(OLD, NEW), "V"), LATER)
    assert await _restrictions(database) == {"V"}


async def test_a_newborn_who_gets_a_number_keeps_what_was_said_about_it(database: store.Database) -> None:
    await create(database, draft(agreed(NEW)), draft(relative(NEW, MOTHER)))
    (newborn,) = await create(database, draft(patient(None)))
    await change(database, "Patient", newborn.id, patient(NEW), LATER)
    assert (await _resolve(database, NEW)).patient_id == newborn.id
    assert await _centre_sees(database, NEW)
    await create(database, draft(refused(NEW, by=FATHER)))
    assert not await _centre_sees(database, NEW)


async def test_a_newborn_does_not_take_anothers_number(database: store.Database) -> None:
    newborn, _ = await create(database, draft(patient(None)), draft(patient(NEW)))
    with pytest.raises(Conflict):
        await change(database, "Patient", newborn.id, patient(NEW), LATER)


async def test_a_number_is_not_changed(database: store.Database) -> None:
    (child,) = await create(database, draft(patient(OLD)))
    with pytest.raises(Unprocessable):
        await change(database, "Patient", child.id, patient(NEW), LATER)


async def test_what_was_written_about_one_person_stays_about_them(database: store.Database) -> None:
    _, yes = await create(database, draft(patient(NEW)), draft(agreed(NEW)))
    with pytest.raises(Unprocessable):
        await change(database, "Consent", yes.id, agreed(OTHER), LATER)


async def _resolve(database: store.Database, number: str) -> identity.Identity:
    async with database.transaction() as tx:
        return (await identity.resolve(tx, [number], KEY))[number]


async def _stored(database: store.Database, type: str) -> int:
    async with database.hot.acquire() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM resource WHERE type = $1", type)
    return count


async def _rows(database: store.Database, number: str, *columns: str) -> list[Any]:
    """Of the grants beside each record of a person."""
    ids = (await _resolve(database, number)).records
    grants = tables.consent_grant.c
    async with database.transaction() as tx:
        found = await tx.execute(select(*(grants[name] for name in columns)).where(grants.patient_id.in_(ids)))
        return list(found)


async def _performers(database: store.Database, number: str) -> dict[str, bool]:
    """Who is heard about a person, and whether they permit."""
    rows = await _rows(database, number, "performer", "permits")
    return {row.performer: row.permits for row in rows}


async def _grants(database: store.Database, number: str) -> int:
    return len(await _rows(database, number, "performer"))


async def _restrictions(database: store.Database) -> set[str]:
    async with database.transaction() as tx:
        return set((await tx.execute(select(tables.person.c.restriction))).scalars())


async def _centre_sees(database: store.Database, number: str) -> bool:
    """Whether the children's centre sees the current record of the child."""
    permit = authority.permit(AccessRequest(records.CENTRE, "read", "Patient", LATER))
    assert isinstance(permit, Permit)
    id: UUID = (await _resolve(database, number)).patient_id
    async with database.transaction() as tx:
        return await reading.read(tx, permit, "Patient", id) is not None

"""The lookup: is there a plan for this child? Answered and audited in one commit, together with all who ask meanwhile.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3; DCB1609

Lookups are gathered (`store.gathering`): nobody is answered before the commit that holds their audit row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.child_protection import notice
from app.fhir import resource_id
from app.policy.access import Caller
from app.store import audit, resource, tables
from app.store.audit import Entry
from app.store.database import Database
from app.store.gathering import Gathering
from app.store.lookup import Answer, Found, LookupStatement


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question. `unscheduled` as the gate decided."""

    caller: Caller
    nhs_number: str = field(repr=False)
    unscheduled: bool
    now: datetime
    request_id: str
    query: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Released:
    """The flags, and the plans and teams that they lead to."""

    flags: tuple[Found, ...]
    included: tuple[Found, ...]


class Lookups:
    """Gathers lookups. `plans_ended_after` gives, for a moment, since when an ended plan is still shown."""

    def __init__(
        self,
        database: Database,
        bucket_key: bytes,
        plans_ended_after: Callable[[datetime], datetime],
        *,
        locates_restricted: bool,
    ) -> None:
        self._database = database
        self._bucket_key = bucket_key
        self._plans_ended_after = plans_ended_after
        self._statement = LookupStatement(locates_restricted=locates_restricted)
        self._gathering = Gathering(self._transaction)

    async def look_up(self, lookup: Lookup) -> Released:
        """What the gateway releases, once it is in the audit. Raises Unavailable, and then nothing was released."""
        return await self._gathering.ask(lookup)

    async def drain(self) -> None:
        """Wait until everybody who asked is answered."""
        await self._gathering.drain()

    async def _transaction(self, lookups: Sequence[Lookup]) -> list[Released]:
        numbers = [(each.nhs_number, resource_id.bucket_of(each.nhs_number, self._bucket_key)) for each in lookups]
        after = self._plans_ended_after(max(each.now for each in lookups))
        async with self._database.hot_transaction() as connection:
            answers = await self._statement.run(connection, numbers, after)
            released = [_released(each.caller, answer) for each, answer in zip(lookups, answers, strict=True)]
            entries = [_entry(*each) for each in zip(lookups, answers, released, strict=True)]
            await audit.append(connection, entries)
            await _tell(connection, lookups, released)
        return released


def _released(caller: Caller, answer: Answer) -> Released:
    """Every Flag, and of the plans and teams those that a Flag leads to, as far as the token covers their types."""
    flags = tuple(part for part in answer.found if part.type == "Flag")
    if not flags:
        return Released((), ())
    led_to = {reference for flag in flags for reference in _references(flag, "detail#")}
    plans = tuple(part for part in answer.found if f"{part.type}/{part.id}" in led_to)
    led_on = {reference for plan in plans for reference in _references(plan, "care-team#")}
    teams = tuple(part for part in answer.found if f"{part.type}/{part.id}" in led_on)
    return Released(flags, tuple(part for part in (*plans, *teams) if caller.may(part.type, "r")))


def _references(part: Found, parameter: str) -> list[str]:
    return [token.removeprefix(parameter) for token in part.tokens if token.startswith(parameter)]


def _entry(lookup: Lookup, answer: Answer, released: Released) -> Entry:
    return Entry(
        lookup.caller,
        lookup.now,
        "search",
        "Flag",
        audit.RELEASED if released.flags else audit.NOTHING,
        "child_protection_gateway" if released.flags else "nothing",
        lookup.request_id,
        patient_id=answer.patient_id,
        resources=tuple(
            f"{part.type}/{part.id}/_history/{part.version}" for part in (*released.flags, *released.included)
        ),
        query=lookup.query,
        unscheduled=lookup.unscheduled,
    )


async def _tell(connection: Any, lookups: Sequence[Lookup], released: Sequence[Released]) -> None:
    """Write the access history and the notices of every unscheduled look that found something."""
    hits = [
        (lookup, each.flags)
        for lookup, each in zip(lookups, released, strict=True)
        if each.flags and lookup.unscheduled
    ]
    if not hits:
        return
    history = [notice.access(lookup.caller, flags[0].patient_id, lookup.now) for lookup, flags in hits]
    await resource.copy(connection, tables.child_protection_access, history)
    notices = [each for lookup, flags in hits for each in notice.notices(lookup.caller, flags, lookup.now)]
    await resource.insert_all(connection, notices)
    await resource.copy(connection, tables.outbox, list(resource.to_deliver(notices)))

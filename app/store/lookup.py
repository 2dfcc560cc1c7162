"""The child-protection lookup as SQL: many numbers at once, by one statement that is compiled once.

https://magicstack.github.io/asyncpg/current/usage.html#prepared-statements

It is an ordinary statement with the predicate inside, rendered to text (`compiled`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Integer, Text, and_, bindparam, func, select

from app.fhir import systems
from app.policy import authority
from app.store import tables
from app.store.compiled import Compiled
from app.store.visible import visible

_ENDED_AFTER = datetime(1, 1, 1, tzinfo=UTC)  # stands for the moment that is given with each execution
_PLAN = ("Flag", "CarePlan", "CareTeam")


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a plan that the gateway releases: a Flag, CarePlan or CareTeam."""

    id: UUID
    bucket: int
    type: str
    version: int
    content: str
    patient_id: UUID
    custodian: str
    shows_location: bool
    tokens: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """About one number: the person, if it is known at all, and what is released, newest first."""

    patient_id: UUID | None
    found: tuple[Found, ...] = field(default=())


class LookupStatement:
    """The compiled statement. One for the life of the process."""

    def __init__(self, *, locates_restricted: bool) -> None:
        asked = (
            func.unnest(
                bindparam("places", type_=ARRAY(Integer)),
                bindparam("numbers", type_=ARRAY(Text)),
                bindparam("buckets", type_=ARRAY(Integer)),
            )
            .table_valued("place", "number", "bucket")
            .render_derived("asked")
        )
        released = visible(
            authority.gateway(_ENDED_AFTER, locates_restricted=locates_restricted),
            types=_PLAN,
            fan_out="gathered lookups",
        )
        named = tables.patient_identifier.alias("named")
        statement = (
            select(
                asked.c.place,
                named.c.patient_id.label("record"),
                named.c.current,
                *(released.c[name] for name in Found.__dataclass_fields__),
            )
            .select_from(asked)
            .join(
                named,
                and_(
                    named.c.system == systems.NHS_NUMBER,
                    named.c.value == asked.c.number,
                    named.c.bucket == asked.c.bucket,
                ),
            )
            .outerjoin(
                released,
                and_(released.c.patient_id == named.c.patient_id, released.c.bucket == named.c.patient_bucket),
            )
            .order_by(asked.c.place, released.c.last_updated.desc(), released.c.id.desc())
        )
        self.statement = Compiled(statement, {_ENDED_AFTER: "plans_ended_after"})

    async def run(
        self, connection: asyncpg.Connection, numbers: Sequence[tuple[str, int]], plans_ended_after: datetime
    ) -> list[Answer]:
        """The answers in the order of the numbers, each given with its bucket."""
        given = {
            "places": list(range(len(numbers))),
            "numbers": [number for number, _ in numbers],
            "buckets": [bucket for _, bucket in numbers],
        }
        rows = await self.statement.fetch(connection, plans_ended_after=plans_ended_after, **given)
        people: list[UUID | None] = [None] * len(numbers)
        found: list[list[Found]] = [[] for _ in numbers]
        for place, record, current, *values in rows:
            if current or people[place] is None:
                people[place] = record
            if values[0] is not None:
                found[place].append(Found(*values))
        return [Answer(person, tuple(parts)) for person, parts in zip(people, found, strict=True)]

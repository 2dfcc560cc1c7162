"""What a search asks through other resources, resolved step by step: chains, `_has`, and whom something is about.

https://hl7.org/fhir/R4/search.html#chaining; https://hl7.org/fhir/R4/search.html#has

Each link is a search of its own, of its own type, with what this caller may see of that type. So what is hidden is no link
of any chain, and what is left of the question asks the resource alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id
from app.fhir.errors import TooManyLinked
from app.fhir.search_criteria import About, AnyOf, Chained, Criterion, Has, Ids, Not
from app.fhir.search_parameters import SearchParameter
from app.policy.authority import Permit
from app.store import condition, criteria, database, identity
from app.store.compiled import Statements
from app.store.condition import Condition
from app.store.visible import visible

MOST_LINKED = 1000
_statements = Statements()


@dataclass(frozen=True, slots=True)
class People:
    """The Patient records that a search names. `all` are those of every criterion that names some (None: there is none);
    `everyone` is whoever is named anywhere, in a chain too."""

    all: frozenset[UUID] | None
    everyone: frozenset[UUID]


@dataclass(frozen=True)
class Links:
    """`permits` has what the caller may see, by search, of every type that is looked into."""

    tx: AsyncConnection
    permits: Mapping[str, Permit]
    key: bytes

    async def resolve(self, type: str, criterion: Criterion) -> Condition:
        """The condition on a resource of this type. Raises TooManyLinked where a link has too many ends."""
        match criterion:
            case About():
                return criteria.within_buckets(await named(self.tx, type, criterion, self.key), person_column(type))
            case Not(inner):
                return condition.negated(await self.resolve(type, inner))
            case AnyOf(inners):
                return condition.any_of([await self.resolve(type, each) for each in inners])
            case Chained(parameter, target, inner):
                linked = await self._linked(target, [inner], ())
                return await self._refers(parameter, target, [row["id"] for row in linked])
            case Has(source, parameter, inner):
                return await self._is_referred_to(
                    type, parameter, await self._linked(source, [inner], (parameter.code,))
                )
            case _:
                return criteria.of(type, criterion)

    async def _linked(self, type: str, asked: Sequence[Criterion], followed: Collection[str]) -> Sequence[Any]:
        """The resources at the end of a link: those of which the parameters that are `followed` may be shown, too."""
        where = [await self.resolve(type, each) for each in asked]
        where.append(criteria.shown(type, followed, condition.ANYTHING))

        def build() -> Select[Any]:
            seen = visible(self.permits[type], types=(type,), fan_out="the end of a link")
            met = condition.as_parameters(where, seen.c)
            return (
                select(seen.c.id, seen.c.patient_id, seen.c.tokens)
                .where(*met)
                .limit(literal_column(str(MOST_LINKED + 1)))
            )

        shape, values = (type, MOST_LINKED, *(each.shape for each in where)), condition.given(where)
        driver = await database.driver(self.tx)
        found = await _statements.fetch(driver, self.permits[type], shape, build=build, **values)
        if len(found) > MOST_LINKED:
            raise TooManyLinked(f"More than {MOST_LINKED} of {type} are at the end of this link. Narrow it.")
        return found

    async def _refers(self, parameter: SearchParameter, target: str, ids: Sequence[UUID]) -> Condition:
        """That it refers to one of these; to any record of a person, where they are Patients."""
        chosen = frozenset(ids)
        if target == "Patient":
            people = await identity.of_records(self.tx, ids, self.key)
            chosen |= {id for person in people for id in person.records}
        if parameter.is_the_person:
            return criteria.within_buckets(chosen, "patient_id")
        under = criteria.under([f"{parameter.code}#{target}/{id}" for id in chosen])
        return criteria.shown(parameter.base, [parameter.code], under)

    async def _is_referred_to(self, type: str, parameter: SearchParameter, sources: Sequence[Any]) -> Condition:
        """That one of these refers to it. Of a person, the current record is the answer."""
        if parameter.is_the_person:
            ids = {row["patient_id"] for row in sources if row["patient_id"]}
        else:
            ids = {id for row in sources for id in referred_to(parameter.code, type, row["tokens"])}
        if type == "Patient":
            ids = {person.patient_id for person in await identity.of_records(self.tx, ids, self.key)}
        return criteria.within_buckets(frozenset(ids), "id")


async def named(tx: AsyncConnection, type: str, about: About, key: bytes) -> frozenset[UUID]:
    """The Patient records that a criterion names. Empty where those are not known.

    Of the person themselves the current record is the answer; of all else, what is kept with any of them.
    """
    people = await identity.resolve(tx, about.nhs_numbers, key)
    ids = {id for person in people.values() for id in (person.records if type != "Patient" else (person.patient_id,))}
    given = {id for text in about.patient_ids if (id := resource_id.parse(text))}
    also = await identity.of_records(tx, given, key) if type != "Patient" else []
    return frozenset(ids | given | {record for person in also for record in person.records})


def person_column(type: str) -> str:
    """Where a resource says whom it is about."""
    return "id" if type == "Patient" else "patient_id"


def is_narrow(criterion: Criterion) -> bool:
    """Whether it names the buckets that are to be asked."""
    if isinstance(criterion, AnyOf):
        return all(map(is_narrow, criterion.criteria))
    return isinstance(criterion, About | Ids | Has) or (
        isinstance(criterion, Chained) and criterion.parameter.is_the_person
    )


def referred_to(code: str, type: str, tokens: Collection[str]) -> list[UUID]:
    """The ids of this type that a resource with these tokens refers to by a parameter."""
    start = f"{code}#{type}/"
    ids = (resource_id.parse(token.removeprefix(start)) for token in tokens if token.startswith(start))
    return [id for id in ids if id]

"""A predicate means the same in Python and in SQL, in every world: what is decided is what is disclosed.

https://www.postgresql.org/docs/current/functions-comparison.html

A world is a predicate and a resource with its person and the consents about them. All resources are in one database, and
each predicate is asked of all of them by one statement.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, systems
from app.policy import authority, purpose, subtraction
from app.policy.access import Caller, CareSetting, Kind, User
from app.policy.authority import AccessRequest, Permit
from app.policy.predicate import EVERYTHING, NOTHING, Predicate, holds
from app.store import database as store
from app.store import guard, predicate_sql, reading, resource, tables
from app.store.lookup import LookupStatement
from app.store.visible import CONTACT, visible
from tests.policy import consent_worlds, consents
from tests.store import predicate_worlds
from tests.store.conftest import NewDatabase
from tests.store.predicate_worlds import MOMENTS, NOW, World

WORLDS = predicate_worlds.worlds(Random(2013), people=80)
PREDICATES = [predicate_worlds.predicate(Random(seed), WORLDS) for seed in range(300)]
LEAVES = [leaf for seed in range(12) for leaf in predicate_worlds.leaves(Random(seed), WORLDS)]
PURPOSES_OF_CARE = (f"{systems.ACT_REASON}|TREAT", f"{systems.ACT_REASON}|ETREAT")
PURPOSES = (*sorted(purpose.KNOWN), "http://example.org|TREAT")


@pytest_asyncio.fixture(scope="module")
async def population(new_database: NewDatabase) -> store.Database:
    """A database with all the worlds in it."""
    opened = await new_database()
    people = {world.facts.patient_id: world for world in WORLDS if world.facts.patient_id}
    async with opened.transaction() as tx:
        connection = await store.driver(tx)
        await resource.copy(connection, tables.resource, [_resource_row(world) for world in WORLDS])
        known = [_person_row(id, world) for id, world in people.items() if world.person]
        await resource.copy(connection, tables.person, known)
        grants = [_grant_row(id, grant) for id, world in people.items() for grant in world.grants]
        await resource.copy(connection, tables.consent_grant, grants)
        named = [(systems.NHS_NUMBER, str(id), 1, id, resource_id.bucket(id), True) for id in people]
        await resource.copy(connection, tables.patient_identifier, named)
    return opened


@pytest.mark.parametrize("first", range(0, len(PREDICATES), 50))
async def test_a_random_predicate_means_the_same_in_sql(population: store.Database, first: int) -> None:
    async with population.transaction() as tx:
        for seed, predicate in enumerate(PREDICATES[first : first + 50], first):
            await _check(tx, predicate, consent_worlds.moment(Random(seed)))


async def test_each_part_of_which_predicates_are_made_means_the_same_in_sql(population: store.Database) -> None:
    async with population.transaction() as tx:
        for seed, predicate in enumerate((EVERYTHING, NOTHING, *LEAVES)):
            await _check(tx, predicate, consent_worlds.moment(Random(seed)))


async def test_every_permit_releases_in_sql_what_it_releases_in_python(population: store.Database) -> None:
    permits = {_permit(kind, stated) for kind, stated in product(Kind, PURPOSES)}
    assert len(permits) > 50
    async with population.transaction() as tx:
        for permit in permits:
            await _check_permit(tx, permit)


async def test_a_statement_that_was_kept_reads_what_the_permit_releases_now(population: store.Database) -> None:
    """Whoever it was built for, and whenever: it was kept by the reach, and each permit has its own moment."""
    moments = [NOW - timedelta(days=1), NOW, NOW + timedelta(days=365 * 20)]
    differing = 0
    for kind, stated in product(Kind, PURPOSES_OF_CARE):
        permits = [_permit(kind, stated, moment) for moment in moments]
        assert len({permit.reach for permit in permits}) == 1
        found = [await _read_all(population, permit) for permit in permits]
        expected = [
            {
                world.id: (
                    _rule(permit, world),
                    _holds(permit.reach.visible, _as_contact(world), permit.now) or not _has_contact(world),
                    _holds(permit.reach.shows_location, world),
                )
                for world in WORLDS
                if _holds(permit.reach.visible, world, permit.now)
            }
            for permit in permits
        ]
        assert found == expected, (kind, stated)
        differing += found[0] != found[2]
    assert differing > 5


@pytest.mark.parametrize("locates_restricted", [True, False])
async def test_the_gateway_releases_in_sql_what_it_releases_in_python(
    population: store.Database, locates_restricted: bool
) -> None:
    async with population.transaction() as tx:
        for moment in MOMENTS:
            await _check_permit(tx, authority.gateway(moment, locates_restricted=locates_restricted))


@pytest.mark.parametrize("locates_restricted", [True, False])
async def test_the_compiled_lookup_releases_what_the_gateway_does(
    population: store.Database, locates_restricted: bool
) -> None:
    """Whatever moment it is given, though it was compiled once."""
    statement = LookupStatement(locates_restricted=locates_restricted)
    people = sorted({world.facts.patient_id for world in WORLDS if world.facts.patient_id})
    for moment in MOMENTS:
        permit = authority.gateway(moment, locates_restricted=locates_restricted)
        async with population.hot.acquire() as connection:
            answers = await statement.run(connection, [(str(id), 1) for id in people], moment)
        assert [answer.patient_id for answer in answers] == people
        found = {part.id: part.shows_location for answer in answers for part in answer.found}
        released = [world for world in WORLDS if world.facts.patient_id and _holds(permit.reach.visible, world)]
        assert found == {world.id: _holds(permit.reach.shows_location, world) for world in released}
        assert len(found) > 5


def test_the_worlds_are_many_and_answer_both_ways() -> None:
    assert len(WORLDS) * len(PREDICATES) > 50_000
    for number, predicate in enumerate(LEAVES[:15]):
        alike = LEAVES[number::15]  # the same constructor, with other values
        assert {_holds(each, world) for each in alike for world in WORLDS} == {True, False}, predicate
    random = Counter(_holds(predicate, world) for predicate in PREDICATES for world in WORLDS)
    assert min(random[True], random[False]) > 10_000


def test_every_authority_releases_something_somewhere() -> None:
    permits = {_permit(kind, stated) for kind, stated in product(Kind, PURPOSES)}
    found = Counter(_rule(permit, world) for permit in permits for world in WORLDS)
    assert found.keys() == {"own_data", "consent", "recipient", "family", "audit", "directory", ""}


async def _read_all(population: store.Database, permit: Permit) -> dict[UUID, tuple[str, bool, bool]]:
    """Every world by its id, of each type, with the rule and what is shown."""
    found: dict[UUID, tuple[str, bool, bool]] = {}
    async with population.hot.acquire() as connection:
        for type in predicate_worlds.TYPES:
            ids = [world.id for world in WORLDS if world.facts.type == type]
            rows = await reading.read_all(connection, permit, type, ids)
            found |= {id: (row.rule, row.shows_contact, row.shows_location) for id, row in rows.items()}
    return found


def _has_contact(world: World) -> bool:
    return world.facts.type in subtraction.CONTACT


async def _check(tx: AsyncConnection, predicate: Predicate, now: datetime) -> None:
    """Of a resource, and of its contact details, whose category is another."""
    target = predicate_sql.target(tables.resource, now)
    own = predicate_sql.render(predicate, target)
    contact = predicate_sql.render(predicate, target.as_part(CONTACT))
    statement = (
        select(target.alias.c.id, own, contact)
        .select_from(target.source)
        .prefix_with(guard.for_itself("to compare two interpreters"))
        .prefix_with(guard.fan_out("all of its worlds"))
    )
    found = {id: (of_it, of_contact) for id, of_it, of_contact in await tx.execute(statement)}
    expected = {
        world.id: (_holds(predicate, world, now), _holds(predicate, _as_contact(world), now)) for world in WORLDS
    }
    assert _differing(found, expected) == [], predicate


async def _check_permit(tx: AsyncConnection, permit: Permit) -> None:
    seen = visible(permit, fan_out="all of its worlds")
    statement = select(seen.c.id, seen.c.rule, seen.c.shows_contact, seen.c.shows_location)
    found = {row.id: tuple(row[1:]) for row in await tx.execute(statement)}
    expected = {
        world.id: (
            _rule(permit, world),
            _holds(permit.reach.visible, _as_contact(world)),
            _holds(permit.reach.shows_location, world),
        )
        for world in WORLDS
        if _holds(permit.reach.visible, world)
    }
    assert _differing(found, expected) == [], permit


def _differing(found: dict[UUID, Any], expected: dict[UUID, Any]) -> list[tuple[World, Any, Any]]:
    """The first few worlds in which they differ: what SQL says, then what Python does. NULL differs from false."""
    differing = [
        (world, found.get(world.id), expected.get(world.id))
        for world in WORLDS
        if found.get(world.id) != expected.get(world.id)
    ]
    assert found.keys() <= {world.id for world in WORLDS}
    return differing[:3]


def _permit(kind: Kind, stated: str, now: datetime = NOW) -> Permit:
    user = User(consents.MOTHER, "Example", "R8000")
    caller = Caller("client", kind, "RX1", "Trust", CareSetting.NONE, (), stated, user, frozenset())
    permit = authority.permit(AccessRequest(caller, "search", "Patient", now))
    assert isinstance(permit, Permit)
    return permit


def _rule(permit: Permit, world: World) -> str:
    """The authority by which it is released: the first that reaches it."""
    reached = (each.rule for each in permit.reach.authorities if _holds(each.releases, world, permit.now))
    return next(reached, "")


def _holds(predicate: Predicate, world: World, now: datetime = NOW) -> bool:
    return holds(predicate, world.facts, world.person, world.grants, now=now)


def _as_contact(world: World) -> World:
    return replace(world, facts=replace(world.facts, category=CONTACT))


def _resource_row(world: World) -> tuple[Any, ...]:
    facts = world.facts
    return (
        *(world.id, resource_id.bucket(world.id), 1, facts.type, NOW, "{}", facts.patient_id, facts.custodian),
        *(sorted(facts.owners), sorted(facts.recipients), facts.category, facts.label, sorted(facts.sensitivities)),
        *(facts.data_date, facts.status, facts.kind, facts.ended, False, []),
    )


def _person_row(id: UUID, world: World) -> tuple[Any, ...]:
    person = world.person
    assert person is not None
    return (
        *(id, resource_id.bucket(id), sorted(person.nhs_numbers), person.birth_date, person.restriction),
        *(person.bereaved, person.pregnancy, person.pregnancy_over, sorted(person.family)),
    )


def _grant_row(id: UUID, grant: Any) -> tuple[Any, ...]:
    return (
        *(id, resource_id.bucket(id), UUID(grant.consent_id), grant.performer, grant.rank, grant.permits),
        *(list(grant.actors), list(grant.purposes), list(grant.categories), grant.label, list(grant.sensitivities)),
        *(grant.valid_from, grant.valid_to, grant.data_from, grant.data_to),
    )

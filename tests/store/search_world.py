"""A mixed population, and what a search of it ought to find: an oracle that reads nothing but the documents.

https://hl7.org/fhir/R4/search.html

Children, their relatives, consents, plans and messages, written by several services. The oracle knows them as they were
written, and decides with the policy's own `holds`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.fhir import search_criteria, search_query
from app.fhir.search_criteria import Place
from app.policy import authority, consent, facts, standing
from app.policy.access import Caller
from app.policy.authority import AccessRequest, Permit
from app.policy.facts import Person
from app.policy.grant import Grant
from app.policy.predicate import holds
from app.store import database as store
from app.store import inclusion, search
from app.store.inclusion import Included
from app.store.resource import Version
from app.store.search import Page
from app.store.writing import Draft
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts
from tests.store.drafts import FATHER, MOTHER, START, draft, identified

Json = dict[str, Any]

CHILDREN = tuple(synthetic(2000 + 10 * serial) for serial in range(16))
CALLERS = {
    "health visitor": records.HEALTH_VISITOR,
    "surgery": records.SURGERY,
    "children's centre": records.CENTRE,
    "council": records.COUNCIL,
    "mother": records.caller(records.MOTHERS_APP.kind, "PA901", records.FAMILY_REQUEST, user=MOTHER),
    "nobody": records.SCHOOL_NURSE,
}
_MOMENTS = tuple(START - timedelta(days=days) for days in (90, 60, 60, 30, 30, 1))
_NAMES = ("Example", "Exâmple", "O'Neill", "Öztürk", "50%", "Under_score", "Underscore", "van der Berg", "Smith-Jones")


@dataclass(frozen=True)
class Kept:
    """A stored version with the document that it was made from."""

    version: Version
    content: Json
    custodian: str
    person: Person | None
    grants: tuple[Grant, ...]


def documents(random: Random) -> list[Draft]:
    """What is written about everybody, in any order."""
    found = [draft(records.example("organization-childrens-centre"), "CC901")]
    for number in CHILDREN:
        found += [draft(content, custodian) for content, custodian in _about(random, number)]
    random.shuffle(found)
    return found


def _about(random: Random, number: str) -> Iterable[tuple[Json, str]]:
    level = random.choice("NNNNRV")
    name = [{"family": random.choice(_NAMES), "given": [random.choice(["Amelia", "Amélie", "Bo"])]}]
    born = random.choice(["2025-02-11", "2025-02", "2024", "2023-12-31"])
    keeper = random.choice(["RX999", "RX999", "RX902"])
    patient = drafts.patient(
        number,
        name=name,
        birthDate=born,
        active=random.choice([True, True, False, None]),
        managingOrganization=records.organization(keeper),
        deceasedBoolean=random.choice([None, None, None, True]),
    )
    yield records.restricted(patient, level), keeper
    for parent in random.sample([MOTHER, FATHER], random.randrange(3)):
        yield drafts.relative(number, parent), keeper
        yield random.choice([drafts.agreed, drafts.agreed, drafts.refused])(number, by=parent), "RX999"
    for end in random.sample([None, "2026-06-01", "2026-11-20T12:00:00Z"], random.randrange(3)):
        period = {"start": random.choice(["2026-01-01", "2026-05"])} | ({"end": end} if end else {})
        subject = {"subject": identified(number), "period": period}
        yield records.example("child-protection-flag-active-plan") | subject, "LA901"
    if random.randrange(2):
        message = records.communication(
            "professional-notice", sender="CC901", recipient=random.choice(["RX999", "LA901"])
        )
        yield message | {"subject": identified(number)}, "CC901"


async def written(database: store.Database, found: list[Draft]) -> list[Kept]:
    """All of it, in several transactions, so that many are of one moment and others are not."""
    kept: list[tuple[Version, Draft]] = []
    for turn, moment in enumerate(_MOMENTS):
        together = found[turn :: len(_MOMENTS)]
        kept += zip(await drafts.create(database, *together, now=moment), together, strict=True)
    return known(kept)


def known(kept: list[tuple[Version, Draft]]) -> list[Kept]:
    """Everything with what is known of its person, worked out from the documents alone."""
    contents: dict[UUID | None, list[tuple[Version, Json]]] = {}
    for version, each in kept:
        contents.setdefault(version.facts.patient_id, []).append((version, each.resource))
    people = {id: _person(about) for id, about in contents.items() if id}
    return [
        Kept(version, each.resource, each.custodian, *people.get(version.facts.patient_id or UUID(int=0), (None, ())))
        for version, each in kept
    ]


def _person(about: list[tuple[Version, Json]]) -> tuple[Person, tuple[Grant, ...]]:
    of_type: dict[str, list[tuple[Version, Json]]] = {}
    for version, content in about:
        of_type.setdefault(content["resourceType"], []).append((version, content))
    patient = of_type["Patient"][0][1]
    number = patient["identifier"][0]["value"]
    born = date.fromisoformat(patient["birthDate"]) if len(patient["birthDate"]) == 10 else None
    proven = {f"nhs|{each['identifier'][0]['value']}": True for _, each in of_type.get("RelatedPerson", [])}
    statements = [
        consent.Statement(str(version.id), content, version.last_updated)
        for version, content in of_type.get("Consent", [])
    ]
    person = Person(
        restriction=facts.restriction(patient),
        bereaved=facts.is_bereaved(patient),
        birth_date=born,
        nhs_numbers=frozenset({number}),
        family=frozenset({f"nhs|{number}", *proven}),
    )
    return person, consent.grants(statements, standing.Subject(frozenset({number}), born, proven), teams={})


def permit(caller: Caller, type: str, now: datetime = START) -> Permit:
    decided = authority.permit(AccessRequest(caller, "search", type, now))
    assert isinstance(decided, Permit)
    return decided


async def find(
    database: store.Database, caller: Caller, type: str, *pairs: tuple[str, str], place: Place | None = None
) -> Page:
    """One page, a thousand rows long where it is not said."""
    return (await answer(database, caller, type, *pairs, place=place))[0]


async def answer(
    database: store.Database, caller: Caller, type: str, *pairs: tuple[str, str], place: Place | None = None
) -> tuple[Page, Included]:
    """One page and what belongs to it."""
    query = search_query.parse(type, pairs, page_size=1000, largest_page=1000)
    into = {type, *(each for criterion in query.criteria for each in search_criteria.looked_into(criterion))}
    targets = {each for include in query.includes for each in (include.source, *include.parameter.targets)}
    async with database.transaction() as tx:
        people = await search.about(tx, query, drafts.KEY)
        searched = {each: permit(caller, each) for each in into}
        page = await search.page(tx, searched, query, people, place, drafts.KEY)
        included = {each: permit(caller, each) for each in targets}
        return page, await inclusion.included(tx, included, page.rows, query.includes, drafts.KEY)


def visible(kept: list[Kept], caller: Caller, type: str) -> list[Kept]:
    """What a caller may see of a type, the newest first."""
    may_see = permit(caller, type).reach.visible
    seen = [
        each
        for each in kept
        if each.content["resourceType"] == type
        and holds(
            may_see,
            facts.of(each.content, each.custodian, each.version.facts.patient_id),
            each.person,
            each.grants,
            now=START,
        )
    ]
    return sorted(seen, key=lambda each: (each.version.last_updated, each.version.id), reverse=True)


def nhs_number(version: Version) -> str:
    """The number of a stored Patient."""
    content: Json = json.loads(version.content)
    number: str = content["identifier"][0]["value"]
    return number

"""Through other resources: a chain, `_has` and what belongs to a page go only where the caller may see.

https://hl7.org/fhir/R4/search.html#chaining; https://hl7.org/fhir/R4/search.html#has
"""

from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from app.fhir import systems
from app.fhir.errors import InvalidParameter
from app.store import database as store
from app.store import inclusion, links
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts, search_world
from tests.store.conftest import NewDatabase
from tests.store.drafts import draft, identified
from tests.store.search_world import CALLERS, Kept, answer, find

OLD, NEW = synthetic(11_000), synthetic(11_010)


@pytest_asyncio.fixture(scope="module")
async def everybody(new_database: NewDatabase) -> tuple[store.Database, list[Kept]]:
    database = await new_database()
    return database, await search_world.written(database, search_world.documents(Random(31)))


@pytest.mark.parametrize("who", ["health visitor", "surgery", "council", "children's centre", "nobody"])
@pytest.mark.parametrize(
    ("type", "element"), [("Consent", "patient"), ("RelatedPerson", "patient"), ("Flag", "subject")]
)
async def test_a_chain_to_the_person_ends_at_patients_that_the_caller_may_see(
    everybody: tuple[store.Database, list[Kept]], who: str, type: str, element: str
) -> None:
    database, kept = everybody
    caller = CALLERS[who]
    ends = {
        each.version.id for each in search_world.visible(kept, caller, "Patient") if each.content.get("active") is True
    }
    expected = [
        each.version.id for each in search_world.visible(kept, caller, type) if each.version.facts.patient_id in ends
    ]
    page = await find(database, caller, type, (f"{element}:Patient.active", "true"))
    assert ([row.id for row in page.rows], page.total) == (expected, len(expected))


async def test_some_chain_finds_some_of_what_is_there(everybody: tuple[store.Database, list[Kept]]) -> None:
    database, kept = everybody
    page = await find(database, CALLERS["health visitor"], "Consent", ("patient:Patient.active", "true"))
    assert 0 < len(page.rows) < len(search_world.visible(kept, CALLERS["health visitor"], "Consent"))


@pytest.mark.parametrize("who", ["health visitor", "surgery", "council", "children's centre", "nobody"])
@pytest.mark.parametrize("source", ["Consent", "RelatedPerson", "Flag", "CommunicationRequest"])
async def test_has_begins_at_resources_that_the_caller_may_see(
    everybody: tuple[store.Database, list[Kept]], who: str, source: str
) -> None:
    database, kept = everybody
    caller = CALLERS[who]
    about = {each.version.facts.patient_id for each in search_world.visible(kept, caller, source)}
    expected = [each.version.id for each in search_world.visible(kept, caller, "Patient") if each.version.id in about]
    page = await find(database, caller, "Patient", (f"_has:{source}:patient:_lastUpdated", "ge2000"))
    assert ([row.id for row in page.rows], page.total) == (expected, len(expected))


async def _a_plan(database: store.Database, number: str) -> dict[str, UUID]:
    """An authority's plan with its own team, and another's team that it names too."""
    about = {"subject": identified(number)}
    team = records.example("child-protection-care-team") | about
    own, other = await drafts.create(database, draft(team, "LA901"), draft(team, "LA902"))
    teams = [{"reference": f"CareTeam/{each.id}"} for each in (own, other)]
    plan = records.example("child-protection-care-plan-active") | about | {"careTeam": teams}
    (made,) = await drafts.create(database, draft(plan, "LA901"))
    return {"own": own.id, "other": other.id, "plan": made.id}


async def test_what_is_hidden_is_no_link(database: store.Database) -> None:
    ids = await _a_plan(database, synthetic(7000))
    chained = [
        (await find(database, records.COUNCIL, "CarePlan", ("care-team:CareTeam._id", str(ids[team])))).total
        for team in ("own", "other")
    ]
    has = await find(database, records.COUNCIL, "CareTeam", ("_has:CarePlan:care-team:_id", str(ids["plan"])))
    assert (chained, [row.id for row in has.rows]) == ([1, 0], [ids["own"]])


async def test_an_include_shows_what_may_be_seen_and_nothing_else(database: store.Database) -> None:
    ids = await _a_plan(database, synthetic(7000))
    _, forth = await answer(database, records.COUNCIL, "CarePlan", ("_include", "CarePlan:care-team"))
    page, back = await answer(database, records.COUNCIL, "CareTeam", ("_revinclude", "CarePlan:care-team"))
    assert [row.id for row in forth.rows] == [ids["own"]]
    assert [row.id for row in back.rows] == [ids["plan"]]
    assert [row.id for row in page.rows] == [ids["own"]]
    assert not forth.is_cut
    assert not back.is_cut


async def test_whom_a_resource_is_about_may_be_included_and_what_is_about_them(database: store.Database) -> None:
    child, consent = await drafts.create(
        database, draft(drafts.patient(synthetic(7000))), draft(drafts.agreed(synthetic(7000)))
    )
    _, forth = await answer(database, CALLERS["health visitor"], "Consent", ("_include", "Consent:patient"))
    _, back = await answer(database, CALLERS["health visitor"], "Patient", ("_revinclude", "Consent:patient"))
    assert ([row.id for row in forth.rows], [row.id for row in back.rows]) == ([child.id], [consent.id])


async def test_a_chain_and_has_and_includes_know_every_record_of_a_person(database: store.Database) -> None:
    """A number was superseded: what is kept with the old record is about whoever has the new one."""
    old, consent = await drafts.create(database, draft(drafts.patient(OLD)), draft(drafts.agreed(OLD)))
    (new,) = await drafts.create(database, draft(drafts.patient(NEW, gender="male")))
    await drafts.change(database, "Patient", old.id, drafts.superseded(OLD, NEW))
    visitor = CALLERS["health visitor"]
    chained = await find(database, visitor, "Consent", ("patient:Patient.gender", "male"))
    has = await find(database, visitor, "Patient", ("_has:Consent:patient:status", "active"))
    _, back = await answer(database, visitor, "Patient", ("_id", str(new.id)), ("_revinclude", "Consent:patient"))
    assert [row.id for row in chained.rows] == [consent.id]
    assert [row.id for row in has.rows] == [new.id]
    assert [row.id for row in back.rows] == [consent.id]


async def test_a_link_with_too_many_ends_is_refused_and_hidden_ones_do_not_count(
    database: store.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_LINKED", 3)
    numbers = [synthetic(20_000 + 10 * n) for n in range(4)]
    hidden = [synthetic(30_000 + 10 * n) for n in range(5)]
    await drafts.create(
        database,
        *(draft(drafts.patient(number)) for number in numbers[:3]),
        *(draft(records.restricted(drafts.patient(number), "V")) for number in hidden),
        draft(drafts.agreed(numbers[0])),
    )
    asked = "patient:Patient.gender", "female"
    assert (await find(database, CALLERS["health visitor"], "Consent", asked)).total == 1
    await drafts.create(database, draft(drafts.patient(numbers[3])))
    with pytest.raises(InvalidParameter, match="Narrow"):
        await find(database, CALLERS["health visitor"], "Consent", asked)


async def test_includes_are_cut_where_there_are_too_many_and_it_is_said(
    database: store.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inclusion, "MOST_INCLUDED", 3)
    number = synthetic(7000)
    await drafts.create(database, draft(drafts.patient(number)), *[draft(drafts.agreed(number)) for _ in range(3)])
    visitor = CALLERS["health visitor"]
    _, whole = await answer(database, visitor, "Patient", ("_revinclude", "Consent:patient"))
    assert (len(whole.rows), whole.is_cut) == (3, False)
    await drafts.create(database, draft(drafts.agreed(number)))
    _, cut = await answer(database, visitor, "Patient", ("_revinclude", "Consent:patient"))
    assert (len(cut.rows), cut.is_cut) == (3, True)


async def test_iteration_ends(database: store.Database) -> None:
    """Organisations are parts of each other, deeper than is followed."""
    made: list[Any] = []
    for depth in range(8):
        part_of = {"partOf": {"reference": f"Organization/{made[-1]}"}} if made else {}
        organisation = records.example("organization-childrens-centre") | part_of
        organisation["identifier"] = [{"system": systems.ODS_CODE, "value": f"CC9{depth:02}"}]
        (version,) = await drafts.create(database, draft(organisation, "CC901"))
        made.append(version.id)
    asked = ("_include:iterate", "Organization:partof")
    _, shallow = await answer(database, CALLERS["surgery"], "Organization", ("_id", str(made[5])), asked)
    _, deep = await answer(database, CALLERS["surgery"], "Organization", ("_id", str(made[7])), asked)
    assert ([row.id for row in shallow.rows], shallow.is_cut) == (made[4::-1], False)
    assert ([row.id for row in deep.rows], deep.is_cut) == (made[6:1:-1], True)

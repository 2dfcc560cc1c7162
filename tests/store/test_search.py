"""A search finds exactly what the caller may see and asked for, on however many pages, whatever is written meanwhile.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.fhir import resource_id
from app.store import database as store
from app.store.search import Page
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts, search_world
from tests.store.conftest import NewDatabase
from tests.store.drafts import START, draft, identified
from tests.store.search_world import CALLERS, Kept, find

TYPES = ("Patient", "RelatedPerson", "Consent", "Flag", "CommunicationRequest", "Organization")
LATER = START + timedelta(hours=1)


@pytest_asyncio.fixture(scope="module")
async def everybody(new_database: NewDatabase) -> tuple[store.Database, list[Kept]]:
    """A database with the mixed population, and all that was written."""
    database = await new_database()
    return database, await search_world.written(database, search_world.documents(Random(2013)))


def ids(kept: Sequence[Kept]) -> list[UUID]:
    return [each.version.id for each in kept]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("who", CALLERS)
async def test_the_pages_together_are_what_the_caller_may_see(
    everybody: tuple[store.Database, list[Kept]], who: str, type: str
) -> None:
    database, kept = everybody
    expected = ids(search_world.visible(kept, CALLERS[who], type))
    for sizes in ((1000,), (1, 4, 2, 9)):
        found: list[UUID] = []
        after, turns = None, cycle(sizes)
        while True:
            page = await find(database, CALLERS[who], type, ("_count", str(next(turns))), place=after)
            assert page.total == len(expected)
            assert page.rows or not expected, "no page is empty"
            found += [row.id for row in page.rows]
            if (after := page.next) is None:
                break
        assert found == expected


def test_everybody_sees_something_and_nobody_sees_everything(everybody: tuple[store.Database, list[Kept]]) -> None:
    _, kept = everybody
    for who, caller in CALLERS.items():
        seen = sum(len(search_world.visible(kept, caller, type)) for type in TYPES)
        assert (1 if who == "nobody" else 8) <= seen < len(kept) / 1.2, who


async def test_each_row_says_by_which_rule_and_what_may_be_shown(everybody: tuple[store.Database, list[Kept]]) -> None:
    database, kept = everybody
    page = await find(database, CALLERS["children's centre"], "Patient")
    restricted = {each.version.id for each in kept if each.person and each.person.restriction == "R"}
    assert {row.rule for row in page.rows} == {"consent"}
    assert {row.id for row in page.rows if not row.shows_location} == {row.id for row in page.rows} & restricted
    assert all(row.shows_contact for row in page.rows)


async def test_a_page_of_none_counts(everybody: tuple[store.Database, list[Kept]]) -> None:
    database, kept = everybody
    counted = await find(database, CALLERS["surgery"], "Patient", ("_count", "0"))
    assert (counted.rows, counted.next) == ((), None)
    assert counted.total == len(search_world.visible(kept, CALLERS["surgery"], "Patient"))
    uncounted = await find(database, CALLERS["surgery"], "Patient", ("_total", "none"), ("_count", "3"))
    assert (uncounted.total, len(uncounted.rows)) == (None, 3)


@pytest.mark.parametrize("type", ["Patient", "RelatedPerson", "Consent", "Flag"])
async def test_a_person_is_found_by_number_and_by_record(
    everybody: tuple[store.Database, list[Kept]], type: str
) -> None:
    database, kept = everybody
    caller = CALLERS["council" if type == "Flag" else "health visitor"]
    own = "identifier" if type == "Patient" else "patient:identifier"
    for number in search_world.CHILDREN[:3]:
        about = [
            each
            for each in search_world.visible(kept, caller, type)
            if each.person and number in each.person.nhs_numbers
        ]
        page = await find(database, caller, type, (own, f"https://fhir.nhs.uk/Id/nhs-number|{number}"))
        assert ([row.id for row in page.rows], page.total) == (ids(about), len(about))
        if type != "Patient" and about:
            by_record = await find(database, caller, type, ("patient", f"Patient/{about[0].version.facts.patient_id}"))
            assert [row.id for row in by_record.rows] == ids(about)


@pytest.mark.parametrize(
    "pairs",
    [
        [("patient:identifier", f"https://fhir.nhs.uk/Id/nhs-number|{synthetic(999_000)}")],
        [("patient", "Patient/nobody")],
        [("patient", f"Patient/{uuid4()}")],
        [("patient", f"Patient/{resource_id.new(7, START)}")],
        [("_id", "x")],
        [("_id", "'; DROP TABLE resource; --")],
        [("_id", str(uuid4()))],
        [("_id", str(resource_id.new(7, START)).upper())],
        [("_id", str(resource_id.new(7, START)))],
    ],
    ids=[
        "a number that is new",
        "no id",
        "another's id",
        "an id",
        "garbage",
        "an attack",
        "a foreign id",
        "capitals",
        "an id of ours",
    ],
)
async def test_of_what_is_not_there_nothing_is_found(
    everybody: tuple[store.Database, list[Kept]], pairs: list[tuple[str, str]]
) -> None:
    page = await find(everybody[0], CALLERS["council"], "Flag", *pairs)
    assert page == Page((), 0)


async def test_ids_among_garbage_are_found_if_they_may_be_seen(everybody: tuple[store.Database, list[Kept]]) -> None:
    database, kept = everybody
    seen = ids(search_world.visible(kept, CALLERS["surgery"], "Patient"))
    hidden = next(each.version.id for each in kept if each.person and each.person.restriction == "V")
    page = await find(database, CALLERS["surgery"], "Patient", ("_id", f"x,{seen[1]},{hidden},{seen[0]},{seen[0]}"))
    assert ([row.id for row in page.rows], page.total) == (seen[:2], 2)
    assert (await find(database, CALLERS["surgery"], "Consent", ("_id", str(seen[0])))).total == 0


@pytest.mark.parametrize(
    ("type", "who", "name", "value", "matches"),
    [
        pytest.param("Consent", "health visitor", "status", "active", lambda c: c["status"] == "active", id="a code"),
        pytest.param("Consent", "health visitor", "status", "active,draft", lambda c: c["status"] in ("active", "draft"), id="of two"),
        pytest.param("Consent", "health visitor", "status", "Active", lambda c: False, id="codes have their case"),
        pytest.param("Consent", "health visitor", "status", "activ", lambda c: False, id="whole codes only"),
        pytest.param("Consent", "health visitor", "category", "INFA", lambda c: True, id="without a system"),
        pytest.param(
            "Consent", "health visitor", "category", "http://terminology.hl7.org/CodeSystem/v3-ActCode|INFA", lambda c: True, id="with its system"
        ),
        pytest.param(
            "Consent", "health visitor", "category", "https://terminology.hl7.org/CodeSystem/v3-ActCode/|INFA", lambda c: True, id="written otherwise"
        ),
        pytest.param("Consent", "health visitor", "category", "http://loinc.org|INFA", lambda c: False, id="with another"),
        pytest.param("Patient", "surgery", "active", "true", lambda c: c.get("active") is True, id="yes"),
        pytest.param("Patient", "surgery", "active", "false", lambda c: c.get("active") is False, id="no"),
        pytest.param("Patient", "surgery", "gender", "female", lambda c: True, id="a plain code"),
        pytest.param("CommunicationRequest", "council", "category", "professional-notice", lambda c: True, id="what was sent"),
        pytest.param(
            "CommunicationRequest", "council", "recipient:identifier", "https://fhir.nhs.uk/Id/ods-organization-code|LA901", lambda c: True, id="to whom"
        ),
        pytest.param(
            "CommunicationRequest", "council", "recipient:identifier", "https://fhir.nhs.uk/Id/ods-organization-code|RX999", lambda c: False, id="not to whom"
        ),
    ],
)  # fmt: skip
async def test_tokens(
    everybody: tuple[store.Database, list[Kept]], type: str, who: str, name: str, value: str, matches: Any
) -> None:
    database, kept = everybody
    seen = search_world.visible(kept, CALLERS[who], type)
    assert seen
    expected = [each for each in seen if matches(each.content)]
    page = await find(database, CALLERS[who], type, (name, value))
    assert ([row.id for row in page.rows], page.total) == (ids(expected), len(expected))


async def test_several_criteria_are_all_met(everybody: tuple[store.Database, list[Kept]]) -> None:
    database, kept = everybody
    expected = [
        each
        for each in search_world.visible(kept, CALLERS["surgery"], "Patient")
        if each.content.get("active") and each.content["birthDate"].startswith("2025")
    ]
    page = await find(
        database, CALLERS["surgery"], "Patient", ("active", "true"), ("birthdate", "2025"), ("gender", "female")
    )
    assert [row.id for row in page.rows] == ids(expected)
    assert expected


FAMILIES = (
    *(
        "Example",
        "EXÂMPLE",
        "Exa",
        "An Example",
        "50%",
        "50 or so",
        "Under_score",
        "Underscore",
        "O'Neill",
        "O\u2019Neill",
    ),
    *(
        "Straße",
        "Öztürk",
        "van  der Berg",
        "back\\slash",
        "comma, the",
        "ﬁ ligature",
        "\u0645\u062d\u0645\u062f",
        "Zoe\u0308",
    ),
)


@pytest_asyncio.fixture(scope="module")
async def families(new_database: NewDatabase) -> store.Database:
    """A child of each family."""
    database = await new_database()
    children = [
        drafts.patient(synthetic(3000 + 10 * number), name=[{"family": family, "given": ["Bo"]}, {"given": ["Dé"]}])
        for number, family in enumerate(FAMILIES)
    ]
    await drafts.create(database, *(draft(child) for child in children))
    return database


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("family", "exa", {"Example", "EXÂMPLE", "Exa"}, id="as it starts, in any case"),
        pytest.param("family", "exâm", {"Example", "EXÂMPLE"}, id="with or without an accent"),
        pytest.param("family", "Exa\u0302m", {"Example", "EXÂMPLE"}, id="however the accent is sent"),
        pytest.param("family", "ample", set(), id="not in the middle"),
        pytest.param("family:contains", "ample", {"Example", "EXÂMPLE", "An Example"}, id="in the middle if so asked"),
        pytest.param("family", "%", set(), id="a percent sign is a percent sign"),
        pytest.param("family:contains", "%", {"50%"}, id="also in the middle"),
        pytest.param("family", "50%", {"50%"}, id="and at the end"),
        pytest.param("family:contains", "_", {"Under_score"}, id="an underscore is an underscore"),
        pytest.param("family", "under_", {"Under_score"}, id="also where it could stand for a letter"),
        pytest.param("family", "o'n", {"O'Neill"}, id="an apostrophe"),
        pytest.param("family", "strasse", {"Straße"}, id="a letter that is two"),
        pytest.param("family", "OZTURK", {"Öztürk"}, id="without any accents"),
        pytest.param("family", "van der", {"van  der Berg"}, id="with one blank for two"),
        pytest.param("family:contains", "k\\\\s", {"back\\slash"}, id="a backslash"),
        pytest.param("family", "comma\\, the", {"comma, the"}, id="a comma"),
        pytest.param("family", "comma,under_", {"comma, the", "Under_score"}, id="either of two"),
        pytest.param("family", "fi", {"ﬁ ligature"}, id="a ligature"),
        pytest.param("family", "\u0645\u062d", {"\u0645\u062d\u0645\u062f"}, id="another script"),
        pytest.param("family", "zoë", {"Zoe\u0308"}, id="an accent of its own"),
        pytest.param("given", "de", set(FAMILIES), id="any of several names"),
        pytest.param("given", "exa", set(), id="not the family's"),
        pytest.param("name", "bo", set(FAMILIES), id="any part of a name"),
        pytest.param("name:contains", "SLASH", {"back\\slash"}, id="in any part of a name"),
    ],
)  # fmt: skip
async def test_names(families: store.Database, name: str, value: str, expected: set[str]) -> None:
    page = await find(families, CALLERS["health visitor"], "Patient", (name, value))
    shown = {family for family in FAMILIES for row in page.rows if _says(family, row.content)}
    assert shown == expected
    assert page.total == len(page.rows) == len(expected)


def _says(family: str, content: str) -> bool:
    return f'"family": "{family}"'.replace("\\", "\\\\") in content


PERIODS: dict[str, dict[str, str] | None] = {
    "January to March": {"start": "2026-01-01", "end": "2026-03-31"},
    "since 15 March": {"start": "2026-03-15"},
    "until 10 February": {"end": "2026-02-10"},
    "an hour of 10 March": {"start": "2026-03-10T09:00:00Z", "end": "2026-03-10T09:59:59Z"},
    "the whole of March": {"start": "2026-03", "end": "2026-03"},
    "never": None,
}
BIRTHS = {
    "10 March": "2026-03-10",
    "11 March": "2026-03-11",
    "in March": "2026-03",
    "in 2026": "2026",
    "in 2025": "2025",
}
EVER = PERIODS.keys() - {"never"}


@pytest_asyncio.fixture(scope="module")
async def calendar(new_database: NewDatabase) -> store.Database:
    """A flag of each period, and a child of each birth date."""
    database = await new_database()
    children = [draft(drafts.patient(synthetic(4000 + 10 * n), birthDate=day)) for n, day in enumerate(BIRTHS.values())]
    flag = records.example("child-protection-flag-active-plan") | {"subject": identified(synthetic(4000))}
    flags = [flag | {"code": {"text": name}, "period": period} for name, period in PERIODS.items()]
    kept = [{name: value for name, value in each.items() if value} for each in flags]
    await drafts.create(database, *children, *(draft(each, "LA901") for each in kept))
    return database


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-03", {"an hour of 10 March", "the whole of March"}, id="within March"),
        pytest.param("eq2026", {"January to March", "an hour of 10 March", "the whole of March"}, id="within the year"),
        pytest.param("2026-03-10", {"an hour of 10 March"}, id="within a day"),
        pytest.param("2026-03-10T09:00:00Z", set(), id="not within a second"),
        pytest.param("ne2026-03", {"January to March", "since 15 March", "until 10 February"}, id="not within March"),
        pytest.param("gt2026-03", {"since 15 March"}, id="some of it after March"),
        pytest.param("gt2026-03-09", EVER - {"until 10 February"}, id="some of it after the ninth"),
        pytest.param("lt2026-03", {"January to March", "until 10 February"}, id="some of it before March"),
        pytest.param("ge2026-03", {"since 15 March", "an hour of 10 March", "the whole of March"}, id="in or after"),
        pytest.param("le2026-03", EVER - {"since 15 March"}, id="in or before"),
        pytest.param(
            "sa2026-02", {"since 15 March", "an hour of 10 March", "the whole of March"}, id="all of it after"
        ),
        pytest.param("sa2026-03-09", {"since 15 March", "an hour of 10 March"}, id="all of it after a day"),
        pytest.param("eb2026-03", {"until 10 February"}, id="all of it before March"),
        pytest.param("eb2026-04", EVER - {"since 15 March"}, id="all of it before April"),
        pytest.param("eb2026-02-10", set(), id="a day is not before itself"),
        pytest.param("eb2026-02-11", {"until 10 February"}, id="but before the next"),
        pytest.param("sa2026-03-10T08:59:59Z", {"since 15 March", "an hour of 10 March"}, id="to the second"),
        pytest.param("eb2026-02,gt2026-03", {"since 15 March"}, id="either of two"),
        pytest.param("ne2019", EVER, id="what has no period is never found"),
    ],
)
async def test_periods(calendar: store.Database, value: str, expected: set[str]) -> None:
    page = await find(calendar, CALLERS["council"], "Flag", ("date", value))
    assert {name for name in PERIODS for row in page.rows if f'"{name}"' in row.content} == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-03-10", {"10 March"}, id="on a day"),
        pytest.param("2026-03", {"10 March", "11 March", "in March"}, id="in a month"),
        pytest.param("2026", BIRTHS.keys() - {"in 2025"}, id="in a year"),
        pytest.param("gt2026-03-10", {"11 March", "in March", "in 2026"}, id="perhaps after"),
        pytest.param("sa2026-03-10", {"11 March"}, id="surely after"),
        pytest.param("lt2026-03-11", BIRTHS.keys() - {"11 March"}, id="perhaps before"),
        pytest.param("eb2026-03-11", {"10 March", "in 2025"}, id="surely before"),
        pytest.param("ge2026-03-11", {"11 March", "in March", "in 2026"}, id="perhaps on or after"),
        pytest.param("le2026-03-10", BIRTHS.keys() - {"11 March"}, id="perhaps on or before"),
        pytest.param("ne2026-03", {"in 2026", "in 2025"}, id="perhaps not then"),
    ],
)  # fmt: skip
async def test_birth_dates(calendar: store.Database, value: str, expected: set[str]) -> None:
    page = await find(calendar, CALLERS["health visitor"], "Patient", ("birthdate", value))
    found = {name for name, day in BIRTHS.items() for row in page.rows if f'"birthDate": "{day}"' in row.content}
    assert found == expected
    assert page.total == len(expected)


MOMENTS = (START - timedelta(hours=1), START + timedelta(microseconds=700), START + timedelta(days=1))


@pytest_asyncio.fixture(scope="module")
async def moments(new_database: NewDatabase) -> store.Database:
    """A child written at each of three moments."""
    database = await new_database()
    for number, moment in enumerate(MOMENTS):
        await drafts.create(database, draft(drafts.patient(synthetic(5000 + 10 * number))), now=moment)
    return database


@pytest.mark.parametrize(
    ("value", "before", "at", "after"),
    [
        pytest.param("2026-11-20", True, True, False, id="on the day"),
        pytest.param("2026-11-20T12:00:00.000Z", False, True, False, id="at the millisecond that meta shows"),
        pytest.param("2026-11-20T12:00:00Z", False, True, False, id="in the second"),
        pytest.param("2026-11-20T12:00", False, True, False, id="without seconds or zone"),
        pytest.param("gt2026-11-20T12:00:00.000Z", False, False, True, id="after"),
        pytest.param("ge2026-11-20T12:00:00.000Z", False, True, True, id="then or after"),
        pytest.param("lt2026-11-20T12:00:00.000Z", True, False, False, id="before"),
        pytest.param("le2026-11-20T12:00:00.000Z", True, True, False, id="then or before"),
        pytest.param("ne2026-11-20T12:00:00.000Z", True, False, True, id="not then"),
        pytest.param("sa2026-11-20", False, False, True, id="after the day"),
        pytest.param("eb2026-11-20T12:00:00.000Z", True, False, False, id="ending before"),
        pytest.param("gt2026-11-19", True, True, True, id="after the day before"),
        pytest.param("2026-11-21T11:59:59Z", False, False, False, id="a second that ends as it was written"),
        pytest.param("gt2026-11-21T11:59:59Z", False, False, True, id="after such a second"),
        pytest.param("sa2026-11-21T11:59:59Z", False, False, True, id="wholly after such a second"),
        pytest.param("eb2026-11-21T12:00:00Z", True, True, False, id="not before the second in which it was written"),
        pytest.param("lt2026-11-20,gt2026-11-20", False, False, True, id="either"),
    ],
)
async def test_last_updated(moments: store.Database, value: str, before: bool, at: bool, after: bool) -> None:
    page = await find(moments, CALLERS["health visitor"], "Patient", ("_lastUpdated", value))
    expected = [moment for moment, found in zip(MOMENTS, (before, at, after), strict=True) if found]
    assert [row.last_updated for row in page.rows] == expected[::-1]
    assert page.total == len(expected)


@pytest.mark.parametrize(("who", "type"), [("health visitor", "Patient"), ("surgery", "Patient"), ("council", "Flag")])
async def test_what_is_written_between_pages_moves_nothing(database: store.Database, who: str, type: str) -> None:
    """The pages are what was there at first; each total is exact when it is given."""
    kept = await search_world.written(database, search_world.documents(Random(7)))
    expected = ids(search_world.visible(kept, CALLERS[who], type))
    found: list[UUID] = []
    after, written = None, 0
    while True:
        page = await find(database, CALLERS[who], type, ("_count", "2"), place=after)
        assert page.total == len(expected) + written
        found += [row.id for row in page.rows]
        if (after := page.next) is None:
            break
        await _write_more(database, written)
        written += 1
    assert found == expected
    assert written > 2


async def test_what_changes_between_pages_is_not_found_twice(database: store.Database) -> None:
    """It may be missed, as it is among the newest then: a reader who must not miss it reads the first page again."""
    made = await drafts.create(database, *(draft(drafts.patient(synthetic(6000 + 10 * n))) for n in range(6)))
    first = await find(database, CALLERS["health visitor"], "Patient", ("_count", "2"))
    for version in made:
        number = search_world.nhs_number(version)
        await drafts.change(database, "Patient", version.id, drafts.patient(number, gender="male"), LATER)
    second = await find(database, CALLERS["health visitor"], "Patient", ("_count", "2"), place=first.next)
    assert (second.rows, second.total) == ((), 6)


async def _write_more(database: store.Database, turn: int) -> None:
    """A child and a plan that the callers may see, and some that they may not."""
    seen, hidden = synthetic(700_000 + 20 * turn), synthetic(700_010 + 20 * turn)
    flag = records.example("child-protection-flag-active-plan")
    await drafts.create(
        database,
        draft(drafts.patient(seen)),
        draft(records.restricted(drafts.patient(hidden), "V")),
        draft(flag | {"subject": identified(seen)}, "LA901"),
        draft(flag | {"subject": identified(hidden)}, "LA902"),
        draft(flag | {"subject": identified(seen)}, "LA902"),
        now=LATER,
    )

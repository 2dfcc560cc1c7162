"""What users of other FHIR servers complain of in searches, each as a promise that is kept here.

The complaints are of public issue threads: HAPI FHIR, Microsoft's FHIR server, Medplum and LinuxForHealth. A test is named
after what its reporter would have wanted.
"""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.api import answers, examples, family
from tests.api.answers import ids, link
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

CENTRE = "childrens-centre"


async def _two_families(as_: Callers) -> tuple[Child, Child]:
    """One that agreed to show the centre what there is, and one that did not, of the same name."""
    name = [{"family": _new_name(), "given": ["Fern"]}]
    seen, hidden = await family.child(as_, name=name), await family.child(as_, name=name)
    await family.says(as_["health-visiting"], seen)
    return seen, hidden


def _new_name() -> str:
    """A family name that no other test has."""
    return f"Family {uuid4().hex[:12]}"


def _name(child: Child) -> str:
    return str(child.patient["name"][0]["family"])


async def test_a_total_counts_what_may_be_seen_and_is_not_suppressed(as_: Callers) -> None:
    """HAPI#1507, #2012: totals are suppressed where there is consent, and leaked on some paths all the same."""
    seen, hidden = await _two_families(as_)
    for params in ({}, {"_count": "1"}, {"_count": "0"}, {"_sort": "birthdate"}, {"_include": "Patient:link"}):
        answer = await as_[CENTRE].get("Patient", {"family:exact": _name(seen), **params})
        assert answer.json()["total"] == 1, params
        assert hidden.id not in answer.text


@pytest.mark.parametrize("asked", [{"_total": "accurate"}, {"_summary": "count"}])
async def test_an_exact_count_is_served_under_consent(asked: dict[str, str], as_: Callers) -> None:
    """HAPI#3418: `_total=accurate` and `_summary=count` became a 400 where consent is on."""
    seen, _ = await _two_families(as_)
    answer = await as_[CENTRE].get("Patient", {"family:exact": _name(seen), **asked})
    assert (answer.status_code, answer.json()["total"]) == (200, 1)


async def test_a_page_is_full_though_what_lies_between_is_hidden(as_: Callers) -> None:
    """HAPI#536, #5119: pages were filtered after they were cut, so they had holes and `next` went missing."""
    name = [{"family": _new_name()}]
    children = [await family.child(as_, name=name) for _ in range(5)]
    for child in children[::2]:
        await family.says(as_["health-visiting"], child)
    page = await as_[CENTRE].get("Patient", {"family:exact": name[0]["family"], "_count": "1"})
    found = ids(page)
    while following := link(page, "next"):
        page = await as_[CENTRE].get(following)
        assert len(ids(page)) == 1
        found += ids(page)
    assert found == [child.id for child in children[::2]][::-1]


async def test_every_page_asks_for_consent_again(as_: Callers) -> None:
    """HAPI#2369: a page was fetched without asking whether it still may be seen."""
    name = [{"family": _new_name()}]
    children = [await family.child(as_, name=name) for _ in range(2)]
    consents = [await family.says(as_["health-visiting"], child) for child in children]
    page = await as_[CENTRE].get("Patient", {"family:exact": name[0]["family"], "_count": "1"})
    family.updated(await as_["health-visiting"].update(consents[0] | {"status": "inactive"}))
    following = await as_[CENTRE].get(str(link(page, "next")))
    assert (ids(following), following.json()["total"]) == ([], 1)


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("Patient", "_has:RelatedPerson:patient:relationship"),
        ("Patient", "_has:RelatedPerson:patient:relationship:not"),
        ("Patient", "_has:Consent:patient:status"),
        ("RelatedPerson", "patient.gender"),
        ("RelatedPerson", "patient.gender:not"),
    ],
)
async def test_a_value_is_not_guessed_through_a_chain(type: str, name: str, as_: Callers) -> None:
    """HAPI#6065: `_has` and chains let a caller find out values in resources that he may not read."""
    _, hidden = await _two_families(as_)
    own = {"_id": hidden.id} if type == "Patient" else {"patient": hidden.id}
    for value in ("MTH", "FTH", "active", "inactive", "female", "male"):
        answer = await as_["stranger"].get(type, own | {name: value})
        assert (ids(answer), answer.json()["total"]) == ([], 0)


async def test_a_value_is_not_guessed_by_the_order(as_: Callers) -> None:
    """HAPI#6065 again: what may not be shown does not place a resource either."""
    name = [{"family": _new_name()}]
    cities = ("Bedford", "Aylesbury", "Chester")
    children = [await family.child(as_, name=name, address=[{"city": city}]) for city in cities]
    for child in children:
        consent = examples.example(family.PERMITS_CENTRE, child.numbers)
        consent["provision"]["code"] = consent["provision"]["code"][:1]  # no contact details
        family.created(await as_["health-visiting"].create(consent))
    params = {"family:exact": name[0]["family"], "_sort": "address-city,_id"}
    by_id = sorted(child.id for child in children)
    assert ids(await as_[CENTRE].get("Patient", params)) == by_id
    by_city = [children[each].id for each in (1, 0, 2)]
    assert ids(await as_["health-visiting"].get("Patient", params)) == by_city


async def test_who_may_search_may_go_on_to_the_next_page(as_: Callers) -> None:
    """HAPI#5648, #5952, #7328: the search was allowed, and its second page refused."""
    narrow = await as_.as_said("health-visiting", scope="system/Patient.s")
    name = [{"family": _new_name()}]
    children = [await family.child(as_, name=name) for _ in range(3)]
    page, found = await narrow.get("Patient", {"family:exact": name[0]["family"], "_count": "1"}), []
    while True:
        found += ids(page)
        if not (following := link(page, "next")):
            break
        page = await narrow.get(following)
    assert found == [child.id for child in children][::-1]


async def test_nothing_of_others_comes_with_an_include(as_: Callers, child: Child) -> None:
    """Microsoft PR#5683, ADR-2607: `_include` and `_revinclude` brought others' data, and a page token was taken for proof."""
    flag = examples.example("flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"})
    made = family.created(await as_["stranger"].create(flag))
    params = [("_id", made["id"]), ("_include", "Flag:subject"), ("_revinclude:iterate", "RelatedPerson:patient")]
    own = await as_["stranger"].get("Flag", params)
    assert (ids(own), ids(own, "include")) == ([made["id"]], [])
    page = await as_["stranger"].get("Flag", [("subject", child.id), ("_count", "1"), *params[1:]])
    stolen = str(link(page, "self"))
    assert child.mother["id"] not in (await as_["local-authority-b"].get(stolen)).text


async def test_what_is_hidden_and_what_is_absent_are_one_answer(as_: Callers) -> None:
    """LinuxForHealth#1849, #2669: a 403 for the one and an empty Bundle for the other told which it was."""
    _, hidden = await _two_families(as_)
    unknown = "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b"
    for url, params in (
        ("Patient", {"_id": "{}"}),
        ("RelatedPerson", {"patient": "{}"}),
        ("RelatedPerson", {"patient._id": "{}"}),
        ("Consent", {"patient": "Patient/{}", "_summary": "count"}),
        ("Patient/{}/Consent", {}),
        ("Patient/{}/$everything", {}),
    ):
        answered = [await _told(as_["stranger"], url, params, id) for id in (hidden.id, unknown)]
        assert answered[0] == answered[1], url


async def _told(caller: Caller, url: str, params: dict[str, str], id: str) -> tuple[int, str]:
    answer = await caller.get(url.format(id), {name: value.format(id) for name, value in params.items()})
    return answer.status_code, answer.text.replace(id, "[id]")


@pytest.mark.parametrize("name", ["_id", "_source", "_tag", "_profile:missing", "_lastUpdated", "_security:missing"])
async def test_what_every_resource_has_is_no_way_past_the_rules(name: str, as_: Callers) -> None:
    """HAPI#2207, #2853: `_id` and `_source` did not look at whose data it was."""
    tag = {"system": "https://tags.example", "code": examples.new_number()[:6]}
    source = f"https://system.example/{tag['code']}"
    hidden = await family.child(as_, meta={"source": source, "tag": [tag]})
    values = {"_id": hidden.id, "_source": source, "_tag": f"{tag['system']}|{tag['code']}"}
    params = {"_id": hidden.id, name: values.get(name, "ge2026-01-01" if name == "_lastUpdated" else "true")}
    assert ids(await as_["health-visiting"].get("Patient", params)) == [hidden.id]
    answer = await as_["stranger"].get("Patient", params)
    assert (ids(answer), answer.json()["total"]) == ([], 0)


async def test_a_search_is_one_row_of_the_audit_for_each_person(as_: Callers, running: Running) -> None:
    """HAPI#6407: an AuditEvent for every resource of every search. Here it is one for each person, with what was shown."""
    name = [{"family": _new_name()}]
    children = [await family.child(as_, name=name) for _ in range(3)]
    before = await _audited(running)
    asked = {"family:exact": name[0]["family"], "_revinclude": "RelatedPerson:patient"}
    answer = await as_["health-visiting"].get("Patient", asked)
    assert len(ids(answer)) + len(ids(answer, "include")) == 6
    assert await _audited(running) == before + len(children)


async def _audited(running: Running) -> int:
    return int(await running.connection.fetchval("SELECT count(*) FROM audit_event"))


@pytest.mark.parametrize("sort", ["", "-_lastUpdated", "_id", "date", "-date,_id", "status,date"])
async def test_no_page_skips_or_repeats(sort: str, as_: Callers, child: Child) -> None:
    """Microsoft#715, #1985; HAPI#3608, #4190; Medplum#5298: pages that skip, repeat, or change while others write."""
    caller = as_["stranger"]
    made = [await _flag(caller, child, day) for day in ("2026-01-03", "2026-01-01", "2026-01-02", "2026-01-01", None)]
    asked = {"subject": child.id, "_count": "2", **({"_sort": sort} if sort else {})}
    page, found, pages = await caller.get("Flag", asked), list[str](), 0
    while True:
        found += ids(page)
        pages += 1
        await _flag(caller, await family.child(as_), "2026-01-02")  # somebody writes meanwhile
        if not (following := link(page, "next")):
            break
        page = await caller.get(following)
    assert (sorted(found), pages) == (sorted(made), 3)
    backwards = list[str]()
    while previous := link(page, "previous"):
        page = await caller.get(previous)
        backwards = ids(page) + backwards
    assert backwards == found[: len(backwards)]
    assert len(backwards) == 4


async def _flag(caller: Caller, child: Child, day: str | None) -> str:
    period: dict[str, Any] = {"period": {"start": day, "end": day}} if day else {}
    flag = examples.example("flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"}) | period
    if day is None:
        flag.pop("period", None)
    return str(family.created(await caller.create(flag))["id"])


async def test_a_misspelled_filter_is_never_ignored(as_: Callers, child: Child) -> None:
    """A server that passes over what it does not know answers with everybody: the wrong child's record."""
    for params in ({"familly": "x"}, {"name:exakt": "x"}, {"patent.name": "x"}, {"_has:Flg:subject:status": "x"}):
        answer = await as_["health-visiting"].get("Patient", params)
        assert answer.status_code == 400, params
        said = json.dumps(answer.json())
        assert "Did you mean" in said or "has no such" in said
        assert answers.diagnostics(answer)

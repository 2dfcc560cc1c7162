"""Compartment search: a search of what is about one person, and of every type at once.

https://hl7.org/fhir/R4/http.html#vsearch
"""

import pytest

from tests.api import answers, examples, family
from tests.api.answers import ids, link
from tests.api.callers import Callers
from tests.api.family import Child


async def test_a_type_in_the_compartment_is_a_search_by_person(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    caller, url = as_["health-visiting"], f"Patient/{child.id}/RelatedPerson"
    answer = await caller.get(url)
    assert (ids(answer), answer.json()["total"]) == ([child.mother["id"]], 1)
    assert str(link(answer, "self")).endswith(f"/{url}")
    assert (await caller.send("POST", f"{url}/_search")).content == answer.content
    assert ids(await caller.get(url, {"relationship": "FTH"})) == []
    assert ids(await caller.get(url, {"relationship": "MTH", "_sort": "name"})) == [child.mother["id"]]
    assert ids(await caller.get(url, {"patient": other.id})) == []
    included = await caller.get(url, {"_include": "RelatedPerson:patient"})
    assert ids(included, "include") == [child.id]
    (part,) = answers.resources(await caller.get(url, {"_elements": "relationship"}))
    assert "name" not in part


async def test_pages_continue_within_the_compartment(as_: Callers, child: Child) -> None:
    flag = examples.example("flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"})
    made = [family.created(await as_["stranger"].create(flag))["id"] for _ in range(3)]
    page = await as_["stranger"].get(f"Patient/{child.id}/Flag", {"_count": "2"})
    following = await as_["stranger"].get(str(link(page, "next")))
    assert ids(page) + ids(following) == made[::-1]
    assert ids(await as_["stranger"].get(str(link(following, "previous")))) == ids(page)
    elsewhere = str(link(page, "next")).replace(f"Patient/{child.id}/Flag", "Flag")
    assert (await as_["stranger"].get(elsewhere)).status_code == 400


async def test_every_type_at_once(as_: Callers, child: Child) -> None:
    consent = await family.says(as_["health-visiting"], child)
    url = f"Patient/{child.id}/*"
    answer = await as_["health-visiting"].get(url)
    assert ids(answer) == [consent["id"], child.mother["id"]]
    assert ids(await as_["health-visiting"].get(url, {"_type": "Consent"})) == [consent["id"]]
    page = await as_["health-visiting"].get(url, {"_count": "1"})
    assert ids(page) + ids(await as_["health-visiting"].get(str(link(page, "next")))) == ids(answer)


async def test_of_nobody_there_is_nothing_whether_hidden_or_absent(as_: Callers, child: Child) -> None:
    unknown = "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b"
    for type in ("RelatedPerson", "Consent", "*"):
        hidden = await as_["stranger"].get(f"Patient/{child.id}/{type}")
        absent = await as_["stranger"].get(f"Patient/{unknown}/{type}")
        assert ids(hidden) == []
        assert hidden.text.replace(child.id, unknown) == absent.text


@pytest.mark.parametrize("type", ["Organization", "Patient", "AuditEvent", "Flg", "Unicorn"])
async def test_what_is_no_part_of_it_is_not_found(type: str, as_: Callers, child: Child) -> None:
    assert (await as_["health-visiting"].get(f"Patient/{child.id}/{type}")).status_code == 404


async def test_no_link_repeats_a_number_in_the_place_of_an_id(as_: Callers, child: Child) -> None:
    for type in ("RelatedPerson", "*"):
        assert (await as_["health-visiting"].get(f"Patient/{child.nhs_number}/{type}")).status_code == 404


async def test_the_scope_is_that_of_the_type(as_: Callers, child: Child) -> None:
    narrow = await as_.as_said("health-visiting", scope="system/Consent.rs")
    assert (await narrow.get(f"Patient/{child.id}/Consent")).status_code == 200
    assert (await narrow.get(f"Patient/{child.id}/RelatedPerson")).status_code == 403
    assert (await narrow.get(f"Patient/{child.id}/*")).status_code == 200


async def test_a_plan_is_still_looked_up_and_not_searched(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    answer = await as_["emergency-department"].get(f"Patient/{child.id}/Flag")
    assert ids(answer) == []
    (note,) = answers.resources(answer, "outcome")
    assert note["issue"][0]["severity"] == "information"


async def test_the_person_is_in_the_audit(as_: Callers, child: Child) -> None:
    await as_["stranger"].get(f"Patient/{child.id}/Consent")
    await as_["stranger"].get(f"Patient/{child.id}/*")
    seen = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    assert sum("RX909" in str(each) for each in seen) == 2

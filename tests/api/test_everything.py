"""$everything: all that a caller may see about a person, in pages, and nothing else.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

import json

import pytest

from tests.api import answers, examples, family
from tests.api.answers import ids, link
from tests.api.callers import Callers
from tests.api.family import Child


async def _record(as_: Callers, child: Child) -> list[str]:
    """The ids of what the health visitors keep about the child."""
    consent = await family.says(as_["health-visiting"], child)
    letter = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    sent = family.created(await as_["health-visiting"].create(letter))
    return [child.id, sent["id"], consent["id"], child.mother["id"]]


async def test_all_that_may_be_seen_is_there(as_: Callers, child: Child) -> None:
    expected = await _record(as_, child)
    caller = as_["health-visiting"]
    answer = await caller.get(f"Patient/{child.id}/$everything")
    assert (ids(answer), answer.json()["total"]) == (expected, 4)
    posted = await caller.send("POST", f"Patient/{child.id}/$everything")
    assert posted.content == answer.content


async def test_in_pages_it_is_the_same(as_: Callers, child: Child) -> None:
    expected = await _record(as_, child)
    caller = as_["health-visiting"]
    for count in (1, 2, 3, 4):
        page = await caller.get(f"Patient/{child.id}/$everything", {"_count": str(count)})
        found, totals = ids(page), {page.json()["total"]}
        while following := link(page, "next"):
            page = await caller.get(following)
            assert 0 < len(ids(page)) <= count
            found += ids(page)
            totals.add(page.json()["total"])
            again = await caller.get(str(link(page, "self")))
            assert again.content == page.content
        assert (found, totals) == (expected, {4})


async def test_only_of_some_types_or_since_some_time(as_: Callers, child: Child) -> None:
    expected = await _record(as_, child)
    caller, url = as_["health-visiting"], f"Patient/{child.id}/$everything"
    assert ids(await caller.get(url, {"_type": "Patient,RelatedPerson"})) == [expected[0], expected[3]]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Consent"}]}
    posted = await caller.send_text("POST", url, json.dumps(parameters))
    assert ids(posted) == [expected[2]]
    consent = (await caller.get(f"Consent/{expected[2]}")).json()
    since = {"_since": consent["meta"]["lastUpdated"]}
    assert ids(await caller.get(url, since)) == expected[1:3]
    assert ids(await caller.get(url, {"_since": "2099-01-01T00:00:00Z"})) == []


async def test_of_some_dates_of_care(as_: Callers, child: Child) -> None:
    caller, url = as_["health-visiting"], f"Patient/{child.id}/$everything"
    days = ("2026-01-10", "2026-02-10", "2026-03-10")
    made = [(await family.says(caller, child, dateTime=day))["id"] for day in days]
    for params, expected in (
        ({"start": "2026-02-10"}, {made[1], made[2]}),
        ({"end": "2026-02-10"}, {made[0], made[1]}),
        ({"start": "2026-02", "end": "2026-02"}, {made[1]}),
    ):
        answer = await caller.get(url, {"_type": "Consent", **params})
        assert set(ids(answer)) == expected, params


async def test_whom_it_refers_to_comes_with_it(as_: Callers, child: Child) -> None:
    practice = examples.example("organization-childrens-centre", {examples.CENTRE: "Y99999"})
    practice = family.created(await as_["gp-practice"].create(practice))
    reference = {"reference": f"Organization/{practice['id']}", **examples.organization("Y99999")}
    family.updated(await as_["health-visiting"].update(child.patient | {"generalPractitioner": [reference]}))
    url = f"Patient/{child.id}/$everything"
    assert ids(await as_["health-visiting"].get(url), "include") == [practice["id"]]
    narrow = await as_.as_said("health-visiting", scope="system/Patient.rs system/RelatedPerson.rs")
    assert ids(await narrow.get(url), "include") == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"_typ": "Flag"}, "There is no such parameter here. Did you mean _type?"),
        ({"_type": "Flg"}, "_type names a type that is not served there. Did you mean Flag?"),
        ({"_type": "AuditEvent"}, "_type names a type that is not served there."),
        ({"_since": "yesterday"}, "Give _since as a date"),
        ({"_count": "x"}, "_count is a whole number from 0."),
        ({"start": "ge2026"}, "Give start as a date"),
        ({"_page": "x"}, "_page is used as it stands in a link of ours"),
    ],
)
async def test_what_is_not_understood_is_refused(params: dict[str, str], said: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}/$everything", params)
    assert answer.status_code == 400
    assert answers.diagnostics(answer).startswith(said)


async def test_hidden_is_not_found_and_in_the_audit(as_: Callers, child: Child) -> None:
    unknown = "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b"
    hidden = await as_["stranger"].get(f"Patient/{child.id}/$everything")
    absent = await as_["stranger"].get(f"Patient/{unknown}/$everything")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert (await as_["stranger"].get(f"Patient/{child.nhs_number}/$everything")).status_code == 404
    seen = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"}))
    (event,) = [each for each in seen if "RX909" in json.dumps(each)]
    assert event["outcomeDesc"].startswith("nothing")


async def test_of_types_that_the_token_does_not_cover_nothing_is_told(as_: Callers, child: Child) -> None:
    await _record(as_, child)
    narrow = await as_.as_said("health-visiting", scope="system/Patient.rs system/RelatedPerson.rs")
    url = f"Patient/{child.id}/$everything"
    assert ids(await narrow.get(url)) == [child.id, child.mother["id"]]
    assert (await narrow.get(url, {"_type": "Patient,Consent"})).status_code == 403
    without = await as_.as_said("health-visiting", scope="system/Consent.rs")
    assert (await without.get(url)).status_code == 403


async def test_whoever_looks_children_up_is_told_that_plans_are_not_here(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}/$everything")
    (note,) = answers.resources(answer, "outcome")
    assert note["issue"][0]["severity"] == "information"


async def test_every_person_and_version_is_in_the_audit(as_: Callers, child: Child) -> None:
    expected = await _record(as_, child)
    await as_["health-visiting"].get(f"Patient/{child.id}/$everything")
    seen = answers.resources(await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}", "_count": "1"}))
    said = json.dumps(seen)
    assert all(f"{id}/_history/" in said for id in expected)

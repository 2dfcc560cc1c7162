"""history: every version by its own labels and today's consents, in pages, and nothing missing for who polls.

https://hl7.org/fhir/R4/http.html#history
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import resource_id, validation
from app.main import create_app
from app.store import resource
from tests.api import answers, examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.security.clients import START

SEEN = {"If-Match": 'W/"1"'}


def place(kept: dict[str, Any]) -> str:
    return f"{kept['resourceType']}/{kept['id']}"


def versions(answer: Response) -> list[tuple[str, str]]:
    """(the request's method, the version) of each entry."""
    assert answer.status_code == 200, answer.text
    return [(each["request"]["method"], each["response"]["etag"][3:-1]) for each in answer.json().get("entry", [])]


def keys(answer: Response) -> list[str]:
    return [each["response"]["location"] for each in answer.json().get("entry", [])]


async def changed(caller: Caller, kept: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """The next version of a resource."""
    answer = await caller.update(kept | elements, kept["meta"]["versionId"])
    return family.updated(answer)


async def test_a_resource_has_all_its_versions_newest_first(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    second = await changed(health_visiting, child.mother, gender="female")
    deleted = await health_visiting.send("DELETE", place(child.mother), headers={"If-Match": 'W/"2"'})
    assert deleted.status_code == 204
    answer = await health_visiting.get(f"{place(child.mother)}/_history")
    assert versions(answer) == [("DELETE", "3"), ("PUT", "2"), ("POST", "1")]
    bundle = answer.json()
    assert validation.base_faults(bundle) == []
    assert (bundle["type"], bundle["total"]) == ("history", 3)
    assert [entry.get("resource") for entry in bundle["entry"]] == [None, second, child.mother]
    gone, put, post = bundle["entry"]
    assert {each["fullUrl"] for each in bundle["entry"]} == {f"{health_visiting.http.base_url}{place(child.mother)}"}
    assert (gone["request"]["url"], gone["response"]["status"]) == (place(child.mother), "204 No Content")
    assert (put["request"]["url"], put["response"]["status"]) == (place(child.mother), "200 OK")
    assert (post["request"]["url"], post["response"]["status"]) == ("RelatedPerson", "201 Created")
    assert post["response"]["lastModified"] == child.mother["meta"]["lastUpdated"]


async def test_a_version_is_judged_by_its_own_labels(as_: Callers, child: Child) -> None:
    """Of a resource that a family opens to a centre, the version that was restricted stays closed."""
    await family.says(as_["health-visiting"], child)
    sent = examples.labelled("V")
    second = await changed(as_["health-visiting"], child.mother, meta=child.mother["meta"] | sent)
    await changed(as_["health-visiting"], second, meta=child.mother["meta"] | examples.labelled("N"))
    owner = await as_["health-visiting"].get(f"{place(child.mother)}/_history")
    other = await as_["childrens-centre"].get(f"{place(child.mother)}/_history")
    assert [version for _, version in versions(owner)] == ["3", "2", "1"]
    assert [version for _, version in versions(other)] == ["3", "1"]
    assert other.json()["total"] == 2


async def test_what_is_hidden_today_has_no_history(as_: Callers, child: Child) -> None:
    """Also where its first version could be seen by itself; and it is as if there were nothing."""
    centre = as_["childrens-centre"]
    said = await family.says(as_["health-visiting"], child)
    assert (await centre.get(f"{place(child.mother)}/_history")).status_code == 200
    await changed(as_["health-visiting"], child.mother, meta=child.mother["meta"] | examples.labelled("V"))
    assert said
    headers = {"X-Request-ID": "same"}
    hidden = await centre.get(f"{place(child.mother)}/_history", headers=headers)
    absent = await centre.get(f"RelatedPerson/{resource_id.new(7, START)}/_history", headers=headers)
    assert hidden.status_code == absent.status_code == 404
    assert (hidden.content, hidden.headers) == (absent.content, absent.headers)
    feed = await centre.get("RelatedPerson/_history", {"_count": "500"})
    assert not [key for key in keys(feed) if child.mother["id"] in key]


async def test_a_withdrawal_closes_the_past_too(as_: Callers, child: Child) -> None:
    said = await family.says(as_["health-visiting"], child)
    centre, url = as_["childrens-centre"], f"Patient/{child.id}/_history"
    assert versions(await centre.get(url)) == [("POST", "1")]
    await changed(as_["health-visiting"], said, status="inactive")
    assert (await centre.get(url)).status_code == 404


async def test_what_is_not_shown_of_a_resource_is_not_shown_of_a_version(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    centre = as_["childrens-centre"]
    (entry,) = (await centre.get(f"Patient/{child.id}/_history")).json()["entry"]
    assert entry["resource"] == (await centre.get(f"Patient/{child.id}")).json()


async def test_a_type_has_the_versions_of_everything_that_may_be_seen(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    await changed(health_visiting, child.patient, gender="female")
    await family.child(as_)
    found = [key async for answer in pages(health_visiting, "Patient/_history", 2) for key in keys(answer)]
    assert len(found) == len(set(found)) > 3
    assert [key for key in found if child.id in key] == [
        f"{health_visiting.http.base_url}Patient/{child.id}/_history/{version}" for version in (2, 1)
    ]
    strangers = [key async for answer in pages(as_["stranger"], "Patient/_history", 50) for key in keys(answer)]
    assert not [key for key in strangers if child.id in key]


async def pages(caller: Caller, url: str, count: int) -> AsyncIterator[Response]:
    answer = await caller.get(url, {"_count": str(count)})
    while True:
        assert answer.status_code == 200, answer.text
        assert len(answer.json().get("entry", [])) <= count
        yield answer
        links = {each["relation"]: each["url"] for each in answer.json()["link"]}
        if "next" not in links:
            return
        answer = await caller.get(links["next"])


async def test_pages_do_not_move_when_something_is_written(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    for _ in range(8):
        await family.child(as_)
    before = [key async for answer in pages(health_visiting, "Patient/_history", 500) for key in keys(answer)]
    found: list[str] = []
    complete: set[str] = set()
    async for answer in pages(health_visiting, "Patient/_history", 5):
        found += keys(answer)
        complete.add(answer.json()["meta"]["lastUpdated"])
        if len(found) <= 15:
            await family.child(as_)
    assert found == before
    assert len(complete) == 1, "who polls with what a later page says would miss what was written meanwhile"


async def test_a_bundle_may_ask_for_a_history(as_: Callers, child: Child) -> None:
    urls = [
        f"Patient/{child.id}/_history",
        f"Patient/{resource_id.new(7, START)}/_history",
        "Patient/_history?_count=1",
    ]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    text = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
    one, absent, feed = (await as_["health-visiting"].send_text("POST", "", text)).json()["entry"]
    assert (one["resource"]["type"], one["resource"]["total"]) == ("history", 1)
    assert absent["response"]["status"] == "404 Not Found"
    assert len(feed["resource"]["entry"]) == 1


async def test_a_page_is_for_the_client_that_it_was_given_to(as_: Callers, child: Child) -> None:
    await changed(as_["health-visiting"], child.patient, gender="female")
    answer = await as_["health-visiting"].get(f"Patient/{child.id}/_history", {"_count": "1"})
    next = {each["relation"]: each["url"] for each in answer.json()["link"]}["next"]
    assert versions(await as_["health-visiting"].get(next)) == [("POST", "1")]
    assert (await as_["stranger"].get(next)).status_code == 400
    assert (await as_["health-visiting"].get(next.replace(f"/{child.id}", ""))).status_code == 400


async def test_the_system_has_all_types_that_the_scopes_cover(as_: Callers, child: Child) -> None:
    said = await family.says(as_["health-visiting"], child)
    found = keys(await as_["health-visiting"].get("_history", {"_count": "10"}))
    assert [key.split("/")[-4:-2] for key in found[:3]] == [
        ["Consent", said["id"]],
        ["RelatedPerson", child.mother["id"]],
        ["Patient", child.id],
    ]
    narrow = await as_.as_said("health-visiting", scope="system/Consent.s system/Patient.r")
    types = {key.split("/")[-4] for key in keys(await narrow.get("_history", {"_count": "100"}))}
    assert types == {"Consent"}
    assert (await narrow.get("Patient/_history")).status_code == 403
    assert (await narrow.get(f"Consent/{said['id']}/_history")).status_code == 403
    assert versions(await narrow.get(f"Patient/{child.id}/_history")) == [("POST", "1")]
    assert (await (await as_.as_said("stranger", scope="system/Patient.c")).get("_history")).status_code == 403


async def test_a_history_begins_where_it_is_asked_to(as_: Callers, child: Child) -> None:
    health_visiting, url = as_["health-visiting"], f"Patient/{child.id}/_history"
    second = await changed(health_visiting, child.patient, gender="female")
    first, latest = child.patient["meta"]["lastUpdated"], second["meta"]["lastUpdated"]
    assert [v for _, v in versions(await health_visiting.get(url, {"_since": first}))] == ["2", "1"]
    assert [v for _, v in versions(await health_visiting.get(url, {"_since": latest}))] == ["2"]
    later = await health_visiting.get(url, {"_since": "2099-01-01"})
    assert (versions(later), later.json()["total"]) == ([], 0)
    at_first = await health_visiting.get(url, {"_at": first})
    assert [v for _, v in versions(at_first)] == ["1"]
    assert [v for _, v in versions(await health_visiting.get(url, {"_at": latest}))] == ["2"]
    assert [v for _, v in versions(await health_visiting.get(url, {"_at": first[:4]}))] == ["2", "1"]
    assert versions(await health_visiting.get(url, {"_at": "1999-01-01"})) == []
    feed = await health_visiting.get("Patient/_history", {"_at": latest, "_count": "500"})
    assert [key for key in keys(feed) if child.id in key] == [f"{health_visiting.http.base_url}{url}/2"]


async def test_a_hidden_version_does_not_end_the_one_before(as_: Callers, child: Child) -> None:
    """Or one could find out, moment by moment, when it was written."""
    await family.says(as_["health-visiting"], child)
    second = await changed(as_["health-visiting"], child.mother, meta=child.mother["meta"] | examples.labelled("V"))
    await changed(as_["health-visiting"], second, meta=child.mother["meta"] | examples.labelled("N"))
    url, moment = f"{place(child.mother)}/_history", second["meta"]["lastUpdated"]
    assert [v for _, v in versions(await as_["health-visiting"].get(url, {"_at": moment}))] == ["2"]
    assert [v for _, v in versions(await as_["childrens-centre"].get(url, {"_at": moment}))] == ["1"]


@pytest.mark.parametrize(
    "params",
    [
        {"_since": "yesterday"},
        {"_since": ""},
        {"_since": "2026-11-20T10:00:00+01:00 "},
        {"_at": "2026-13-01"},
        {"_at": "ge2026-01-01"},
        {"_count": "0"},
        {"_count": "-1"},
        {"_count": "many"},
        {"_sort": "_lastUpdated"},
        {"_list": "x"},
        {"gender": "female"},
        {"_page": "AAAA"},
        [("_since", "2026"), ("_since", "2025")],
    ],
)
async def test_what_is_not_understood_is_refused(params: Any, as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}/_history", "Patient/_history", "_history"):
        answer = await as_["health-visiting"].get(url, params)
        assert answer.status_code == 400, url
        assert "2026" not in answers.diagnostics(answer).replace("2026-11-20T10:00:00Z", "")


async def test_each_person_of_whom_something_is_shown_is_in_the_audit(as_: Callers, running: Running) -> None:
    children = [await family.child(as_) for _ in range(2)]
    request_id = f"history-{uuid4()}"
    answer = await as_["health-visiting"].get("_history", {"_count": "4"}, {"X-Request-ID": request_id})
    rows = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    assert {str(row["patient_id"]) for row in rows} == {child.id for child in children}
    named = {f"{key.split('R4/')[1]}" for key in keys(answer)}
    assert {name for row in rows for name in row["resources"]} == named
    assert len(named) == 4
    assert {(row["interaction"], row["outcome"]) for row in rows} == {("history", "released")}


@pytest.mark.parametrize("url", ["Patient/{id}/_history", "Patient/_history", "_history"])
async def test_that_nothing_was_shown_is_in_the_audit_too(
    url: str, as_: Callers, child: Child, running: Running
) -> None:
    request_id = f"history-{uuid4()}"
    params = {} if "{id}" in url else {"_since": "2099-01-01"}
    caller = as_["stranger" if "{id}" in url else "health-visiting"]
    await caller.get(url.format(id=child.id), params, {"X-Request-ID": request_id})
    (row,) = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    assert (row["interaction"], row["outcome"], row["rule"]) == ("history", "nothing", "nothing")


class Slow:
    """The same service, in which a request and its transaction may take four seconds together, and a caller of it."""

    def __init__(self, running: Running, token: str | None) -> None:
        allowed = {"request_seconds": 2, "database_seconds": 1, "clock_skew_seconds": 0}
        self.app = create_app(running.settings.model_copy(update=allowed), running.database, running.clock)
        self.http = AsyncClient(transport=ASGITransport(self.app), base_url=running.settings.fhir_base)
        self.caller = Caller(self.http, token)


@pytest_asyncio.fixture
async def slow(running: Running, as_: Callers) -> AsyncIterator[Slow]:
    made = Slow(running, as_["health-visiting"].token)
    yield made
    await made.http.aclose()


async def test_who_polls_misses_nothing_that_is_committed_late(slow: Slow, as_: Callers, running: Running) -> None:
    """Two transactions: the one that began first, and has the earlier time, is committed after the feed was read."""
    first, second = await family.child(as_), await family.child(as_)
    early = running.clock()
    async with running.database.engine.connect() as late, late.begin():
        await _write(late, first, early)
        await asyncio.sleep(0.5)
        running.clock.now += timedelta(seconds=4.3)
        await changed(as_["health-visiting"], second.patient, gender="female")
        told = await slow.caller.get("Patient/_history")
        assert f"/{second.id}/_history/2" in keys(told)[0]
        assert not [key for key in keys(told) if f"{first.id}/_history/2" in key]
    polled = await slow.caller.get("Patient/_history", {"_since": told.json()["meta"]["lastUpdated"]})
    assert [key for key in keys(polled) if f"{first.id}/_history/2" in key]


async def _write(tx: AsyncConnection, child: Child, moment: datetime) -> None:
    """What an update of this child's record writes."""
    id = resource_id.parse(child.id)
    assert id is not None
    stored = await resource.locked(tx, "Patient", id)
    assert stored is not None
    version = resource.version(child.patient, None, stored.custodian, stored.patient_id, moment, id=id, number=2)
    await resource.replace(tx, version)


async def test_what_is_complete_is_not_long_ago_when_nobody_writes(slow: Slow, running: Running) -> None:
    before = running.clock()
    answer = await slow.caller.get("Patient/_history")
    complete = datetime.fromisoformat(answer.json()["meta"]["lastUpdated"])
    assert before - timedelta(seconds=4.1) < complete < before - timedelta(seconds=3.9)

"""batch: many requests in one, each answered as if it had come alone.

https://hl7.org/fhir/R4/http.html#transaction
"""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from httpx import ASGITransport, AsyncClient, Response

from app.child_protection import gate
from app.fhir import resource_id, validation
from app.main import create_app
from tests.api import answers, bundles, examples, family, records
from tests.api.callers import FHIR_JSON, Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.security.clients import START

UNSCHEDULED = {gate.HEADER: "true"}


def about(child: Child) -> str:
    return f"patient:identifier={quote(examples.number_token(child.nhs_number))}"


async def test_entries_are_answered_in_the_order_asked(as_: Callers, child: Child, running: Running) -> None:
    answer = await bundles.send(
        as_["health-visiting"],
        "batch",
        bundles.entry("GET", f"Patient/{child.id}"),
        bundles.create(examples.example(family.PERMITS_CENTRE, child.numbers)),
        bundles.entry("GET", f"RelatedPerson?patient={child.id}"),
        bundles.entry("GET", f"Consent?{about(child)}"),
    )
    read, created, searched, then = bundles.answers(answer)
    assert bundles.statuses(answer) == [200, 201, 200, 200]
    assert validation.base_faults(answer.json()) == []
    assert (read["resource"], read["fullUrl"]) == (child.patient, f"{running.settings.fhir_base}/Patient/{child.id}")
    assert read["response"]["etag"] == created["response"]["etag"] == 'W/"1"'
    consent = f"{running.settings.fhir_base}/Consent/{created['resource']['id']}"
    assert (created["fullUrl"], created["response"]["location"]) == (consent, f"{consent}/_history/1")
    assert [each["resource"]["id"] for each in searched["resource"]["entry"]] == [child.mother["id"]]
    assert [each["resource"] for each in then["resource"]["entry"]] == [created["resource"]]


async def test_base_is_written_with_a_slash_or_without(as_: Callers, child: Child, running: Running) -> None:
    batch = bundles.bundle("batch", bundles.entry("GET", f"Patient/{child.id}"))
    for url in (running.settings.fhir_base, running.settings.fhir_base + "/"):
        answer = await as_["health-visiting"].send_text("POST", url, json.dumps(batch))
        assert bundles.statuses(answer) == [200]


async def test_an_empty_batch_has_an_empty_answer(as_: Callers) -> None:
    answer = await bundles.send(as_["health-visiting"], "batch")
    assert answer.json() == {"resourceType": "Bundle", "type": "batch-response"}


def _asked(child: Child) -> list[str]:
    absent = resource_id.new(7, START)
    return [
        f"Patient/{child.id}",
        f"Patient/{child.id}/_history/1",
        f"Patient/{child.id}/_history/7",
        f"Patient/{absent}",
        "Patient/me",
        f"Patient/{child.id}?_format=xml",
        f"Patient/{child.id}?_format=json",
        f"Patient/{child.id}?color=red",
        f"RelatedPerson?patient={child.id}",
        f"RelatedPerson?patient={child.id}&_include=RelatedPerson:patient",
        "RelatedPerson?colour=red",
        f"Consent?{about(child)}",
        "Organization?_count=1",
        "Binary/1",
        "Patients",
        f"Flag?{about(child)}",
        "AuditEvent/1",
        f"Patient/{child.id}?_pretty=yes",
        f"Patient/{'x' * 64}",
        "Patient/a_b",
        "Nonsense?a=b",
    ]


@pytest.mark.parametrize("client", ["health-visiting", "childrens-centre", "stranger", "parent-app", "auditor"])
async def test_an_entry_is_answered_what_it_would_be_alone(client: str, as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    urls = _asked(child)
    alone = [await as_[client].get(url) for url in urls]
    assert len({each.status_code for each in alone}) > 2
    answer = await bundles.send(as_[client], "batch", *(bundles.entry("GET", url) for url in urls))
    for url, single, entry in zip(urls, alone, bundles.answers(answer), strict=True):
        shown = entry.get("resource") or entry["response"]["outcome"]
        assert (entry["response"]["status"][:3], shown) == (str(single.status_code), single.json()), url
        assert single.text in answer.text, "not byte for byte"
        assert entry["response"].get("etag") == single.headers.get("etag")
        assert ("lastModified" in entry["response"]) == ("last-modified" in single.headers)


async def test_a_write_is_answered_what_it_would_be_alone(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    wrong = examples.example(family.REFUSES, child.numbers, status="no")
    unseen = {name: value for name, value in child.patient.items() if name != "meta"}
    alone = [
        await health_visiting.create(wrong),
        await health_visiting.update(child.patient, 7),
        await health_visiting.send_text("PUT", f"Patient/{child.id}", json.dumps(unseen)),
        await health_visiting.create(child.patient),
        await as_["stranger"].update(child.patient),
    ]
    entries = [
        bundles.create(wrong),
        bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"7"'),
        bundles.entry("PUT", f"Patient/{child.id}", unseen),
        bundles.create(child.patient),
    ]
    answer = await bundles.send(health_visiting, "batch", *entries)
    strange = await bundles.send(
        as_["stranger"], "batch", bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"1"')
    )
    for single, entry in zip(alone, [*bundles.answers(answer), *bundles.answers(strange)], strict=True):
        assert entry["response"]["status"][:3] == str(single.status_code)
        assert entry.get("resource", entry["response"].get("outcome")) == single.json()


async def test_what_is_hidden_and_what_is_absent_are_the_same_in_a_batch(as_: Callers, child: Child) -> None:
    absent = str(resource_id.new(resource_id.bucket(resource_id.parse(child.id)), START))  # type: ignore[arg-type]
    sent = [
        bundles.entry("GET", f"Patient/{child.id}"),
        bundles.entry("GET", f"Patient/{child.id}/_history/1"),
        bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"1"'),
        bundles.entry("GET", f"RelatedPerson?patient={child.id}"),
    ]
    hidden = await bundles.send(as_["stranger"], "batch", *sent)
    other = json.loads(json.dumps(sent).replace(child.id, absent))
    nothing = await bundles.send(as_["stranger"], "batch", *other)
    assert bundles.statuses(hidden) == bundles.statuses(nothing) == [404, 404, 404, 200]
    for one, other in zip(bundles.answers(hidden), bundles.answers(nothing), strict=True):
        assert json.dumps(one) == json.dumps(other).replace(absent, child.id)
    assert hidden.text == nothing.text.replace(absent, child.id)


async def test_consent_is_asked_for_each_entry(as_: Callers, child: Child) -> None:
    """What one entry permits, the next one sees; and what it withdraws, no longer."""
    centre = as_["childrens-centre"]
    entry = bundles.entry("GET", f"Patient/{child.id}")
    assert bundles.statuses(await bundles.send(centre, "batch", entry)) == [404]
    kept = await family.says(as_["health-visiting"], child)
    assert bundles.statuses(await bundles.send(centre, "batch", entry)) == [200]
    family.updated(await as_["health-visiting"].update(kept | {"status": "inactive"}))
    assert bundles.statuses(await bundles.send(centre, "batch", entry)) == [404]


async def test_one_refusal_is_not_everybodys(as_: Callers, child: Child) -> None:
    """An OperationOutcome in one entry has made servers refuse the whole Bundle."""
    consent = examples.example(family.REFUSES, child.numbers)
    answer = await bundles.send(
        as_["health-visiting"],
        "batch",
        bundles.entry("GET", "AuditEvent"),
        bundles.create(consent | {"status": "no"}),
        bundles.create(consent),
        bundles.entry("DELETE", "Nonsense/1"),
        bundles.entry("GET", f"Patient/{child.id}"),
    )
    assert bundles.statuses(answer) == [403, 422, 201, 404, 200]
    outcome = bundles.answers(answer)[1]["response"]["outcome"]
    assert outcome["issue"][0]["expression"] == ["Consent.status"]
    assert "resource" not in bundles.answers(answer)[1]


async def test_the_next_page_of_a_search_in_a_batch_is_there(as_: Callers, child: Child) -> None:
    for _ in range(3):
        await family.says(as_["health-visiting"], child, family.REFUSES)
    answer = await bundles.send(
        as_["health-visiting"], "batch", bundles.entry("GET", f"Consent?{about(child)}&_count=2")
    )
    page = bundles.answers(answer)[0]["resource"]
    next = {each["relation"]: each["url"] for each in page["link"]}["next"]
    assert len(answers.ids(await as_["health-visiting"].get(next))) == page["total"] - 2 == 1
    again = await bundles.send(
        as_["health-visiting"], "batch", bundles.entry("GET", f"Consent?{next.partition('?')[2]}")
    )
    assert len(bundles.answers(again)[0]["resource"]["entry"]) == 1


async def test_each_entry_is_in_the_audit(as_: Callers, child: Child, running: Running) -> None:
    answer = await bundles.send(
        as_["health-visiting"],
        "batch",
        bundles.entry("GET", f"Patient/{child.id}"),
        bundles.entry("GET", "AuditEvent"),
        bundles.entry("GET", f"RelatedPerson/{child.mother['id']}"),
        headers={"X-Request-ID": "60e0b220-8136-4ca5-ae46-1d97ef59d068"},
    )
    assert bundles.statuses(answer) == [200, 403, 200]
    rows = await running.connection.fetch(
        "SELECT request_id, interaction, type, outcome FROM audit_event WHERE request_id LIKE $1 ORDER BY request_id",
        "60e0b220-8136-4ca5-ae46-1d97ef59d068%",
    )
    assert [tuple(row) for row in rows] == [
        ("60e0b220-8136-4ca5-ae46-1d97ef59d068.0", "read", "Patient", "released"),
        ("60e0b220-8136-4ca5-ae46-1d97ef59d068.1", "search", "AuditEvent", "refused"),
        ("60e0b220-8136-4ca5-ae46-1d97ef59d068.2", "read", "RelatedPerson", "released"),
    ]


async def test_a_waiting_room_of_children_is_looked_up_at_once(as_: Callers, running: Running) -> None:
    children = [examples.new_number() for _ in range(12)]
    for number in children[::3]:
        await family.plan(as_["local-authority-a"], number)
    lookups = [
        bundles.entry("GET", f"Flag?patient:identifier={quote(examples.number_token(number))}") for number in children
    ]
    request_id = "0d6e8d2e-3b3e-4d5f-8a51-6d2f4a3ea1aa"
    answer = await bundles.send(
        as_["emergency-department"], "batch", *lookups, headers={**UNSCHEDULED, "X-Request-ID": request_id}
    )
    found = [entry["resource"]["total"] for entry in bundles.answers(answer)]
    assert found == [1, 0, 0] * 4
    commits = await running.connection.fetch(
        "SELECT count(*) AS rows, count(DISTINCT xmin::text) AS commits FROM audit_event WHERE request_id LIKE $1",
        f"{request_id}%",
    )
    assert commits[0]["rows"] == len(children)
    assert commits[0]["commits"] <= 2, "each was answered in a commit of its own"


async def test_the_header_of_the_bundle_holds_for_each_entry(as_: Callers, child: Child) -> None:
    consents = [bundles.create(examples.example(family.REFUSES, child.numbers)) for _ in range(2)]
    answer = await bundles.send(as_["health-visiting"], "batch", *consents, headers={"Prefer": "return=minimal"})
    assert [sorted(entry) for entry in bundles.answers(answer)] == [["response"], ["response"]]
    answer = await bundles.send(
        as_["health-visiting"], "batch", *consents, headers={"Prefer": "return=OperationOutcome"}
    )
    for entry in bundles.answers(answer):
        assert "resource" not in entry
        assert entry["response"]["outcome"]["issue"][0]["severity"] == "information"


async def test_digits_are_kept(as_: Callers) -> None:
    patient = examples.example("patient-toddler", {examples.CHILD: examples.new_number()})
    sent = json.dumps(bundles.bundle("batch", bundles.create(patient | {"extension": []})))
    extension = '"extension":[{"url":"https://example.org/weight","valueDecimal":3.10}]'
    answer = await as_["health-visiting"].send_text("POST", "", sent.replace('"extension": []', extension))
    assert bundles.statuses(answer) == [201]
    assert '"valueDecimal":3.10' in answer.text


async def test_a_head_is_answered_without_a_body(as_: Callers, child: Child) -> None:
    answer = await bundles.send(as_["health-visiting"], "batch", bundles.entry("HEAD", f"Patient/{child.id}"))
    (entry,) = bundles.answers(answer)
    assert (list(entry), entry["response"]["etag"]) == (["response"], 'W/"1"')


async def test_what_the_client_has_already_is_not_sent_again(as_: Callers, child: Child) -> None:
    answer = await bundles.send(
        as_["health-visiting"],
        "batch",
        bundles.entry("GET", f"Patient/{child.id}", ifNoneMatch='W/"1"'),
        bundles.entry("GET", f"Patient/{child.id}", ifModifiedSince="2199-01-01T00:00:00.000+01:00"),
        bundles.entry("GET", f"Patient/{child.id}", ifModifiedSince="1999-01-01T00:00:00Z"),
    )
    assert bundles.statuses(answer) == [304, 304, 200]


async def test_a_patch_comes_in_a_binary_or_as_parameters(as_: Callers, child: Child) -> None:
    operations = json.dumps([{"op": "replace", "path": "/gender", "value": "unknown"}]).encode()
    binary: bundles.Resource = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    replace = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "RelatedPerson.gender"},
        {"name": "value", "valueCode": "unknown"},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": replace}]}
    patches = [
        bundles.entry("PATCH", f"Patient/{child.id}", binary, ifMatch='W/"1"'),
        bundles.entry("PATCH", f"RelatedPerson/{child.mother['id']}", parameters, ifMatch='W/"1"'),
    ]
    answer = await bundles.send(as_["health-visiting"], "batch", *patches)
    assert bundles.statuses(answer) == [200, 200]
    assert [entry["resource"]["gender"] for entry in bundles.answers(answer)] == ["unknown", "unknown"]
    for wrong in (binary | {"data": "!"}, binary | {"contentType": "text/plain"}, binary | {"securityContext": {}}):
        entry = bundles.entry("PATCH", f"Patient/{child.id}", wrong, ifMatch='W/"2"')
        assert bundles.statuses(await bundles.send(as_["health-visiting"], "batch", entry)) == [400]


async def test_a_search_is_sent_as_a_post_too(as_: Callers, child: Child) -> None:
    alone = await as_["health-visiting"].get(f"RelatedPerson?patient={child.id}")
    answer = await bundles.send(
        as_["health-visiting"], "batch", bundles.entry("POST", f"RelatedPerson/_search?patient={child.id}")
    )
    assert bundles.answers(answer)[0]["resource"]["entry"] == alone.json()["entry"]


SMUGGLED = [
    "/Patient/1",
    "//evil.example.org/Patient/1",
    "https://evil.example.org/fhir/R4/Patient/1",
    "http://127.0.0.1:8000/fhir/R4/Patient/1",
    "../oauth2/token",
    "Patient/../../oauth2/token",
    "./Patient/1",
    "Patient/./1",
    "Patient%2F1",
    "Patient/%2e%2e/metadata",
    "Patient//1",
    "Patient/1/",
    "Patient/1#top",
    "Patient/1\\..\\x",
    "Patient/1 HTTP/1.1\\r\\nHost: evil",
    "Patient/é",
    "?",
    "",
]


@pytest.mark.parametrize("url", SMUGGLED)
async def test_a_url_is_below_base_and_nowhere_else(url: str, as_: Callers) -> None:
    method = "POST" if url == "" else "GET"
    resource = {"resourceType": "Patient"} if url == "" else None
    answer = await bundles.send(as_["stranger"], "batch", bundles.entry(method, url, resource))
    assert (answer.status_code, answers.expressions(answer)) == (400, {"Bundle.entry[0].request.url"})


@pytest.mark.parametrize(
    "path", ["metadata", "oauth2/token", "docs", "openapi.json", "health", ".well-known/smart-configuration"]
)
async def test_only_what_needs_a_token_is_reached(path: str, as_: Callers) -> None:
    for method in ("GET", "DELETE"):
        answer = await bundles.send(as_["stranger"], "batch", bundles.entry(method, path))
        assert bundles.statuses(answer) == [404]


async def test_headers_are_not_smuggled(as_: Callers, child: Child) -> None:
    for value in ('W/"1"\r\nAuthorization: Bearer x', 'W/"1"\n', 'W/"é"'):
        answer = await bundles.send(
            as_["stranger"], "batch", bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch=value)
        )
        assert answer.status_code in (400, 422)
        assert "Bundle.entry[0].request.ifMatch" in answers.expressions(answer)


def _faulty(child: Child) -> list[tuple[dict[str, Any], str]]:
    """An entry, and the place of what is wrong with it."""
    read = bundles.entry("GET", f"Patient/{child.id}")
    patient = child.patient
    return [
        ({"resource": patient}, "Bundle.entry[0].request"),
        ({"request": {"method": "GET"}}, "Bundle.entry[0].request.url"),
        ({"request": {"url": "Patient"}}, "Bundle.entry[0].request.method"),
        (bundles.entry("TRACE", "Patient"), "Bundle.entry[0].request.method"),
        (bundles.entry("get", "Patient"), "Bundle.entry[0].request.method"),
        (read | {"resource": patient}, "Bundle.entry[0].resource"),
        (bundles.entry("POST", "Patient"), "Bundle.entry[0].resource"),
        (bundles.entry("PUT", f"Patient/{child.id}"), "Bundle.entry[0].resource"),
        (bundles.entry("POST", "Bundle", bundles.bundle("batch")), "Bundle.entry[0].resource"),
        (bundles.entry("GET", "Patient", ifMatch='W/"1"'), "Bundle.entry[0].request.ifMatch"),
        (bundles.entry("GET", "Patient", ifNoneExist="a=b"), "Bundle.entry[0].request.ifNoneExist"),
        (bundles.entry("PUT", "Patient/1", patient, ifNoneMatch="*"), "Bundle.entry[0].request.ifNoneMatch"),
        (read | {"search": {"mode": "match"}}, "Bundle"),
        (read | {"link": [{"relation": "self", "url": "https://example.org"}]}, "Bundle.entry[0].link"),
        (read | {"colour": "red"}, "Bundle.entry[0].colour"),
    ]


@pytest.mark.parametrize("index", range(15))
async def test_what_is_wrong_with_the_bundle_is_told_with_its_place(index: int, as_: Callers, child: Child) -> None:
    entry, place = _faulty(child)[index]
    for type in ("batch", "transaction"):
        answer = await bundles.send(as_["health-visiting"], type, entry)
        assert (answer.status_code, place in answers.expressions(answer)) == (400, True), answer.text
    assert len(_faulty(child)) == 15


@pytest.mark.parametrize(
    ("bundle", "place"),
    [
        ({"type": "document"}, "Bundle.type"),
        ({"type": "batch-response"}, "Bundle.type"),
        ({}, "Bundle.type"),
        ({"type": "batch", "total": 1}, "Bundle"),
        ({"type": "batch", "link": [{"relation": "self", "url": "https://example.org"}]}, "Bundle.link"),
        ({"type": "batch", "implicitRules": "https://example.org"}, "Bundle.implicitRules"),
        ({"type": "batch", "entry": []}, "Bundle.entry"),
        ({"type": "batch", "entry": {}}, "Bundle.entry"),
        ({"type": "batch", "entry": [7]}, "Bundle.entry[0]"),
        ({"type": "batch", "colour": "red"}, "Bundle.colour"),
    ],
)
async def test_a_bundle_is_a_batch_or_a_transaction(bundle: dict[str, Any], place: str, as_: Callers) -> None:
    answer = await as_["stranger"].send_text("POST", "", json.dumps({"resourceType": "Bundle"} | bundle))
    assert (answer.status_code, place in answers.expressions(answer)) == (400, True), answer.text


async def test_what_a_full_url_names_is_known_in_a_transaction_alone(as_: Callers, child: Child) -> None:
    there = "urn:uuid:0b5a3cde-6f0c-4b58-9b9c-1d8f8f3f0b12"
    about = examples.example(family.REFUSES, child.numbers)
    about["sourceReference"] = {"reference": there}
    document = records.record("document-reference-consent-form", child)
    batch = await bundles.send(as_["health-visiting"], "batch", bundles.create(document, there), bundles.create(about))
    alone = await as_["health-visiting"].create(about)
    assert bundles.statuses(batch) == [201, 422]
    assert (alone.status_code, answers.expressions(alone)) == (422, {"Consent.source.reference"})
    together = await bundles.send(
        as_["health-visiting"], "transaction", bundles.create(document, there), bundles.create(about)
    )
    assert bundles.statuses(together) == [201, 201]
    source = bundles.answers(together)[1]["resource"]["sourceReference"]["reference"]
    assert source == f"DocumentReference/{bundles.answers(together)[0]['resource']['id']}"


async def test_the_same_full_url_twice_is_refused(as_: Callers, child: Child) -> None:
    entry = bundles.create(
        examples.example(family.REFUSES, child.numbers), "urn:uuid:7f3b1a1e-6f0c-4b58-9b9c-1d8f8f3f0b11"
    )
    for type in ("batch", "transaction"):
        answer = await bundles.send(as_["health-visiting"], type, entry, entry)
        assert answer.status_code == 400
        assert "fullUrl" in answer.text


async def test_base_takes_a_bundle_and_no_parameters(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    assert (await health_visiting.send_text("POST", "", json.dumps(child.patient))).status_code == 400
    assert (await health_visiting.send_text("POST", "", "[]")).status_code == 400
    batch = json.dumps(bundles.bundle("batch"))
    assert (await health_visiting.send_text("POST", "?colour=red", batch)).status_code == 400
    assert (await health_visiting.send_text("POST", "", batch, {"If-Match": 'W/"1"'})).status_code == 400
    assert (await health_visiting.send_text("POST", "", batch, {"Content-Type": "text/plain"})).status_code == 415
    assert (await as_.nobody.send_text("POST", "", batch)).status_code == 401


async def test_a_thousand_entries_are_answered_and_one_more_is_refused(as_: Callers, child: Child) -> None:
    entries = [bundles.entry("GET", f"Patient/{child.id}")] * 1000
    answer = await bundles.send(as_["health-visiting"], "batch", *entries)
    assert bundles.statuses(answer) == [200] * 1000
    answer = await bundles.send(as_["health-visiting"], "batch", *entries, entries[0])
    assert (answer.status_code, answers.expressions(answer)) == (413, {"Bundle.entry"})


async def test_a_resource_in_a_batch_is_no_larger_than_alone(as_: Callers, child: Child, running: Running) -> None:
    large = child.patient | {"language": "x" * running.settings.largest_body}
    answer = await bundles.send(
        as_["health-visiting"],
        "batch",
        bundles.create(large),
        bundles.entry("GET", f"Patient/{child.id}"),
    )
    assert bundles.statuses(answer) == [413, 200]
    whole: Response = await as_["health-visiting"].send_text(
        "POST", "", b" " * (running.settings.largest_bundle + 1), {"Content-Type": FHIR_JSON}
    )
    assert whole.status_code == 413


async def test_a_bundle_is_answered_with_so_much_and_then_reads_nothing(
    as_: Callers, child: Child, running: Running
) -> None:
    little = running.settings.model_copy(update={"largest_answer": 2 * len(json.dumps(child.patient))})
    app = create_app(little, running.database, running.clock)
    reads = [bundles.entry("GET", f"Patient/{child.id}")] * 40
    said = bundles.create(examples.example(family.PERMITS_CENTRE, child.numbers))
    async with AsyncClient(transport=ASGITransport(app), base_url=running.settings.fhir_base) as http:
        caller = Caller(http, as_["health-visiting"].token)
        answer = await bundles.send(caller, "batch", *reads, said, *reads)
        refused = await bundles.send(caller, "transaction", *reads)
    statuses = bundles.statuses(answer)
    assert statuses[:16] == [200] * 16  # those that were read together
    assert statuses[40] == 201  # what is written has a bound of its own
    assert set(statuses[16:40] + statuses[41:]) == {413}
    (issue,) = bundles.answers(answer)[-1]["response"]["outcome"]["issue"]
    assert (issue["code"], issue["expression"]) == ("too-long", ["Bundle.entry[80].request.url"])
    assert refused.status_code == 413
    (place,) = answers.expressions(refused)
    assert re.fullmatch(r"Bundle\.entry\[[0-9]+\]\.request\.url", place)


async def test_each_entry_counts_as_a_request(as_: Callers, child: Child, running: Running) -> None:
    """More than are left are lent: a Bundle is never refused half way, and the client waits afterwards."""
    few = running.settings.model_copy(update={"requests_per_second": 0.001, "requests_at_once": 5})
    transport = ASGITransport(create_app(few, running.database, running.clock))
    async with AsyncClient(transport=transport, base_url=few.fhir_base) as http:
        caller = Caller(http, as_["health-visiting"].token)
        entries = [bundles.entry("GET", f"Patient/{child.id}")] * 9
        assert bundles.statuses(await bundles.send(caller, "batch", *entries)) == [200] * 9
        refused = await caller.get(f"Patient/{child.id}")
        assert (refused.status_code, int(refused.headers["retry-after"]) > 4000) == (429, True)

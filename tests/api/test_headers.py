"""What headers ask for and are answered with: Accept, Content-Type, Prefer, HEAD, Allow, and the form of a URL.

https://hl7.org/fhir/R4/http.html#mime-type; https://www.rfc-editor.org/rfc/rfc9110
"""

import json

import pytest
from httpx import Response

from app.fhir import search_parameters
from app.settings import FHIR_PATH
from tests.api import answers, examples
from tests.api.callers import FHIR_JSON, Callers
from tests.api.conftest import Running
from tests.api.family import Child


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json; charset=utf-8", 200),
        ("APPLICATION/FHIR+JSON; FHIRVERSION=4.0", 200),
        ("application/fhir+json;q=0.1, application/fhir+xml;q=0.9", 200),
        ("application/*", 200),
        ("text/json", 200),
        ("application/fhir+json; fhirVersion=4.3", 406),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+json; charset=iso-8859-1", 406),
        ("application/json;q=0", 406),
        ("application/fhir+json;q=0, application/json;q=0.0, text/json;q=0, */*", 406),
        ("*/*;q=0", 406),
        ("*/*;q=x", 406),
        ("image/*", 406),
    ],
)
async def test_what_is_accepted_decides(accept: str, status: int, as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "metadata"):
        assert (await as_["health-visiting"].get(url, headers={"Accept": accept})).status_code == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/fhir+json; charset=utf-8", 422),
        ('application/fhir+json; charset="UTF-8"; fhirVersion=4.0', 422),
        ("application/json", 422),
        ("application/fhir+json; charset=iso-8859-1", 415),
        ("application/fhir+json; fhirVersion=4.3", 415),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/fhir+xml", 415),
    ],
)
async def test_a_body_says_what_it_is(content_type: str, status: int, as_: Callers) -> None:
    text = json.dumps({"resourceType": "Patient"})
    answer = await as_["health-visiting"].send_text("POST", "Patient", text, {"Content-Type": content_type})
    assert answer.status_code == status


@pytest.mark.parametrize("format", ["application/fhir+json", "application/fhir%2Bjson", "json"])
async def test_a_plus_sign_in_a_url_is_understood(format: str, as_: Callers, child: Child) -> None:
    assert (await as_["health-visiting"].get(f"Patient/{child.id}?_format={format}")).status_code == 200


@pytest.mark.parametrize("url", ["Patient/{id}", "Patient/{id}/_history/1", "Patient", "metadata"])
async def test_a_person_gets_it_indented(url: str, as_: Callers, child: Child) -> None:
    plain = await as_["health-visiting"].get(url.format(id=child.id))
    pretty = await as_["health-visiting"].get(url.format(id=child.id), {"_pretty": "true"})
    assert pretty.text.startswith('{\n  "resourceType"')
    assert int(pretty.headers["content-length"]) == len(pretty.content)
    assert _unlinked(pretty) == _unlinked(plain)
    assert (await as_["health-visiting"].get(url.format(id=child.id), {"_pretty": "yes"})).status_code == 400


def _unlinked(answer: Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "link"}


async def test_a_search_by_post_is_indented_too(as_: Callers) -> None:
    answer = await as_["health-visiting"].search_by_post("Patient", {"_pretty": "true"})
    assert answer.text.startswith("{\n")


async def test_indenting_keeps_the_digits_of_numbers(as_: Callers, child: Child) -> None:
    text = json.dumps(child.patient | {"multipleBirthInteger": 1}).replace('"multipleBirthInteger": 1', _EXTENDED)
    answer = await as_["health-visiting"].send_text("PUT", f"Patient/{child.id}", text, {"If-Match": 'W/"1"'})
    assert answer.status_code == 200, answer.text
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", {"_pretty": "true"})
    assert "1.10\n" in answer.text


_EXTENDED = '"extension": [{"url": "https://example.org/weight", "valueDecimal": 1.10}]'


@pytest.mark.parametrize("sent", ["handling=loose", "return=everything", "handling=", "return=all"])
async def test_a_wrong_preference_is_refused_unless_lenient(sent: str, as_: Callers, child: Child) -> None:
    url = f"Patient/{child.id}"
    assert (await as_["health-visiting"].get(url, headers={"Prefer": sent})).status_code == 400
    if not sent.startswith("handling"):
        lenient = {"Prefer": f"handling=lenient, {sent}"}
        assert (await as_["health-visiting"].get(url, headers=lenient)).status_code == 200


@pytest.mark.parametrize("sent", ["handling=strict", "handling=lenient", "return=minimal", "respond-async", "wait=10"])
async def test_other_preferences_are_passed_over(sent: str, as_: Callers, child: Child) -> None:
    assert (await as_["health-visiting"].get(f"Patient/{child.id}", headers={"Prefer": sent})).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "Patient/{id}",
        "Patient/{id}/_history/1",
        "Patient?_count=1",
        "metadata",
        "Patient/none",
        "AuditEvent/1",
        "Nothing",
    ],
)
async def test_head_is_get_without_the_body(url: str, as_: Callers, child: Child) -> None:
    request_id = {"X-Request-ID": "head"}
    get = await as_["health-visiting"].get(url.format(id=child.id), headers=request_id)
    head = await as_["health-visiting"].send("HEAD", url.format(id=child.id), headers=request_id)
    assert (head.status_code, head.content, head.headers) == (get.status_code, b"", get.headers)
    assert int(head.headers["content-length"]) == len(get.content)


async def test_head_is_in_the_audit(as_: Callers, child: Child, running: Running) -> None:
    request_id = f"head-{child.id}"
    await as_["health-visiting"].send("HEAD", f"Patient/{child.id}", headers={"X-Request-ID": request_id})
    (row,) = await running.connection.fetch("SELECT interaction FROM audit_event WHERE request_id = $1", request_id)
    assert row["interaction"] == "read"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("Patient", {"GET", "HEAD", "POST"}),
        ("Patient/_search", {"POST"}),
        ("Patient/1/_history/1", {"GET", "HEAD"}),
        ("AuditEvent", {"GET", "HEAD"}),
        ("AuditEvent/1", {"GET", "HEAD"}),
        ("metadata", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND"])
async def test_what_can_be_done_instead_is_said_whole(method: str, url: str, allowed: set[str], as_: Callers) -> None:
    answer = await as_["stranger"].send(method, url)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) >= allowed
    assert ("GET" in allowed) is ("GET" in answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("DELETE", "Patient/1", {"GET", "HEAD", "PUT", "PATCH"}),
        ("DELETE", "Patient", {"GET", "HEAD", "POST", "PUT", "PATCH"}),
        ("DELETE", "Provenance/1", {"GET", "HEAD"}),
        ("OPTIONS", "Provenance/1", {"GET", "HEAD"}),
        ("OPTIONS", "Patient/1", {"GET", "HEAD", "PUT", "PATCH"}),
    ],
)
async def test_what_a_type_is_never_done_to_is_not_among_what_can(
    method: str, url: str, allowed: set[str], as_: Callers
) -> None:
    answer = await as_["health-visiting"].send(method, url)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


async def test_an_unknown_type_is_told_the_known_ones(as_: Callers) -> None:
    for url in ("Nothing", "Nothing/1", "patient", "Medication?code=x"):
        answer = await as_["health-visiting"].get(url)
        assert answer.status_code == 404
        assert all(type in answers.diagnostics(answer) for type in search_parameters.searchable_types())


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/Patient/", 404),
        ("//Patient", 404),
        ("/Patient//1", 404),
        ("/Patient/1/", 404),
        ("/Patient/1/_x", 404),
        ("", 405),
        ("/", 405),
        ("/%50atient", 400),
        ("/Patient/1%2F_history%2F1", 400),
        ("/Patient/%2e%2e/metadata", 400),
        ("/Patient/1%00", 400),
        ("/Patient/%ff", 400),
        ("/Patient/a_b", 400),
        (f"/Patient/{'a' * 65}", 400),
    ],
)
async def test_a_url_is_taken_as_it_stands(url: str, status: int, as_: Callers) -> None:
    answer = await as_["health-visiting"].get(f"http://127.0.0.1:8000{FHIR_PATH}{url}")
    assert answer.status_code == status
    assert answer.headers["x-request-id"]


async def test_headers_have_a_largest_size(as_: Callers, running: Running) -> None:
    for size, status in ((1000, 200), (running.settings.largest_headers, 431)):
        answer = await as_["health-visiting"].get("metadata", headers={"X-Long": "a" * size})
        assert answer.status_code == status


async def test_what_was_written_says_where_it_is(as_: Callers) -> None:
    number = examples.new_number()
    created = await as_["health-visiting"].create(examples.example("patient-toddler", {examples.CHILD: number}))
    url = f"{created.request.url.copy_with(path=FHIR_PATH)}/Patient/{created.json()['id']}"
    assert created.headers["location"] == f"{url}/_history/1"
    assert created.headers["etag"] == 'W/"1"'
    assert created.headers["last-modified"].endswith(" GMT")
    assert created.headers["content-type"].startswith(FHIR_JSON)

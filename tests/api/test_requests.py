"""What holds for every request: media types, sizes, ids, parameters, and what does not exist.

https://hl7.org/fhir/R4/http.html#general
"""

import pytest

from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("application/fhir+xml, application/fhir+json;q=0.5", 200),
        ("application/xml", 406),
        ("application/fhir+xml", 406),
        ("text/html", 406),
    ],
)
async def test_only_json_is_served(accept: str, status: int, as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "Patient", "metadata"):
        answer = await as_["health-visiting"].get(url, headers={"Accept": accept})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("format", "status"),
    [("json", 200), ("application/fhir+json", 200), ("application/json", 200), ("xml", 406), ("ttl", 406)],
)
async def test_format_goes_before_accept(format: str, status: int, as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "Patient", "metadata"):
        answer = await as_["health-visiting"].get(url, {"_format": format}, {"Accept": "application/xml"})
        assert answer.status_code == status


async def test_format_counts_in_a_form_too(as_: Callers) -> None:
    answer = await as_["health-visiting"].search_by_post("Patient", {"_format": "xml"})
    assert answer.status_code == 406
    answer = await as_["health-visiting"].search_by_post("Patient", {"_format": "json"})
    assert answer.status_code == 200


@pytest.mark.parametrize("media_type", ["application/xml", "text/plain", "", "application/x-www-form-urlencoded"])
async def test_a_resource_is_sent_as_json(media_type: str, as_: Callers) -> None:
    for method, url in (("POST", "Patient"), ("PUT", "Patient/x")):
        answer = await as_["health-visiting"].send_text(
            method, url, "{}", {"Content-Type": media_type, "If-Match": 'W/"1"'}
        )
        assert answer.status_code == 415


async def test_a_search_is_sent_as_a_form(as_: Callers) -> None:
    answer = await as_["health-visiting"].send_text("POST", "Patient/_search", "{}")
    assert answer.status_code == 415


async def test_a_body_has_a_largest_size(as_: Callers, running: Running) -> None:
    largest = running.settings.largest_body
    for size, status in ((largest, 400), (largest + 1, 413)):
        answer = await as_["health-visiting"].send_text("POST", "Patient", " " * size)
        assert answer.status_code == status
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await as_["health-visiting"].send_text("POST", "Patient/_search", "a" * (largest + 1), form)
    assert answer.status_code == 413


async def test_the_callers_request_id_is_given_back(as_: Callers, child: Child) -> None:
    for url, status in ((f"Patient/{child.id}", 200), ("Patient/x", 404), ("Patient?x=1", 400)):
        headers = {"X-Request-ID": "b7c1.A_-9", "X-Correlation-ID": "c-1"}
        answer = await as_["health-visiting"].get(url, headers=headers)
        assert answer.status_code == status
        assert answer.headers["x-request-id"] == "b7c1.A_-9"
        assert answer.headers["x-correlation-id"] == "c-1"


async def test_a_request_without_id_gets_one(as_: Callers) -> None:
    first, second = [await as_["health-visiting"].get("Patient/x") for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("sent", ["a b", "a" * 129, "<script>", "a%0ab", ""])
async def test_a_request_id_is_plain(sent: str, as_: Callers) -> None:
    answer = await as_["health-visiting"].get("Patient/x", headers={"X-Request-ID": sent})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "value")
    assert answer.headers["x-request-id"] not in ("", sent)


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "Observation/1", 404),
        ("GET", "", 405),
        ("GET", "Patient/1/$everything", 404),
        ("DELETE", "Patient/1", 405),
        ("PUT", "Patient", 412),
        ("POST", "AuditEvent", 405),
        ("PUT", "AuditEvent/1", 405),
        ("DELETE", "AuditEvent/1", 405),
    ],
)
async def test_what_does_not_exist_is_refused(method: str, url: str, status: int, as_: Callers) -> None:
    answer = await as_["stranger"].send(method, url)
    assert answer.status_code == status


async def test_a_body_is_refused_before_it_is_sent_where_it_says_how_long_it_is(as_: Callers, running: Running) -> None:
    for length in (str(running.settings.largest_body + 1), "9" * 5000):
        headers = {"Content-Type": "application/fhir+json", "Content-Length": length}
        answer = await as_["health-visiting"].send_text("POST", "Patient", "{}", headers)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-long")


async def test_a_body_is_sent_as_it_is(as_: Callers) -> None:
    for encoding, status in (("gzip", 415), ("br", 415), ("identity", 400)):
        headers = {"Content-Type": "application/fhir+json", "Content-Encoding": encoding}
        answer = await as_["health-visiting"].send_text("POST", "Patient", "{}", headers)
        assert answer.status_code == status, encoding

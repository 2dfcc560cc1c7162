"""Conditional reads: 304 for what the caller has already, and the same audit as for the whole.

https://hl7.org/fhir/R4/http.html#cread
"""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from app.store import audit
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child


@pytest.mark.parametrize("path", ["Patient/{id}", "Patient/{id}/_history/1"])
@pytest.mark.parametrize("sent", ['W/"1"', '"1"', '"9", W/"1"', "*", "1"])
async def test_who_has_the_version_is_told_so(path: str, sent: str, as_: Callers, child: Child) -> None:
    url = path.format(id=child.id)
    whole = await as_["health-visiting"].get(url)
    answer = await as_["health-visiting"].get(url, headers={"If-None-Match": sent})
    assert answer.status_code == 304
    for name in ("etag", "last-modified", "cache-control"):
        assert answer.headers[name] == whole.headers[name]


@pytest.mark.parametrize("sent", ['W/"2"', '"11"', '""'])
async def test_who_has_another_version_gets_this_one(sent: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"If-None-Match": sent})
    assert (answer.status_code, answer.json()["id"]) == (200, child.id)


@pytest.mark.parametrize("sent", ["x", 'W/"1', '"1" "2"', ""])
async def test_what_is_no_version_is_refused(sent: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"If-None-Match": sent})
    assert answer.status_code == 400


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 304), (1, 304)])
async def test_what_has_not_changed_since_is_not_sent(seconds: int, status: int, as_: Callers, child: Child) -> None:
    changed = datetime.fromisoformat(child.patient["meta"]["lastUpdated"])
    since = format_datetime(changed + timedelta(seconds=seconds), usegmt=True)
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"If-Modified-Since": since})
    assert answer.status_code == status


async def test_a_version_counts_before_a_date(as_: Callers, child: Child) -> None:
    later = {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={**later, "If-None-Match": 'W/"9"'})
    assert answer.status_code == 200


async def test_a_date_that_is_none_is_passed_over(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"If-Modified-Since": "yesterday"})
    assert answer.status_code == 200


async def test_that_nothing_changed_is_in_the_audit(as_: Callers, child: Child, running: Running) -> None:
    headers = {"If-None-Match": 'W/"1"', "X-Request-ID": f"unchanged-{child.id}"}
    assert (await as_["health-visiting"].get(f"Patient/{child.id}", headers=headers)).status_code == 304
    (row,) = await running.connection.fetch(
        "SELECT outcome, resources FROM audit_event WHERE request_id = $1", headers["X-Request-ID"]
    )
    assert tuple(row) == (audit.RELEASED, [f"Patient/{child.id}/_history/1"])


async def test_a_hidden_version_is_never_told_of(as_: Callers, child: Child) -> None:
    for sent in ('W/"1"', "*"):
        answer = await as_["stranger"].get(f"Patient/{child.id}", headers={"If-None-Match": sent})
        assert answer.status_code == 404
        assert "etag" not in answer.headers

"""What the NHS's services expect of a request and of an error.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir
"""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response

from app.fhir import spine_error
from app.main import create_app
from tests.api import answers
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child


@pytest_asyncio.fixture
async def strict(running: Running, as_: Callers) -> AsyncIterator[Caller]:
    """The same service, as strict as the NHS's own."""
    app = create_app(running.settings.model_copy(update={"nhs_strict": True}), running.database, running.clock)
    hooks = {"response": [answers.check]}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url=running.settings.fhir_base, event_hooks=hooks) as http:
        yield Caller(http, as_["health-visiting"].token)


def spine(answer: Response) -> tuple[int, str, str]:
    """Status, FHIR's code and the NHS's."""
    (issue,) = answer.json()["issue"]
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == spine_error.SYSTEM
    return answer.status_code, issue["code"], coding["code"]


async def test_where_it_is_strict_a_request_has_an_id(strict: Caller, child: Child) -> None:
    url = f"Patient/{child.id}"
    assert spine(await strict.get(url)) == (400, "required", "MISSING_VALUE")
    for sent in ("", "1", "a-request", f"{uuid4()}x"):
        answer = await strict.get(url, headers={"X-Request-ID": sent})
        assert spine(answer) == (400, "value", "INVALID_VALUE")
        assert answer.headers["x-request-id"] not in ("", sent)
    sent = str(uuid4()).upper()
    answer = await strict.get(url, headers={"X-Request-ID": sent, "X-Correlation-ID": "11C46F5F-CDEF"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == sent
    assert answer.headers["x-correlation-id"] == "11C46F5F-CDEF"


async def test_a_correlation_id_comes_back_or_is_refused(as_: Callers, child: Child) -> None:
    for url in (f"Patient/{child.id}", "Nothing", "metadata"):
        answer = await as_["health-visiting"].get(url, headers={"X-Correlation-ID": "c.1"})
        assert answer.headers["x-correlation-id"] == "c.1"
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"X-Correlation-ID": "a b"})
    assert spine(answer) == (400, "value", "INVALID_VALUE")
    assert "x-correlation-id" not in answer.headers


async def test_the_organisation_is_the_callers_own(as_: Callers, child: Child, running: Running) -> None:
    caller, url = as_["health-visiting"], f"Patient/{child.id}"
    for own in ("RX999", "rx999"):
        assert (await caller.get(url, headers={"NHSD-End-User-Organisation-ODS": own})).status_code == 200
    request_id = str(uuid4())
    headers = {"NHSD-End-User-Organisation-ODS": "RX901", "X-Request-ID": request_id}
    assert spine(await caller.get(url, headers=headers)) == (403, "forbidden", "ACCESS_DENIED")
    (row,) = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    assert (row["outcome"], row["rule"], row["organization"]) == ("refused", "another_organization", "RX999")


@pytest.mark.parametrize(("sent", "status"), [("555021935107", 200), ("R8001", 400), ("", 400), ("1" * 21, 400)])
async def test_a_role_is_a_number(sent: str, status: int, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}", headers={"NHSD-Session-URID": sent})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "url", "more", "expected"),
    [
        ("GET", "Patient/{id}", {"headers": {"Accept": "text/html"}}, (406, "not-supported", "UNSUPPORTED_SERVICE")),
        ("GET", "Patient/a_b", {}, (400, "value", "INVALID_RESOURCE_ID")),
        ("GET", "Patient/none", {}, (404, "not-found", "RESOURCE_NOT_FOUND")),
        ("GET", "Nothing/none", {}, (404, "not-found", "RESOURCE_NOT_FOUND")),
        ("GET", "Patient?nonsense=1", {}, (400, "invalid", "INVALID_SEARCH_DATA")),
        ("GET", "Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|1", {}, (400, "invalid", "INVALID_SEARCH_DATA")),
        ("PATCH", "AuditEvent/{id}", {}, (405, "not-supported", "INVALID_METHOD")),
        ("POST", "Patient", {"content": "{}"}, (415, "not-supported", "UNSUPPORTED_SERVICE")),
    ],
)
async def test_an_error_has_the_nhs_code_beside_fhirs(
    method: str, url: str, more: Any, expected: tuple[int, str, str], as_: Callers, child: Child
) -> None:
    answer = await as_["health-visiting"].send(method, url.format(id=child.id), **more)
    assert spine(answer) == expected


async def test_an_update_says_what_it_has_seen(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].update(child.patient, 7)
    assert spine(answer) == (409, "conflict", "RESOURCE_VERSION_MISMATCH")


async def test_nobody_without_a_token_is_told_more(as_: Callers, child: Child) -> None:
    assert spine(await as_.nobody.get(f"Patient/{child.id}")) == (401, "login", "ACCESS_DENIED")

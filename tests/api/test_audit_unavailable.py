"""What cannot be written into the audit is not answered, and what was to be written is not kept.

https://owasp.org/www-project-application-security-verification-standard/ (16.5.3: never fail open)
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import Response

from tests.api import answers, examples, family
from tests.api.answers import ids
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child, Plan


@pytest_asyncio.fixture
async def plan(as_: Callers, child: Child) -> Plan:
    await family.says(as_["health-visiting"], child)
    return await family.plan(as_["local-authority-a"], child.nhs_number)


@pytest_asyncio.fixture
async def no_audit(running: Running, plan: Plan) -> AsyncIterator[None]:
    """From here on the audit takes no row."""
    await running.connection.execute("ALTER TABLE audit_event ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    yield
    await running.connection.execute("ALTER TABLE audit_event DROP CONSTRAINT full_up")


def _is_unavailable(answer: Response) -> None:
    assert answer.status_code == 503
    (issue,) = answer.json()["issue"]
    assert (issue["code"], issue["diagnostics"][:9]) == ("transient", "Try again")
    assert "etag" not in answer.headers
    assert "location" not in answer.headers


@pytest.mark.usefixtures("no_audit")
@pytest.mark.parametrize(
    ("client", "url", "params"),
    [
        ("health-visiting", "Patient/{child.id}", {}),
        ("health-visiting", "Patient/{child.id}/_history/1", {}),
        ("health-visiting", "Patient/x", {}),
        ("health-visiting", "Patient/{child.id}/_history", {}),
        ("stranger", "Patient/{child.id}/_history", {}),
        ("health-visiting", "Patient/_history", {}),
        ("health-visiting", "_history", {}),
        ("stranger", "Patient/{child.id}", {}),
        ("childrens-centre", "Patient/{child.id}", {}),
        ("health-visiting", "Patient", {"identifier": "{token}"}),
        ("health-visiting", "RelatedPerson", {"patient:identifier": "{token}", "_count": "0"}),
        ("stranger", "RelatedPerson", {"patient:identifier": "{token}"}),
        ("local-authority-a", "Flag", {"patient:identifier": "{token}", "_include": "Flag:detail"}),
        ("health-visiting", "Organization", {}),
        ("emergency-department", "Flag", {"patient:identifier": "{token}"}),
        ("emergency-department", "Patient/{child.id}", {}),  # refused for its scope
        ("unregistered-purpose", "Patient", {}),  # refused for want of a purpose
        ("gp-practice", "Flag", {"patient:identifier": "{token}"}),  # refused for its setting
        ("auditor", "AuditEvent", {"patient:identifier": "{token}"}),
        ("auditor", "AuditEvent/018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b", {}),
        ("auditor", "Patient/{child.id}", {}),
    ],
)
async def test_nothing_is_answered(
    client: str, url: str, params: dict[str, str], as_: Callers, child: Child, plan: Plan
) -> None:
    token = examples.number_token(child.nhs_number)
    asked = {name: value.format(token=token) for name, value in params.items()}
    answer = await as_[client].get(url.format(child=child), asked)
    _is_unavailable(answer)
    assert plan.flag["id"] not in answer.text
    if params:
        _is_unavailable(await as_[client].search_by_post(url, asked))


async def test_nothing_is_kept(as_: Callers, child: Child, running: Running, no_audit: None) -> None:
    number = examples.new_number()
    health_visiting = as_["health-visiting"]
    for answer in (
        await health_visiting.create(examples.example("patient-toddler", {examples.CHILD: number})),
        await health_visiting.create(examples.example("patient-toddler", child.numbers)),  # registered already
        await health_visiting.update(child.patient | {"gender": "unknown"}),
        await health_visiting.create(examples.example(family.REFUSES, child.numbers)),
        await as_["maternity"].create(examples.example("patient-toddler", child.numbers)),  # not theirs
    ):
        _is_unavailable(answer)
    await running.connection.execute("ALTER TABLE audit_event DROP CONSTRAINT full_up")
    try:
        named = await running.connection.fetch("SELECT * FROM patient_identifier WHERE value = $1", number)
        assert named == []
        assert (await health_visiting.get(f"Patient/{child.id}")).json() == child.patient
        assert len(ids(await as_["childrens-centre"].get("Patient", {"_id": child.id}))) == 1
        assert ids(await as_["gp-practice"].get("Consent", child.about())) == []
    finally:
        await running.connection.execute("ALTER TABLE audit_event ADD CONSTRAINT full_up CHECK (false) NOT VALID")


async def test_a_look_that_failed_leaves_nothing(as_: Callers, child: Child, running: Running, no_audit: None) -> None:
    _is_unavailable(await as_["emergency-department"].get("Flag", child.about()))
    assert await running.connection.fetch("SELECT * FROM child_protection_access WHERE patient_id = $1", child.id) == []
    notices = "SELECT * FROM resource WHERE type = 'CommunicationRequest' AND patient_id = $1"
    assert await running.connection.fetch(notices, child.id) == []


async def test_it_goes_on_afterwards(as_: Callers, child: Child) -> None:
    answer = await as_["emergency-department"].get("Flag", child.about())
    assert answer.status_code == 200
    assert answers.ids(answer) == []

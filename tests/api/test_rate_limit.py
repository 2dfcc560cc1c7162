"""How fast a client may ask: 429 with Retry-After, each client and the lookup for itself.

https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from app.api.rate_limit import Rate, RateLimit
from app.fhir.errors import TooManyRequests
from app.main import create_app
from tests.api import answers
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

RATES = {"requests_per_second": 0.01, "requests_at_once": 3, "lookups_per_second": 0.01, "lookups_at_once": 2}


@pytest_asyncio.fixture
async def slow(running: Running) -> AsyncIterator[AsyncClient]:
    """The same service, which takes three requests and two lookups, and then one in a hundred seconds."""
    app = create_app(running.settings.model_copy(update=RATES), running.database, running.clock)
    hooks = {"response": [answers.check]}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url=running.settings.fhir_base, event_hooks=hooks) as http:
        yield http


async def test_who_asks_too_fast_is_told_when_to_come_again(slow: AsyncClient, as_: Callers, child: Child) -> None:
    caller = Caller(slow, as_["health-visiting"].token)
    statuses = [(await caller.get(f"Patient/{child.id}")).status_code for _ in range(3)]
    assert statuses == [200, 200, 200]
    answer = await caller.get("Consent", headers={"X-Request-ID": "too-fast"})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (429, "throttled")
    assert 90 <= int(answer.headers["retry-after"]) <= 100
    assert answer.headers["x-request-id"] == "too-fast"


async def test_each_client_has_a_pace_of_its_own(slow: AsyncClient, as_: Callers, child: Child) -> None:
    first, second = Caller(slow, as_["health-visiting"].token), Caller(slow, as_["stranger"].token)
    assert [(await first.get("Consent")).status_code for _ in range(4)][-1] == 429
    assert (await second.get(f"Patient/{child.id}")).status_code == 404


async def test_a_new_token_is_the_same_client(slow: AsyncClient, as_: Callers) -> None:
    for _ in range(3):
        await Caller(slow, as_["health-visiting"].token).get("Consent")
    other = await as_.as_said("health-visiting")
    assert other.token != as_["health-visiting"].token
    assert (await Caller(slow, other.token).get("Consent")).status_code == 429


async def test_lookups_are_counted_apart(slow: AsyncClient, as_: Callers, child: Child) -> None:
    emergency = Caller(slow, as_["emergency-department"].token)
    assert [(await emergency.get("Patient/1")).status_code for _ in range(4)][-1] == 429
    assert (await emergency.get("Flag", child.about())).status_code == 200
    assert (await emergency.search_by_post("Flag", child.about())).status_code == 200
    assert (await emergency.get("Flag", child.about())).status_code == 429


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_evenly_and_never_over() -> None:
    watch = Watch()
    limit = RateLimit(Rate(per_second=2, at_once=3), watch)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("a")
    assert refused.value.retry_after == 1
    watch.now += 0.5
    limit.take("a")
    watch.now += 1000
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyRequests):
        limit.take("a")


@pytest.mark.parametrize("rate", [Rate(0, 1), Rate(-1, 1), Rate(1, 0)])
def test_a_rate_at_which_nothing_is_answered_is_refused(rate: Rate) -> None:
    with pytest.raises(ValueError, match="at least one request"):
        RateLimit(rate)

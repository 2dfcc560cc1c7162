"""Idempotency-Key: a create that is sent again is answered again, and done once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from tests.api import answers, examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child


async def create(caller: Caller, resource: dict[str, Any], key: str, **headers: str) -> Response:
    return await caller.create(resource, {"Idempotency-Key": key, **headers})


def refusal(child: Child, /, **elements: Any) -> dict[str, Any]:
    return examples.example(family.REFUSES, child.numbers, **elements)


async def test_the_same_request_is_answered_again_and_done_once(as_: Callers, child: Child) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    first = await create(caller, refusal(child), key)
    kept = family.created(first)
    again = await create(caller, refusal(child), f'"{key}"')
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert (again.status_code, again.json()) == (201, kept)
    assert answers.ids(await caller.get("Consent", child.about())) == [kept["id"]]


async def test_of_many_at_once_one_is_done_and_all_are_answered(as_: Callers, child: Child) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    together = await asyncio.gather(*(create(caller, refusal(child), key) for _ in range(32)))
    assert Counter((each.status_code, each.json()["id"]) for each in together) == {(201, together[0].json()["id"]): 32}
    assert len(answers.ids(await caller.get("Consent", child.about()))) == 1


async def test_the_key_of_another_request_is_refused(as_: Callers, child: Child) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    family.created(await create(caller, refusal(child), key))
    answer = await create(caller, refusal(child, dateTime="2026-11-02"), key)
    assert (answer.status_code, "another request" in answers.diagnostics(answer)) == (422, True)
    assert (await create(caller, examples.example("related-person-mother", child.numbers), key)).status_code == 422


async def test_each_client_has_its_own_keys(as_: Callers, child: Child) -> None:
    key = str(uuid4())
    mine = family.created(await create(as_["health-visiting"], refusal(child), key))
    theirs = family.created(await create(as_["gp-practice"], refusal(child), key))
    assert mine["id"] != theirs["id"]


async def test_the_key_of_what_was_refused_is_free(as_: Callers, child: Child) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    someone_elses = examples.example("child-protection-flag-active-plan", child.numbers)
    allowed = await as_.as_said("health-visiting", scope="system/Consent.cruds")
    assert (await create(allowed, someone_elses, key)).status_code == 403
    assert (await create(caller, refusal(child, status="never"), key)).status_code == 422
    family.created(await create(caller, refusal(child), key))


async def test_a_day_later_the_key_is_free(as_: Callers, child: Child, running: Running) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    first = family.created(await create(caller, refusal(child), key))
    await running.connection.execute("UPDATE idempotency_key SET created = created - $1::interval", timedelta(hours=25))
    second = family.created(await create(caller, refusal(child), key))
    assert first["id"] != second["id"]
    assert family.created(await create(caller, refusal(child), key))["id"] == second["id"]


async def test_what_may_no_longer_be_seen_is_not_answered_again(as_: Callers) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    patient = examples.example("patient-toddler", {examples.CHILD: examples.new_number()})
    kept = family.created(await create(caller, patient, key))
    family.updated(await caller.update(kept | {"meta": examples.labelled("V")}))
    again = await create(caller, patient, key)
    assert (again.status_code, again.content) == (201, b"")
    assert again.headers["location"].endswith(f"/Patient/{kept['id']}/_history/1")


async def test_with_a_condition_too_that_decides(as_: Callers, child: Child) -> None:
    key, caller = str(uuid4()), as_["health-visiting"]
    patient = examples.example("patient-toddler", child.numbers)
    condition = {"If-None-Exist": f"identifier={examples.number_token(child.nhs_number)}"}
    for _ in range(2):
        assert (await create(caller, patient, key, **condition)).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", 'a"b', "x" * 129])
async def test_a_key_is_a_short_visible_text(key: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].create(refusal(child), {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "value")


async def test_nothing_of_what_was_sent_is_kept_with_the_key(as_: Callers, child: Child, running: Running) -> None:
    key = str(uuid4())
    family.created(await create(as_["health-visiting"], refusal(child), key))
    rows = [str(dict(each)) for each in await running.connection.fetch("SELECT * FROM idempotency_key")]
    assert rows
    assert not [each for each in rows if key in each or answers.numbers_in(each)]


async def test_a_bundle_takes_none(as_: Callers) -> None:
    bundle = '{"resourceType":"Bundle","type":"batch"}'
    answer = await as_["health-visiting"].send_text("POST", "", bundle, {"Idempotency-Key": "a"})
    assert (answer.status_code, "If-None-Exist" in answers.diagnostics(answer)) == (400, True)

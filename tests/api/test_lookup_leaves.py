"""What a look leaves behind: the audit always; the access history and a notice where it was unscheduled and found a plan.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (Access-to-Service Notification)
"""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.child_protection.gate import HEADER
from app.fhir import validation
from tests.api import examples, family
from tests.api.answers import ids, resources
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child

AT_ONCE = 200


async def test_an_unscheduled_hit_is_remembered_and_told(as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    before = running.clock.now
    await as_["emergency-department"].get("Flag", child.about(), {"X-Request-ID": "look-1"})
    (access,) = await _rows(running, "child_protection_access", child)
    assert (access["organization"], access["user_name"], access["user_role"]) == ("RX901", "Amara Okafor", "R8000")
    assert access["accessed"] > before
    (audited,) = await _looks(running, child)
    assert (audited["outcome"], audited["rule"]) == ("released", "child_protection_gateway")
    assert (audited["unscheduled"], audited["request_id"], audited["user_name"]) == (True, "look-1", "Amara Okafor")
    assert audited["resources"] == [
        f"{part['resourceType']}/{part['id']}/_history/1" for part in (plan.flag, plan.care_plan, plan.care_team)
    ]
    (told,) = resources(await as_["local-authority-a"].get("CommunicationRequest", child.about()))
    (waiting,) = await running.connection.fetch("SELECT * FROM outbox WHERE resource_id = $1", UUID(told["id"]))
    assert waiting["recipient"] == "LA901"


async def test_the_notice_says_who_looked_where_and_when(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    await as_["emergency-department"].get("Flag", child.about())
    (notice,) = resources(await as_["local-authority-a"].get("CommunicationRequest", child.about()))
    assert validation.faults(notice) == []
    assert notice["status"] == "active"
    assert notice["category"][0]["coding"][0]["code"] == "child-protection-access-notice"
    assert notice["subject"] == plan.flag["subject"]
    assert notice["about"] == [{"reference": f"Flag/{plan.flag['id']}"}]
    assert notice["sender"]["identifier"]["value"] == "RX901"
    assert notice["requester"]["display"] == "Amara Okafor (R8000)"
    assert [each["identifier"]["value"] for each in notice["recipient"]] == ["LA901"]
    assert "reasonCode" not in notice
    one = await as_["local-authority-a"].get(f"CommunicationRequest/{notice['id']}")
    assert one.json() == notice


async def test_the_notice_is_for_nobody_else(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    await as_["maternity"].get("Flag", child.about())
    (notice,) = resources(await as_["local-authority-a"].get("CommunicationRequest", child.about()))
    for caller in ("maternity", "health-visiting", "gp-practice", "local-authority-b", "childrens-centre", "stranger"):
        for url in (f"CommunicationRequest/{notice['id']}", f"CommunicationRequest/{notice['id']}/_history/1"):
            assert (await as_[caller].get(url)).status_code == 404
        for params in (child.about(), {"_id": notice["id"]}, {"patient": child.id}):
            found = await as_[caller].get("CommunicationRequest", params)
            assert (ids(found), found.json()["total"]) == ([], 0)


async def test_each_authority_is_told_of_its_own_plan(as_: Callers, child: Child, running: Running) -> None:
    plans = {"local-authority-a": await family.plan(as_["local-authority-a"], child.nhs_number)}
    plans["local-authority-b"] = await family.plan(as_["local-authority-b"], child.nhs_number, ods_code="LA902")
    await as_["emergency-department"].get("Flag", child.about())
    for authority, plan in plans.items():
        (notice,) = resources(await as_[authority].get("CommunicationRequest", child.about()))
        assert notice["about"] == [{"reference": f"Flag/{plan.flag['id']}"}]
    assert len(await _rows(running, "child_protection_access", child)) == 1


async def test_a_miss_is_in_the_audit_only(as_: Callers, child: Child, running: Running) -> None:
    await as_["emergency-department"].get("Flag", child.about())
    (audited,) = await _looks(running, child)
    assert (audited["outcome"], audited["resources"], audited["unscheduled"]) == ("nothing", [], True)
    assert await _rows(running, "child_protection_access", child) == []
    assert ids(await as_["local-authority-a"].get("CommunicationRequest", child.about())) == []


async def test_a_look_for_a_number_that_nobody_has_named_is_in_the_audit(as_: Callers, running: Running) -> None:
    number = examples.new_number()
    query = {"patient:identifier": examples.number_token(number)}
    await as_["emergency-department"].get("Flag", query, {"X-Request-ID": f"nobody-{number[-3:]}"})
    (row,) = await running.connection.fetch("SELECT * FROM audit_event WHERE query LIKE $1", f"%{number}%")
    assert (row["outcome"], row["patient_id"], row["type"]) == ("nothing", None, "Flag")


@pytest.mark.parametrize("client", ["gp-practice", "maternity"])
async def test_a_silent_look_tells_nobody(client: str, as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    answer = await as_[client].get("Flag", child.about(), {HEADER: "false"})
    assert resources(answer) == [plan.flag]
    (audited,) = await _looks(running, child)
    assert (audited["outcome"], audited["unscheduled"]) == ("released", False)
    assert await _rows(running, "child_protection_access", child) == []
    assert ids(await as_["local-authority-a"].get("CommunicationRequest", child.about())) == []


async def test_a_refused_look_is_in_the_audit_and_tells_nobody(as_: Callers, child: Child, running: Running) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    caller = await as_.as_said("emergency-department", activity_codes=[])
    request_id = f"refused-{child.id}"
    assert (await caller.get("Flag", child.about(), {"X-Request-ID": request_id})).status_code == 403
    (row,) = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    assert (row["outcome"], row["rule"], row["user_name"]) == ("refused", "activity_code_required", "Amara Okafor")
    assert await _rows(running, "child_protection_access", child) == []


async def test_many_look_at_once_and_each_is_answered_about_their_own_child(as_: Callers, running: Running) -> None:
    with_plan = [examples.new_number() for _ in range(4)]
    plans = {number: await family.plan(as_["local-authority-a"], number) for number in with_plan}
    without = [examples.new_number() for _ in range(4)]
    asked = ((with_plan + without) * AT_ONCE)[:AT_ONCE]
    callers = [as_[("emergency-department", "maternity")[place % 2]] for place in range(AT_ONCE)]
    answered = await asyncio.gather(
        *(
            caller.get(
                "Flag", {"patient:identifier": examples.number_token(number)}, {"X-Request-ID": f"at-once-{place}"}
            )
            for place, (caller, number) in enumerate(zip(callers, asked, strict=True))
        )
    )
    for number, answer in zip(asked, answered, strict=True):
        plan = plans.get(number)
        assert resources(answer) == ([plan.flag] if plan else [])
        assert resources(answer, "include") == ([plan.care_plan, plan.care_team] if plan else [])
    rows = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id LIKE 'at-once-%'")
    assert len(rows) == AT_ONCE
    by_request = {row["request_id"]: row for row in rows}
    for place, number in enumerate(asked):
        row = by_request[f"at-once-{place}"]
        assert number in row["query"]
        assert row["client_id"] == ("emergency-department", "maternity")[place % 2]
        assert row["outcome"] == ("released" if number in plans else "nothing")
    notices = await as_["local-authority-a"].get(
        "CommunicationRequest",
        {"patient:identifier": ",".join(map(examples.number_token, with_plan)), "_count": "0"},
    )
    assert notices.json()["total"] == AT_ONCE // 2


async def _looks(running: Running, child: Child) -> list[Any]:
    return [row for row in await _rows(running, "audit_event", child) if row["type"] == "Flag" and row["query"]]


async def _rows(running: Running, table: str, child: Child) -> list[Any]:
    rows: list[Any] = await running.connection.fetch(f"SELECT * FROM {table} WHERE patient_id = $1", UUID(child.id))
    return rows

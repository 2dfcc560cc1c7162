"""Who may not look, and how not to ask: decided on the token and the request, before anything is looked at.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (B0107, B0170)
"""

import pytest

from app.child_protection.gate import HEADER
from tests.api import answers, examples, family
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child

USER, CODE = "Child protection information is shown to a person", "The user needs activity code B0107"
SETTING, SCOPE = "Your system is not registered for this kind of access", "Your access token does not cover this."
PURPOSE = "State why you need this"


@pytest.mark.parametrize(
    ("client", "codes", "header", "refused"),
    [
        ("emergency-department", ["B0107"], None, None),
        ("emergency-department", ["B0107"], "true", None),
        ("emergency-department", ["B0107"], "True ", None),
        ("emergency-department", ["B0107"], "false", None),
        ("emergency-department", [], None, CODE),
        ("emergency-department", [], "false", CODE),
        ("emergency-department", None, None, CODE),
        ("maternity", ["B0170"], None, CODE),
        ("maternity", ["B0170"], "true", CODE),
        ("maternity", ["B0170"], "false", None),
        ("maternity", ["B0107", "B0170"], None, None),
        ("gp-practice", ["B0170"], None, SETTING),
        ("gp-practice", ["B0170"], "true", SETTING),
        ("gp-practice", ["B0170"], "false", None),
        ("gp-practice", [], "false", CODE),
    ],
)
async def test_a_look_needs_its_code_and_setting(
    client: str, codes: list[str] | None, header: str | None, refused: str | None, as_: Callers, child: Child
) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    caller = await as_.as_said(client, activity_codes=codes)
    answer = await caller.get("Flag", child.about(), {HEADER: header} if header else None)
    if refused is None:
        assert len(answers.ids(answer)) == 1
    else:
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")
        assert answers.diagnostics(answer).startswith(refused)


@pytest.mark.parametrize("header", ["yes", "0", "1", "truefalse", "true, false", ""])
async def test_the_header_is_true_or_false(header: str, as_: Callers, child: Child) -> None:
    answer = await as_["emergency-department"].get("Flag", child.about(), {HEADER: header})
    assert (answer.status_code, answers.diagnostics(answer)) == (400, f"{HEADER} is true or false.")


async def test_two_headers_are_not_one(as_: Callers, child: Child, running: Running) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    caller = as_["emergency-department"]
    both = [("Authorization", f"Bearer {caller.token}"), (HEADER, "false"), (HEADER, "true")]
    answer = await caller.http.get("Flag", params=child.about(), headers=both)
    assert answer.status_code == 400
    assert plan.flag["id"] not in answer.text


async def test_nobody_looks_without_a_user(as_: Callers, child: Child) -> None:
    answer = await (await as_.as_said("emergency-department", user=None)).get("Flag", child.about())
    assert answer.status_code == 403
    assert answers.diagnostics(answer).startswith(USER)


async def test_nobody_looks_without_a_purpose(as_: Callers, child: Child) -> None:
    for caller in (await as_.as_said("emergency-department", purpose=None), as_["unregistered-purpose"]):
        answer = await caller.get("Flag", child.about())
        assert answer.status_code == 403
        assert answers.diagnostics(answer).startswith(PURPOSE)


async def test_nobody_looks_without_the_scope(as_: Callers, child: Child) -> None:
    for scope in ("system/CarePlan.rs system/CareTeam.rs", "system/Flag.r"):
        answer = await (await as_.as_said("emergency-department", scope=scope)).get("Flag", child.about())
        assert answer.status_code == 403
        assert answers.diagnostics(answer).startswith(SCOPE)


async def test_what_is_included_is_what_the_token_covers(as_: Callers, child: Child) -> None:
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    narrow = await as_.as_said("emergency-department", scope="system/Flag.rs system/CarePlan.s")
    answer = await narrow.get("Flag", child.about())
    assert answers.resources(answer) == [plan.flag]
    assert answers.ids(answer, "include") == []
    asked = await narrow.get("Flag", {**child.about(), "_include": "Flag:detail"})
    assert asked.status_code == 403


@pytest.mark.parametrize(
    "extra",
    [
        [("status", "active")],
        [("date", "2026-05-01")],
        [("author:identifier", "https://fhir.nhs.uk/Id/ods-organization-code|LA901")],
        [("_id", "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b")],
        [("_lastUpdated", "ge2026-01-01")],
        [("patient", "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b")],
        [("_page", "x")],
        [("_summary", "count")],
        [("_elements", "status")],
        [("_sort", "date")],
        [("_revinclude", "Flag:patient")],
        [("detail", "CarePlan/018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b")],
        [("_count", "0")],
    ],
)
async def test_a_lookup_has_no_filters(extra: list[tuple[str, str]], as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    params = [*child.about().items(), *extra]
    for answer in (
        await as_["emergency-department"].get("Flag", params),
        await as_["emergency-department"].search_by_post("Flag", params),
    ):
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "invalid")


async def test_one_child_is_looked_up_by_number(as_: Callers, child: Child) -> None:
    other = await family.child(as_)
    token, second = (examples.number_token(each.nhs_number) for each in (child, other))
    for params in (
        {"patient": child.id},
        {"patient": f"Patient/{child.id}"},
        {},
        {"patient:identifier": f"{token},{second}"},
        {"patient:identifier": f"{token},{token}"},
        [("patient:identifier", token), ("patient:identifier", second)],
    ):
        answer = await as_["emergency-department"].get("Flag", params)
        assert (answer.status_code, answers.expressions(answer)) == (400, {"patient"})
        assert answers.diagnostics(answer) == (
            "Look up one child by NHS number, and by nothing else: "
            "patient:identifier=https://fhir.nhs.uk/Id/nhs-number|[NHS number]."
        )


@pytest.mark.parametrize("number", ["4857773456", "1234567890", "9990000019", "999000001", "x"])
async def test_what_is_no_number_here_is_never_answered_with_no_plan(number: str, as_: Callers) -> None:
    answer = await as_["emergency-department"].get("Flag", {"patient:identifier": examples.number_token(number)})
    assert (answer.status_code, answers.expressions(answer)) == (400, {"patient"})
    assert number not in answers.diagnostics(answer)

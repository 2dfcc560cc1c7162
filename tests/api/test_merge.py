"""$merge and $unmerge: two records of one person put together by whoever keeps both, and told apart again.

https://hl7.org/fhir/patient-operation-merge.html
"""

import json
from typing import Any

import pytest
from httpx import Response

from tests.api import examples, family
from tests.api.answers import ids
from tests.api.callers import Caller, Callers
from tests.api.family import Child

PRINTED = {"X-Request-ID": "b5b0b0a4-6b0e-4b7e-9d9c-0d0f0a0b0c0d"}


def named(source: Child, target: Child, **more: Any) -> dict[str, Any]:
    return parameters(
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source.id}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target.id}"}},
        *({"name": name, "valueBoolean": value} for name, value in more.items()),
    )


def parameters(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(listed)}


async def merge(caller: Caller, body: dict[str, Any]) -> Response:
    return await caller.send_text("POST", "Patient/$merge", json.dumps(body), PRINTED)


async def unmerge(caller: Caller, child: Child) -> Response:
    return await caller.send_text("POST", f"Patient/{child.id}/$unmerge", '{"resourceType":"Parameters"}', PRINTED)


async def found(as_: Callers, client: str, type: str, number: str) -> list[str]:
    about = "identifier" if type == "Patient" else "patient:identifier"
    return ids(await as_[client].get(type, {about: examples.number_token(number)}))


async def test_both_numbers_lead_to_all_that_is_known(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    plan = await family.plan(as_["local-authority-a"], old.nhs_number)
    answer = await merge(as_["health-visiting"], named(old, child))
    assert answer.status_code == 200, answer.text
    result = {each["name"]: each["resource"] for each in answer.json()["parameter"]}
    assert result["result"]["id"] == child.id
    assert result["outcome"]["issue"][0]["severity"] == "information"
    assert result["result"]["link"] == [{"other": {"reference": f"Patient/{old.id}"}, "type": "replaces"}]
    for number in (old.nhs_number, child.nhs_number):
        assert await found(as_, "health-visiting", "Patient", number) == [child.id]
        assert await found(as_, "emergency-department", "Flag", number) == [plan.flag["id"]]


async def test_the_old_record_leads_to_the_one_that_stayed(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    plan = await family.plan(as_["local-authority-a"], old.nhs_number)
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 200
    answer = await as_["health-visiting"].get(f"Patient/{old.id}")
    assert (answer.status_code, answer.json()["id"]) == (200, child.id)
    assert (await as_["health-visiting"].get(f"Patient/{old.id}/_history/1")).json() == old.patient
    for each in (old, child):
        about = {"patient": f"Patient/{each.id}"}
        assert ids(await as_["local-authority-a"].get("CarePlan", about)) == [plan.care_plan["id"]]


async def test_where_the_new_record_is_not_theirs_the_old_one_is_answered(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 200
    now = (await as_["health-visiting"].get(f"Patient/{child.id}")).json()
    handed_over = {k: v for k, v in now.items() if k != "generalPractitioner"}
    handed_over["managingOrganization"] = examples.organization("RX909")
    family.updated(await as_["health-visiting"].update(handed_over, 2))
    answer = await as_["health-visiting"].get(f"Patient/{old.id}")
    assert (answer.status_code, answer.json()["id"]) == (200, old.id)


async def test_a_refusal_about_either_record_counts_for_the_person(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    await family.says(as_["health-visiting"], child)
    assert await found(as_, "childrens-centre", "Patient", child.nhs_number) == [child.id]
    await family.says(as_["health-visiting"], old, family.REFUSES)
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 200
    assert await found(as_, "childrens-centre", "Patient", child.nhs_number) == []
    assert (await unmerge(as_["health-visiting"], old)).status_code == 200
    assert await found(as_, "childrens-centre", "Patient", child.nhs_number) == [child.id]


async def test_what_was_put_together_is_told_apart_again(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    of_old, of_child = [await family.plan(as_["local-authority-a"], each.nhs_number) for each in (old, child)]
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 200
    later = await family.plan(as_["local-authority-a"], old.nhs_number)
    parted = await unmerge(as_["health-visiting"], old)
    assert parted.status_code == 200, parted.text
    assert parted.json()["active"] is True
    assert "link" not in parted.json()
    staying = await as_["health-visiting"].get(f"Patient/{child.id}")
    assert "link" not in staying.json()
    assert await found(as_, "health-visiting", "Patient", old.nhs_number) == [old.id]
    assert await found(as_, "health-visiting", "Patient", child.nhs_number) == [child.id]
    assert await found(as_, "emergency-department", "Flag", old.nhs_number) == [of_old.flag["id"]]
    both = {of_child.flag["id"], later.flag["id"]}  # what was written since stays with the record that stayed
    assert set(await found(as_, "emergency-department", "Flag", child.nhs_number)) == both


async def test_a_merge_by_number_and_one_by_update_are_the_same_to_undo(as_: Callers, child: Child) -> None:
    first, second = [await family.child(as_) for _ in range(2)]
    by_number = parameters(
        *(
            {
                "name": f"{which}-patient-identifier",
                "valueIdentifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": each.nhs_number},
            }
            for which, each in (("source", first), ("target", child))
        )
    )
    assert (await merge(as_["health-visiting"], by_number)).status_code == 200
    link = examples.example("patient-superseded-number", {examples.CHILD: child.nhs_number})["link"]
    family.updated(await as_["health-visiting"].update(second.patient | {"active": False, "link": link}))
    for each in (second, first):
        assert (await unmerge(as_["health-visiting"], each)).status_code == 200
        assert await found(as_, "health-visiting", "Patient", each.nhs_number) == [each.id]
    assert await found(as_, "health-visiting", "Patient", child.nhs_number) == [child.id]


async def test_the_middle_of_a_chain_is_told_apart_with_what_it_brought(as_: Callers) -> None:
    oldest, old, new = [await family.child(as_) for _ in range(3)]
    keeper = as_["health-visiting"]
    assert (await merge(keeper, named(oldest, old))).status_code == 200
    assert (await merge(keeper, named(old, new))).status_code == 200
    assert await found(as_, "health-visiting", "Patient", oldest.nhs_number) == [new.id]
    assert (await unmerge(keeper, old)).status_code == 200
    assert await found(as_, "health-visiting", "Patient", oldest.nhs_number) == [old.id]
    assert await found(as_, "health-visiting", "Patient", old.nhs_number) == [old.id]
    assert await found(as_, "health-visiting", "Patient", new.nhs_number) == [new.id]
    assert (await unmerge(keeper, oldest)).status_code == 200
    assert await found(as_, "health-visiting", "Patient", oldest.nhs_number) == [oldest.id]


async def test_a_preview_keeps_nothing(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    answer = await merge(as_["health-visiting"], named(old, child, preview=True))
    assert answer.status_code == 200
    assert await found(as_, "health-visiting", "Patient", old.nhs_number) == [old.id]
    assert (await as_["health-visiting"].get(f"Patient/{old.id}")).json() == old.patient


async def test_whoever_keeps_one_alone_is_refused(as_: Callers, child: Child) -> None:
    handed_over = child.patient | {"managingOrganization": examples.organization("RX909")}
    family.updated(await as_["health-visiting"].update(handed_over))
    old = await family.child(as_)
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 404
    assert (await merge(as_["stranger"], named(old, child))).status_code == 404


async def test_a_hidden_record_and_none_are_the_same_answer(as_: Callers, child: Child) -> None:
    hidden = await family.child(as_, meta=examples.labelled("V"))
    nobody = "019ab000-0000-8000-8000-000000000000"
    answers = []
    for target in (f"Patient/{hidden.id}", f"Patient/{nobody}"):
        body = parameters(
            {"name": "source-patient", "valueReference": {"reference": f"Patient/{child.id}"}},
            {"name": "target-patient", "valueReference": {"reference": target}},
        )
        answer = await merge(as_["health-visiting"], body)
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_an_adoption_is_never_linked(as_: Callers, child: Child) -> None:
    adopted = await family.child(as_)
    family.updated(await as_["health-visiting"].update(adopted.patient | {"active": False}))
    for body in (named(adopted, child), named(child, adopted)):
        assert (await merge(as_["health-visiting"], body)).status_code == 422


async def test_an_update_alone_does_not_tell_them_apart(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    assert (await merge(as_["health-visiting"], named(old, child))).status_code == 200
    assert (await as_["health-visiting"].update(old.patient, 2)).status_code == 422
    assert await found(as_, "health-visiting", "Patient", old.nhs_number) == [child.id]


async def test_what_cannot_be_merged_says_why(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    keeper = as_["health-visiting"]
    assert (await merge(keeper, named(child, child))).status_code == 422
    assert (await unmerge(keeper, child)).status_code == 409
    assert (await merge(keeper, named(old, child))).status_code == 200
    assert (await merge(keeper, named(old, child))).status_code == 409
    assert (await unmerge(keeper, old)).status_code == 200
    assert (await unmerge(keeper, old)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        parameters(),
        parameters({"name": "source-patient", "valueReference": {"reference": "Patient/1"}}),
        parameters({"name": "source", "valueString": "x"}),
        parameters({"name": "source-patient", "valueString": "x"}),
        parameters(*[{"name": "preview", "valueBoolean": True}] * 2),
    ],
)
async def test_what_is_not_understood_is_refused(body: dict[str, Any], as_: Callers) -> None:
    answer = await merge(as_["health-visiting"], body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"

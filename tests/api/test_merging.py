"""Merging two records of one person, and handing a record over: only by whoever keeps all that is concerned.

https://hl7.org/fhir/R4/patient-definitions.html#Patient.link (replaced-by)
"""

import asyncio
from typing import Any

import pytest

from tests.api import examples, family
from tests.api.answers import ids
from tests.api.callers import Callers
from tests.api.family import Child

SAME = {"X-Request-ID": "same"}


def superseded(by: str, number: str, **elements: Any) -> dict[str, Any]:
    """A new record of `number` that says it is replaced by another."""
    numbers = {examples.FORMER: number, examples.CHILD: by}
    return examples.example("patient-superseded-number", numbers, **elements)


def replaced(patient: dict[str, Any], by: str) -> dict[str, Any]:
    """A stored record that is now said to be replaced by another."""
    return patient | {"active": False, "link": superseded(by, examples.FORMER)["link"]}


async def kept_by_stranger(as_: Callers) -> tuple[str, dict[str, Any]]:
    """A number and its record, of which the stranger is the keeper."""
    number = examples.new_number()
    named = {examples.CHILD: number, examples.HEALTH_VISITING: "RX909"}
    return number, family.created(await as_["stranger"].create(examples.example("patient-toddler", named)))


async def found(as_: Callers, client: str, number: str) -> list[str]:
    return ids(await as_[client].get("Patient", {"identifier": examples.number_token(number)}))


async def plans(as_: Callers, number: str) -> set[str]:
    """The Flags to which a lookup by this number leads."""
    about = {"patient:identifier": examples.number_token(number)}
    return set(ids(await as_["emergency-department"].get("Flag", about)))


async def test_when_the_keeper_of_both_merges_both_numbers_lead_to_the_new_record(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    plan = await family.plan(as_["local-authority-a"], old.nhs_number)
    family.updated(await as_["health-visiting"].update(replaced(old.patient, child.nhs_number)))
    for number in (old.nhs_number, child.nhs_number):
        assert await found(as_, "health-visiting", number) == [child.id]
        assert await plans(as_, number) == {plan.flag["id"]}


async def test_when_the_practice_of_both_merges_it_may(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    family.updated(await as_["gp-practice"].update(replaced(old.patient, child.nhs_number)))
    assert await found(as_, "gp-practice", old.nhs_number) == [child.id]


async def test_when_a_stranger_merges_all_successors_are_refused_alike(as_: Callers, child: Child) -> None:
    _, own = await kept_by_stranger(as_)
    hidden = await family.child(as_, meta=examples.labelled("V"))
    number = examples.new_number()
    refused = []
    for successor in (child.nhs_number, hidden.nhs_number, examples.new_number()):
        by_update = await as_["stranger"].update(replaced(own, successor))
        by_create = await as_["stranger"].create(superseded(successor, number), SAME)
        assert (by_update.status_code, by_create.status_code) == (403, 403)
        refused.append((by_update.content, by_create.content, by_create.headers))
    assert refused.count(refused[0]) == 3


async def test_when_the_successor_is_kept_by_another_no_plan_of_theirs_is_reached(as_: Callers, child: Child) -> None:
    own_number, own = await kept_by_stranger(as_)
    await family.plan(as_["local-authority-a"], child.nhs_number)
    assert (await as_["stranger"].update(replaced(own, child.nhs_number))).status_code == 403
    assert await plans(as_, own_number) == set()
    assert await found(as_, "stranger", child.nhs_number) == []


@pytest.mark.parametrize("first", ["another's", "own"])
async def test_when_only_the_ends_of_a_chain_are_kept_the_middle_stays_apart(
    first: str, as_: Callers, child: Child
) -> None:
    one, record = await kept_by_stranger(as_)
    other, other_record = await kept_by_stranger(as_)
    stranger = as_["stranger"]
    if first == "another's":
        assert (await stranger.update(replaced(record, child.nhs_number))).status_code == 403
    record = family.updated(await stranger.update(replaced(record, other)))
    assert (await stranger.update(replaced(record, child.nhs_number), 2)).status_code == 403
    assert (await stranger.update(replaced(other_record, child.nhs_number))).status_code == 403
    assert await found(as_, "stranger", one) == [other_record["id"]]
    assert await found(as_, "health-visiting", child.nhs_number) == [child.id]
    assert (await stranger.get(f"Patient/{child.id}")).status_code == 404


async def test_when_a_group_is_kept_in_part_it_is_not_merged_further(as_: Callers, child: Child) -> None:
    old = await family.child(as_)
    family.updated(await as_["health-visiting"].update(replaced(old.patient, child.nhs_number)))
    handed_over = child.patient | {"managingOrganization": examples.organization("RX909")}
    family.updated(await as_["health-visiting"].update(handed_over))
    third = await family.child(as_)
    again = replaced(old.patient, third.nhs_number)
    assert (await as_["health-visiting"].update(again, 2)).status_code == 403


@pytest.mark.parametrize("turn", range(4))
async def test_when_two_merges_meet_all_numbers_lead_to_the_newest_and_no_plan_is_lost(turn: int, as_: Callers) -> None:
    oldest, old, new = [await family.child(as_) for _ in range(3)]
    made = [await family.plan(as_["local-authority-a"], each.nhs_number) for each in (oldest, old, new)]
    merges = [(old, new.nhs_number), (oldest, old.nhs_number)]
    keeper = as_["health-visiting"]
    together = (keeper.update(replaced(each.patient, by)) for each, by in (merges if turn % 2 else merges[::-1]))
    for answer in await asyncio.gather(*together):
        family.updated(answer)
    for each in (oldest, old, new):
        assert await found(as_, "health-visiting", each.nhs_number) == [new.id]
        assert await plans(as_, each.nhs_number) == {plan.flag["id"] for plan in made}


async def test_when_the_practice_takes_a_record_over_it_is_refused(as_: Callers, child: Child) -> None:
    taken = child.patient | {"managingOrganization": examples.organization(examples.PRACTICE)}
    assert (await as_["gp-practice"].update(taken)).status_code == 403
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).json() == child.patient


async def test_when_the_keeper_hands_a_record_over_the_next_one_keeps_it(as_: Callers, child: Child) -> None:
    handed_over = child.patient | {"managingOrganization": examples.organization("RX909")}
    kept = family.updated(await as_["health-visiting"].update(handed_over))
    assert "address" not in kept  # the former keeper no longer sees it
    taken_over = (await as_["stranger"].get(f"Patient/{child.id}")).json()
    assert taken_over == handed_over | {"meta": kept["meta"]}
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).status_code == 404
    assert (await as_["health-visiting"].update(child.patient, 2)).status_code == 404

"""A yes is never one's own doing: what a service or a relative says for themselves proves nothing.

https://hl7.org/fhir/R4/consent.html; https://www.legislation.gov.uk/ukpga/1989/41/section/3 (parental responsibility)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.api import examples, family
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

FORM = {"sourceAttachment": {"contentType": "application/pdf", "url": "https://forms.example/consent/1"}}
REFERENCE = {"sourceReference": {"reference": "DocumentReference/signed-form"}}


async def sees(caller: Caller, child: Child) -> bool:
    return (await caller.get(f"Patient/{child.id}")).status_code == 200


def yes_to(child: Child, recorder: str, **elements: Any) -> dict[str, Any]:
    """The mother's yes to the children's centre, as another organisation records it."""
    return examples.example(family.PERMITS_CENTRE, child.numbers | {examples.HEALTH_VISITING: recorder}, **elements)


@contextmanager
def later(running: Running, passed: timedelta) -> Iterator[None]:
    """As it is after some time."""
    before = running.clock.now
    running.clock.now = before + passed
    try:
        yield
    finally:
        running.clock.now = before


async def test_when_a_service_records_a_yes_to_itself_it_needs_the_form(as_: Callers, child: Child) -> None:
    centre = as_["childrens-centre"]
    alone = await centre.create(yes_to(child, "CC901"))
    assert (alone.status_code, alone.json()["issue"][0]["expression"]) == (422, ["Consent.source"])
    assert not await sees(centre, child)
    for source in (FORM, REFERENCE):
        family.created(await centre.create(yes_to(child, "CC901", **source)))
    assert await sees(centre, child)


async def test_when_a_yes_to_oneself_stands_inside_a_no_it_needs_the_form_too(as_: Callers, child: Child) -> None:
    consent = yes_to(child, "CC901")
    consent["provision"] = {"type": "deny", "provision": [consent["provision"]]}
    assert (await as_["childrens-centre"].create(consent)).status_code == 422


async def test_when_a_recorded_yes_is_widened_to_oneself_it_needs_the_form(as_: Callers, child: Child) -> None:
    consent = yes_to(child, "CC901")
    own = consent["provision"]["actor"][0]["reference"]
    consent["provision"]["actor"][0]["reference"] = examples.organization("CC902")
    kept = family.created(await as_["childrens-centre"].create(consent))
    kept["provision"]["actor"][0]["reference"] = own
    assert (await as_["childrens-centre"].update(kept)).status_code == 422


async def test_when_responsibility_is_claimed_only_a_keeper_of_the_child_records_it(as_: Callers, child: Child) -> None:
    mother = examples.example("related-person-mother", child.numbers | {examples.MOTHER: child.father_number})
    assert (await as_["stranger"].create(mother)).status_code == 403
    unknown = examples.example("related-person-mother", child.numbers | {examples.CHILD: examples.new_number()})
    assert (await as_["stranger"].create(unknown)).status_code == 403
    assert not await sees(await as_.parent(child.father_number), child)
    family.created(await as_["gp-practice"].create(mother))
    assert await sees(await as_.parent(child.father_number), child)


async def test_when_a_relative_is_recorded_without_responsibility_they_prove_nothing(
    as_: Callers, child: Child
) -> None:
    relative = examples.example("related-person-father-without-responsibility", child.numbers)
    kept = family.created(await as_["stranger"].create(relative))
    says = {examples.MOTHER: child.father_number}
    family.created(await as_["health-visiting"].create(examples.example(family.PERMITS_CENTRE, child.numbers | says)))
    assert not await sees(as_["childrens-centre"], child)
    assert not await sees(await as_.parent(child.father_number), child)
    claimed = kept | {"extension": child.mother["extension"]}
    assert (await as_["stranger"].update(claimed)).status_code == 403


async def test_when_a_relationship_has_ended_it_proves_nothing(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    mother = await as_.parent(child.mother_number)
    assert (await sees(as_["childrens-centre"], child), await sees(mother, child)) == (True, True)
    family.updated(await as_["health-visiting"].update(child.mother | {"period": {"end": "2026-11-01"}}))
    assert (await sees(as_["childrens-centre"], child), await sees(mother, child)) == (False, False)


async def test_when_another_organisation_is_named_only_the_recorder_changes_a_consent(
    as_: Callers, child: Child
) -> None:
    both = [examples.organization("RX999"), examples.organization("Y99999")]
    consent = await family.says(as_["health-visiting"], child, organization=both)
    assert (await as_["gp-practice"].get(f"Consent/{consent['id']}")).status_code == 200
    assert (await as_["gp-practice"].update(consent | {"status": "inactive"})).status_code == 403
    assert await sees(as_["childrens-centre"], child)
    family.updated(await as_["health-visiting"].update(consent | {"status": "inactive"}))


@pytest.mark.parametrize("said", ["by another", "the opposite"])
async def test_when_somebody_else_or_the_opposite_is_said_it_is_another_consent(
    said: str, as_: Callers, child: Child
) -> None:
    consent = await family.says(as_["health-visiting"], child)
    changed = (
        consent | {"performer": examples.example(family.REFUSES, child.numbers)["performer"]}
        if said == "by another"
        else consent | {"provision": consent["provision"] | {"type": "deny"}}
    )
    assert (await as_["health-visiting"].update(changed)).status_code == 422
    assert await sees(as_["childrens-centre"], child)


async def test_when_two_have_said_it_one_does_not_withdraw_for_both(as_: Callers, child: Child) -> None:
    numbers = child.numbers | {examples.FATHER: child.mother_number}
    no = examples.example(family.REFUSES, numbers)
    no["performer"].append(examples.example(family.REFUSES, child.numbers)["performer"][0])
    kept = family.created(await as_["health-visiting"].create(no))
    mother = await as_.parent(child.mother_number)
    assert (await mother.update(kept | {"status": "inactive"})).status_code == 403


async def test_when_a_yes_is_dated_ahead_it_counts_neither_before_nor_after(
    as_: Callers, child: Child, running: Running
) -> None:
    family.created(await as_["health-visiting"].create(yes_to(child, "RX999", dateTime="2026-11-26T00:00:00Z")))
    assert not await sees(as_["childrens-centre"], child)
    with later(running, timedelta(days=4)):
        assert not await sees(await as_.as_said("childrens-centre"), child)
        health_visiting = await as_.as_said("health-visiting")
        family.updated(await health_visiting.update(child.mother))  # what was said is weighed anew
        assert not await sees(await as_.as_said("childrens-centre"), child)


async def test_when_a_no_is_dated_ahead_it_counts_at_once(as_: Callers, child: Child, running: Running) -> None:
    await family.says(as_["health-visiting"], child)
    assert await sees(as_["childrens-centre"], child)
    await family.says(as_["gp-practice"], child, family.REFUSES, dateTime="2026-11-26T00:00:00Z")
    assert not await sees(as_["childrens-centre"], child)
    with later(running, timedelta(days=4)):
        assert not await sees(await as_.as_said("childrens-centre"), child)


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_when_a_parent_without_proof_speaks_in_the_app_a_no_is_taken_and_a_yes_is_not(
    is_recorded: bool, as_: Callers, child: Child
) -> None:
    await family.says(as_["health-visiting"], child)
    if is_recorded:
        relative = examples.example("related-person-father-without-responsibility", child.numbers)
        family.created(await as_["health-visiting"].create(relative))
    father = await as_.parent(child.father_number)
    yes = yes_to(child, "RX999", performer=examples.example(family.REFUSES, child.numbers)["performer"])
    del yes["organization"]
    assert (await father.create(yes)).status_code == 403
    assert await sees(as_["childrens-centre"], child)
    family.created(await father.create(examples.example(family.REFUSES, child.numbers)))
    assert not await sees(as_["childrens-centre"], child)

"""Consent as a caller meets it: before, after, withdrawn, refused by another, and never wider than the words.

https://hl7.org/fhir/R4/consent.html
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.fhir import systems
from app.policy.purpose import KNOWN
from tests.api import examples, family
from tests.api.answers import ids, resources
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child

MASKED = [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}]
REDACTED = {"system": systems.OBSERVATION_VALUE, "code": "REDACTED", "display": "redacted"}

Change = Callable[[dict[str, Any]], None]


async def sees(caller: Caller, child: Child) -> bool:
    """Whether a caller sees the child: in every way of reading the same."""
    read = await caller.get(f"Patient/{child.id}")
    by_version = await caller.get(f"Patient/{child.id}/_history/1")
    by_id = await caller.get("Patient", {"_id": child.id})
    by_number = await caller.get("Patient", {"identifier": examples.number_token(child.nhs_number)})
    mother = await caller.get("RelatedPerson", child.about())
    counted = await caller.get("RelatedPerson", {"patient": child.id, "_count": "0"})
    found = {
        read.status_code == 200,
        by_version.status_code == 200,
        ids(by_id) == [child.id],
        by_id.json()["total"] == 1,
        ids(by_number) == [child.id],
        child.mother["id"] in ids(mother),
        counted.json()["total"] > 0,
    }
    assert len(found) == 1, "one way of reading shows what another hides"
    return True in found


async def test_a_yes_opens_and_withdrawing_it_closes_at_once(as_: Callers, child: Child) -> None:
    centre = as_["childrens-centre"]
    assert not await sees(centre, child)
    consent = await family.says(as_["health-visiting"], child)
    assert await sees(centre, child)
    assert not await sees(as_["childrens-centre-b"], child)
    assert not await sees(as_["stranger"], child)
    family.updated(await as_["health-visiting"].update(consent | {"status": "inactive"}))
    assert not await sees(centre, child)
    family.updated(await as_["health-visiting"].update(consent, 2))
    assert await sees(centre, child)


async def test_after_the_commit_of_a_withdrawal_nobody_reads(as_: Callers, child: Child) -> None:
    consent = await family.says(as_["health-visiting"], child)
    withdrawn = asyncio.Event()
    late: list[int] = []

    async def reads() -> None:
        while not withdrawn.is_set():
            await as_["childrens-centre"].get(f"Patient/{child.id}")
        late.append((await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code)

    readers = [asyncio.create_task(reads()) for _ in range(4)]
    try:
        family.updated(await as_["health-visiting"].update(consent | {"status": "inactive"}))
    finally:
        withdrawn.set()
        await asyncio.gather(*readers)
    assert late == [404] * 4


async def test_contact_is_masked_unless_agreed(as_: Callers, child: Child) -> None:
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    consent["provision"]["code"] = consent["provision"]["code"][:1]
    assert consent["provision"]["code"][0]["coding"][0]["code"] == "demographics"
    kept = family.created(await as_["health-visiting"].create(consent))
    centre = as_["childrens-centre"]
    for answer in (
        (await centre.get(f"Patient/{child.id}")).json(),
        *resources(await centre.get("Patient", {"_id": child.id})),
        (await centre.get(f"Patient/{child.id}/_history/1")).json(),
    ):
        assert (answer["address"], answer["telecom"], answer["contact"]) == (MASKED, MASKED, MASKED)
        assert answer["meta"]["security"] == [REDACTED]
        assert answer["name"] == child.patient["name"]
    (mother,) = resources(await centre.get("RelatedPerson", child.about()))
    assert (mother["telecom"], mother["address"]) == (MASKED, MASKED)
    consent["provision"]["code"].append({"coding": [{"system": systems.DATA_CATEGORY, "code": "contact"}]})
    family.updated(await as_["health-visiting"].update(consent | {"id": kept["id"]}))
    assert (await centre.get(f"Patient/{child.id}")).json() == child.patient
    assert resources(await centre.get("RelatedPerson", child.about())) == [child.mother]


async def test_the_owner_sees_everything_without_consent(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child, family.REFUSES)
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).json() == child.patient


async def test_the_other_parents_refusal_closes_silently(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    before = await as_["childrens-centre-b"].get(f"Patient/{child.id}", headers={"X-Request-ID": "same"})
    refusal = await family.says(as_["gp-practice"], child, family.REFUSES)
    refused = await as_["childrens-centre"].get(f"Patient/{child.id}", headers={"X-Request-ID": "same"})
    assert not await sees(as_["childrens-centre"], child)
    assert (refused.content, refused.headers) == (before.content, before.headers)
    family.updated(await as_["gp-practice"].update(refusal | {"status": "inactive"}))
    assert await sees(as_["childrens-centre"], child)


async def test_the_mothers_newer_word_counts(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    no = examples.example("consent-refuses-all-but-health-visiting", child.numbers, dateTime="2026-04-01T00:00:00Z")
    no["sourceReference"] = {"reference": "DocumentReference/signed-form"}  # who is excepted writes it down
    family.created(await as_["health-visiting"].create(no))
    assert not await sees(as_["childrens-centre"], child)


async def test_one_organisation_is_left_out(as_: Callers, child: Child) -> None:
    both = examples.example("consent-parent-permits-all-but-one-organisation", child.numbers)
    second = {**both["provision"]["actor"][0], "reference": examples.organization("CC902")}
    both["provision"]["actor"].append(second)
    family.created(await as_["health-visiting"].create(both))
    assert await sees(as_["childrens-centre"], child)
    assert not await sees(as_["childrens-centre-b"], child)


def _period(start: str, end: str | None) -> Change:
    def change(consent: dict[str, Any]) -> None:
        consent["provision"]["period"] = {"start": start} | ({"end": end} if end else {})

    return change


def _purpose(code: str) -> Change:
    def change(consent: dict[str, Any]) -> None:
        consent["provision"]["purpose"] = [{"system": systems.ACT_REASON, "code": code}]

    return change


def _performer(number: str) -> Change:
    def change(consent: dict[str, Any]) -> None:
        consent["performer"][0]["identifier"]["value"] = number

    return change


def _label(consent: dict[str, Any]) -> None:
    consent["provision"]["securityLabel"] = [{"system": systems.CONFIDENTIALITY, "code": "U"}]


def _proposed(consent: dict[str, Any]) -> None:
    consent["status"] = "proposed"


def _rejected(consent: dict[str, Any]) -> None:
    consent["status"] = "rejected"


def _in_future(consent: dict[str, Any]) -> None:
    consent["dateTime"] = "2026-12-01T00:00:00Z"


NOT_YET = [
    ("it begins and ends today", _period("2026-11-24", "2026-11-24"), True),
    ("it goes on", _period("2026-03-01", None), True),
    ("it ended yesterday", _period("2026-03-01", "2026-11-23"), False),
    ("it begins tomorrow", _period("2026-11-25", None), False),
    ("for treatment", _purpose("TREAT"), False),
    ("for care management", _purpose("CAREMGT"), False),
    ("only what everybody may know", _label, False),
    ("it is only proposed", _proposed, False),
    ("it was turned down", _rejected, False),
    ("it was said in the future", _in_future, False),
    ("somebody unknown said it", _performer(examples.new_number()), False),
]


@pytest.mark.parametrize(("change", "expected"), [each[1:] for each in NOT_YET], ids=[each[0] for each in NOT_YET])
async def test_a_yes_is_never_wider_than_its_words(change: Change, expected: bool, as_: Callers, child: Child) -> None:
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    change(consent)
    family.created(await as_["health-visiting"].create(consent))
    assert await sees(as_["childrens-centre"], child) is expected


async def test_a_yes_is_for_its_purpose(as_: Callers, child: Child) -> None:
    assert f"{systems.PURPOSE}|early-years-outreach" in KNOWN
    await family.says(as_["health-visiting"], child)
    other = {"system": systems.ACT_REASON, "code": "CAREMGT"}
    assert await sees(as_["childrens-centre"], child)
    assert not await sees(await as_.as_said("childrens-centre", purpose=other), child)


async def test_a_yes_ends_with_its_day(as_: Callers, child: Child, running: Running) -> None:
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    consent["provision"]["period"]["end"] = "2026-11-24"
    family.created(await as_["health-visiting"].create(consent))
    noon = running.clock.now
    try:
        running.clock.now = noon.replace(hour=23, minute=58)
        assert await sees(await as_.as_said("childrens-centre"), child)
        running.clock.now = noon + timedelta(hours=12, minutes=1)
        assert not await sees(await as_.as_said("childrens-centre"), child)
    finally:
        running.clock.now = noon


async def test_the_father_without_responsibility_cannot_say_yes_but_can_say_no(as_: Callers, child: Child) -> None:
    father = examples.example("related-person-father-without-responsibility", child.numbers)
    family.created(await as_["health-visiting"].create(father))
    yes = examples.example(family.PERMITS_CENTRE, child.numbers | {examples.MOTHER: child.father_number})
    family.created(await as_["health-visiting"].create(yes))
    assert not await sees(as_["childrens-centre"], child)
    await family.says(as_["health-visiting"], child)
    assert await sees(as_["childrens-centre"], child)
    no = await family.says(as_["health-visiting"], child, family.REFUSES, dateTime="2026-05-01")
    assert no["dateTime"]
    assert not await sees(as_["childrens-centre"], child)


async def test_a_yes_lapses_when_responsibility_is_no_longer_proven(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    without = {name: value for name, value in child.mother.items() if name != "extension"}
    family.updated(await as_["health-visiting"].update(without))
    assert (await as_["childrens-centre"].get(f"Patient/{child.id}")).status_code == 404


async def test_a_no_in_any_words_is_kept_and_counts(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    words = "consent-refusal-in-the-sender-s-own-words"
    no = examples.example(words, {examples.BROTHER: child.nhs_number})
    family.created(await as_["gp-practice"].create(no))
    assert not await sees(as_["childrens-centre"], child)


async def test_consent_does_not_open_the_records_of_sharing(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    await family.plan(as_["local-authority-a"], child.nhs_number)
    centre = as_["childrens-centre"]
    for type in ("Consent", "CareTeam", "CommunicationRequest"):
        answer = await centre.get(type, child.about())
        assert (ids(answer), answer.json()["total"]) == ([], 0)


async def test_a_restricted_family_is_not_located(as_: Callers) -> None:
    child = await family.child(as_, meta=examples.labelled("R"))
    await family.says(as_["health-visiting"], child)
    shown = (await as_["childrens-centre"].get(f"Patient/{child.id}")).json()
    assert shown["name"] == child.patient["name"]
    for element in ("address", "telecom", "generalPractitioner", "contact"):
        assert element not in shown
    mother = await as_["childrens-centre"].get("RelatedPerson", child.about())
    assert (ids(mother), mother.json()["total"]) == ([], 0)


@pytest.mark.parametrize("element", ["text", "contained"])
async def test_what_is_left_out_does_not_stand_elsewhere(element: str, as_: Callers) -> None:
    hidden: dict[str, Any] = {
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">1 Example Street, Exampletown, 07700 900000</div>',
        },
        "contained": [{"resourceType": "Organization", "id": "home", "name": "Refuge, Exampletown"}],
    }
    more = {"link": [{"other": {"reference": "#home"}, "type": "seealso"}]} if element == "contained" else {}
    child = await family.child(as_, meta=examples.labelled("R"), **{element: hidden[element]}, **more)
    await family.says(as_["health-visiting"], child)
    assert "Exampletown" not in (await as_["childrens-centre"].get(f"Patient/{child.id}")).text


async def test_a_parent_sees_the_child_and_what_was_said(as_: Callers, child: Child) -> None:
    consent = await family.says(as_["health-visiting"], child)
    await family.plan(as_["local-authority-a"], child.nhs_number)
    mother = await as_.parent(child.mother_number)
    assert (await mother.get(f"Patient/{child.id}")).json() == child.patient
    assert resources(await mother.get("Consent", child.about())) == [consent]
    assert ids(await mother.get("CareTeam", child.about())) == []
    assert (await mother.get("Flag", child.about())).status_code == 403
    stranger = await as_.parent(examples.new_number())
    assert (await stranger.get(f"Patient/{child.id}")).status_code == 404
    father = await as_.parent(child.father_number)
    assert (await father.get(f"Patient/{child.id}")).status_code == 404


async def test_a_parent_says_no_in_the_app_and_takes_it_back(as_: Callers, child: Child) -> None:
    await family.says(as_["health-visiting"], child)
    mother = await as_.parent(child.mother_number)
    no = examples.example(
        family.REFUSES, child.numbers | {examples.FATHER: child.mother_number}, dateTime="2026-11-01T10:00:00Z"
    )
    kept = family.created(await mother.create(no))
    assert not await sees(as_["childrens-centre"], child)
    family.updated(await mother.update(kept | {"status": "inactive"}))
    assert await sees(as_["childrens-centre"], child)


async def test_a_parent_speaks_for_nobody_else(as_: Callers, child: Child) -> None:
    mother = await as_.parent(child.mother_number)
    for numbers in (child.numbers, child.numbers | {examples.CHILD: examples.new_number()}):
        answer = await mother.create(examples.example(family.REFUSES, numbers))
        assert answer.status_code == 403

"""Nobody finds a resource by what they are not shown of it, nor is led on from there.

https://hl7.org/fhir/R4/security-labels.html (REDACTED)
"""

from dataclasses import replace

import pytest

from tests.api import examples, family
from tests.api.answers import ids
from tests.api.callers import Caller, Callers
from tests.api.family import Child

PHONE = {"system": "phone", "value": "07700 900142"}
TAG = {"system": "https://refuge.example", "code": "room-4"}
CENTRE_ID = {"system": "https://refuge.example/id", "value": "EX-17"}
META = {"tag": [TAG], "source": "https://refuge.example/system"}
TELLING = {
    "_tag": f"{TAG['system']}|{TAG['code']}",
    "_source": "https://refuge.example/system",
    "identifier": f"{CENTRE_ID['system']}|EX-17",
    "address": "Hiding",
    "address-city": "Hidingtown",
    "address:contains": "iding",
    "telecom": "07700 900142",
    "phone": "07700 900142",
    "general-practitioner:identifier": f"{examples.organization('Y99999')['identifier']['system']}|Y99999",
    "organization:identifier": f"{examples.organization('RX999')['identifier']['system']}|RX999",
}


@pytest.fixture
async def hiding(as_: Callers) -> Child:
    address = [{"text": "1 Hiding Lane", "city": "Hidingtown", "postalCode": "EX1 1EX"}]
    child = await family.child(as_, address=address, telecom=[PHONE], meta=META)
    known = child.patient | {"identifier": [*child.patient["identifier"], CENTRE_ID]}
    return replace(child, patient=family.updated(await as_["health-visiting"].update(known)))


async def _finds(caller: Caller, child: Child, name: str) -> bool:
    answer = await caller.get("Patient", {"_id": child.id, name: TELLING[name]})
    assert answer.status_code == 200, answer.text
    return child.id in ids(answer)


@pytest.mark.parametrize("name", TELLING)
async def test_a_restricted_child_is_not_found_by_where_they_live(name: str, as_: Callers, hiding: Child) -> None:
    caller = as_["gp-practice"]
    assert await _finds(caller, hiding, name)
    restricted = hiding.patient | {"meta": META | examples.labelled("R")}
    family.updated(await as_["health-visiting"].update(restricted, 2))
    assert ids(await caller.get("Patient", {"_id": hiding.id})) == [hiding.id]
    assert not await _finds(caller, hiding, name)


@pytest.mark.parametrize("name", TELLING)
async def test_contact_details_that_nobody_agreed_to_show_find_nobody(name: str, as_: Callers, hiding: Child) -> None:
    consent = examples.example(family.PERMITS_CENTRE, hiding.numbers)
    consent["provision"]["code"] = consent["provision"]["code"][:1]
    family.created(await as_["health-visiting"].create(consent))
    caller = as_["childrens-centre"]
    assert ids(await caller.get("Patient", {"_id": hiding.id})) == [hiding.id]
    is_a_contact = name.partition(":")[0].startswith(("address", "telecom", "phone"))
    assert await _finds(caller, hiding, name) is not is_a_contact


async def test_an_include_does_not_follow_what_is_not_shown(as_: Callers, hiding: Child) -> None:
    practice = examples.example("organization-childrens-centre", {examples.CENTRE: "Y99999"})
    practice = family.created(await as_["gp-practice"].create(practice))
    named = hiding.patient | {"generalPractitioner": [{"reference": f"Organization/{practice['id']}", **_named()}]}
    named = family.updated(await as_["health-visiting"].update(named, 2))
    asked = {"_id": hiding.id, "_include": "Patient:general-practitioner"}
    assert practice["id"] in (await as_["health-visiting"].get("Patient", asked)).text
    family.updated(await as_["health-visiting"].update(named | {"meta": examples.labelled("R")}, 3))
    assert practice["id"] not in (await as_["health-visiting"].get("Patient", asked)).text


def _named() -> dict[str, object]:
    return {"identifier": examples.organization("Y99999")["identifier"]}

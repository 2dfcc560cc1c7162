"""What refers to other records, and what a client waits for: Provenance, Groups and Subscriptions.

https://hl7.org/fhir/R4/provenance.html; https://hl7.org/fhir/R4/group.html; https://hl7.org/fhir/R4/subscription.html
"""

import json
from typing import Any

import pytest
from httpx import Response

from tests.api import answers, examples, family, records
from tests.api.answers import diagnostics, expressions, ids
from tests.api.callers import Callers
from tests.api.family import Child
from tests.api.records import progress, url

Json = dict[str, Any]


def provenance(child: Child, *targets: str) -> Json:
    whole = records.record("provenance-of-a-registration", child)
    return whole | {"target": [{"reference": target} for target in targets]}


def refused(answer: Response, at: str) -> tuple[int, str]:
    assert expressions(answer) == {at}
    return answer.status_code, diagnostics(answer)


async def test_a_provenance_is_made_about_ones_own_records_of_one_person(as_: Callers, child: Child) -> None:
    encounter = await records.created(as_, records.ABOUT_A_PERSON[2], child)
    own = await as_["health-visiting"].create(provenance(child, url(encounter), url(child.patient)))
    assert ids(await as_["health-visiting"].get("Provenance", child.about())) == [family.created(own)["id"]]


async def test_in_a_transaction_a_provenance_may_stand_before_what_it_is_made_about(as_: Callers, child: Child) -> None:
    there = "urn:uuid:018f3c2e-9a6b-4c1d-a5e0-3b7d9f1c2e72"
    sent = [(None, provenance(child, there)), (there, records.record("encounter-birth", child))]
    entry = [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        | ({"fullUrl": at} if at else {})
        for at, resource in sent
    ]
    answer = await as_["health-visiting"].send_text(
        "POST", "", json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})
    )
    assert answer.status_code == 200, answer.text
    (stored,) = answers.resources(await as_["health-visiting"].get("Provenance", child.about()))
    assert stored["target"][0]["reference"].startswith("Encounter/")


async def test_that_a_record_is_anothers_or_hidden_or_absent_a_provenance_cannot_tell(
    as_: Callers, child: Child
) -> None:
    """The visibility of a Provenance follows its targets: what one may not see is no target."""
    message = records.record("encounter-birth", child, "RX998")
    anothers = family.created(await as_["maternity"].create(message))
    hidden = await family.child(as_, meta=examples.labelled("V"))
    second = await family.child(as_)
    absent = f"Encounter/{anothers['id'][:-4]}ffff"
    own = as_["health-visiting"]
    tried = [
        await own.create(provenance(child, *targets))
        for targets in (
            (url(anothers),),
            (absent,),
            (url(hidden.patient),),
            ("Encounter/x",),
            (url(child.patient), absent),
            (url(child.patient), url(second.patient)),
            (url(child.patient).replace("Patient", "Encounter"),),
        )
    ]
    assert len({refused(answer, "Provenance.target") for answer in tried}) == 1
    assert tried[0].status_code == 422


async def test_validation_looks_at_no_target(as_: Callers, child: Child) -> None:
    absent = f"Patient/{child.id[:-4]}ffff"
    headers = {"X-Request-ID": "00000000-0000-4000-8000-000000000002"}
    found = []
    for target in (url(child.patient), absent):
        text = json.dumps(provenance(child, target))
        found.append(await as_["health-visiting"].send_text("POST", "Provenance/$validate?mode=create", text, headers))
    assert [answer.status_code for answer in found] == [200, 200], found[0].text
    assert found[0].content == found[1].content
    assert "own organisation" not in found[0].text


async def test_when_the_record_is_hidden_so_is_where_it_came_from(as_: Callers, child: Child) -> None:
    encounter = await records.created(as_, records.ABOUT_A_PERSON[2], child)
    stored = family.created(await as_["health-visiting"].create(provenance(child, url(encounter))))
    for client in ("maternity", "stranger", "childrens-centre"):
        assert (await as_[client].get(url(stored))).status_code in (403, 404)
    await records.agree(as_, child, "health", "administrative")
    assert (await as_["childrens-centre"].get(url(encounter))).status_code == 200
    assert (await as_["childrens-centre"].get(url(stored))).status_code == 404
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("V")}))
    for hidden in (encounter, stored):
        assert (await as_["health-visiting"].get(url(hidden))).status_code == 404


async def test_a_group_lists_people_whose_records_one_keeps(as_: Callers, child: Child) -> None:
    second = await family.child(as_)
    hidden = await family.child(as_, meta=examples.labelled("V"))
    own = as_["health-visiting"]
    group = records.record("group-of-a-trial", child)
    stored = family.created(await own.create(group))
    more = stored | {"member": [*stored["member"], {"entity": {"reference": url(second.patient)}}]}
    assert await progress(own, stored, member=more["member"]) == 200
    absent = f"Patient/{child.id[:-4]}ffff"
    tried = []
    for member in (url(hidden.patient), absent):
        listed = group | {"member": [{"entity": {"reference": member}}]}
        tried.append(refused(await own.create(listed), "Group.member"))
    assert len(set(tried)) == 1
    in_anothers = records.record("group-of-a-trial", child, "RX998")
    assert refused(await as_["maternity"].create(in_anothers), "Group.member") == tried[0]


async def test_who_hands_a_record_over_may_still_keep_and_end_the_list(as_: Callers, child: Child) -> None:
    own = as_["health-visiting"]
    stored = family.created(await own.create(records.record("group-of-a-trial", child)))
    elsewhere = {"managingOrganization": examples.organization("RX998"), "generalPractitioner": []}
    handed_over = {name: value for name, value in (child.patient | elsewhere).items() if value != []}
    await own.update(handed_over)
    assert await progress(own, stored, name="Closed") == 200
    ended = await own.send("DELETE", url(stored), headers={"If-Match": 'W/"2"'})
    assert ended.status_code == 204


@pytest.mark.parametrize(
    ("criteria", "status", "said"),
    [
        ("Task?status=requested", 201, ""),
        ("Encounter?patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C9990000018&status=planned", 201, ""),
        ("Task?statsu=requested", 422, "status"),
        ("Task?status:fuzzy=requested", 422, "status"),
        ("Task", 422, "search"),
        ("Bundle?type=batch", 422, "search"),
        ("AuditEvent?patient=Patient/1", 422, "search"),
        ("https://elsewhere.example/Task?status=requested", 422, "search"),
        ("Task?status", 422, "search"),
        ("Observation?status=final", 403, "scope"),
        ("Flag?status=active", 422, "looked up"),
    ],
)
async def test_a_subscription_asks_for_a_search_that_is_served(
    as_: Callers, child: Child, criteria: str, status: int, said: str
) -> None:
    """As strictly as a search, and for a type that the client may search."""
    narrow = await as_.as_said("health-visiting", scope="system/Subscription.cruds system/Task.rs system/Encounter.rs")
    answer = await narrow.create(records.record("subscription-to-own-tasks", child, criteria=criteria))
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["status"] == "requested"
    else:
        assert said in diagnostics(answer)
        assert status == 403 or expressions(answer) == {"Subscription.criteria"}
    assert not answers.numbers_in(answer.text if status != 201 else "")

"""The CapabilityStatement, walked: everything that it claims is called, and it claims all that is there.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import Response

from app.fhir import schema_profiles, search_parameters, validation
from tests.api import answers, examples, family, records
from tests.api.callers import Caller, Callers
from tests.api.family import Child

Json = dict[str, Any]
SOMEBODY = "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b"
VALUES = {"token": "x", "date": "2026", "string": "xyz", "uri": "urn:x", "quantity": "1", "number": "1"}


async def statement(as_: Callers) -> Json:
    answer = await as_.nobody.get("metadata")
    assert answer.status_code == 200
    found: Json = answer.json()
    return found


def resources(statement: Json) -> list[Json]:
    found: list[Json] = statement["rest"][0]["resource"]
    assert len(found) > 15
    return found


@pytest_asyncio.fixture
async def owned(as_: Callers, child: Child) -> dict[str, tuple[Caller, Json]]:
    """One resource of each type, with whoever wrote it."""
    visitors, council = as_["health-visiting"], as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    letter = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    theirs = [
        child.patient,
        child.mother,
        await family.says(visitors, child),
        family.created(await visitors.create(letter)),
    ]
    theirs += [await records.created(as_, kept, child) for kept in records.EVERY]
    councils = [plan.flag, plan.care_plan, plan.care_team]
    councils.append(family.created(await council.create(examples.example("organization-local-authority"))))
    found = {each["resourceType"]: (visitors, each) for each in theirs}
    return found | {each["resourceType"]: (council, each) for each in councils}


async def test_it_is_valid_and_names_our_profiles(as_: Callers) -> None:
    found = await statement(as_)
    assert validation.base_faults(found) == []
    profiles = {url for each in resources(found) for url in each.get("supportedProfile", ())}
    assert profiles <= schema_profiles.profiles().keys()
    assert profiles
    assert {each["type"] for each in resources(found)} == set(search_parameters.searchable_types())


def place(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


async def send(
    owner: Caller,
    method: str,
    url: str,
    body: object = None,
    version: int | None = None,
    kind: str = "application/fhir+json",
) -> Response:
    headers = {"Content-Type": kind} | ({"If-Match": f'W/"{version}"'} if version else {})
    return await owner.send(method, url, content=None if body is None else json.dumps(body), headers=headers)


async def reads(owner: Caller, resource: Json) -> None:
    assert (await owner.get(place(resource))).json()["id"] == resource["id"]


async def reads_a_version(owner: Caller, resource: Json) -> None:
    assert (await owner.get(f"{place(resource)}/_history/1")).json() == resource


async def finds(owner: Caller, resource: Json) -> None:
    asked = {"_id": resource["id"]}
    by_get, by_post = await owner.get(resource["resourceType"], asked), None
    by_post = await owner.search_by_post(resource["resourceType"], asked)
    assert answers.ids(by_get) == answers.ids(by_post) == [resource["id"]]


async def was_created(_: Caller, resource: Json) -> None:
    assert resource["meta"]["versionId"] == "1"


async def changes(owner: Caller, resource: Json) -> None:
    current = (await owner.get(place(resource))).json()
    answer = await send(owner, "PUT", place(resource), current, current["meta"]["versionId"])
    assert answer.status_code == 200, answer.text


async def patches(owner: Caller, resource: Json) -> None:
    current = (await owner.get(place(resource))).json()
    version = current["meta"]["versionId"]
    patch = [{"op": "test", "path": "/id", "value": resource["id"]}]
    answer = await send(owner, "PATCH", place(resource), patch, version, "application/json-patch+json")
    assert answer.status_code == 200, answer.text


async def lists_versions(owner: Caller, resource: Json) -> None:
    answer = await owner.get(f"{place(resource)}/_history")
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "history"
    assert len(answer.json()["entry"]) >= 1


async def lists_changes(owner: Caller, resource: Json) -> None:
    answer = await owner.get(f"{resource['resourceType']}/_history", {"_count": "1"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "history"


async def deletes(owner: Caller, resource: Json) -> None:
    version = (await owner.get(place(resource))).json()["meta"]["versionId"]
    answer = await send(owner, "DELETE", place(resource), version=version)
    assert answer.status_code == 204, answer.text
    assert (await owner.get(place(resource))).status_code == 410


async def validates(owner: Caller, resource: Json) -> None:
    answer = await send(owner, "POST", f"{resource['resourceType']}/$validate", resource)
    assert answer.status_code == 200, answer.text


async def matches(owner: Caller, resource: Json) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]}
    assert (await send(owner, "POST", "Patient/$match", body)).json()["total"] >= 1


async def tells_everything(owner: Caller, resource: Json) -> None:
    answer = await owner.get(f"{place(resource)}/$everything")
    assert answer.status_code == 200, answer.text
    assert resource["id"] in [each["resource"].get("id") for each in answer.json()["entry"]]


async def merges(owner: Caller, resource: Json) -> None:
    """Held by test_merge; here, that it is answered at all."""
    assert (await send(owner, "POST", "Patient/$merge", {"resourceType": "Parameters"})).status_code == 400


async def parts(owner: Caller, resource: Json) -> None:
    assert (await send(owner, "POST", f"{place(resource)}/$unmerge")).status_code == 409


Check = Callable[[Caller, Json], Awaitable[None]]
CHECKS: dict[str, Check] = {  # in the order in which they can be done with one resource
    "create": was_created,
    "read": reads,
    "vread": reads_a_version,
    "search-type": finds,
    "$validate": validates,
    "$match": matches,
    "$everything": tells_everything,
    "$merge": merges,
    "$unmerge": parts,
    "update": changes,
    "patch": patches,
    "history-instance": lists_versions,
    "history-type": lists_changes,
    "delete": deletes,
}


def claimed(resource: Json) -> Iterator[str]:
    said = {each["code"] for each in resource["interaction"]}
    said |= {f"${each['name']}" for each in resource.get("operation", ())}
    assert said <= CHECKS.keys(), "a claim that nothing here tries"
    yield from (code for code in CHECKS if code in said)


async def test_every_interaction_that_is_said_works(as_: Callers, owned: dict[str, tuple[Caller, Json]]) -> None:
    tried = 0
    for resource in resources(await statement(as_)):
        if resource["type"] == "AuditEvent":
            continue  # nobody writes one: tests/api/test_audit.py
        owner, own = owned[resource["type"]]
        for code in claimed(resource):
            await CHECKS[code](owner, own)
            tried += 1
    assert tried > 150


async def test_what_is_said_of_conditions_holds(as_: Callers, child: Child) -> None:
    said = {each["type"]: each for each in resources(await statement(as_))}
    owner, own, patient = as_["health-visiting"], child.patient, said["Patient"]
    asked = f"identifier={examples.number_token(child.nhs_number)}"
    assert patient["conditionalRead"] == "full-support"
    tag = (await owner.get(place(own))).headers["etag"]
    assert (await owner.get(place(own), headers={"If-None-Match": tag})).status_code == 304
    assert patient["conditionalCreate"] is True
    assert (await owner.create(own, {"If-None-Exist": asked})).status_code == 200
    assert patient["conditionalUpdate"] is True
    assert (await send(owner, "PUT", f"Patient?{asked}", own, 1)).status_code == 200
    assert patient["conditionalDelete"] == "not-supported"
    about = f"patient:identifier={examples.number_token(child.nhs_number)}&relationship=MTH"
    assert said["RelatedPerson"]["conditionalDelete"] == "single"
    assert (await send(owner, "DELETE", f"RelatedPerson?{about}")).status_code == 204
    assert said["Provenance"]["conditionalUpdate"] is False
    assert not any(each["updateCreate"] for each in said.values())
    assert (await send(owner, "PUT", f"Patient/{SOMEBODY}", own | {"id": SOMEBODY}, 1)).status_code == 404


async def test_every_search_parameter_that_is_said_works_and_no_other(as_: Callers) -> None:
    for resource in resources(await statement(as_)):
        type, said = resource["type"], {each["name"]: each["type"] for each in resource["searchParam"]}
        caller = as_["auditor" if type == "AuditEvent" else "stranger"]
        for name, kind in said.items():
            value = VALUES.get(kind) or f"{search_parameters.parameters(type)[name].targets[0]}/{SOMEBODY}"
            answer = await caller.get(type, {name: value})
            assert answer.status_code == 200, (type, name, answer.text)
        for name in {"_text", "_content", "_list", "_query", "_filter", "phonetic"} - said.keys():
            assert (await caller.get(type, {name: "x"})).status_code == 400, (type, name)
        assert not {"_text", "_content", "_filter"} & said.keys()


@pytest.mark.parametrize(("claim", "parameter"), [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")])
async def test_every_include_that_is_said_works(claim: str, parameter: str, as_: Callers) -> None:
    tried = 0
    for resource in resources(await statement(as_)):
        type = resource["type"]
        caller = as_["auditor" if type == "AuditEvent" else "stranger"]
        for include in resource.get(claim, ()):
            answer = await caller.get(type, {parameter: include, "_count": "0"})
            assert answer.status_code == 200, (type, include, answer.text)
            tried += 1
        assert (await caller.get(type, {parameter: f"{type}:status"})).status_code == 400
    assert tried > 20


async def test_what_is_said_of_the_whole_system_works(as_: Callers) -> None:
    rest = (await statement(as_))["rest"][0]
    codes = {each["code"] for each in rest.get("interaction", ())}
    assert codes <= {"batch", "transaction", "history-system"}
    for kind in codes & {"batch", "transaction"}:
        entry = {"request": {"method": "GET", "url": "Organization?_count=1"}}
        bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
        answer = await send(as_["health-visiting"], "POST", "", bundle)
        assert answer.json()["type"] == f"{kind}-response", answer.text
    if "history-system" in codes:
        assert (await as_["health-visiting"].get("_history", {"_count": "1"})).json()["type"] == "history"

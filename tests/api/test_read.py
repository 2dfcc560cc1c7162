"""read and vread: what is there for this caller, byte for byte, and one answer for all that is not.

https://hl7.org/fhir/R4/http.html#read; https://hl7.org/fhir/R4/http.html#vread
"""

import asyncio
from uuid import uuid4

import pytest

from app.fhir import resource_id
from tests.api import answers, examples, family
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.security.clients import START

ABSENT = "There is nothing here that you may see."
NOT_IDS = ["x", "0", str(uuid4()), "a" * 64, str(uuid4()).upper()]


async def test_the_owner_reads_the_current_version(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}")
    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith(" GMT")
    assert answer.json() == child.patient


async def test_every_version_stays_as_it_was(as_: Callers, child: Child) -> None:
    health_visiting = as_["health-visiting"]
    first = await health_visiting.get(f"Patient/{child.id}")
    family.updated(await health_visiting.update(child.patient | {"gender": "unknown"}))
    second = await health_visiting.get(f"Patient/{child.id}")
    assert (second.headers["etag"], second.json()["gender"]) == ('W/"2"', "unknown")
    for version, read in (("1", first), ("2", second)):
        answer = await health_visiting.get(f"Patient/{child.id}/_history/{version}")
        assert answer.status_code == 200
        assert answer.content == read.content
        assert answer.headers["etag"] == f'W/"{version}"'
        assert answer.json()["meta"]["versionId"] == version


async def test_of_reads_at_the_same_moment_each_is_judged_for_its_own_caller(as_: Callers, running: Running) -> None:
    """And is in the audit under its own name."""
    children = [await family.child(as_) for _ in range(3)]
    await family.says(as_["health-visiting"], children[0])
    asked = [(who, each) for each in children for who in ("health-visiting", "childrens-centre", "stranger")]
    found = await asyncio.gather(*(as_[who].get(f"Patient/{each.id}") for who, each in asked))
    seen = [(who, each.id) for (who, each), answer in zip(asked, found, strict=True) if answer.status_code == 200]
    owners = [("health-visiting", each.id) for each in children]
    assert sorted(seen) == sorted([*owners, ("childrens-centre", children[0].id)])
    assert all(
        answer.json()["id"] == each.id for (_, each), answer in zip(asked, found, strict=True) if answer.is_success
    )
    sql = "SELECT client_id, outcome FROM audit_event WHERE interaction = 'read' AND patient_id = $1"
    for each in children:
        kept = {(row["client_id"], row["outcome"]) for row in await running.connection.fetch(sql, each.id)}
        expected = {(who, "released" if (who, each.id) in seen else "nothing") for who, child in asked if child is each}
        assert kept == expected


@pytest.mark.parametrize("version", ["0", "2", "-1", "01x", "9" * 30, "latest"])
async def test_a_version_that_is_not_there_is_not_found(version: str, as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{child.id}/_history/{version}")
    assert (answer.status_code, answers.diagnostics(answer)) == (404, ABSENT)


@pytest.mark.parametrize("id", NOT_IDS)
async def test_an_id_that_cannot_be_ours_is_not_found(id: str, as_: Callers) -> None:
    answer = await as_["health-visiting"].get(f"Patient/{id}")
    assert answer.status_code == 404


async def test_absent_and_hidden_are_the_same_answer(as_: Callers, child: Child) -> None:
    headers = {"X-Request-ID": "same"}
    hidden = await as_["stranger"].get(f"Patient/{child.id}", headers=headers)
    absent = await as_["stranger"].get(f"Patient/{resource_id.new(7, START)}", headers=headers)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    assert hidden.headers == absent.headers


async def test_a_resource_is_read_under_its_own_type_only(as_: Callers, child: Child) -> None:
    answer = await as_["health-visiting"].get(f"RelatedPerson/{child.id}")
    assert answer.status_code == 404


async def test_an_earlier_version_is_hidden_together_with_the_current_one(as_: Callers, child: Child) -> None:
    assert (await as_["stranger"].get(f"Patient/{child.id}/_history/1")).status_code == 404


async def test_a_former_practice_no_longer_reads_the_record(as_: Callers, child: Child) -> None:
    assert (await as_["gp-practice"].get(f"Patient/{child.id}")).status_code == 200
    await _change_practice(as_, child)
    for url in (f"Patient/{child.id}", f"Patient/{child.id}/_history/2"):
        assert (await as_["gp-practice"].get(url)).status_code == 404


async def test_a_former_practice_no_longer_reads_earlier_versions(as_: Callers, child: Child) -> None:
    await _change_practice(as_, child)
    assert (await as_["gp-practice"].get(f"Patient/{child.id}/_history/1")).status_code == 404


async def _change_practice(as_: Callers, child: Child) -> None:
    moved = child.patient | {"generalPractitioner": [examples.organization("Y99998")]}
    family.updated(await as_["health-visiting"].update(moved))


async def test_a_read_takes_no_parameters_but_what_part_to_give(as_: Callers, child: Child) -> None:
    for parameter in ("_sort", "name", "x"):
        answer = await as_["health-visiting"].get(f"Patient/{child.id}", {parameter: "true"})
        assert answer.status_code == 400
        assert answers.diagnostics(answer) == "This takes no parameters but _summary, _elements."


async def test_everybody_reads_the_directory(as_: Callers) -> None:
    council = as_["local-authority-a"]
    answer = await council.create(examples.example("organization-local-authority"))
    for caller in ("gp-practice", "childrens-centre", "local-authority-b"):
        assert (await as_[caller].get(f"Organization/{answer.json()['id']}")).json() == answer.json()

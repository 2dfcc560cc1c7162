"""A refusal is remembered with whom it was about, and says of them no more than was asked.

https://profiles.ihe.net/ITI/BALP/; https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response

from app.fhir import systems
from app.store import links
from tests.api import examples, family
from tests.api.answers import Lines
from tests.api.callers import FHIR_JSON, Callers
from tests.api.conftest import Running
from tests.api.family import Child

Headers = dict[str, str]
Write = Callable[[Callers, Child, Headers], Awaitable[Response]]

ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


async def rows(running: Running, request_id: str) -> list[Any]:
    found: list[Any] = await running.connection.fetch("SELECT * FROM audit_event WHERE request_id = $1", request_id)
    return found


async def put(as_: Callers, client: str, resource: dict[str, Any], headers: Headers, version: int = 1) -> Response:
    url = f"{resource['resourceType']}/{resource['id']}"
    sent = {"If-Match": f'W/"{version}"', "Content-Type": FHIR_JSON, **headers}
    return await as_[client].send("PUT", url, json=resource, headers=sent)


async def a_number_that_another_has(as_: Callers, child: Child, headers: Headers) -> Response:
    newborn = family.created(await as_["health-visiting"].create(examples.example("patient-newborn-without-a-number")))
    return await put(as_, "health-visiting", newborn | {"identifier": child.patient["identifier"]}, headers)


async def a_version_not_seen(as_: Callers, child: Child, headers: Headers) -> Response:
    return await put(as_, "health-visiting", child.patient, headers, version=7)


async def no_version_seen(as_: Callers, child: Child, headers: Headers) -> Response:
    place = f"Patient/{child.id}"
    sent = {name: value for name, value in child.patient.items() if name != "meta"}
    return await as_["health-visiting"].send_text("PUT", place, json.dumps(sent), headers)


async def an_invalid_version(as_: Callers, child: Child, headers: Headers) -> Response:
    return await put(as_, "health-visiting", child.patient | {"gender": "girl"}, headers)


async def an_invalid_consent(as_: Callers, child: Child, headers: Headers) -> Response:
    return await as_["gp-practice"].create(examples.example(family.REFUSES, child.numbers, status="no"), headers)


async def a_number_changed(as_: Callers, child: Child, headers: Headers) -> Response:
    other = examples.example("patient-toddler", {examples.CHILD: examples.new_number()})
    return await put(as_, "health-visiting", child.patient | {"identifier": other["identifier"]}, headers)


async def a_yes_to_oneself(as_: Callers, child: Child, headers: Headers) -> Response:
    numbers = child.numbers | {examples.HEALTH_VISITING: examples.CENTRE}
    return await as_["childrens-centre"].create(examples.example(family.PERMITS_CENTRE, numbers), headers)


async def a_plan_of_a_restricted_child(as_: Callers, child: Child, headers: Headers) -> Response:
    restricted = child.patient | {"meta": examples.labelled("R")}
    family.updated(await as_["health-visiting"].update(restricted))
    flag = examples.example("child-protection-flag-active-plan", child.numbers)
    return await as_["local-authority-a"].create(flag, headers)


async def a_record_taken_over(as_: Callers, child: Child, headers: Headers) -> Response:
    taken = child.patient | {"managingOrganization": examples.organization(examples.PRACTICE)}
    return await put(as_, "gp-practice", taken, headers)


async def a_merge_of_anothers(as_: Callers, child: Child, headers: Headers) -> Response:
    former = examples.example("patient-superseded-number", {examples.FORMER: child.nhs_number})
    return await as_["stranger"].create(former, headers)


async def a_claimed_responsibility(as_: Callers, child: Child, headers: Headers) -> Response:
    return await as_["stranger"].create(examples.example("related-person-mother", child.numbers), headers)


async def a_word_for_another(as_: Callers, child: Child, headers: Headers) -> Response:
    mother = await as_.parent(child.mother_number)
    return await mother.create(examples.example(family.REFUSES, child.numbers), headers)


async def a_write_without_the_scope(as_: Callers, child: Child, headers: Headers) -> Response:
    return await put(as_, "childrens-centre", child.patient, headers)


WRITES: list[tuple[Write, int]] = [
    (a_number_that_another_has, 409),
    (a_version_not_seen, 409),
    (no_version_seen, 412),
    (an_invalid_version, 422),
    (an_invalid_consent, 422),
    (a_number_changed, 422),
    (a_yes_to_oneself, 422),
    (a_plan_of_a_restricted_child, 422),
    (a_record_taken_over, 403),
    (a_merge_of_anothers, 403),
    (a_claimed_responsibility, 403),
    (a_word_for_another, 403),
    (a_write_without_the_scope, 403),
]


def names(row: Any, child: Child) -> bool:
    """Whether a row of the audit leads to the child: by the query, or by the record."""
    return child.nhs_number in (row["query"] or "") or f"Patient/{child.id}" in row["resources"]


@pytest.mark.parametrize(("write", "status"), WRITES, ids=[write.__name__ for write, _ in WRITES])
async def test_when_a_write_is_refused_one_row_says_whose_it_was(
    write: Write, status: int, as_: Callers, child: Child, running: Running
) -> None:
    request_id = str(uuid4())
    answer = await write(as_, child, {"X-Request-ID": request_id})
    assert answer.status_code == status, answer.text
    (row,) = await rows(running, request_id)
    assert (row["outcome"], names(row, child)) == ("refused", True)


@pytest.mark.parametrize("identifier", [7, "x", ["x"], [[]], {}, None, [{"system": systems.NHS_NUMBER, "value": {}}]])
async def test_when_it_cannot_be_told_whose_it_was_it_is_refused_all_the_same(
    identifier: Any, as_: Callers, child: Child, running: Running
) -> None:
    for resource in (
        examples.example("patient-toddler", child.numbers, identifier=identifier),
        examples.example(family.REFUSES, child.numbers, patient={"reference": 7, "identifier": identifier}),
    ):
        request_id = str(uuid4())
        answer = await as_["health-visiting"].create(resource, {"X-Request-ID": request_id})
        assert answer.status_code in (400, 422)
        assert [row["outcome"] for row in await rows(running, request_id)] == ["refused"] * (answer.status_code == 422)


async def test_when_a_reference_goes_on_and_on_it_is_refused_at_once(as_: Callers, child: Child) -> None:
    reference = "https://fhir.example/" + "Patient/a/_history/" * 8000 + " "
    consent = examples.example(family.REFUSES, child.numbers)
    consent["patient"]["reference"] = reference
    begun = time.perf_counter()
    assert (await as_["gp-practice"].create(consent)).status_code == 422
    assert time.perf_counter() - begun < 4  # seconds, in which nobody else is answered


async def test_when_a_child_is_registered_twice_one_row_says_whose_record_it_was(
    as_: Callers, child: Child, running: Running
) -> None:
    request_id = str(uuid4())
    again = examples.example("patient-toddler", child.numbers | {examples.HEALTH_VISITING: "RX909"})
    assert (await as_["stranger"].create(again, {"X-Request-ID": request_id})).status_code == 409
    (row,) = await rows(running, request_id)
    assert (row["patient_id"], row["outcome"] in ("refused", "nothing")) == (UUID(child.id), True)


@pytest.mark.parametrize("by_post", [True, False])
async def test_when_a_lookup_is_refused_one_row_says_who_was_asked_for(
    by_post: bool, as_: Callers, child: Child, running: Running
) -> None:
    request_id = str(uuid4())
    caller = await as_.as_said("emergency-department", activity_codes=[])
    ask = caller.search_by_post if by_post else caller.get
    assert (await ask("Flag", child.about(), {"X-Request-ID": request_id})).status_code == 403
    (row,) = await rows(running, request_id)
    assert (row["outcome"], names(row, child)) == ("refused", True)


async def test_when_too_much_is_at_the_end_of_a_link_that_is_remembered(
    as_: Callers, child: Child, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells how much the caller may see, and nothing of what is hidden."""
    monkeypatch.setattr(links, "MOST_LINKED", 1)
    request_id = str(uuid4())
    asked = {"patient:Patient.gender": "female,male,other,unknown"}
    answer = await as_["health-visiting"].get("RelatedPerson", asked, {"X-Request-ID": request_id})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "too-costly")
    (row,) = await rows(running, request_id)
    assert (row["outcome"], row["rule"]) == ("refused", "too_many_linked")


async def test_when_a_read_is_refused_one_row_says_what_was_asked_for(
    as_: Callers, child: Child, running: Running
) -> None:
    request_id = str(uuid4())
    answer = await as_["emergency-department"].get(f"Patient/{child.id}", headers={"X-Request-ID": request_id})
    (row,) = await rows(running, request_id)
    assert (answer.status_code, row["outcome"], names(row, child)) == (403, "refused", True)


@pytest.mark.parametrize("digits", [ARABIC, FULL_WIDTH], ids=["Arabic", "full width"])
async def test_when_a_number_is_in_other_digits_it_is_refused_and_never_nobodys(
    digits: dict[int, int], as_: Callers, child: Child
) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    for number in (child.nhs_number.translate(digits), child.nhs_number[:9] + child.nhs_number[9:].translate(digits)):
        token = examples.number_token(number)
        for client, type, parameter in (
            ("emergency-department", "Flag", "patient:identifier"),
            ("local-authority-a", "Flag", "subject:identifier"),
            ("health-visiting", "Patient", "identifier"),
            ("health-visiting", "RelatedPerson", "patient.identifier"),
        ):
            assert (await as_[client].get(type, {parameter: token})).status_code == 400
            assert (await as_[client].search_by_post(type, {parameter: token})).status_code == 400


async def test_when_more_than_a_hundred_values_are_asked_for_the_search_is_refused(as_: Callers, child: Child) -> None:
    for type, parameter in (("Patient", "_id"), ("RelatedPerson", "patient"), ("Consent", "status")):
        asked = as_["health-visiting"].search_by_post
        assert (await asked(type, {parameter: ",".join([child.id] * 100)})).status_code == 200
        assert (await asked(type, {parameter: ",".join([child.id] * 101)})).status_code == 400
    many = {"identifier": ",".join([examples.number_token(child.nhs_number)] * 101)}
    assert (await as_["health-visiting"].get("Patient", many)).status_code == 400


@pytest.fixture
def logged() -> Iterator[Lines]:
    """What the service logs meanwhile."""
    lines = Lines()
    logging.getLogger("cradle").addHandler(lines)
    yield lines
    logging.getLogger("cradle").removeHandler(lines)


@pytest.mark.parametrize("url", ["Patient/", "Flag/", "Patient/_search/", "Nothing/"])
async def test_when_a_slash_ends_the_url_the_answer_repeats_nothing_of_it(
    url: str, as_: Callers, child: Child, logged: Lines
) -> None:
    answer = await as_["health-visiting"].get(url, child.about() | {"family": "Okafor"})
    assert answer.status_code == 404
    said = [answer.text, *answer.headers.values(), *logged.kept]
    assert logged.kept
    assert not [told for told in (child.nhs_number, "Okafor", systems.NHS_NUMBER) if told in " ".join(said)]


async def test_when_a_request_id_is_a_number_the_caller_gets_it_back_and_the_log_does_not_have_it(
    as_: Callers, child: Child, logged: Lines
) -> None:
    for url, status in ((f"Patient/{child.id}", 200), ("Patient/x", 404), ("Patient?family=", 400)):
        answer = await as_["health-visiting"].get(url, headers={"X-Request-ID": "9990100004"})
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, "9990100004")
    assert len(logged.kept) == 3
    assert "9990100004" not in " ".join(logged.kept)

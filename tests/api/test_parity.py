"""What is hidden cannot be told from what is not there: each answer is the same in two worlds that differ only in it.

The worlds are one database before and after: what is hidden is taken out of the tables, by hand, and everything is asked
again. Status, headers and bytes have to be equal.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
import pytest_asyncio
from httpx import Response

from app.fhir import search_index, search_parameters
from tests.api import bundles, examples, family, questions, records
from tests.api.callers import Caller, Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.fhir.test_fhirpath_patch import operation

_COMPLETE = re.compile(  # of the moment alone, also inside the link of a feed's next page
    rb'"meta":\{"lastUpdated":"[^"]*"\},"type":"history"|(?<=_history\?_page=)[^"]+'
)
Seen = tuple[int, tuple[tuple[str, str], ...], bytes]


@dataclass(frozen=True)
class Question:
    """A request for something."""

    method: str
    url: str
    params: dict[str, str] = field(default_factory=dict)
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Hidden:
    """A child and all that was written about the family, none of it for the callers who ask."""

    child: Child
    resources: list[dict[str, Any]] = field(default_factory=list)


def _seen(answer: Response) -> Seen:
    kept = tuple(
        sorted((name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id"))
    )
    return answer.status_code, kept, _COMPLETE.sub(b"", answer.content)


async def _ask(caller: Caller, question: Question) -> Seen:
    match question.method:
        case "GET":
            return _seen(await caller.get(question.url, question.params))
        case "POST":
            return _seen(await caller.search_by_post(question.url, question.params))
        case method:
            return _seen(await caller.send_text(method, question.url, question.text, {"If-Match": 'W/"1"'}))


def _by_place(hidden: Hidden) -> Iterator[Question]:
    """By id and version, to be written too, and whatever is about the child."""
    for resource in hidden.resources:
        type, id = resource["resourceType"], resource["id"]
        yield Question("GET", f"{type}/{id}")
        yield Question("GET", f"{type}/{id}/_history/1")
        yield Question("GET", f"{type}/{id}/_history")
        yield Question("PUT", f"{type}/{id}", text=json.dumps(resource))
        yield from _writes(resource, hidden.child)
        yield Question("POST", type, {"_id": id})
    for type in sorted({resource["resourceType"] for resource in hidden.resources} - {"Patient"}):
        yield Question("GET", type, hidden.child.about())
        yield Question("GET", f"{type}/_history", {"_count": "500"})
    yield Question("GET", "_history", {"_count": "500"})


def _writes(resource: dict[str, Any], child: Child) -> Iterator[Question]:
    """By id and by a condition that it meets."""
    type = resource["resourceType"]
    person = {"identifier": examples.number_token(child.nhs_number)} if type == "Patient" else child.about()
    state = {"status": resource["status"]} if "status" in resource else {"active": "true"}
    patch = json.dumps({"resourceType": "Parameters", "parameter": [operation("delete", f"{type}.language")]})
    for place in (f"{type}/{resource['id']}", f"{type}?{urlencode(person | state)}"):
        yield Question("PATCH", place, text=patch)
        yield Question("DELETE", place)


def _by_value(hidden: Hidden) -> Iterator[Question]:
    """By every value that one of them is found under, in every form and with every bound."""
    for resource in hidden.resources:
        for params in _searches(resource, hidden.child):
            yield Question("GET", resource["resourceType"], params)
    for type in sorted({resource["resourceType"] for resource in hidden.resources} - {"Patient"}):
        about = {"patient": hidden.child.id}
        for bound in ({"_count": "0"}, {"_count": "1"}, {"_total": "none"}):
            yield Question("POST", type, about | bound)
        for parameter in search_parameters.parameters(type).values():
            if parameter.type == "reference":
                yield Question("GET", type, about | {"_include": f"{type}:{parameter.code}"})


def _searches(resource: dict[str, Any], child: Child) -> Iterator[dict[str, str]]:
    type = resource["resourceType"]
    yield {"_id": resource["id"]}
    yield {"_id": resource["id"], "_lastUpdated": "ge2026-01-01"}
    indexed = search_index.index(resource)
    for token in indexed.tokens:
        code, _, value = token.partition("#")
        if not value:
            continue
        if value.startswith("|") and any(each.endswith(value) and each != token for each in indexed.tokens):
            continue  # the same value with its system
        yield {_modified(type, code, value): value.removeprefix("|"), "_lastUpdated": "ge2026-01-01"}
    for key, _, value in indexed.strings:
        yield {key.partition(".")[2]: value}
    for key, period in indexed.dates:
        if period.start:
            yield {key.partition(".")[2]: period.start.date().isoformat()}
    if type == "Patient":
        yield {"identifier": examples.number_token(child.nhs_number)}
    else:
        yield from ({"patient.identifier": examples.number_token(child.nhs_number)}, {"patient": f"Patient/{child.id}"})


def _modified(type: str, code: str, value: str) -> str:
    parameter = search_parameters.searched_by(type)[code.partition(":")[0]]
    by_identifier = parameter.type == "reference" and not parameter.is_canonical and "|" in value
    return f"{code}:identifier" if by_identifier else code


async def _asked(callers: Iterable[Caller], questions: Iterable[Question]) -> list[tuple[Question, Seen]]:
    """What each is answered to each question; a question that is asked twice is asked once."""
    distinct = list({repr(question): question for question in questions}.values())
    return [(question, await _ask(caller, question)) for caller in callers for question in distinct]


async def _remove(running: Running, hidden: Hidden) -> None:
    chosen = [UUID(each["id"]) for each in hidden.resources]
    for table in ("resource", "resource_version", "search_string", "search_date", "search_quantity"):
        await running.connection.execute(f"DELETE FROM {table} WHERE id = ANY ($1)", chosen)
    await running.connection.execute("DELETE FROM consent_grant WHERE consent_id = ANY ($1)", chosen)


@pytest_asyncio.fixture
async def hidden(as_: Callers) -> Hidden:
    """A child with everything: record, mother, consent for one centre, a refusal, a plan, a notice, a letter, and care."""
    child = await family.child(as_, generalPractitioner=[examples.organization("Y99997")])
    yes = await family.says(as_["health-visiting"], child)
    no = await family.says(as_["local-authority-a"], child, family.REFUSES)
    plan = await family.plan(as_["local-authority-a"], child.nhs_number)
    await as_["emergency-department"].get("Flag", child.about())
    notices = (await as_["local-authority-a"].get("CommunicationRequest", child.about())).json()["entry"]
    letter = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    sent = family.created(await as_["health-visiting"].create(letter))
    each = {kept.type: kept for kept in records.ABOUT_A_PERSON}
    care = [await records.created(as_, kept, child) for kept in each.values()]
    written = [child.patient, child.mother, yes, no, plan.flag, plan.care_plan, plan.care_team, sent, *care]
    return Hidden(child, [*written, *(each["resource"] for each in notices)])


@pytest.mark.parametrize("in_full", [False, pytest.param(True, marks=pytest.mark.long)])
async def test_a_family_that_is_hidden_is_not_there(
    in_full: bool, as_: Callers, hidden: Hidden, running: Running
) -> None:
    """To whom nothing of that family is open, whatever their scopes. The curious ask in every way there is."""
    names = ["childrens-centre-b", "unregistered-purpose", "auditor", "parent-app"]
    names += ["local-authority-b", "gp-practice", "school-nursing"] if in_full else []
    casual = [*(as_[each] for each in names), as_.nobody]
    curious = [as_["stranger"], *(casual if in_full else ())]
    by_place = list(_by_place(hidden))
    in_every_way = [
        *by_place,
        *_by_value(hidden if in_full else _one_of_each(hidden, "Patient", "Consent", "Flag", "Task")),
    ]
    assert len(in_every_way) > 60
    before = await _asked(curious, in_every_way) + await _asked(casual, by_place)
    await _remove(running, hidden)
    after = await _asked(curious, in_every_way) + await _asked(casual, by_place)
    assert {seen[0] for _, seen in before} >= {200, 401, 403, 404}
    _same(before, after)


async def test_a_family_that_is_hidden_is_not_there_in_a_bundle(as_: Callers, hidden: Hidden, running: Running) -> None:
    """All at once in a batch, and one at a time in transactions."""
    entries = [_entry(each) for each in _by_place(_one_of_each(hidden, "Patient", "Consent", "Flag", "Task"))]
    assert len(entries) > 40

    async def asked() -> list[Seen]:
        together = _seen(await bundles.send(as_["stranger"], "batch", *entries))
        return [together, *[_seen(await bundles.send(as_["stranger"], "transaction", each)) for each in entries]]

    before = await asked()
    await _remove(running, hidden)
    after = await asked()
    assert {status for status, _, _ in before} >= {200, 404}
    for place, (one, other) in enumerate(zip(before, after, strict=True)):
        assert one == other, entries[place - 1] if place else "batch"


def _entry(question: Question) -> bundles.Resource:
    query = f"?{urlencode(question.params)}" if question.params else ""
    match question.method:
        case "GET":
            return bundles.entry("GET", question.url + query)
        case "POST":
            return bundles.entry("POST", f"{question.url}/_search{query}")
        case method:
            resource = json.loads(question.text) if question.text else None
            return bundles.entry(method, question.url, resource, ifMatch='W/"1"')


@pytest.mark.parametrize(
    "types",
    [("RelatedPerson", "Consent"), pytest.param((), marks=pytest.mark.long)],
)
async def test_a_question_through_other_resources_does_not_tell(
    types: tuple[str, ...], as_: Callers, hidden: Hidden, running: Running
) -> None:
    """Chains, `_has`, orders, summaries, and all at once. Whoever wrote it is told by most of them, so each could tell."""
    some = _one_of_each(hidden, *types) if types else hidden
    asked = [*questions.through(some.resources, some.child), *questions.shaped(some.resources, some.child)]
    in_every_way = [Question("GET", url, params) for url, params in asked]
    stranger, owner = [as_["stranger"]], [as_["health-visiting"]]
    before, told = await _asked(stranger, in_every_way), await _asked(owner, in_every_way)
    assert {seen[0] for _, seen in before} == {200, 404}
    await _remove(running, hidden)
    _same(before, await _asked(stranger, in_every_way))
    untold = await _asked(owner, in_every_way)
    assert sum(one != other for one, other in zip(told, untold, strict=True)) > len(told) / 2


def _one_of_each(hidden: Hidden, *types: str) -> Hidden:
    found = {each["resourceType"]: each for each in hidden.resources}
    return Hidden(hidden.child, [found[type] for type in types])


def _same(before: list[tuple[Question, Seen]], after: list[tuple[Question, Seen]]) -> None:
    for (question, one), (_, other) in zip(before, after, strict=True):
        assert one == other, question


async def test_a_record_that_is_very_restricted_is_not_there_for_its_owner_either(
    as_: Callers, hidden: Hidden, running: Running
) -> None:
    child = hidden.child
    family.updated(await as_["health-visiting"].update(child.patient | {"meta": examples.labelled("V")}))
    own = [each for each in hidden.resources if each["resourceType"] not in ("Flag", "CarePlan", "CareTeam")]
    notices = {each["id"] for each in own if "local-authority" in str(each.get("recipient"))}
    questions = list(_by_place(Hidden(child, [each for each in own if each["id"] not in notices])))
    callers = [as_["health-visiting"], await as_.parent(child.mother_number)]
    before = await _asked(callers, questions)
    await _remove(running, hidden)
    _same(before, await _asked(callers, questions))


async def test_refused_is_the_same_as_never_asked(as_: Callers, running: Running) -> None:
    child = await family.child(as_)
    said = [
        await family.says(as_["health-visiting"], child),
        await family.says(as_["gp-practice"], child, family.REFUSES),
    ]
    questions = list(_by_place(Hidden(child, [child.patient, child.mother])))
    before = await _asked([as_["childrens-centre"]], questions)
    await _remove(running, Hidden(child, said))
    _same(before, await _asked([as_["childrens-centre"]], questions))


async def test_a_bereaved_family_is_not_there_for_outreach(as_: Callers, running: Running) -> None:
    child = await family.child(as_, deceasedDateTime="2026-11-01")
    consent = await family.says(as_["health-visiting"], child)
    whole = Hidden(child, [child.patient, child.mother, consent])
    before = await _asked([as_["childrens-centre"]], _by_place(whole))
    assert {seen[0] for _, seen in before} >= {200, 403, 404}
    await _remove(running, whole)
    _same(before, await _asked([as_["childrens-centre"]], _by_place(whole)))


async def test_where_a_restricted_child_lives_cannot_be_told(as_: Callers, running: Running) -> None:
    where = {"telecom": [{"system": "phone", "value": "07700 900009"}], "contact": [{"name": {"text": "Refuge"}}]}
    child = await family.child(as_, meta=examples.labelled("R"), **where)
    await family.says(as_["health-visiting"], child)
    callers = [as_["childrens-centre"], await as_.parent(child.mother_number)]
    before = await _asked(callers, _by_place(Hidden(child, [child.patient])))
    await _without(running, child.patient, "address", "telecom", "contact", "generalPractitioner")
    _same(before, await _asked(callers, _by_place(Hidden(child, [child.patient]))))


async def test_what_nobody_agreed_to_show_is_masked_whether_it_is_there_or_not(as_: Callers, running: Running) -> None:
    child = await family.child(as_)
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    consent["provision"]["code"] = consent["provision"]["code"][:1]
    family.created(await as_["health-visiting"].create(consent))
    questions = list(_by_place(Hidden(child, [child.patient, child.mother])))
    before = await _asked([as_["childrens-centre"]], questions)
    await _without(running, child.patient, "address")
    await _without(running, child.mother, "telecom")
    _same(before, await _asked([as_["childrens-centre"]], questions))


async def _without(running: Running, resource: dict[str, Any], *elements: str) -> None:
    """The same version, in which these elements never stood."""
    left = {name: value for name, value in resource.items() if name not in elements}
    text = json.dumps(left, ensure_ascii=False, separators=(",", ":"))
    for table in ("resource", "resource_version"):
        await running.connection.execute(f"UPDATE {table} SET content = $2 WHERE id = $1", UUID(resource["id"]), text)

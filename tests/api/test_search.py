"""search: the same answer by GET and by POST, strict about what is asked, and never a number in a link.

https://hl7.org/fhir/R4/http.html#search; https://hl7.org/fhir/R4/search.html
"""

import asyncio
from typing import Any

import pytest

from tests.api import answers, examples, family
from tests.api.answers import ids, link
from tests.api.callers import Callers, Params
from tests.api.conftest import Running
from tests.api.family import Child

MANY = 7


async def test_one_person_is_found_in_every_form(as_: Callers, child: Child) -> None:
    token = examples.number_token(child.nhs_number)
    spaced = f"{child.nhs_number[:3]} {child.nhs_number[3:6]} {child.nhs_number[6:]}"
    forms: list[dict[str, str]] = [
        {"patient": child.id},
        {"patient": f"Patient/{child.id}"},
        {"patient:Patient": child.id},
        {"patient:identifier": token},
        {"patient.identifier": token},
        {"patient:identifier": examples.number_token(spaced)},
        {"patient": f"x,{child.id}"},
        {"patient": child.id, "relationship": "MTH"},
        {"identifier": examples.number_token(child.mother_number), "patient": child.id},
        {"_id": child.mother["id"]},
        {"name": "exam", "_id": child.mother["id"]},
    ]
    for form in forms:
        got = await as_["health-visiting"].get("RelatedPerson", form)
        posted = await as_["health-visiting"].search_by_post("RelatedPerson", form)
        assert (ids(got), got.json()["total"]) == ([child.mother["id"]], 1), form
        assert got.content == posted.content
        entry = got.json()["entry"][0]
        assert entry["resource"] == child.mother
        assert entry["fullUrl"].endswith(f"/fhir/R4/RelatedPerson/{child.mother['id']}")
        assert entry["search"] == {"mode": "match"}


async def test_parameters_of_url_and_form_are_joined(as_: Callers, child: Child) -> None:
    caller = as_["health-visiting"]
    both = await caller.send("POST", "RelatedPerson/_search?relationship=MTH", data=child.about())
    assert ids(both) == [child.mother["id"]]
    neither = await caller.send("POST", "RelatedPerson/_search?relationship=FTH", data=child.about())
    assert (ids(neither), neither.json()["total"]) == ([], 0)


async def test_an_empty_answer_is_a_bundle_without_entries(as_: Callers) -> None:
    nobody = {"patient:identifier": examples.number_token(examples.new_number())}
    answer = await as_["health-visiting"].get("RelatedPerson", nobody)
    assert answer.status_code == 200
    assert set(answer.json()) == {"resourceType", "type", "total", "link"}


@pytest.mark.parametrize(
    ("type", "params", "said"),
    [
        ("Patient", {"familly": "x"}, "Patient has no such search parameter. Did you mean family?"),
        ("Patient", {"Family": "x"}, "Patient has no such search parameter. Did you mean family?"),
        ("Patient", {"qqq": "x"}, "Patient has no such search parameter. It has _id, _lastUpdated, _profile, _sec"),
        ("Patient", {"_sort": "colour"}, "Patient is not sorted by that. There are _id"),
        ("Patient", {"_summary": "short"}, "_summary is true, text, data, count or false."),
        ("Patient", {"_elements": "colour"}, "Patient has no such element."),
        ("Patient", {"_revinclude": "Flag:detail"}, "Flag does not refer to Patient by that."),
        ("Patient", {"_has:Flag:patient:colour": "x"}, "Flag has no such search parameter."),
        ("Patient", {"_text": "x"}, "_text is not served."),
        ("Patient", {"_content": "x"}, "_content is not served."),
        ("Patient", {"_filter": "x"}, "_filter is not served."),
        ("Patient", {"_list": "x"}, "_list is not served."),
        ("RelatedPerson", {"patient.colour": "x"}, "Patient has no such search parameter."),
        ("RelatedPerson", {"patient:Patient.organization.name": "x"}, "A chain has one link"),
        ("RelatedPerson", {"patient:missing": "x"}, "patient:missing is true or false."),
        ("Patient", {"family:excat": "x"}, "The modifier of family is not served here. Did you mean :exact?"),
        ("Patient", {"gender:below": "male"}, "The modifier of gender is not served here. It takes :missing, :not."),
        ("Patient", {"family": ""}, "family has no value. Leave it out, or give it one."),
        ("Patient", {"identifier": "|"}, "Give identifier as [system]|[code], [code], [system]| or |[code]."),
        ("Patient", {"birthdate": "yesterday"}, "Give birthdate as a date"),
        ("Patient", {"_count": "-1"}, "_count is a whole number from 0."),
        ("Patient", {"_count": "x"}, "_count is a whole number from 0."),
        ("Patient", {"_total": "no"}, "_total is none, estimate or accurate."),
        ("Patient", {"_page": "x"}, "_page is used as it stands in a link of ours"),
        ("Patient", {"_include": "x"}, "_include is [type]:[parameter], such as Flag:detail; * is not served."),
        ("Patient", {"_include": "Flag:status"}, "Flag has no such reference to include."),
        ("Patient", {"_include": "Flag:detail"}, "To follow Flag from what is included, use _include:iterate."),
        (
            "RelatedPerson",
            {"patient:identifier": "9990000018"},
            "Give patient:identifier as https://fhir.nhs.uk/Id/nhs",
        ),
        ("RelatedPerson", {"patient:identifier": examples.number_token("999000001")}, "An NHS number is ten digits."),
        ("RelatedPerson", {"patient:identifier": examples.number_token("9990000019")}, "This is not an NHS number"),
        ("Patient", {"identifier": examples.number_token("1111111111")}, "This number is outside the ranges"),
        ("AuditEvent", {"_include": "AuditEvent:patient"}, "_include names a type that is not served there."),
        ("AuditEvent", {"_include:iterate": "Flag:detail"}, "An AuditEvent includes nothing."),
        ("AuditEvent", {"patient:missing": "true"}, "AuditEvents are asked by patient, date and _id, without"),
        ("AuditEvent", {"_sort": "date"}, "AuditEvents are sorted by date, the newest first."),
        ("AuditEvent", {"_tag": "x"}, "AuditEvent has no such search parameter."),
        ("AuditEvent", {"agent": "x"}, "AuditEvent has no such search parameter."),
    ],
)
async def test_what_is_not_served_is_refused_with_help(
    type: str, params: dict[str, str], said: str, as_: Callers
) -> None:
    caller = as_["auditor" if type == "AuditEvent" else "health-visiting"]
    for answer in (await caller.get(type, params), await caller.search_by_post(type, params)):
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "invalid")
        assert answers.diagnostics(answer).startswith(said)


async def test_a_strangers_parameter_name_is_not_repeated(as_: Callers, child: Child) -> None:
    for name in (f"Amelia{child.nhs_number}", f"identifier:{child.nhs_number}", f"patient.{child.nhs_number}"):
        answer = await as_["health-visiting"].get("RelatedPerson", {name: "x"})
        assert answer.status_code == 400
        assert child.nhs_number not in answer.text


async def test_pages_together_are_the_whole(as_: Callers, child: Child) -> None:
    expected = await _flags(as_, child)
    for count in (1, 2, 3, MANY, MANY + 1):
        for by_post in (False, True):
            query = {**child.about(), "_count": str(count)}
            caller = as_["stranger"]
            page = await (caller.search_by_post("Flag", query) if by_post else caller.get("Flag", query))
            found, pages = ids(page), 1
            assert len(found) == min(count, MANY)
            while next := link(page, "next"):
                page, pages = await caller.get(next), pages + 1
                assert page.json()["total"] == MANY
                found += ids(page)
            assert found == expected
            assert pages == -(-MANY // count)


async def test_a_page_link_repeats_its_page(as_: Callers, child: Child) -> None:
    await _flags(as_, child)
    page = await as_["stranger"].get("Flag", {**child.about(), "_count": "3"})
    second = await as_["stranger"].get(str(link(page, "next")))
    again = await as_["stranger"].get(str(link(second, "self")))
    assert again.content == second.content
    sealed = str(link(second, "self")).rpartition("_page=")[2]
    assert (await as_["stranger"].search_by_post("Flag", {"_page": sealed})).content == second.content


async def test_a_page_link_is_for_the_client_that_was_given_it(as_: Callers, child: Child) -> None:
    await _flags(as_, child)
    page = await as_["stranger"].get("Flag", {**child.about(), "_count": "3"})
    next = str(link(page, "next"))
    for answer in (
        await as_["local-authority-a"].get(next),
        await as_["stranger"].get(next + "&_count=100"),
        await as_["stranger"].get(next[:-4] + "AAAA"),
        await as_["stranger"].get(next.replace("/Flag?", "/Consent?")),
    ):
        assert (answer.status_code, answers.expressions(answer)) == (400, {"_page"})


async def test_what_is_written_meanwhile_moves_nothing(as_: Callers, child: Child) -> None:
    expected = await _flags(as_, child)
    page = await as_["stranger"].get("Flag", {**child.about(), "_count": "3"})
    await _flags(as_, child, 2)
    found = ids(page)
    while next := link(page, "next"):
        page = await as_["stranger"].get(next)
        found += ids(page)
    assert found == expected


async def test_a_page_is_judged_anew(as_: Callers, child: Child) -> None:
    await _flags(as_, child)
    page = await as_["stranger"].get("Flag", {**child.about(), "_count": "3"})
    elsewhere = child.patient | {"meta": examples.labelled("V")}
    family.updated(await as_["health-visiting"].update(elsewhere))
    second = await as_["stranger"].get(str(link(page, "next")))
    assert (ids(second), second.json()["total"], link(second, "next")) == ([], 0, None)


async def test_a_total_is_exact_or_left_out(as_: Callers, child: Child) -> None:
    await _flags(as_, child)
    for params, total, entries in (
        ({"_total": "accurate", "_count": "2"}, MANY, 2),
        ({"_total": "estimate", "_count": "2"}, MANY, 2),
        ({"_total": "none", "_count": "2"}, None, 2),
        ({"_count": "0"}, MANY, 0),
        ({"_count": "0", "_total": "none"}, None, 0),
        ({"_count": "100000"}, MANY, MANY),
    ):
        answer = await as_["stranger"].get("Flag", {**child.about(), **params})
        assert (answer.json().get("total"), len(ids(answer))) == (total, entries)
        assert ("next" in {each["relation"] for each in answer.json()["link"]}) is (entries == 2)


async def test_parameters_are_joined_by_and_and_values_by_or(as_: Callers, child: Child) -> None:
    expected = await _flags(as_, child)
    one, other = expected[:2]
    caller = as_["stranger"]
    assert set(ids(await caller.get("Flag", {"_id": f"{one},{other}"}))) == {one, other}
    assert ids(await caller.get("Flag", [("_id", one), ("_id", other)])) == []
    assert ids(await caller.get("Flag", [("patient", child.id), ("_id", one)])) == [one]
    someone = await family.child(as_)
    assert ids(await caller.get("Flag", [("patient", child.id), ("patient", someone.id)])) == []
    assert len(ids(await caller.get("Flag", {"patient": f"{child.id},{someone.id}"}))) == MANY


async def test_people_are_found_by_name_and_birthday(as_: Callers) -> None:
    name = [{"family": "Ó Súilleabháin-Łuk", "given": ["Zoë"]}]
    child = await family.child(as_, name=name, birthDate="2024-02-29")
    for params, found in (
        ({"family": "o suilleabhain"}, True),
        ({"family": "Ó SÚILLEABHÁIN"}, True),
        ({"family": "illeabhain"}, False),
        ({"family:contains": "illeabhain"}, True),
        ({"name": "zoe"}, True),
        ({"given": "zo%"}, False),
        ({"given": "zo_"}, False),
        ({"birthdate": "2024-02-29", "given": "zoe"}, True),
        ({"birthdate": "2024-02", "given": "zoe"}, True),
        ({"birthdate": "ge2024-03-01", "given": "zoe"}, False),
        ({"birthdate": "lt2024-03-01", "given": "zoe"}, True),
    ):
        assert (child.id in ids(await as_["health-visiting"].get("Patient", params))) is found, params
        assert child.id not in ids(await as_["stranger"].get("Patient", params))


async def test_a_plan_leads_to_its_team(as_: Callers, child: Child) -> None:
    council = as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    params = [("patient", child.id), ("_include", "Flag:detail"), ("_include:iterate", "CarePlan:care-team")]
    answer = await council.get("Flag", params)
    assert answers.resources(answer) == [plan.flag]
    assert answers.resources(answer, "include") == [plan.care_plan, plan.care_team]
    assert answer.json()["total"] == 1
    only = await council.get("Flag", {"patient": child.id, "_include": "Flag:detail"})
    assert answers.resources(only, "include") == [plan.care_plan]


async def test_what_is_included_needs_its_own_scope(as_: Callers) -> None:
    narrow = await as_.as_said("local-authority-a", scope="system/Flag.rs")
    answer = await narrow.get("Flag", {"_include": "Flag:detail"})
    assert answer.status_code == 403
    assert "scope" in answers.diagnostics(answer)


async def test_no_link_names_anybody(as_: Callers, child: Child) -> None:
    """Every answer is looked at for it (`answers.check`); here are the ways of asking by a number."""
    token, number = examples.number_token(child.nhs_number), child.nhs_number
    queries: list[tuple[str, Params]] = [
        ("Patient", {"identifier": token}),
        ("Patient", {"identifier": number}),
        ("Patient", {"identifier": f"https://example.org|{number}"}),
        ("RelatedPerson", {"patient:identifier": token}),
        ("RelatedPerson", {"identifier": number}),
        ("Consent", {"consentor:identifier": token}),
        ("Consent", {"consentor:identifier": number}),
        ("Consent", {"consentor": f"RelatedPerson/{number}"}),
        ("CommunicationRequest", {"recipient:identifier": token}),
        ("CommunicationRequest", {"recipient:identifier": number}),
        ("CommunicationRequest", {"recipient:identifier": f"x|{number},{number}"}),
        ("Patient", {"gender": number}),
        ("Patient", {"family": number}),
        ("Patient", {"_id": number}),
        ("RelatedPerson", {"patient": number}),
        ("Patient", {"gender": f"{number[:3]} {number[3:6]} {number[6:]}"}),
        ("Patient", {"_format": "json", "gender": number}),
    ]
    caller = as_["health-visiting"]
    for place, (type, params) in enumerate(queries):
        answer = await (caller.search_by_post(type, params) if place % 2 else caller.get(type, params))
        assert answer.status_code == 200, answer.text
        urls = [each["url"].replace("%20", "").replace("+", "") for each in answer.json()["link"]]
        assert not any(number in url for url in urls), params
        assert (await caller.get(str(link(answer, "self")))).content == answer.content


async def _flags(as_: Callers, child: Child, many: int = MANY) -> list[str]:
    """The ids of so many Flags about a child, newest first."""
    flag: dict[str, Any] = examples.example(
        "flag-other-than-child-protection", subject={"reference": f"Patient/{child.id}"}
    )
    return [family.created(await as_["stranger"].create(flag))["id"] for _ in range(many)][::-1]


async def test_many_search_at_once(as_: Callers, running: Running) -> None:
    children = [await family.child(as_) for _ in range(4)]
    caller = as_["health-visiting"]
    found = await asyncio.gather(*(caller.get("RelatedPerson", child.about()) for child in children * 5))
    assert [ids(answer) for answer in found] == [[child.mother["id"]] for child in children * 5]

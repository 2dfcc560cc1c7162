"""What the search language does for a client: modifiers, chains, `_has`, orders, parts, and what belongs to a page.

https://hl7.org/fhir/R4/search.html
"""

import json
from typing import Any
from uuid import uuid4

import pytest

from app.fhir import systems
from tests.api import answers, examples, family
from tests.api.answers import ids, link
from tests.api.callers import Caller, Callers
from tests.api.family import Child

TAG = {"system": "https://tags.example", "code": "pilot", "display": "Pilot of the new form"}
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


async def _flags(caller: Caller, child: Child, dates: list[str], **elements: Any) -> list[dict[str, Any]]:
    """Flags about a child, one that begins on each of these days."""
    made = []
    for date in dates:
        about = {"subject": {"reference": f"Patient/{child.id}"}, "period": {"start": date, "end": date}, **elements}
        made.append(family.created(await caller.create(examples.example("flag-other-than-child-protection", **about))))
    return made


def _weight(child: Child) -> dict[str, Any]:
    """At birth, in the name of whoever has no other business with the child."""
    return examples.example("observation-birth-weight", child.numbers | {examples.MATERNITY: "RX909"})


@pytest.mark.parametrize(
    ("params", "is_found"),
    [
        ({"gender": "http://hl7.org/fhir/administrative-gender|female"}, True),
        ({"gender": "http://hl7.org/fhir/administrative-gender|male"}, False),
        ({"gender:not": "http://hl7.org/fhir/administrative-gender|female"}, False),
        ({"gender": "http://hl7.org/fhir/task-status|female"}, False),
        ({"family:exact": "Exämple"}, True),
        ({"family:exact": "Example"}, False),
        ({"family": "example"}, True),
        ({"name:contains": "xamp"}, True),
        ({"name:contains": "xa"}, True),
        ({"gender:not": "male"}, True),
        ({"gender:not": "female"}, False),
        ({"gender:missing": "false"}, True),
        ({"death-date:missing": "true"}, True),
        ({"death-date:missing": "false"}, False),
        ({"deceased": "false"}, True),
        ({"deceased:not": "false"}, False),
        ({"_tag": "https://tags.example|pilot"}, True),
        ({"_tag:not": "pilot"}, False),
        ({"_tag:text": "pilot of"}, True),
        ({"_source": "https://system.example"}, True),
        ({"_source": "https://system.example/"}, False),
        ({"_profile:missing": "true"}, True),
        ({"_security": "U"}, False),
        ({"birthdate": "ap2024-03"}, True),
        ({"birthdate": "sa2024-03-09"}, False),
        ({"phone": "07700900142"}, False),
        ({"phone": "07700 900142"}, True),
        ({"telecom": "email|x@example.org"}, False),
        ({"address-postalcode": "ex1"}, True),
        ({"identifier:of-type": "http://terminology.hl7.org/CodeSystem/v2-0203|MR|EX-17"}, True),
        ({"identifier:of-type": "http://terminology.hl7.org/CodeSystem/v2-0203|PI|EX-17"}, False),
    ],
)
async def test_a_person_is_found_by(params: dict[str, str], is_found: bool, as_: Callers) -> None:
    number = {"system": examples.number_token("x").partition("|")[0], "value": examples.new_number()}
    medical = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    child = examples.example(
        "patient-toddler",
        name=[{"family": "Exämple", "given": ["Fern"]}],
        gender="female",
        birthDate="2024-03-09",
        identifier=[number, {"type": medical, "system": "https://centre.example/id", "value": "EX-17"}],
        telecom=[{"system": "phone", "value": "07700 900142"}],
        address=[{"city": "Elsewhere", "postalCode": "EX1 1EX"}],
        meta={"tag": [TAG], "source": "https://system.example"},
    )
    made = family.created(await as_["health-visiting"].create(child))
    answer = await as_["health-visiting"].get("Patient", {"_id": made["id"], **params})
    assert (ids(answer) == [made["id"]]) is is_found, answer.text
    assert answer.json()["total"] == int(is_found)


async def test_amounts_are_found_by_what_their_digits_mean(as_: Callers, child: Child) -> None:
    weighed = family.created(await as_["stranger"].create(_weight(child)))
    value = weighed["valueQuantity"]
    unit = f"|{value['system']}|{value['code']}"
    for asked, is_found in (
        (f"{value['value']}{unit}", True),
        (f"gt{value['value']}{unit}", False),
        (f"ge{value['value']}{unit}", True),
        (f"lt{value['value'] + 1}", True),
        (f"{value['value']}|{value['system']}|lb", False),
        (f"ne{value['value']}{unit}", False),
        (f"ap{value['value'] * 1.05:.4f}{unit}", True),
    ):
        answer = await as_["stranger"].get("Observation", {"_id": weighed["id"], "value-quantity": asked})
        assert (ids(answer) == [weighed["id"]]) is is_found, asked


async def test_a_chain_asks_what_is_referred_to(as_: Callers, child: Child) -> None:
    caller = as_["health-visiting"]
    own = {"_id": child.mother["id"]}
    for params, is_found in (
        ({"patient.name": child.patient["name"][0]["family"]}, True),
        ({"patient:Patient.birthdate": child.patient["birthDate"]}, True),
        ({"patient.gender": "unknown"}, False),
        ({"patient.gender:not": "unknown"}, True),
        ({"patient.identifier": examples.number_token(child.nhs_number)}, True),
        ({"patient._id": child.id}, True),
    ):
        answer = await caller.get("RelatedPerson", own | params)
        assert (ids(answer) == [child.mother["id"]]) is is_found, params


async def test_an_identifier_in_a_chain_is_that_of_the_reference_too(as_: Callers, child: Child) -> None:
    practice = examples.example("organization-childrens-centre", {examples.CENTRE: "Y99999"})
    practice = family.created(await as_["gp-practice"].create(practice))
    referring = {"generalPractitioner": [{"reference": f"Organization/{practice['id']}"}]}
    logical = await family.child(as_)
    literal = await family.child(as_, **referring)
    caller, found = as_["health-visiting"], {logical.id, literal.id}
    identifier = examples.organization("Y99999")["identifier"]
    for name in ("general-practitioner.identifier", "general-practitioner:Organization.identifier"):
        answer = await caller.get("Patient", {"_id": ",".join(found), name: f"{identifier['system']}|Y99999"})
        assert set(ids(answer)) == (found if "Y99999" in str(logical.patient["generalPractitioner"]) else {literal.id})
    by_name = {"_id": ",".join(found), "general-practitioner.name": practice["name"]}
    assert ids(await caller.get("Patient", by_name)) == [literal.id]
    narrow = await as_.as_said("health-visiting", scope="system/Patient.rs system/Organization.rs")
    assert (await narrow.get("Patient", by_name)).status_code == 403
    by_name["general-practitioner:Organization.name"] = by_name.pop("general-practitioner.name")
    assert ids(await narrow.get("Patient", by_name)) == [literal.id]


async def test_has_asks_what_refers_to_it(as_: Callers, child: Child) -> None:
    caller, own = as_["health-visiting"], {"_id": child.id}
    for params, is_found in (
        ({"_has:RelatedPerson:patient:relationship": "MTH"}, True),
        ({"_has:RelatedPerson:patient:relationship": "FTH"}, False),
        ({"_has:RelatedPerson:patient:identifier": examples.number_token(child.mother_number)}, True),
        ({"_has:RelatedPerson:patient:_id": child.mother["id"]}, True),
    ):
        answer = await caller.get("Patient", own | params)
        assert (ids(answer) == [child.id]) is is_found, params


async def test_a_chain_needs_the_scope_of_what_it_looks_into(as_: Callers, child: Child) -> None:
    narrow = await as_.as_said("health-visiting", scope="system/RelatedPerson.rs")
    assert (await narrow.get("RelatedPerson", child.about())).status_code == 200
    for type, name in (("RelatedPerson", "patient.name"), ("RelatedPerson", "_has:Consent:source-reference:status")):
        answer = await narrow.get(type, {name: "x"})
        assert answer.status_code in (400, 403), answer.text
    assert (await narrow.get("RelatedPerson", {"patient.name": "x"})).status_code == 403


async def test_in_the_order_that_is_asked_for(as_: Callers, child: Child) -> None:
    caller = as_["stranger"]
    first, second, third = await _flags(caller, child, ["2026-03-01", "2026-01-01", "2026-02-01"])
    by_date = [second["id"], third["id"], first["id"]]
    about = {"patient": child.id}
    assert ids(await caller.get("Flag", about | {"_sort": "date"})) == by_date
    assert ids(await caller.get("Flag", about | {"_sort": "-date"})) == by_date[::-1]
    assert ids(await caller.get("Flag", about | {"_sort": "status,-_id"})) == sorted(by_date, reverse=True)
    page, found = await caller.get("Flag", about | {"_sort": "date", "_count": "1"}), []
    while True:
        found += ids(page)
        if not (following := link(page, "next")):
            break
        page = await caller.get(following)
    assert found == by_date
    assert ids(await caller.get(str(link(page, "previous")))) == [by_date[1]]


async def test_only_a_part_is_given_and_says_so(as_: Callers, child: Child) -> None:
    caller, own = as_["health-visiting"], {"_id": child.id}
    (whole,) = answers.resources(await caller.get("Patient", own))
    (part,) = answers.resources(await caller.get("Patient", own | {"_elements": "name,Patient.birthDate"}))
    assert {"name", "birthDate"} <= part.keys() <= {"resourceType", "id", "meta", "name", "birthDate", "active", "link"}
    assert part["name"] == whole["name"]
    assert SUBSETTED in part["meta"]["tag"]
    (summary,) = answers.resources(await caller.get("Patient", own | {"_summary": "true"}))
    assert ("identifier" in summary, "generalPractitioner" in summary) == (True, False)
    (data,) = answers.resources(await caller.get("Patient", own | {"_summary": "data"}))
    assert {name: value for name, value in data.items() if name != "meta"} == {
        name: value for name, value in whole.items() if name not in ("meta", "text")
    }
    (text,) = answers.resources(await caller.get("Patient", own | {"_summary": "text"}))
    assert text.keys() <= {"resourceType", "id", "meta", "text", "active", "link"}
    (same,) = answers.resources(await caller.get("Patient", own | {"_summary": "false"}))
    assert same == whole


async def test_a_part_is_read_and_not_written_back(as_: Callers, child: Child) -> None:
    caller, url = as_["health-visiting"], f"Patient/{child.id}"
    read = await caller.get(url, {"_elements": "name"})
    assert (read.headers["etag"], "birthDate" in read.json()) == ('W/"1"', False)
    assert read.json()["name"] == child.patient["name"]
    assert (await caller.get(url, {"_summary": "data"})).json().keys() == child.patient.keys() - {"text"}
    for wrong in ({"_summary": "count"}, {"_elements": "nam"}, {"_summary": "true", "_elements": "name"}):
        assert (await caller.get(url, wrong)).status_code == 400
    answer = await caller.update(read.json())
    assert (answer.status_code, answers.expressions(answer)) == (422, {"Patient.meta.tag"})


async def test_a_part_keeps_the_digits_of_numbers(as_: Callers, child: Child) -> None:
    text = json.dumps(_weight(child))
    value = json.dumps(json.loads(text)["valueQuantity"]["value"])
    sent = text.replace(f'"value": {value}', '"value": 3400.50')
    assert sent != text
    made = family.created(await as_["stranger"].send_text("POST", "Observation", sent))
    answer = await as_["stranger"].get("Observation", {"_id": made["id"], "_elements": "value"})
    assert '"value":3400.50,' in answer.text


async def test_a_count_is_a_count_alone(as_: Callers, child: Child) -> None:
    await _flags(as_["stranger"], child, ["2026-03-01", "2026-01-01"])
    answer = await as_["stranger"].get("Flag", {"patient": child.id, "_summary": "count"})
    bundle = answer.json()
    assert (bundle["total"], "entry" in bundle) == (2, False)
    assert [each["relation"] for each in bundle["link"]] == ["self"]


async def test_what_refers_to_a_match_is_included(as_: Callers, child: Child) -> None:
    caller = as_["health-visiting"]
    answer = await caller.get("Patient", {"_id": child.id, "_revinclude": "RelatedPerson:patient"})
    assert (ids(answer), ids(answer, "include")) == ([child.id], [child.mother["id"]])
    assert answer.json()["total"] == 1
    stranger = await as_["stranger"].get("Patient", {"_id": child.id, "_revinclude": "RelatedPerson:patient"})
    assert (ids(stranger), ids(stranger, "include")) == ([], [])


async def test_what_is_included_from_there_is_included_too(as_: Callers, child: Child) -> None:
    council = as_["local-authority-a"]
    plan = await family.plan(council, child.nhs_number)
    params = [("_id", plan.care_team["id"]), ("_revinclude", "CarePlan:care-team")]
    once = await council.get("CareTeam", params)
    assert ids(once, "include") == [plan.care_plan["id"]]
    twice = await council.get("CareTeam", [*params, ("_revinclude:iterate", "Flag:detail")])
    assert ids(twice, "include") == [plan.care_plan["id"], plan.flag["id"]]


async def test_of_several_types_those_are_included_that_the_token_covers(as_: Callers, child: Child) -> None:
    letter = examples.example(
        "communication-request-family-contact", child.numbers | {examples.CENTRE: examples.HEALTH_VISITING}
    )
    sent = family.created(await as_["health-visiting"].create(letter))
    narrow = await as_.as_said("health-visiting", scope="system/CommunicationRequest.rs system/Organization.r")
    params = {"_id": sent["id"], "_include": "CommunicationRequest:recipient"}
    assert ids(await narrow.get("CommunicationRequest", params)) == [sent["id"]]
    named = {"_id": sent["id"], "_include": "CommunicationRequest:recipient:Patient"}
    assert (await narrow.get("CommunicationRequest", named)).status_code == 403


async def test_who_is_lenient_is_told_what_was_left_out(as_: Callers, child: Child) -> None:
    caller = as_["health-visiting"]
    params = {"_id": child.id, "_totalMethod": "count"}
    assert (await caller.get("Patient", params)).status_code == 400
    answer = await caller.get("Patient", params, {"Prefer": "handling=lenient"})
    assert ids(answer) == [child.id]
    (note,) = answers.resources(answer, "outcome")
    assert (note["issue"][0]["severity"], "_totalMethod" in note["issue"][0]["diagnostics"]) == ("warning", True)
    assert str(link(answer, "self")).endswith(f"/Patient?_id={child.id}")
    for known in ({"_id": child.id, "family:exakt": "x"}, {"_id": child.id, "birthdate": "x"}, {"_filter": "x"}):
        assert (await caller.get("Patient", known, {"Prefer": "handling=lenient"})).status_code == 400


async def test_no_link_of_a_chain_names_anybody(as_: Callers, child: Child) -> None:
    caller = as_["health-visiting"]
    for type, params in (
        ("RelatedPerson", {"patient.family": "Okafor"}),
        ("Patient", {"_has:RelatedPerson:patient:identifier": examples.number_token(child.mother_number)}),
        ("Patient", {"phone": "07700 900000"}),
        ("Patient", {"address-city": "Exampletown"}),
    ):
        answer = await caller.get(type, params)
        assert answer.status_code == 200, answer.text
        assert "?_page=" in str(link(answer, "self")), params
        assert (await caller.get(str(link(answer, "self")))).content == answer.content


async def test_whoever_is_named_in_a_chain_is_in_the_audit(as_: Callers, child: Child) -> None:
    token = examples.number_token(child.nhs_number)
    await as_["stranger"].get("Patient", {"_has:RelatedPerson:patient:patient:identifier": token})
    await as_["stranger"].get("Consent", {"source-reference:QuestionnaireResponse.patient:identifier": token})
    about = await as_["auditor"].get("AuditEvent", {"patient": f"Patient/{child.id}"})
    said = [json.dumps(each) for each in answers.resources(about)]
    assert sum("RX909" in each for each in said) == 2


async def test_a_lookup_is_not_shortened(as_: Callers, child: Child) -> None:
    await family.plan(as_["local-authority-a"], child.nhs_number)
    caller = as_["emergency-department"]
    for more in (
        {"_summary": "count"},
        {"_summary": "true"},
        {"_elements": "status"},
        {"_sort": "date"},
        {"status": "active"},
        {"category:missing": "true"},
        {"_has:Provenance:target:recorded": "2026"},
        {"_revinclude": "Provenance:target"},
        {"detail.status": "active"},
    ):
        assert (await caller.get("Flag", child.about() | more)).status_code == 400, more
    lenient = await caller.get("Flag", child.about() | {"_unknown": "x"}, {"Prefer": "handling=lenient"})
    assert lenient.status_code == 400
    assert systems.CRADLE not in lenient.text


async def test_a_system_alone_and_a_code_without_one(as_: Callers, child: Child) -> None:
    """https://hl7.org/fhir/R4/search.html#token"""
    own, system = as_["health-visiting"], f"urn:uuid:{uuid4()}"
    tags = [{"system": system, "code": "a"}, {"code": f"{system[9:]}b"}]
    one, other = [
        family.created(await own.create(examples.example("related-person-mother", child.numbers, meta={"tag": [tag]})))
        for tag in tags
    ]
    for asked, found in ((f"{system}|", one), (f"|{system[9:]}b", other), (f"{system}|a", one)):
        assert ids(await own.get("RelatedPerson", {"_tag": asked})) == [found["id"]]
    assert ids(await own.get("RelatedPerson", {"_tag": "|a", **child.about()})) == []
    about = {**child.about(), "active": "|true"}
    assert set(ids(await own.get("RelatedPerson", about))) == {child.mother["id"], one["id"], other["id"]}

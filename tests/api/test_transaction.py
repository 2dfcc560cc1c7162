"""transaction: all of it comes about, or none.

https://hl7.org/fhir/R4/http.html#trules
"""

import json
from urllib.parse import quote
from uuid import uuid4

import pytest

from app.fhir import resource_id, systems, validation
from tests.api import answers, bundles, examples, family
from tests.api.bundles import Resource
from tests.api.callers import Callers
from tests.api.conftest import Running
from tests.api.family import Child
from tests.security.clients import START


def urn() -> str:
    return f"urn:uuid:{uuid4()}"


def new_family() -> dict[str, str]:
    """NHS numbers of people whom nobody knows."""
    return {old: examples.new_number() for old in (examples.CHILD, examples.MOTHER, examples.FATHER)}


def refers(resource: Resource, element: str, url: str) -> Resource:
    """With a literal reference beside the NHS number."""
    return resource | {element: resource[element] | {"reference": url}}


async def test_a_family_is_recorded_at_once(as_: Callers, running: Running) -> None:
    """Entries refer to one another in any order; what refers comes before what it refers to."""
    numbers, child, mother, of_mother = new_family(), urn(), urn(), urn()
    kept_here = {examples.MATERNITY: examples.HEALTH_VISITING}
    related = refers(examples.example("related-person-mother", numbers), "patient", child)
    consent = refers(examples.example(family.PERMITS_CENTRE, numbers), "patient", child)
    consent["performer"][0]["reference"] = mother
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(consent),
        bundles.create(related, mother),
        bundles.create(examples.example("patient-mother-expecting", numbers | kept_here), of_mother),
        bundles.create(examples.example("patient-toddler", numbers), child),
    )
    assert bundles.statuses(answer) == [201] * 4
    assert validation.base_faults(answer.json()) == []
    consent, related, expecting, toddler = (entry["resource"] for entry in bundles.answers(answer))
    assert [each["resourceType"] for each in (consent, related, expecting, toddler)] == [
        *("Consent", "RelatedPerson", "Patient", "Patient")
    ]
    assert related["patient"]["reference"] == consent["patient"]["reference"] == f"Patient/{toddler['id']}"
    assert consent["performer"][0]["reference"] == f"RelatedPerson/{related['id']}"
    for entry in bundles.answers(answer):
        kept = entry["resource"]
        url = f"{running.settings.fhir_base}/{kept['resourceType']}/{kept['id']}"
        assert (entry["fullUrl"], entry["response"]["location"]) == (url, f"{url}/_history/1")
        assert (await as_["health-visiting"].get(url)).json() == kept
    found = await as_["childrens-centre"].get(f"Patient/{toddler['id']}")
    assert found.status_code == 200, "the consent holds at once"


async def test_what_is_created_together_is_kept_with_its_person(as_: Callers) -> None:
    """An id carries the bucket of the person, whether the resource came alone or with others."""
    numbers, child = new_family(), urn()
    kept_here = {examples.HEALTH_VISITING: "RX909", examples.MATERNITY: "RX909"}
    newborn, of_newborn = examples.example("patient-newborn-without-a-number", kept_here), urn()
    flag = examples.example("flag-other-than-child-protection", subject={"reference": of_newborn})
    answer = await bundles.send(
        as_["stranger"],
        "transaction",
        bundles.create(flag),
        bundles.create(newborn, of_newborn),
        bundles.create(examples.example("related-person-mother", numbers)),
        bundles.create(examples.example("patient-toddler", numbers | kept_here), child),
    )
    flag_id, newborn_id, mother_id, child_id = (
        resource_id.parse(entry["resource"]["id"]) for entry in bundles.answers(answer)
    )
    assert flag_id
    assert newborn_id
    assert mother_id
    assert child_id
    assert resource_id.bucket(flag_id) == resource_id.bucket(newborn_id)
    assert resource_id.bucket(mother_id) == resource_id.bucket(child_id)
    assert bundles.answers(answer)[0]["resource"]["subject"] == {"reference": f"Patient/{newborn_id}"}


async def test_a_plan_is_uploaded_at_once_and_found_by_the_lookup(as_: Callers) -> None:
    number, team, plan = examples.new_number(), urn(), urn()
    instead = {examples.CHILD: number}
    care_plan = examples.example("child-protection-care-plan-active", instead, careTeam=[{"reference": team}])
    flag = examples.example("child-protection-flag-active-plan", instead)
    flag["extension"][0]["valueReference"] = {"reference": plan}
    answer = await bundles.send(
        as_["local-authority-a"],
        "transaction",
        bundles.create(flag),
        bundles.create(care_plan, plan),
        bundles.create(examples.example("child-protection-care-team", instead), team),
    )
    flag, care_plan, care_team = (entry["resource"] for entry in bundles.answers(answer))
    found = await as_["emergency-department"].get(
        "Flag", {"patient:identifier": examples.number_token(number)}, {"IsUnscheduledAccessEvent": "true"}
    )
    assert answers.ids(found) == [flag["id"]]
    assert answers.ids(found, "include") == [care_plan["id"], care_team["id"]]


async def test_it_is_done_in_fhirs_order_and_answered_in_the_order_asked(as_: Callers, child: Child) -> None:
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.entry("GET", f"Patient/{child.id}"),
        bundles.entry("GET", f"RelatedPerson?patient={child.id}"),
        bundles.entry("PUT", f"Patient/{child.id}", child.patient | {"gender": "unknown"}, ifMatch='W/"1"'),
        bundles.create(examples.example("related-person-father-without-responsibility", child.numbers)),
        bundles.entry("DELETE", f"RelatedPerson/{child.mother['id']}", ifMatch='W/"1"'),
    )
    read, searched, updated, created, deleted = bundles.answers(answer)
    assert read["resource"] == updated["resource"]
    assert read["resource"]["gender"] == "unknown"
    assert [each["resource"]["id"] for each in searched["resource"]["entry"]] == [created["resource"]["id"]]
    assert deleted["response"]["status"][:1] == "2"
    assert (await as_["health-visiting"].get(f"RelatedPerson/{child.mother['id']}")).status_code == 410


async def _nothing_was_kept(running: Running, numbers: dict[str, str]) -> None:
    """Seen from another connection, by hand: no resource, no version, and nobody has been named."""
    for number in numbers.values():
        for table in ("resource", "resource_version"):
            found = await running.connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE content LIKE '%' || $1 || '%'", number
            )
            assert found == 0, table
        assert not await running.connection.fetchval("SELECT count(*) FROM patient_identifier WHERE value = $1", number)


@pytest.mark.parametrize(
    ("wrong", "status", "place"),
    [
        (bundles.create({"resourceType": "Consent", "status": "no"}), 422, "Bundle.entry[1].resource.status"),
        (bundles.create({"resourceType": "Patient", "colour": 1}), 422, "Bundle.entry[1].resource.colour"),
        (bundles.entry("GET", "Patient/018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e4b"), 404, "Bundle.entry[1]"),
        (bundles.entry("GET", "AuditEvent"), 403, "Bundle.entry[1]"),
        (bundles.entry("GET", "Consent?colour=red"), 400, "Bundle.entry[1]"),
        (bundles.entry("GET", "Nonsense/1"), 404, "Bundle.entry[1]"),
        (bundles.entry("POST", "Patient", {"resourceType": "Consent"}), 400, "Bundle.entry[1].resource.resourceType"),
    ],
)
async def test_one_refusal_refuses_all(
    wrong: Resource, status: int, place: str, as_: Callers, running: Running
) -> None:
    numbers = new_family()
    answer = await bundles.send(
        as_["health-visiting"], "transaction", bundles.create(examples.example("patient-toddler", numbers)), wrong
    )
    assert answer.status_code == status
    assert "Nothing was kept, because of Bundle.entry[1]: " in answers.diagnostics(answer)
    assert place in answers.expressions(answer), answer.text
    await _nothing_was_kept(running, numbers)


async def test_a_refusal_is_in_the_audit_with_what_it_undid(as_: Callers, child: Child, running: Running) -> None:
    request_id = str(uuid4())
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(examples.example(family.REFUSES, child.numbers)),
        bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"7"'),
        headers={"X-Request-ID": request_id},
    )
    assert answer.status_code == 409
    rows = await running.connection.fetch(
        "SELECT * FROM audit_event WHERE request_id LIKE $1 ORDER BY request_id", f"{request_id}%"
    )
    kept = [(row["request_id"], row["interaction"], row["outcome"], row["rule"], row["resources"]) for row in rows]
    (consent,) = kept[0][4]
    assert consent.startswith("Consent/")
    assert "_history" not in consent
    assert kept == [
        (f"{request_id}.0", "create", "refused", "undone", [consent]),
        (f"{request_id}.1", "update", "refused", "another_version", [f"Patient/{child.id}"]),
    ]
    assert str(rows[0]["patient_id"]) == child.id


async def test_each_entry_is_in_the_audit(as_: Callers, running: Running) -> None:
    numbers, request_id = new_family(), str(uuid4())
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(examples.example("related-person-mother", numbers)),
        bundles.create(examples.example("related-person-father-without-responsibility", numbers)),
        bundles.create(examples.example("patient-toddler", numbers)),
        headers={"X-Request-ID": request_id},
    )
    made = [entry["response"]["location"].partition("/fhir/R4/")[2] for entry in bundles.answers(answer)]
    rows = await running.connection.fetch(
        "SELECT * FROM audit_event WHERE request_id LIKE $1 ORDER BY request_id", f"{request_id}%"
    )
    assert [(row["request_id"], row["interaction"], row["outcome"], row["resources"]) for row in rows] == [
        (f"{request_id}.{index}", "create", "released", [place]) for index, place in enumerate(made)
    ]
    assert len({row["patient_id"] for row in rows}) == 1


async def test_the_same_patient_is_not_created_twice(as_: Callers, running: Running) -> None:
    """What is alike is stored together; the refusal is still that of one entry."""
    numbers = new_family()
    patient = bundles.create(examples.example("patient-toddler", numbers))
    answer = await bundles.send(as_["health-visiting"], "transaction", patient, patient)
    assert (answer.status_code, answers.expressions(answer)) == (400, {"Bundle.entry[1].request.url"})
    await _nothing_was_kept(running, numbers)


async def test_what_is_hidden_and_what_is_absent_are_the_same_in_a_transaction(as_: Callers, child: Child) -> None:
    absent = str(resource_id.new(7, START))
    about = f"Patient?identifier={quote(examples.number_token(child.nhs_number))}"
    nobody = about.replace(child.nhs_number, examples.new_number())
    flag = examples.example("flag-other-than-child-protection")
    for hidden, nothing in (
        (bundles.entry("GET", f"Patient/{child.id}"), bundles.entry("GET", f"Patient/{absent}")),
        (
            bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"1"'),
            bundles.entry("PUT", f"Patient/{absent}", child.patient | {"id": absent}, ifMatch='W/"1"'),
        ),
        (
            bundles.create(flag | {"subject": {"reference": about}}),
            bundles.create(flag | {"subject": {"reference": nobody}}),
        ),
    ):
        one = await bundles.send(as_["stranger"], "transaction", hidden)
        other = await bundles.send(as_["stranger"], "transaction", nothing)
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert one.status_code in (404, 412)


async def test_a_reference_by_search_is_what_the_caller_finds(as_: Callers, child: Child, running: Running) -> None:
    """Servers have looked such references up with nobody's eyes but their own."""
    by_search = f"RelatedPerson?patient={child.id}&identifier={quote(examples.number_token(child.mother_number))}"
    consent = examples.example(family.REFUSES, child.numbers)
    consent["performer"][0]["reference"] = by_search
    answer = await bundles.send(as_["health-visiting"], "transaction", bundles.create(consent))
    kept = bundles.answers(answer)[0]["resource"]
    assert kept["performer"][0]["reference"] == f"RelatedPerson/{child.mother['id']}"
    hidden = await bundles.send(as_["stranger"], "transaction", bundles.create(consent))
    assert (hidden.status_code, answers.expressions(hidden)) == (
        *(412,),
        {"Bundle.entry[0].resource.performer[0].reference"},
    )


async def test_a_reference_by_search_that_finds_two_is_refused(as_: Callers, child: Child) -> None:
    family.created(
        await as_["health-visiting"].create(
            examples.example("related-person-father-without-responsibility", child.numbers)
        )
    )
    consent = examples.example(family.REFUSES, child.numbers)
    consent["performer"][0]["reference"] = f"RelatedPerson?patient={child.id}"
    answer = await bundles.send(as_["health-visiting"], "transaction", bundles.create(consent))
    assert answer.status_code == 412
    assert "more than one" in answers.diagnostics(answer)


async def test_a_reference_by_search_needs_the_scope_to_search(as_: Callers, child: Child) -> None:
    narrow = await as_.as_said("stranger", scope="system/Flag.c")
    about = f"Patient?identifier={quote(examples.number_token(child.nhs_number))}"
    flag = examples.example("flag-other-than-child-protection", subject={"reference": about})
    assert (await bundles.send(narrow, "transaction", bundles.create(flag))).status_code == 403


async def test_a_reference_that_names_no_entry_is_refused(as_: Callers, child: Child) -> None:
    consent = examples.example(family.REFUSES, child.numbers)
    consent["performer"][0]["reference"] = urn()
    answer = await bundles.send(as_["health-visiting"], "transaction", bundles.create(consent))
    place = "Bundle.entry[0].resource.performer[0].reference"
    assert (answer.status_code, answers.expressions(answer)) == (400, {place})


async def test_references_are_resolved_wherever_fhir_has_them(as_: Callers, child: Child) -> None:
    """In a Reference, a uri and the narrative; not in text that only looks like one."""
    consent, mother = examples.example(family.REFUSES, child.numbers), urn()
    consent |= {
        "text": {
            "status": "additional",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{mother}">{mother}</a></div>',
        },
        "extension": [
            {"url": "https://example.org/a", "valueUri": mother},
            {"url": "https://example.org/b", "valueString": mother},
            {"url": "https://example.org/c", "valueReference": {"reference": mother, "display": mother}},
        ],
    }
    related = examples.example("related-person-father-without-responsibility", child.numbers)
    answer = await bundles.send(
        as_["health-visiting"], "transaction", bundles.create(consent), bundles.create(related, mother)
    )
    kept, new = (entry["resource"] for entry in bundles.answers(answer))
    place = f"RelatedPerson/{new['id']}"
    uri, string, reference = kept["extension"]
    assert uri["valueUri"] == place
    assert string["valueString"] == mother
    assert reference["valueReference"] == {"reference": place, "display": mother}
    assert f'<a href="{place}">{mother}</a>' in kept["text"]["div"]


async def test_full_urls_may_be_those_of_another_server(as_: Callers) -> None:
    """Absolute, and relative to the fullUrl of the entry that refers (R4, 2.36.4)."""
    numbers = new_family()
    there = "https://example.org/fhir"
    related = refers(examples.example("related-person-mother", numbers), "patient", "Patient/a")
    consent = refers(examples.example(family.REFUSES, numbers), "patient", f"{there}/Patient/a")
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(related, f"{there}/RelatedPerson/b"),
        bundles.create(consent, urn()),
        bundles.create(examples.example("patient-toddler", numbers), f"{there}/Patient/a"),
    )
    related, consent, patient = (entry["resource"] for entry in bundles.answers(answer))
    assert related["patient"]["reference"] == consent["patient"]["reference"] == f"Patient/{patient['id']}"


async def test_the_same_resource_is_not_written_twice(as_: Callers, child: Child) -> None:
    put = bundles.entry("PUT", f"Patient/{child.id}", child.patient, ifMatch='W/"1"')
    for type in ("PUT", "PATCH"):
        second = bundles.entry(type, f"Patient/{child.id}", child.patient, ifMatch='W/"1"')
        answer = await bundles.send(as_["health-visiting"], "transaction", put, second)
        assert (answer.status_code, answers.expressions(answer)) == (400, {"Bundle.entry[1].request.url"})
    patient = examples.example("patient-toddler", child.numbers)
    answer = await bundles.send(as_["health-visiting"], "transaction", bundles.create(patient), put)
    assert answer.status_code == 400, "it is registered already, which is the same resource"
    assert (await as_["health-visiting"].get(f"Patient/{child.id}")).headers["etag"] == 'W/"1"'


async def test_a_patient_who_is_registered_already_is_that_patient(as_: Callers, child: Child) -> None:
    patient, of_patient = examples.example("patient-toddler", child.numbers), urn()
    consent = refers(examples.example(family.REFUSES, child.numbers), "patient", of_patient)
    answer = await bundles.send(
        as_["health-visiting"], "transaction", bundles.create(consent), bundles.create(patient, of_patient)
    )
    assert bundles.statuses(answer) == [201, 200]
    assert bundles.answers(answer)[0]["resource"]["patient"]["reference"] == f"Patient/{child.id}"


def _centre() -> tuple[Resource, str]:
    """An organisation that nobody has recorded yet, and the search for it."""
    code = f"C{uuid4().hex[:6].upper()}"
    kept_here = {examples.CENTRE: code}
    return examples.example("organization-childrens-centre", kept_here), f"identifier={quote(systems.ODS_CODE)}|{code}"


async def test_what_is_there_already_is_referred_to_and_not_created_again(as_: Callers, child: Child) -> None:
    """By If-None-Exist, and by an update that names what it changes by a search."""
    condition = f"identifier={quote(examples.number_token(child.mother_number))}&patient={child.id}"
    url = urn()
    consent = examples.example(family.REFUSES, child.numbers)
    consent["performer"][0]["reference"] = url
    mother = examples.example("related-person-mother", child.numbers)
    entries = [bundles.create(consent), bundles.create(mother, url, ifNoneExist=condition)]
    answer = await bundles.send(as_["health-visiting"], "transaction", *entries)
    assert bundles.statuses(answer) == [201, 200]
    kept, found = (entry["resource"] for entry in bundles.answers(answer))
    assert found["id"] == child.mother["id"]
    assert kept["performer"][0]["reference"] == f"RelatedPerson/{found['id']}"
    entries[1] = bundles.entry("PUT", f"RelatedPerson?{condition}", mother, url, ifMatch='W/"1"')
    answer = await bundles.send(as_["health-visiting"], "transaction", *entries)
    assert bundles.statuses(answer) == [201, 200]
    kept, found = (entry["resource"] for entry in bundles.answers(answer))
    assert (found["id"], found["meta"]["versionId"]) == (child.mother["id"], "2")
    assert kept["performer"][0]["reference"] == f"RelatedPerson/{found['id']}"


async def test_what_a_condition_does_not_find_is_created_under_the_id_that_others_were_told(as_: Callers) -> None:
    numbers, url, other = new_family(), urn(), urn()
    number = quote(examples.number_token(numbers[examples.CHILD]))
    father = examples.example("related-person-father-without-responsibility", numbers)
    consent = examples.example(family.REFUSES, numbers)
    consent["performer"][0]["reference"] = other
    answer = await bundles.send(
        as_["health-visiting"],
        "transaction",
        bundles.create(consent),
        bundles.create(refers(father, "patient", url), other, ifNoneExist=f"identifier={number}"),
        bundles.entry("PUT", f"Patient?identifier={number}", examples.example("patient-toddler", numbers), url),
    )
    assert bundles.statuses(answer) == [201, 201, 201]
    consent, father, patient = (entry["resource"] for entry in bundles.answers(answer))
    assert consent["performer"][0]["reference"] == f"RelatedPerson/{father['id']}"
    assert father["patient"]["reference"] == f"Patient/{patient['id']}"


async def test_two_conditions_that_meet_the_same_are_refused(as_: Callers, child: Child) -> None:
    condition = f"identifier={quote(examples.number_token(child.mother_number))}&patient={child.id}"
    change = bundles.entry("PUT", f"RelatedPerson?{condition}", child.mother, ifMatch='W/"1"')
    by_id = bundles.entry("PUT", f"RelatedPerson/{child.mother['id']}", child.mother, ifMatch='W/"1"')
    for second in (by_id, change):
        answer = await bundles.send(as_["health-visiting"], "transaction", change, second)
        assert answer.status_code in (400, 409)
    kept = await as_["health-visiting"].get(f"RelatedPerson/{child.mother['id']}")
    assert kept.json() == child.mother


async def test_children_are_not_looked_up_in_a_transaction(as_: Callers, child: Child) -> None:
    look_up = bundles.entry("GET", f"Flag?patient:identifier={quote(examples.number_token(child.nhs_number))}")
    answer = await bundles.send(
        as_["emergency-department"], "transaction", look_up, headers={"IsUnscheduledAccessEvent": "true"}
    )
    assert (answer.status_code, "batch" in answers.diagnostics(answer)) == (400, True)


async def test_an_operation_is_no_part_of_a_transaction(as_: Callers, child: Child) -> None:
    validate = bundles.entry("POST", "Patient/$validate", child.patient)
    answer = await bundles.send(as_["health-visiting"], "transaction", validate)
    assert (answer.status_code, answers.expressions(answer)) == (400, {"Bundle.entry[0].request.url"})


async def test_who_prefers_less_is_told_less(as_: Callers) -> None:
    patient = examples.example("patient-toddler", new_family())
    answer = await bundles.send(
        as_["health-visiting"], "transaction", bundles.create(patient), headers={"Prefer": "return=minimal"}
    )
    (entry,) = bundles.answers(answer)
    assert set(entry) == {"response"}
    assert entry["response"]["status"] == "201 Created"


async def test_access_is_decided_for_each_entry(as_: Callers, child: Child) -> None:
    """A council may not record a consent's Patient, and so records nothing; alone, what it may."""
    numbers = new_family()
    flag = examples.example("child-protection-flag-active-plan", {examples.CHILD: child.nhs_number})
    patient = examples.example("patient-toddler", numbers)
    answer = await bundles.send(as_["local-authority-a"], "transaction", bundles.create(flag), bundles.create(patient))
    assert answer.status_code == 403
    assert "Bundle.entry[1]" in answers.diagnostics(answer)


async def test_an_empty_transaction_has_an_empty_answer(as_: Callers) -> None:
    answer = await bundles.send(as_["health-visiting"], "transaction")
    assert answer.json() == {"resourceType": "Bundle", "type": "transaction-response"}


async def test_digits_and_words_are_kept(as_: Callers, child: Child) -> None:
    """What is rewritten is rewritten in nothing but its references."""
    consent, mother = examples.example(family.REFUSES, child.numbers), urn()
    consent["performer"][0]["reference"] = mother
    consent["extension"] = [{"url": "https://example.org/a", "valueDecimal": 0}]
    related = examples.example("related-person-father-without-responsibility", child.numbers)
    sent = bundles.bundle("transaction", bundles.create(consent), bundles.create(related, mother))
    text = json.dumps(sent, ensure_ascii=False).replace('"valueDecimal": 0', '"valueDecimal": 1.10')
    answer = await as_["health-visiting"].send_text("POST", "", text.encode())
    assert bundles.statuses(answer) == [201, 201]
    assert '"valueDecimal":1.10' in answer.text


async def test_a_thousand_entries_come_about(as_: Callers) -> None:
    numbers, child, of_child = new_family(), urn(), examples.example("patient-toddler", new_family())
    known = family.created(await as_["health-visiting"].create(of_child))
    related = refers(examples.example("related-person-mother", numbers), "patient", child)
    entries = [bundles.create(related), bundles.create(examples.example("patient-toddler", numbers), child)]
    entries += [bundles.entry("GET", f"Patient/{known['id']}")] * 998
    answer = await bundles.send(as_["health-visiting"], "transaction", *entries)
    assert bundles.statuses(answer) == [201] * 2 + [200] * 998

"""Modifiers, chains, `_has` and how an answer is to look: what is understood, and what is refused.

https://hl7.org/fhir/R4/search.html
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.fhir import search_criteria, search_parameters, search_query, systems
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import (
    About,
    Among,
    Amount,
    AnyOf,
    Chained,
    Criterion,
    Has,
    Ids,
    Missing,
    Not,
    Pair,
    Range,
    SearchQuery,
    Sort,
    Text,
    When,
)
from app.fhir.search_parameters import SearchParameter
from app.fhir.time import Span

NUMBER = "9990000018"
NHS = f"{systems.NHS_NUMBER}|{NUMBER}"
DAY = Span(datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 3, 10, tzinfo=UTC))
UCUM = "http://unitsofmeasure.org"


def parse(type: str, *pairs: Pair, is_lenient: bool = False) -> SearchQuery:
    return search_query.parse(type, pairs, page_size=20, largest_page=100, is_lenient=is_lenient)


def one(type: str, name: str, value: str) -> Criterion:
    (criterion,) = parse(type, (name, value)).criteria
    return criterion


def told(type: str, *pairs: Pair) -> str:
    with pytest.raises(InvalidParameter) as refused:
        parse(type, *pairs)
    (issue,) = refused.value.issues
    return f"{issue.expression}: {issue.diagnostics}"


def parameter(key: str) -> SearchParameter:
    type, code = key.split(".")
    return search_parameters.searched_by(type)[code]


@pytest.mark.parametrize(
    ("type", "name", "value", "expected"),
    [
        pytest.param("Patient", "family:exact", "Ó Briain", Text("Patient.family", ("Ó Briain",), "exact"), id="exact"),
        pytest.param("Patient", "address", "Élm", Text("Patient.address", ("elm",), "starts"), id="any part of one"),
        pytest.param("Flag", "_tag", "urn:x|", Among(("_tag#urn:x|",)), id="any code of a system"),
        pytest.param("Flag", "_tag", "|7", Among(("_tag#||7",)), id="a code of no system"),
        pytest.param(
            "Patient",
            "gender",
            "http://hl7.org/fhir/administrative-gender|",
            Among(("gender#",)),
            id="any code of its own",
        ),
        pytest.param("Patient", "gender:not", "male", Not(Among(("gender#|male",))), id="not"),
        pytest.param("Consent", "status:missing", "true", Missing(parameter("Consent.status"), True), id="missing"),
        pytest.param("Flag", "patient:missing", "false", Missing(parameter("Flag.patient"), False), id="about nobody"),
        pytest.param("Flag", "date:missing", "false", Missing(parameter("Flag.date"), False), id="with a date"),
        pytest.param(
            "Flag", "category:text", "Child P", Text("Flag.category:text", ("child p",), "starts"), id="words"
        ),
        pytest.param(
            "Patient",
            "identifier:of-type",
            "http://terminology.hl7.org/CodeSystem/v2-0203|MR|12",
            Among(("identifier:of-type#http://terminology.hl7.org/CodeSystem/v2-0203|MR|12",)),
            id="an identifier of a type",
        ),
        pytest.param("Flag", "_id:not", "1", Not(Ids(("1",))), id="another than one"),
        pytest.param("Flag", "_tag", "urn:x|7", Among(("_tag#urn:x|7",)), id="a tag"),
        pytest.param("Flag", "_tag:not", "7", Not(Among(("_tag#|7",))), id="without a tag"),
        pytest.param("Flag", "_security", "R", Among(("_security#|R",)), id="a label"),
        pytest.param("Flag", "_profile", "urn:x|1", Among(("_profile#|urn:x|1",)), id="a profile"),
        pytest.param("Flag", "_source", "urn:a,urn:b", Among(("_source#|urn:a", "_source#|urn:b")), id="a source"),
        pytest.param(
            "QuestionnaireResponse",
            "questionnaire",
            "https://example.org/Questionnaire/1",
            Among(("questionnaire#|https://example.org/Questionnaire/1",)),
            id="a canonical URL",
        ),
        pytest.param("Communication", "instantiates-uri", "a", Among(("instantiates-uri#|a",)), id="a uri"),
        pytest.param(
            "Patient",
            "death-date",
            "ap2025-03-09",
            When("Patient.death-date", (("ap", DAY),)),
            id="about a date",
        ),
        pytest.param(
            "Observation",
            "value-quantity",
            f"ge5.40|{UCUM}|kg",
            Amount("Observation.value-quantity", (Range("ge", Decimal("5.395"), Decimal("5.405"), UCUM, "kg"),)),
            id="an amount in a unit",
        ),
        pytest.param(
            "Observation",
            "value-quantity",
            f"5.40e-3|{UCUM}|g",
            Amount("Observation.value-quantity", (Range("eq", Decimal("0.005395"), Decimal("0.005405"), UCUM, "g"),)),
            id="an amount with an exponent",
        ),
        pytest.param(
            "Observation",
            "value-quantity",
            "100",
            Amount("Observation.value-quantity", (Range("eq", Decimal("99.5"), Decimal("100.5"), None, None),)),
            id="an amount in any unit",
        ),
        pytest.param(
            "Observation",
            "value-quantity",
            "-2||mg",
            Amount("Observation.value-quantity", (Range("eq", Decimal("-2.5"), Decimal("-1.5"), None, "mg"),)),
            id="an amount by the name of its unit",
        ),
    ],
)
def test_what_is_understood(type: str, name: str, value: str, expected: Criterion) -> None:
    assert one(type, name, value) == expected


@pytest.mark.parametrize(
    ("type", "name", "value", "expected"),
    [
        pytest.param(
            "Flag",
            "subject:Patient.name",
            "Am",
            Chained(parameter("Flag.subject"), "Patient", Text("Patient.name", ("am",), "starts")),
            id="a type that is said",
        ),
        pytest.param(
            "Flag",
            "patient.name:exact",
            "Am",
            Chained(parameter("Flag.patient"), "Patient", Text("Patient.name", ("Am",), "exact")),
            id="the only type there is, with a modifier",
        ),
        pytest.param(
            "Consent",
            "patient.birthdate",
            "2025-03-09",
            Chained(parameter("Consent.patient"), "Patient", When("Patient.birthdate", (("eq", DAY),))),
            id="a date",
        ),
        pytest.param(
            "Flag",
            "detail.care-team",
            "CareTeam/1",
            Chained(parameter("Flag.detail"), "CarePlan", Among(("care-team#CareTeam/1",))),
            id="a reference, which is no second link",
        ),
        pytest.param(
            "Patient",
            "general-practitioner:Organization.identifier",
            "urn:x|7",
            AnyOf(
                (
                    Among(("general-practitioner#urn:x|7",)),
                    Chained(parameter("Patient.general-practitioner"), "Organization", Among(("identifier#urn:x|7",))),
                )
            ),
            id="an identifier, which the reference may say itself",
        ),
        pytest.param(
            "Patient",
            "general-practitioner.active",
            "true",
            AnyOf(
                tuple(
                    Chained(parameter("Patient.general-practitioner"), type, Among(("active#|true",)))
                    for type in ("Organization", "Practitioner", "PractitionerRole")
                )
            ),
            id="each type that it may be",
        ),
        pytest.param("Flag", "subject.identifier", NHS, About((NUMBER,)), id="an NHS number, which the reference says"),
        pytest.param(
            "Flag",
            "subject:Patient.identifier",
            "urn:x|7",
            Chained(parameter("Flag.subject"), "Patient", Among(("identifier#urn:x|7",))),
            id="another identifier of a person",
        ),
        pytest.param(
            "Patient",
            "_has:Flag:subject:status",
            "active",
            Has("Flag", parameter("Flag.subject"), Among(("status#|active",))),
            id="what refers to it",
        ),
        pytest.param(
            "Patient",
            "_has:RelatedPerson:patient:identifier",
            NHS,
            Has("RelatedPerson", parameter("RelatedPerson.patient"), Among((f"identifier#{NHS}",))),
            id="what refers to it, by a number",
        ),
        pytest.param(
            "CarePlan",
            "_has:Flag:detail:date:missing",
            "true",
            Has("Flag", parameter("Flag.detail"), Missing(parameter("Flag.date"), True)),
            id="what refers to it, with a modifier",
        ),
    ],
)
def test_what_other_resources_are_asked(type: str, name: str, value: str, expected: Criterion) -> None:
    assert one(type, name, value) == expected


@pytest.mark.parametrize(
    ("type", "name", "value", "said"),
    [
        pytest.param("Consent", "status:missing", "yes", "status: status:missing is true or false.", id="missing"),
        pytest.param("Patient", "identifier:of-type", "x", "identifier: Give identifier:of-type as", id="one part"),
        pytest.param("Patient", "identifier:of-type", "x|y", "identifier: Give identifier:of-type as", id="two parts"),
        pytest.param("Observation", "value-quantity", "5kg", "value-quantity: Give value-quantity as", id="one word"),
        pytest.param("Observation", "value-quantity", "5|kg", "value-quantity: Give value-quantity as", id="a unit"),
        pytest.param("Observation", "value-quantity", "1e400", "value-quantity: Give value-quantity as", id="exponent"),
        pytest.param("Flag", "subject", "Group/1", "subject: Give subject as Patient/[id]", id="a group"),
        pytest.param("Flag", "patient.phonetic", "x", "None: Patient has no such search parameter.", id="a chain's end"),
        pytest.param("Flag", "patient.famly", "x", "None: Patient has no such search parameter. Did", id="a slip"),
        pytest.param("Flag", "patient.name:exakt", "x", "name: The modifier of name is not", id="a chain's modifier"),
        pytest.param("Flag", "patent.name", "x", "None: Flag has no such search parameter. Did you mean", id="its head"),
        pytest.param("Flag", "subject:Group.name", "x", "subject: subject names a type that is not", id="no such type"),
        pytest.param("Flag", "subject:Patent.name", "x", "subject: subject names a type", id="a slip of a type"),
        pytest.param("Flag", "patient.organization.name", "x", "patient: A chain has one link", id="two links"),
        pytest.param("Flag", "patient._has:Flag:subject:status", "x", "patient: A chain has one link", id="and has"),
        pytest.param("Patient", "_has", "x", "_has: _has is _has:[type]:[reference]:[parameter].", id="has nothing"),
        pytest.param("Patient", "_has:Flag:subject", "x", "_has: _has is _has:[type]:", id="has no parameter"),
        pytest.param("Patient", "_has:Flg:subject:status", "x", "_has: _has names a type", id="has no such type"),
        pytest.param("Patient", "_has:AuditEvent:patient:date", "2025", "_has: _has names a type", id="has audit"),
        pytest.param("Patient", "_has:Flag:subjct:status", "x", "_has: Flag does not refer to Patient by that. Did", id="by"),
        pytest.param("CareTeam", "_has:Flag:detail:status", "x", "_has: Flag does not refer to CareTeam", id="not to it"),
        pytest.param("Patient", "_has:Flag:subject:nothing", "x", "None: Flag has no such search", id="has nothing such"),
        pytest.param("Patient", "_has:Flag:subject:_has:Flag:subject:x", "x", "_has: _has has one link", id="twice"),
        pytest.param("Task", "focus._id", "x", "focus: Say of which type, such as focus:", id="of too many types"),
        pytest.param("Flag", "_sort", "famly", "_sort: Flag is not sorted by that.", id="no such key"),
        pytest.param("Patient", "_sort", "famly", "_sort: Patient is not sorted by that. Did you mean family?", id="slip"),
        pytest.param("Flag", "_sort", "patient", "_sort: Flag is not sorted by that.", id="by person"),
        pytest.param("Patient", "_sort", "_id,gender,name,family", "_sort: _sort takes at most 3 keys.", id="four keys"),
        pytest.param("Patient", "_summary", "yes", "_summary: _summary is true, text, data, count or", id="no summary"),
        pytest.param("Patient", "_elements", "nam", "_elements: Patient has no such element. Did you mean name?", id="el"),
        pytest.param("Patient", "_elements", "name.family", "_elements: Patient has no such element.", id="inner"),
        pytest.param("Patient", "_revinclude", "Flag", "_revinclude: _revinclude is [type]:[parameter]", id="a type"),
        pytest.param("Patient", "_revinclude", "*", "_revinclude: _revinclude is [type]:[parameter]", id="everything"),
        pytest.param("Patient", "_revinclude", "Flag:*", "_revinclude: _revinclude is [type]", id="every reference"),
        pytest.param("Patient", "_include", "Patient:lnk", "_include: Patient has no such reference to", id="no such"),
        pytest.param("Patient", "_include", "Patent:link", "_include: _include names a type that is not", id="of no type"),
        pytest.param("Patient", "_revinclude", "Flag:detail", "_revinclude: Flag does not refer to Patient", id="reverse"),
        pytest.param("Patient", "_revinclude", "AuditEvent:patient", "_revinclude: _revinclude names", id="the audit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(type: str, name: str, value: str, said: str) -> None:
    assert told(type, (name, value)).startswith(said)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ((("_summary", "true"), ("_elements", "name")), "_elements: Ask for _summary or for _elements, not for both."),
        ((("_summary", "text"), ("_include", "Patient:link")), "_include: Nothing is included where _summary is text."),
        ((("_summary", "count"), ("_total", "none")), "_summary: _summary=count is the total, and nothing else."),
        ((("_summary", "count"), ("_include", "Patient:link")), "_summary: _summary=count is the total, and"),
        ((("_count", "1"), ("_count", "2")), "_count: _count is said once."),
        ((("_sort", "name"), ("_sort", "gender")), "_sort: _sort is said once."),
    ],
)
def test_what_contradicts_itself_is_refused(pairs: tuple[Pair, ...], said: str) -> None:
    assert told("Patient", *pairs).startswith(said)


def test_how_the_answer_is_to_look() -> None:
    asked = parse("Patient", ("_sort", "-birthdate,family,_id"), ("_elements", "name,Patient.deceased"))
    assert asked.sort == (
        Sort(parameter("Patient.birthdate"), True),
        Sort(parameter("Patient.family"), False),
        Sort("_id", False),
    )
    assert asked.elements == ("name", "deceased[x]")
    assert parse("Patient", ("_sort", "-_lastUpdated")).sort == (Sort("_lastUpdated", True),)
    counted = parse("Patient", ("_summary", "count"), ("_count", "7"))
    assert (counted.summary, counted.count, counted.total) == ("count", 0, True)


def test_what_refers_to_it_is_included() -> None:
    first, further = parse(
        "Patient", ("_revinclude", "Flag:subject"), ("_revinclude:iterate", "Flag:detail:CarePlan")
    ).includes
    assert (first.source, first.parameter.code, first.reverse, first.iterate) == ("Flag", "subject", True, False)
    assert (further.target, further.reverse, further.iterate) == ("CarePlan", True, True)


def test_a_lenient_search_leaves_out_what_nothing_goes_by() -> None:
    asked = parse("Patient", ("_totalMethod", "x"), ("family", "x"), ("famly:exact", "y"), is_lenient=True)
    assert asked.ignored == ("_totalMethod", "famly:exact")
    assert asked.pairs == (("family", "x"),)
    assert len(asked.criteria) == 1


@pytest.mark.parametrize(
    "pair",
    [
        ("family:exakt", "x"),
        ("birthdate", "x"),
        ("_has:Flag:nothing:status", "x"),
        ("general-practitioner:Organization.nothing", "x"),
        ("_include", "Patient:nothing"),
        ("_sort", "nothing"),
        ("_elements", "nothing"),
    ],
)
def test_what_is_known_is_read_strictly_however_lenient_the_caller_is(pair: Pair) -> None:
    with pytest.raises(InvalidParameter):
        parse("Patient", pair, is_lenient=True)


@pytest.mark.parametrize(
    ("type", "name", "value", "names_somebody"),
    [
        ("Flag", "patient.name", "Am", True),
        ("Patient", "_has:RelatedPerson:patient:identifier", NHS, True),
        ("Patient", "phone", "07700 900000", True),
        ("Patient", "telecom:not", "07700 900000", True),
        ("Patient", "_has:Flag:subject:status", "active", False),
        ("Patient", "gender:missing", "true", False),
    ],
)
def test_a_search_that_could_identify_somebody_is_known_as_one(
    type: str, name: str, value: str, names_somebody: bool
) -> None:
    assert parse(type, (name, value)).names_a_person is names_somebody


def test_what_is_looked_into_is_known() -> None:
    asked = parse("Flag", ("patient.name:exact", "x"), ("detail:missing", "true"), ("_has:Provenance:target:agent", "Organization/1"))  # fmt: skip
    assert [search_criteria.looked_into(each) for each in asked.criteria] == [{"Patient"}, set(), {"Provenance"}]

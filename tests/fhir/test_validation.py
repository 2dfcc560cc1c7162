"""The gate refuses what R4 4.0.1 refuses, each defect at its place.

https://hl7.org/fhir/R4/validation.html
"""

import json
from typing import Any

import pytest

from app.fhir import json_text, validation
from tests.fhir.resources import (
    BUNDLE,
    COMMUNICATION_REQUEST,
    CONSENT,
    DIV,
    FLAG,
    OBSERVATION,
    PATIENT,
    REMOVED,
    VALID,
    Steps,
    changed,
)

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
UNKNOWN_CONTAINED = {"resourceType": "Spaceship", "id": "o1"}

# (the valid resource, where, what instead, the expression and the code of the fault)
INVALID: list[tuple[dict[str, Any], Steps, Any, str, str]] = [
    # codes of required bindings
    (PATIENT, ("gender",), "banana", "Patient.gender", "code-invalid"),
    (PATIENT, ("identifier", 0, "use"), "best", "Patient.identifier[0].use", "code-invalid"),
    (PATIENT, ("telecom", 0, "system"), "pigeon", "Patient.telecom[0].system", "code-invalid"),
    (PATIENT, ("text", "status"), "foo", "Patient.text.status", "code-invalid"),
    (PATIENT, ("link", 0, "type"), "twin", "Patient.link[0].type", "code-invalid"),
    (FLAG, ("status",), "waving", "Flag.status", "code-invalid"),
    (CONSENT, ("status",), "maybe", "Consent.status", "code-invalid"),
    (CONSENT, ("provision", "type"), "maybe", "Consent.provision.type", "code-invalid"),
    (CONSENT, ("provision", "data", 0, "meaning"), "all", "Consent.provision.data[0].meaning", "code-invalid"),
    (COMMUNICATION_REQUEST, ("status",), "sent", "CommunicationRequest.status", "code-invalid"),
    (COMMUNICATION_REQUEST, ("priority",), "soon", "CommunicationRequest.priority", "code-invalid"),
    # dates and times
    (PATIENT, ("birthDate",), 1413936000, "Patient.birthDate", "structure"),
    (PATIENT, ("birthDate",), "2026-02-30", "Patient.birthDate", "value"),
    (PATIENT, ("birthDate",), "11/02/2025", "Patient.birthDate", "value"),
    (PATIENT, ("birthDate",), "2025-02-11T00:00:00Z", "Patient.birthDate", "value"),
    (PATIENT, ("birthDate",), "0000-01-01", "Patient.birthDate", "value"),
    (CONSENT, ("dateTime",), 1700000000, "Consent.dateTime", "structure"),
    (CONSENT, ("dateTime",), "2026-03-01T10:15:00", "Consent.dateTime", "value"),
    (CONSENT, ("dateTime",), "2026-03-01T10:15Z", "Consent.dateTime", "value"),
    (CONSENT, ("dateTime",), "2026-02-30T10:15:00Z", "Consent.dateTime", "value"),
    (CONSENT, ("provision", "period", "end"), "2026-02-28", "Consent.provision.period", "invariant"),
    (PATIENT, ("contact", 0, "period", "end"), "2024", "Patient.contact[0].period", "invariant"),
    # references
    (CONSENT, ("patient", "reference"), "Practitioner/1", "Consent.patient.reference", "value"),
    (CONSENT, ("patient", "reference"), "Patent/1", "Consent.patient.reference", "value"),
    (CONSENT, ("patient", "reference"), "Patient//x y", "Consent.patient.reference", "value"),
    (CONSENT, ("patient", "type"), "Device", "Consent.patient.type", "value"),
    (CONSENT, ("patient",), {"reference": "#x"}, "Consent.patient", "invariant"),
    (CONSENT, ("provision", "data", 0, "reference", "reference"), "Unicorn/1",
     "Consent.provision.data[0].reference.reference", "value"),
    (FLAG, ("subject",), {}, "Flag.subject", "structure"),
    (FLAG, ("subject",), "Patient/1", "Flag.subject", "structure"),
    # empty, null and missing
    (CONSENT, ("category",), [], "Consent.category", "structure"),
    (CONSENT, ("category",), [{}], "Consent.category[0]", "structure"),
    (CONSENT, ("category",), {"text": "consent"}, "Consent.category", "structure"),
    (CONSENT, ("scope",), REMOVED, "Consent.scope", "required"),
    (CONSENT, ("status",), REMOVED, "Consent.status", "required"),
    (CONSENT, ("provision", "actor", 0, "role"), REMOVED, "Consent.provision.actor[0].role", "required"),
    (PATIENT, ("name",), None, "Patient.name", "structure"),
    (PATIENT, ("gender",), None, "Patient.gender", "structure"),
    (PATIENT, ("name", 0, "given"), [], "Patient.name[0].given", "structure"),
    (PATIENT, ("name", 0, "given"), ["Amelia", None], "Patient.name[0].given[1]", "structure"),
    (PATIENT, ("name", 0), "Amelia", "Patient.name[0]", "structure"),
    (PATIENT, ("_birthDate",), {}, "Patient.birthDate", "structure"),
    (PATIENT, ("link", 0, "other"), REMOVED, "Patient.link[0].other", "required"),
    # JSON types of primitives
    (PATIENT, ("active",), "yes", "Patient.active", "structure"),
    (PATIENT, ("active",), 1, "Patient.active", "structure"),
    (PATIENT, ("active",), "true", "Patient.active", "structure"),
    (PATIENT, ("telecom", 0, "rank"), "1", "Patient.telecom[0].rank", "structure"),
    (PATIENT, ("telecom", 0, "rank"), 0, "Patient.telecom[0].rank", "value"),
    (PATIENT, ("multipleBirthInteger",), 1.5, "Patient.multipleBirth", "structure"),
    (OBSERVATION, ("valueQuantity", "value"), "3.1", "Observation.value.value", "structure"),
    # text, ids, URIs, base64
    (PATIENT, ("name", 0, "family"), "", "Patient.name[0].family", "value"),
    (PATIENT, ("name", 0, "family"), " \t", "Patient.name[0].family", "value"),
    (PATIENT, ("name", 0, "family"), "A\u0001B", "Patient.name[0].family", "value"),
    (PATIENT, ("id",), "x" * 70, "Patient.id", "value"),
    (PATIENT, ("id",), "a_b", "Patient.id", "value"),
    (PATIENT, ("identifier", 0, "system"), "https://example.org/a b", "Patient.identifier[0].system", "value"),
    (PATIENT, ("photo", 0, "data"), "QUJ", "Patient.photo[0].data", "value"),
    (FLAG, ("language",), " en", "Flag.language", "value"),
    # unknown elements
    (PATIENT, ("genders",), "female", "Patient.genders", "structure"),
    (PATIENT, ("resource_type",), "Patient", "Patient.resource_type", "structure"),
    (PATIENT, ("gender__ext",), {}, "Patient.gender__ext", "structure"),
    (PATIENT, ("fhir_comments",), ["x"], "Patient.fhir_comments", "structure"),
    (PATIENT, ("name", 0, "firstName"), "Amelia", "Patient.name[0].firstName", "structure"),
    (CONSENT, ("decision",), "permit", "Consent.decision", "structure"),
    (PATIENT, ("_name",), [{"id": "1"}], "Patient._name", "structure"),
    # what must be understood and is not
    (PATIENT, ("modifierExtension",), [{"url": "https://example.org/not", "valueBoolean": True}],
     "Patient.modifierExtension", "extension"),
    (CONSENT, ("provision", "modifierExtension"), [{"url": "https://example.org/not", "valueBoolean": True}],
     "Consent.provision.modifierExtension", "extension"),
    (FLAG, ("implicitRules",), "https://example.org/rules", "Flag.implicitRules", "not-supported"),
    # choices and extensions
    (PATIENT, ("multipleBirthBoolean",), True, "Patient", "structure"),
    (OBSERVATION, ("valueString",), "heavy", "Observation", "structure"),
    (OBSERVATION, ("valueReference",), {"reference": "Patient/1"}, "Observation.valueReference", "structure"),
    (COMMUNICATION_REQUEST, ("payload", 0, "contentString"), REMOVED, "CommunicationRequest.payload[0].content",
     "required"),
    (PATIENT, ("extension", 0, "extension"), [{"url": "https://example.org/x", "valueCode": "x"}],
     "Patient.extension[0]", "invariant"),
    (PATIENT, ("extension", 0, "valueAddress"), REMOVED, "Patient.extension[0]", "invariant"),
    (PATIENT, ("extension", 0, "valueCode"), "x", "Patient.extension[0]", "structure"),
    (PATIENT, ("extension", 0, "url"), REMOVED, "Patient.extension[0].url", "required"),
    (PATIENT, ("extension", 0, "valueAddress", "use"), "moon", "Patient.extension[0].value.use", "code-invalid"),
    (PATIENT, ("extension", 0, "url"), "https://fhir.cradle.example/StructureDefinition/none",
     "Patient.extension[0].url", "extension"),
    (FLAG, ("extension",), [{"url": "https://fhir.cradle.example/StructureDefinition/Extension-Cradle-Pregnancy",
     "valueCode": "ongoing"}], "Flag.extension[0]", "extension"),
    (FLAG, ("extension",), [{"url": "http://hl7.org/fhir/StructureDefinition/flag-detail", "valueCode": "x"}],
     "Flag.extension[0].value", "structure"),
    # contained resources
    (PATIENT, ("contained", 0), UNKNOWN_CONTAINED, "Patient.contained[0]", "not-supported"),
    (PATIENT, ("contained", 0, "nickname"), "x", "Patient.contained[0].nickname", "structure"),
    (PATIENT, ("contained", 0, "resourceType"), REMOVED, "Patient.contained[0].resourceType", "required"),
    (PATIENT, ("contained", 0, "contained"), [{"resourceType": "Organization", "id": "o2", "name": "x"}],
     "Patient", "invariant"),
    (PATIENT, ("contained", 0, "meta"), {"versionId": "1"}, "Patient", "invariant"),
    (PATIENT, ("contained", 0, "meta"), {"security": [{"code": "R"}]}, "Patient", "invariant"),
    (PATIENT, ("contact", 0, "organization"), REMOVED, "Patient", "invariant"),
    # invariants
    (CONSENT, ("policy",), REMOVED, "Consent", "invariant"),
    (PATIENT, ("contact", 0), {"relationship": [{"text": "aunt"}]}, "Patient.contact[0]", "invariant"),
    (PATIENT, ("telecom", 0, "system"), REMOVED, "Patient.telecom[0]", "invariant"),
    (PATIENT, ("photo", 0, "contentType"), REMOVED, "Patient.photo[0]", "invariant"),
    (PATIENT, ("contained", 0, "name"), REMOVED, "Patient.contained[0]", "invariant"),
    (PATIENT, ("contained", 0, "telecom"), [{"system": "phone", "value": "1", "use": "home"}],
     "Patient.contained[0].telecom[0]", "invariant"),
    (OBSERVATION, ("dataAbsentReason",), {"text": "why"}, "Observation", "invariant"),
    (OBSERVATION, ("valueQuantity", "system"), REMOVED, "Observation.value", "invariant"),
    # identifiers
    (PATIENT, ("identifier", 0), {"system": NHS_NUMBER, "value": "9990000017"}, "Patient.identifier[0].value",
     "invariant"),
    (PATIENT, ("identifier", 0), {"system": NHS_NUMBER, "value": "999 000 0018"}, "Patient.identifier[0].value",
     "invariant"),
    (PATIENT, ("identifier", 0), {"system": NHS_NUMBER, "value": "9999999999"}, "Patient.identifier[0].value",
     "invariant"),
    (PATIENT, ("identifier", 0), {"system": NHS_NUMBER}, "Patient.identifier[0].value", "invariant"),
    (FLAG, ("subject",), {"identifier": {"system": NHS_NUMBER, "value": "1"}}, "Flag.subject.identifier.value",
     "invariant"),
    (PATIENT, ("extension", 0), {"url": "https://example.org/x", "valueIdentifier": {"system": NHS_NUMBER,
     "value": "1"}}, "Patient.extension[0].value.value", "invariant"),
    (PATIENT, ("managingOrganization", "identifier", "value"), "y 999", "Patient.managingOrganization.identifier.value",
     "invariant"),
    # Bundles
    (BUNDLE, ("entry", 0, "resource", "status"), "waving", "Bundle.entry[0].resource.status", "code-invalid"),
    (BUNDLE, ("entry", 0, "request"), REMOVED, "Bundle", "invariant"),
    (BUNDLE, ("entry", 1, "fullUrl"), "urn:uuid:1", "Bundle", "invariant"),
    (BUNDLE, ("entry", 1, "fullUrl"), "https://example.org/Flag/1/_history/1", "Bundle.entry[1]", "invariant"),
    (BUNDLE, ("total",), 2, "Bundle", "invariant"),
]  # fmt: skip

UNSAFE_NARRATIVES = [
    "<script>alert(1)</script>",
    '<p onclick="alert(1)">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<img src="https://example.org/pixel.png"/>',
    '<img src="x" onerror="alert(1)"/>',
    '<p style="background: url(https://example.org)">x</p>',
    '<p style="position: fixed">x</p>',
    "<iframe>x</iframe>",
    "<svg><p>x</p></svg>",
    "<form><input/></form>",
    "<style>p {}</style>",
    "<![CDATA[<script>]]>",
    "<!--><script>alert(1)</script>-->",
    "<p>x",
    "<p>&nbsp;</p>",
    '<x:script xmlns:x="http://www.w3.org/1999/xhtml">x</x:script>',
    '<p xmlns="http://www.w3.org/2000/svg">x</p>',
    " \n ",
    "<p> </p>",
]

SAFE_NARRATIVES = [
    "A child &amp; a parent &lt;script&gt; &#160;",
    '<p class="note" id="n">x<br/></p><table><tr><td colspan="2">1</td></tr></table>',
    '<a href="https://example.org/a?b=c">x</a><a href="mailto:a@example.org">y</a><a href="Patient/1">z</a>',
    '<img alt="dot" src="data:image/png;base64,QUJD"/>',
]


@pytest.mark.parametrize("resource", VALID, ids=lambda resource: resource["resourceType"])
def test_a_valid_resource_passes(resource: dict[str, Any]) -> None:
    assert validation.base_faults(resource) == []


@pytest.mark.parametrize(
    ("resource", "steps", "value", "expression", "code"),
    INVALID,
    ids=[f"{n}-{case[3]}" for n, case in enumerate(INVALID)],
)
def test_a_defect_is_refused_at_its_place(
    resource: dict[str, Any], steps: Steps, value: Any, expression: str, code: str
) -> None:
    found = validation.base_faults(changed(resource, steps, value))
    assert (expression, code) in {(fault.expression, fault.code) for fault in found}


def test_there_are_enough_defects() -> None:
    assert len(INVALID) >= 100


@pytest.mark.parametrize("content", UNSAFE_NARRATIVES)
def test_a_narrative_that_could_act_or_is_empty_is_refused(content: str) -> None:
    found = validation.base_faults(changed(PATIENT, ("text", "div"), DIV.format(content)))
    assert {fault.expression for fault in found} == {"Patient.text.div"}


@pytest.mark.parametrize("content", SAFE_NARRATIVES)
def test_a_plain_narrative_passes(content: str) -> None:
    assert validation.base_faults(changed(PATIENT, ("text", "div"), DIV.format(content))) == []


@pytest.mark.parametrize(
    "div", ["A child", "<p>A child</p>", "<div>A child</div>", '<!DOCTYPE x><div xmlns="x">A</div>']
)
def test_a_narrative_is_an_xhtml_div(div: str) -> None:
    assert validation.base_faults(changed(PATIENT, ("text", "div"), div)) != []


@pytest.mark.parametrize("resource", [{}, {"resourceType": None}, {"resourceType": "Spaceship"}, {"resourceType": []}])
def test_what_is_no_known_resource_is_refused(resource: dict[str, Any]) -> None:
    assert [fault.expression for fault in validation.faults(resource)] == ["resourceType"]


def test_the_element_that_was_probably_meant_is_named() -> None:
    (fault,) = validation.base_faults(changed(PATIENT, ("birthdate",), "2025-02-11"))
    assert fault.expression == "Patient.birthdate"
    assert "birthDate" in fault.diagnostics


def test_a_null_stands_where_its_extension_says_why() -> None:
    name = {
        "given": ["Amelia", None],
        "_given": [None, {"extension": [{"url": "https://example.org", "valueCode": "x"}]}],
    }
    assert validation.base_faults(changed(PATIENT, ("name",), [name])) == []


def test_a_required_primitive_may_have_a_reason_in_place_of_its_value() -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    flag = changed(FLAG, ("_status",), {"extension": [reason]})
    assert validation.base_faults(changed(flag, ("status",), REMOVED)) == []


@pytest.mark.parametrize("written", ["2.0", "2e0", "20e-1"])
def test_a_whole_number_has_neither_point_nor_exponent(written: str) -> None:
    """https://hl7.org/fhir/R4/datatypes.html#integer"""
    text = json.dumps(PATIENT | {"multipleBirthInteger": 2}).replace('Integer": 2', f'Integer": {written}')
    resource, _ = json_text.read(text.encode())
    (fault,) = validation.base_faults(resource)
    assert fault.expression == "Patient.multipleBirth"


def test_at_most_fifty_faults_are_told() -> None:
    names: list[Any] = [{"family": ""} for _ in range(200)]
    assert len(validation.base_faults(changed(PATIENT, ("name",), names))) == 50


def test_a_fault_does_not_repeat_what_was_sent() -> None:
    secret = "Xanthippe 9990000017"
    for resource, steps, value, _, _ in INVALID:
        if not isinstance(value, str) or "resourceType" in steps or steps == ("contact", 0):
            continue
        for fault in validation.base_faults(changed(resource, steps, secret)):
            assert "Xanthippe" not in fault.diagnostics + fault.expression
            assert "9990000017" not in fault.diagnostics + fault.expression
    (fault,) = validation.base_faults({**FLAG, secret: 1})
    assert fault.expression == "Flag.$this"


def test_validation_does_not_change_the_resource() -> None:
    before = repr(PATIENT)
    validation.faults(PATIENT)
    assert repr(PATIENT) == before

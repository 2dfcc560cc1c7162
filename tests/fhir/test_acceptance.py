"""Systems that are written in several ways are kept in one, and nothing else is touched.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

import pytest

from app.fhir import acceptance, coding, system_spelling

NEWER = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
SPELLINGS = [
    ("https://terminology.hl7.org/CodeSystem/v3-ActReason", "http://terminology.hl7.org/CodeSystem/v3-ActReason"),
    ("http://terminology.hl7.org/CodeSystem/v3-ActReason/", "http://terminology.hl7.org/CodeSystem/v3-ActReason"),
    ("https://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10"),
    ("http://www.hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10"),
    ("https://snomed.info/sct", "http://snomed.info/sct"),
    ("http://snomed.info/sct/", "http://snomed.info/sct"),
    ("https://loinc.org", "http://loinc.org"),
    ("http://www.loinc.org/", "http://loinc.org"),
    ("https://unitsofmeasure.org/", "http://unitsofmeasure.org"),
    ("http://fhir.nhs.uk/Id/nhs-number", "https://fhir.nhs.uk/Id/nhs-number"),
    ("https://fhir.nhs.uk/id/nhs-number", "https://fhir.nhs.uk/Id/nhs-number"),
    ("https://fhir.nhs.net/Id/ods-organization-code", "https://fhir.nhs.uk/Id/ods-organization-code"),
    (
        "http://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName",
        "https://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName",
    ),
    ("https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus", NEWER),
    ("http://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus", NEWER),
    ("https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", NEWER),
]
AS_THEY_ARE = [
    NEWER,
    "http://snomed.info/sct",
    "http://snomed.info/sct/83821000000107",
    "urn:oid:2.16.840.1.113883.2.1",
    "https://example.org/id/",
    "http://loinc.org.example.org",
    "https://evilsnomed.info/sct",
    "phone",
    "",
]


@pytest.mark.parametrize(("sent", "kept"), SPELLINGS)
def test_a_system_has_one_spelling(sent: str, kept: str) -> None:
    assert system_spelling.canonical(sent) == kept
    assert system_spelling.canonical(kept) == kept
    assert coding.token({"system": sent, "code": "1"}) == f"{kept}|1"


@pytest.mark.parametrize("system", AS_THEY_ARE)
def test_what_nobody_here_knows_is_left_as_it_is(system: str) -> None:
    assert system_spelling.canonical(system) == system


def test_the_resource_and_its_text_say_the_same_and_every_other_byte_stays() -> None:
    sent = (
        '{ "resourceType":"Observation",  "system" : "https:\\/\\/snomed.info\\/sct", "valueDecimal":1.10,\n'
        '"text": "\\"system\\":\\"https://loinc.org\\"", "url":"https://snomed.info/sct" }'
    )
    resource, text = acceptance.read(sent.encode())
    assert text == sent.replace("https:\\/\\/snomed.info\\/sct", "http://snomed.info/sct")
    assert resource["system"] == "http://snomed.info/sct"


def test_what_needs_no_change_is_the_same_to_the_byte() -> None:
    sent = b'{"resourceType":"Flag","system":"http:\\/\\/snomed.info/sct","a":"\\u00e9"}'
    assert acceptance.read(sent)[1].encode() == sent

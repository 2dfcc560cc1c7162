"""Small valid resources for the tests of the gate, one of each of the main types, and how to change one.

https://hl7.org/fhir/R4/resourcelist.html
"""

import copy
from typing import Any

Steps = tuple[str | int, ...]


class Removed:
    """In place of a value: take the element away."""


REMOVED = Removed()
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": DIV.format('<p style="color: red">A <a href="#x">child</a></p>')},
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": "X"}}],
    "identifier": [{"use": "official", "system": "https://example.org/id", "value": "1", "period": {"start": "2025"}}],
    "active": True,
    "name": [{"use": "official", "family": "Example", "given": ["Amelia", "Rose"]}],
    "telecom": [{"system": "phone", "value": "01632 960000", "rank": 1}],
    "gender": "female",
    "birthDate": "2025-02-11",
    "_birthDate": {"extension": [{"url": "https://example.org/time", "valueDateTime": "2025-02-11T03:04:05Z"}]},
    "multipleBirthInteger": 2,
    "contact": [{"name": {"text": "Olivia"}, "period": {"start": "2025-01-01", "end": "2025-12-31"}}],
    "photo": [{"contentType": "image/png", "data": "QUJD", "creation": "2025-02-11"}],
    "communication": [{"language": {"text": "English"}, "preferred": True}],
    "generalPractitioner": [{"reference": "Organization/1"}],
    "managingOrganization": {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Y999"}},
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Example"}],
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}
PATIENT["contact"][0]["organization"] = {"reference": "#o1"}

CONSENT: dict[str, Any] = {
    "resourceType": "Consent",
    "status": "active",
    "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
    "category": [{"text": "consent"}],
    "patient": {"reference": "Patient/1"},
    "dateTime": "2026-03-01T10:15:00.123+01:00",
    "policy": [{"uri": "https://example.org/leaflet"}],
    "verification": [{"verified": True, "verificationDate": "2026-03-01"}],
    "provision": {
        "type": "permit",
        "period": {"start": "2026-03-01", "end": "2026-03-01"},
        "actor": [{"role": {"text": "recipient"}, "reference": {"reference": "CareTeam/1"}}],
        "data": [{"meaning": "instance", "reference": {"reference": "Observation/1"}}],
        "provision": [{"type": "deny", "class": [{"code": "Patient"}]}],
    },
}

FLAG: dict[str, Any] = {
    "resourceType": "Flag",
    "status": "active",
    "code": {"text": "Needs an interpreter"},
    "subject": {"reference": "https://example.org/fhir/Patient/1/_history/2"},
}

COMMUNICATION_REQUEST: dict[str, Any] = {
    "resourceType": "CommunicationRequest",
    "status": "active",
    "payload": [{"contentString": "Hello"}],
    "recipient": [{"reference": "RelatedPerson/1"}],
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "valueQuantity": {"value": 3.10, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}

BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": FLAG, "request": {"method": "POST", "url": "Flag"}},
        {"fullUrl": "urn:uuid:2", "resource": OBSERVATION, "request": {"method": "POST", "url": "Observation"}},
    ],
}

VALID = (PATIENT, CONSENT, FLAG, COMMUNICATION_REQUEST, OBSERVATION, BUNDLE)


def changed(resource: dict[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    """A copy with one value set, added or removed."""
    copied = copy.deepcopy(resource)
    parent: Any = copied
    for step in steps[:-1]:
        parent = parent[step]
    if value is REMOVED:
        del parent[steps[-1]]
    else:
        parent[steps[-1]] = value
    return copied

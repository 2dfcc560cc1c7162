"""Mothers, children and other family as Patient and RelatedPerson.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.fhir import systems
from app.synthesis.addresses import Home
from app.synthesis.organisations import Organisation

_VERIFICATION = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
_VERIFICATION_CODES = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

MOTHER, FATHER, PARENT = "MTH", "FTH", "PRN"
ADOPTIVE_MOTHER, ADOPTIVE_FATHER = "ADOPTM", "ADOPTF"
MATERNAL_GRANDMOTHER = "MGRMTH"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as a birth certificate would name them."""

    nhs_number: str = field(repr=False)
    family: str
    given: tuple[str, ...]
    gender: str
    birth_date: date

    def reference(self, type: str = "Patient") -> dict[str, Any]:
        """A reference by NHS number, new each time."""
        return {"type": type, "identifier": {"system": systems.NHS_NUMBER, "value": self.nhs_number}}


@dataclass(frozen=True, slots=True)
class Relative:
    """A person as a child's relative. `basis` is what their parental responsibility rests on, None if they have none."""

    person: Person
    relationship: str
    basis: str | None
    phone: str | None = None


def patient(
    person: Person,
    home: Home,
    managing: Organisation,
    practice: Organisation | None,
    *,
    phone: str | None = None,
    pregnancy: str | None = None,
    died: date | None = None,
    birth_order: int | None = None,
    restriction: str = "U",
) -> dict[str, Any]:
    """A Patient. `restriction` is U, R or V; `birth_order` is the place among twins or triplets."""
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [_verified(person.nhs_number)],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": list(person.given)}],
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat(),
        "address": [home.as_address("home")],
        "managingOrganization": managing.reference(),
    }
    if restriction != "U":
        resource["meta"] = {"security": [{"system": systems.CONFIDENTIALITY, "code": restriction}]}
    if pregnancy:
        resource["extension"] = [{"url": systems.PREGNANCY, "valueCode": pregnancy}]
    if phone:
        resource["telecom"] = [_telephone(phone)]
    if practice:
        resource["generalPractitioner"] = [practice.reference()]
    if died:
        resource["deceasedDateTime"] = died.isoformat()
    if birth_order:
        resource["multipleBirthInteger"] = birth_order
    return resource


def superseded(nhs_number: str, current: Person, managing: Organisation) -> dict[str, Any]:
    """The record under a number that another took the place of."""
    return {
        "resourceType": "Patient",
        "identifier": [_verified(nhs_number)],
        "active": False,
        "managingOrganization": managing.reference(),
        "link": [{"other": current.reference(), "type": "replaced-by"}],
    }


def related_person(relative: Relative, child: Person) -> dict[str, Any]:
    """A relative of a child, with the parental responsibility that is proven."""
    person = relative.person
    resource: dict[str, Any] = {
        "resourceType": "RelatedPerson",
        "identifier": [{"system": systems.NHS_NUMBER, "value": person.nhs_number}],
        "active": True,
        "patient": child.reference(),
        "relationship": [{"coding": [{"system": _ROLE, "code": relative.relationship}]}],
        "name": [{"family": person.family, "given": list(person.given)}],
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat(),
    }
    if relative.basis:
        coding = {"system": systems.RESPONSIBILITY_BASIS, "code": relative.basis}
        resource["extension"] = [{"url": systems.PARENTAL_RESPONSIBILITY, "valueCodeableConcept": {"coding": [coding]}}]
    if relative.phone:
        resource["telecom"] = [_telephone(relative.phone)]
    return resource


def _verified(nhs_number: str) -> dict[str, Any]:
    coding = {"system": _VERIFICATION_CODES, "code": "01", "display": "Number present and verified"}
    verification = {"url": _VERIFICATION, "valueCodeableConcept": {"coding": [coding]}}
    return {"extension": [verification], "system": systems.NHS_NUMBER, "value": nhs_number}


def _telephone(number: str) -> dict[str, str]:
    return {"system": "phone", "value": number, "use": "mobile" if number.startswith("07") else "home"}

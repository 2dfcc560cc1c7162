"""Whom a resource is about: the person's NHS number or Patient, as the resource names them.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.fhir import coding, systems

_ELEMENT = {  # where each type says whom it is about
    "RelatedPerson": "patient",
    "Consent": "patient",
    "Task": "for",
    **dict.fromkeys(("Flag", "CarePlan", "CareTeam", "CommunicationRequest", "Communication"), "subject"),
    **dict.fromkeys(("Encounter", "Observation", "DocumentReference", "QuestionnaireResponse"), "subject"),
}
_ABOUT_NOBODY = frozenset({"Organization", "Practitioner", "PractitionerRole", "Group", "Subscription"})
TARGETED = "Provenance"  # is about the person of what it refers to, which only the store knows
TYPES = frozenset({"Patient", TARGETED, *_ELEMENT}) | _ABOUT_NOBODY
_PATIENT = re.compile(r"(?:https?://\S+/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")

_LITERAL = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


@dataclass(frozen=True, slots=True)
class Subject:
    """`element` is where it stands; `nhs_number` and `patient_id` are what it says, either or both."""

    element: str
    nhs_number: str | None
    patient_id: str | None


def of(resource: Mapping[str, Any]) -> Subject | None:
    """None where a resource is about nobody, or does not say itself about whom; of a Patient, the person themselves."""
    type = resource["resourceType"]
    if type == "Patient":
        return Subject("identifier", _nhs_number(resource.get("identifier", ())), None)
    element = _ELEMENT.get(type)
    reference = resource.get(element) if element else None
    if element is None or not isinstance(reference, Mapping):
        return None
    literal = _PATIENT.fullmatch(str(reference.get("reference", "")))
    number = _nhs_number([reference["identifier"]]) if "identifier" in reference else None
    return Subject(element, number, literal[1] if literal else None)


def targets(resource: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What a Provenance or a Group is made about, as `Type/id`; None for what is not named by such a reference."""
    match resource["resourceType"]:
        case "Provenance":
            references = coding.items(resource.get("target"))
        case "Group":
            references = tuple(member.get("entity") for member in resource.get("member", ()))
        case _:
            return ()
    return tuple(_literal(reference) for reference in references)


def _literal(reference: object) -> str | None:
    stated = reference.get("reference") if isinstance(reference, Mapping) else None
    literal = _LITERAL.fullmatch(str(stated))
    return literal[1] if literal else None


def superseded_by(patient: Mapping[str, Any]) -> str | None:
    """The NHS number of the record that an inactive Patient was replaced by. An adoption has no such link."""
    if patient.get("active") is not False:
        return None
    for link in coding.items(patient.get("link", ())):
        other = link.get("other") if isinstance(link, Mapping) and link.get("type") == "replaced-by" else None
        if isinstance(other, Mapping) and (number := _nhs_number([other.get("identifier")])):
            return number
    return None


def _nhs_number(identifiers: Any) -> str | None:
    for identifier in coding.items(identifiers):
        if not isinstance(identifier, Mapping):
            continue  # it may be asked of what is not valid, to say who it was about
        if identifier.get("system") == systems.NHS_NUMBER and "value" in identifier:
            return str(identifier["value"])
    return None

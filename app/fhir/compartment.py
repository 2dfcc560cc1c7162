"""The compartment of a person: every type that is about somebody, and by which date it belongs to their care.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html; https://hl7.org/fhir/R4/patient-operation-everything.html

What is kept about a person is in their compartment; what only mentions them (as a member, an author, a recipient) is found
by asking for that. The audit of a person is asked for by whoever may read it, as AuditEvent.
"""

from functools import cache

from app.fhir import search_parameters
from app.fhir.search_parameters import SearchParameter

_CARE_DATES = {
    **dict.fromkeys(
        ("CarePlan", "CareTeam", "Consent", "DocumentReference", "Encounter", "Flag", "Observation"), "date"
    ),
    **dict.fromkeys(("CommunicationRequest", "QuestionnaireResponse"), "authored"),
    "Communication": "sent",
    "Task": "authored-on",
    "Provenance": "recorded",
}


@cache
def types() -> tuple[str, ...]:
    """Those that are about a person, the Patient itself left out."""
    written = search_parameters.written_types()
    return tuple(
        type for type in written if any(each.is_the_person for each in search_parameters.parameters(type).values())
    )


def care_date(type: str) -> SearchParameter | None:
    """What `start` and `end` of $everything are held against; None where a type has no date of care."""
    code = _CARE_DATES.get(type)
    return search_parameters.parameters(type)[code] if code else None

"""What a resource says once it is deleted: that it was entered in error, or is no longer in use.

https://hl7.org/fhir/R4/http.html#delete; https://hl7.org/fhir/R4/valueset-flag-status.html (and the other status codes)

Nothing is destroyed: the last version says so in the type's own words, so that whoever reads the history, or kept a copy,
knows what to make of it. A type without such words is not deleted.
"""

from collections.abc import Mapping
from typing import Any

_IN_ERROR, _NOT_IN_USE = ("status", "entered-in-error"), ("active", False)

_SAYS: Mapping[str, tuple[str, str | bool]] = {
    **dict.fromkeys(
        (
            *("CarePlan", "CareTeam", "Communication", "CommunicationRequest", "Consent", "DocumentReference"),
            *("Encounter", "Flag", "Observation", "QuestionnaireResponse", "Task"),
        ),
        _IN_ERROR,
    ),
    **dict.fromkeys(("Group", "Organization", "Practitioner", "PractitionerRole", "RelatedPerson"), _NOT_IN_USE),
    "Subscription": ("status", "off"),
}

_INSTEAD = {
    "Patient": "Set active to false, and link to the record that replaces this one if there is one.",
    "Provenance": "What was done is not undone by hiding who did it. Record another.",
}


def is_deletable(type: str) -> bool:
    """Whether a type has words for it."""
    return type in _SAYS


def deleted(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a last version. KeyError for a type that is not deleted."""
    element, value = _SAYS[resource["resourceType"]]
    return {**resource, element: value}


def instead(type: str) -> str:
    """What to do with a resource of a type that is not deleted."""
    return f"A {type} is not deleted. {_INSTEAD.get(type, 'It stays as it is.')}"

"""In whose own name each type is written: the organisation that it says it comes from is the one that sends it.

https://hl7.org/fhir/R4/fivews.html (who is responsible for a resource, by type)

What names people by reference, a Provenance or a Group, is about the caller's own records. A type that is not here is not
written by anyone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.fhir import coding, systems
from app.fhir.errors import FHIRError, Forbidden, Unprocessable
from app.policy import explanation, facts, subscription
from app.policy.access import Caller

_RESPONSIBLE = {  # the element that names the organisation
    "Communication": "sender",
    "DocumentReference": "custodian",
    "Encounter": "serviceProvider",
    "Group": "managingEntity",
    "Observation": "performer",
    "PractitionerRole": "organization",
    "QuestionnaireResponse": "author",
    "Task": "requester",
}
_REFERS = {"Provenance": "target", "Group": "member"}
_ANYBODY = ("Practitioner",)  # professionals are known to everyone, and changed by who entered them
# What is told of a Task by who does it: the rest is the requester's.
CARRIED_OUT = frozenset(
    {"status", "statusReason", "businessStatus", "executionPeriod", "lastModified", "note", "output"}
)

_TAKEN_BACK = ("draft", "cancelled", "entered-in-error")


def refusal(caller: Caller, resource: Mapping[str, Any], *, owns: bool) -> FHIRError | None:
    """Why this caller does not write this, or None. `owns`: all that it refers to are the caller's own records."""
    type = resource["resourceType"]
    if type == "Subscription":
        return subscription.refusal(caller, resource)
    if type not in _RESPONSIBLE and type not in _REFERS and type not in _ANYBODY:
        return not_yours()
    if type not in _ANYBODY and _named(resource) != {caller.organization}:
        return not_yours()
    if type in _REFERS and not owns:
        return Unprocessable(
            "This refers to records of your own organisation, by [type]/[id]; a Provenance to those about one person.",
            expression=f"{type}.{_REFERS[type]}",
        )
    return None


def carries_out(current: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    """Whether all that changes of a Task is how far it has got. Only its requester takes it back."""
    if resource["status"] in _TAKEN_BACK:
        return False
    asked, is_asked = (
        {name: value for name, value in each.items() if name.lstrip("_") not in {"meta", "text", *CARRIED_OUT}}
        for each in (current, resource)
    )
    return asked == is_asked


def must_be_own(caller: Caller, resource: Mapping[str, Any], element: str) -> FHIRError | None:
    """Where the element names organisations, the caller's own is among them."""
    if element not in resource:
        return None
    named = {code.upper() for code in facts.identified(resource[element], systems.ODS_CODE)}
    return None if caller.organization in named else not_yours()


def not_yours() -> Forbidden:
    return Forbidden(explanation.practitioner("not_yours_to_write"))


def _named(resource: Mapping[str, Any]) -> set[str]:
    """The organisations in whose name it is, by ODS code."""
    return {code.upper() for code in facts.identified(list(_references(resource)), systems.ODS_CODE)}


def _references(resource: Mapping[str, Any]) -> Iterator[object]:
    if resource["resourceType"] == "Provenance":
        for agent in resource.get("agent", ()):
            yield from (agent.get("who"), agent.get("onBehalfOf"))
    else:
        yield from coding.items(resource.get(_RESPONSIBLE[resource["resourceType"]]))

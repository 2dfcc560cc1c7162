"""Who may write what: each record in its author's own name, and nobody a yes for themselves.

Good practice in information sharing in the Foundation Years (2013), Appendix C; DCB1609 (plans are uploaded by local
authorities); https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (CPR02)
"""

from collections.abc import Mapping
from typing import Any

from app.fhir import systems
from app.fhir.errors import FHIRError, Forbidden, Unprocessable
from app.policy import explanation, facts
from app.policy.access import Caller, Kind
from app.policy.facts import CHILD_PROTECTION, Facts, Person

_NOTICE = "child-protection-access-notice"


def refusal(caller: Caller, resource: Mapping[str, Any], person: Person) -> FHIRError | None:
    """Why this caller may not write this resource about this person, or None. Looked at before anything is stored.

    Only what the caller sent and is decides, save that a plan for a restricted person is answered as nationally (CPR02).
    """
    about = facts.of(resource, caller.organization, None)
    own = f"org|{caller.organization}"
    if caller.kind is Kind.AUDITOR or (caller.kind is Kind.PARENT_APP and about.type != "Consent"):
        return _not_yours()
    match about.type:
        case "Patient":
            return _must_be_own(caller, resource, "managingOrganization")
        case "Organization":
            codes = {i.get("value") for i in resource["identifier"] if i.get("system") == systems.ODS_CODE}
            return None if codes == {caller.organization} else _not_yours()
        case "Consent":
            return _consent(caller, resource, about, person)
        case "CommunicationRequest":
            if about.kind == _NOTICE:
                return _not_yours()
            stated = set(facts.identified([resource.get("requester"), resource.get("sender")], systems.ODS_CODE))
            return None if {f"org|{code.upper()}" for code in stated} == {own} else _not_yours()
        case "Flag" | "CarePlan" | "CareTeam" if about.category == CHILD_PROTECTION:
            return _plan(caller, resource, person)
        case _:
            return None


def refusal_to_change(
    caller: Caller, rule: str, current: Mapping[str, Any], resource: Mapping[str, Any], person: Person
) -> FHIRError | None:
    """Why this caller may not put this resource in the place of the current version, which `rule` shows them, or None.

    A service changes its own records. A parent changes their own words, and may withdraw them whoever wrote them down.
    """
    if caller.kind is not Kind.PARENT_APP:
        return refusal(caller, resource, person) if rule == "own_data" else _not_yours()
    performers = facts.identified(current.get("performer"), systems.NHS_NUMBER)
    is_their_word = current["resourceType"] == "Consent" and caller.user and caller.user.id in performers
    if rule != "family" or not is_their_word:
        return _not_yours()
    return None if _withdraws(current, resource) else refusal(caller, resource, person)


def _withdraws(current: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    """Whether all that changes is that a Consent no longer holds."""
    said, is_said = ({k: v for k, v in each.items() if k not in ("meta", "status")} for each in (current, resource))
    return said == is_said and resource["status"] == "inactive"


def _consent(caller: Caller, resource: Mapping[str, Any], about: Facts, person: Person) -> FHIRError | None:
    """A service records what it was told, in its own name; a parent's app only what its own user says."""
    if caller.kind is Kind.PARENT_APP:
        speaks = {token for token in about.owners if token.startswith("nhs|")}
        user = caller.user.id if caller.user else ""
        named = len(resource.get("performer", ())) == 1 and "organization" not in resource
        spoken_for = named and speaks == {f"nhs|{user}"} and f"nhs|{user}" in person.family
        return None if spoken_for else _not_yours()
    return _must_be_own(caller, resource, "organization")


def _plan(caller: Caller, resource: Mapping[str, Any], person: Person) -> FHIRError | None:
    if caller.kind is not Kind.LOCAL_AUTHORITY:
        return _not_yours()
    for element in ("author", "managingOrganization"):
        if refused := _must_be_own(caller, resource, element):
            return refused
    if person.restriction != "U":
        return Unprocessable("CPR02: matched to a sensitive record, which cannot hold child protection information.")
    return None


def _must_be_own(caller: Caller, resource: Mapping[str, Any], element: str) -> FHIRError | None:
    """Where the element names organisations, the caller's own is among them."""
    if element not in resource:
        return None
    named = {code.upper() for code in facts.identified(resource[element], systems.ODS_CODE)}
    return None if caller.organization in named else _not_yours()


def _not_yours() -> Forbidden:
    return Forbidden(explanation.practitioner("not_yours_to_write"))

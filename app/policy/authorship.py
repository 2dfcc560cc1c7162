"""Who may write what: each record in its author's own name, and nobody a yes for themselves.

Good practice in information sharing in the Foundation Years (2013), Appendix C; DCB1609 (plans are uploaded by local
authorities); https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (CPR02)
"""

import json
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


def may_change(caller: Caller, rule: str, content: str) -> bool:
    """Whether a resource that `rule` shows this caller is theirs to change: their own record, or their own words."""
    if caller.kind is not Kind.PARENT_APP:
        return rule == "own_data"
    current = json.loads(content)
    spoken = caller.user is not None and caller.user.id in facts.identified(
        current.get("performer"), systems.NHS_NUMBER
    )
    return rule == "family" and current["resourceType"] == "Consent" and spoken


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

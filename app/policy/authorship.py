"""Who may write what: each record in its author's own name, and nobody a yes for themselves.

Good practice in information sharing in the Foundation Years (2013), Appendix C; DCB1609 (plans are uploaded by local
authorities); https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (CPR02)
"""

from collections.abc import Mapping
from typing import Any

from app.fhir import subject, systems
from app.fhir.errors import FHIRError, MethodNotAllowed, Unprocessable
from app.policy import facts, own_name, spoken
from app.policy.access import Caller, Kind
from app.policy.category import CHILD_PROTECTION
from app.policy.facts import Person
from app.policy.own_name import not_yours

UNCHANGED = frozenset({"Provenance"})  # what is recorded once, and answered about with another record
_NOTICE = "child-protection-access-notice"


def refusal(
    caller: Caller,
    resource: Mapping[str, Any],
    person: Person,
    *,
    keeps: bool = False,
    may_merge: bool = False,
    owns: bool = False,
) -> FHIRError | None:
    """Why this caller may not write this new resource about this person, or None. Looked at before anything is stored.

    `keeps`: the caller's organisation owns every Patient record of the person, and there is one. `may_merge`: that, of
    the person by whose number this Patient is said to be replaced, and nobody loses a record that they keep by it.
    `owns`: all that a Provenance or a Group refers to. A plan for a restricted person is answered as nationally (CPR02).
    """
    if refused := _refusal(caller, resource, person, keeps=keeps, may_merge=may_merge, owns=owns):
        return refused
    is_plan = facts.of(resource, caller.organization, None).category == CHILD_PROTECTION
    if is_plan and resource["resourceType"] in facts.PARTS_OF_A_PLAN and person.restriction != "U":
        return Unprocessable("CPR02: matched to a sensitive record, which cannot hold child protection information.")
    return None


def refusal_to_change(
    caller: Caller,
    rule: str,
    current: Mapping[str, Any],
    resource: Mapping[str, Any],
    person: Person,
    *,
    custodian: str = "",
    keeps: bool = False,
    may_merge: bool = False,
    parts: bool = False,
    owns: bool = False,
) -> FHIRError | None:
    """Why this caller may not put this resource in the place of the current version, which `rule` shows them, or None.

    A service changes its own records; a Consent is changed by who recorded it, `custodian`, and what somebody else says,
    or the opposite of it, is a new one. A parent changes their own words, and may withdraw them whoever wrote them down.
    `parts`: the two records of a merge are being told apart, which no ordinary update does.
    """
    if caller.kind is Kind.PARENT_APP:
        performers = facts.identified(current.get("performer"), systems.NHS_NUMBER)
        is_their_word = current["resourceType"] == "Consent" and caller.user and caller.user.id in performers
        if rule != "family" or not is_their_word:
            return not_yours()
        return None if spoken.withdraws(current, resource) else _refusal(caller, resource, person)
    if rule == "recipient" and current["resourceType"] == "Task":
        return None if own_name.carries_out(current, resource) else not_yours()
    if rule != "own_data":
        return not_yours()
    match current["resourceType"]:
        case "Patient":
            handed_over = keepers(current, custodian) != keepers(resource, custodian)
            if handed_over and caller.organization not in keepers(current, custodian):
                return not_yours()
            return _merge(resource, may_merge=keeps and may_merge) or _part(current, resource, parts=parts)
        case "Consent":
            if custodian != caller.organization:
                return not_yours()
            if spoken.is_another(current, resource):
                return Unprocessable("Somebody else, or the opposite, is said in a new Consent.", expression="Consent")
        case "Group":
            owns = owns or set(subject.targets(resource)) <= set(subject.targets(current))  # who left stays listed
        case "Provenance":
            return MethodNotAllowed("What was recorded of an origin is not changed. Record another Provenance.")
    return _refusal(caller, resource, person, keeps=keeps, may_merge=may_merge, owns=owns)


def keepers(patient: Mapping[str, Any], custodian: str) -> set[str]:
    """Who keeps a Patient record: whom it names (managingOrganization), or else who created it."""
    named = {code.upper() for code in facts.identified(patient.get("managingOrganization"), systems.ODS_CODE)}
    return named or {custodian}


def _refusal(
    caller: Caller,
    resource: Mapping[str, Any],
    person: Person,
    *,
    keeps: bool = False,
    may_merge: bool = False,
    owns: bool = False,
) -> FHIRError | None:
    about = facts.of(resource, caller.organization, None)
    if caller.kind is Kind.AUDITOR or (caller.kind is Kind.PARENT_APP and about.type != "Consent"):
        return not_yours()
    match about.type:
        case "Patient":
            return own_name.must_be_own(caller, resource, "managingOrganization") or _merge(
                resource, may_merge=may_merge
            )
        case "Organization":
            codes = {i.get("value") for i in resource["identifier"] if i.get("system") == systems.ODS_CODE}
            return None if codes == {caller.organization} else not_yours()
        case "RelatedPerson":
            return None if keeps or not facts.is_responsible(resource) else not_yours()
        case "Consent":
            return spoken.refusal(caller, resource, about, person)
        case "CommunicationRequest":
            stated = set(facts.identified([resource.get("requester"), resource.get("sender")], systems.ODS_CODE))
            is_its_own = {code.upper() for code in stated} == {caller.organization}
            return None if is_its_own and about.kind != _NOTICE else not_yours()
        case "Communication" if about.kind == _NOTICE:
            return not_yours()
        case "Flag" | "CarePlan" | "CareTeam" if about.category == CHILD_PROTECTION:
            return _plan(caller, resource)
        case "Flag" | "CarePlan" | "CareTeam" if caller.kind is Kind.LOCAL_AUTHORITY:
            return Unprocessable(
                "What a local authority uploads is a child protection plan, and this is not coded as one: nobody would "
                "find it. See the profile in [base]/metadata.",
                expression=f"{about.type}.category",
            )
        case "Flag" | "CarePlan" | "CareTeam":
            return None
        case _:
            return own_name.refusal(caller, resource, owns=owns)


def _merge(resource: Mapping[str, Any], *, may_merge: bool) -> FHIRError | None:
    """To say that one's own record is replaced by another makes them one person: both have to be one's own."""
    return None if subject.superseded_by(resource) is None or may_merge else not_yours()


def _part(current: Mapping[str, Any], resource: Mapping[str, Any], *, parts: bool) -> FHIRError | None:
    """Of a record that was merged, the link alone is not enough to tell the two apart again."""
    was = subject.superseded_by(current)
    if was is None or parts or subject.superseded_by(resource) == was:
        return None
    return Unprocessable("This record was merged into another. Take that back by $unmerge.", expression="Patient.link")


def _plan(caller: Caller, resource: Mapping[str, Any]) -> FHIRError | None:
    if caller.kind is not Kind.LOCAL_AUTHORITY:
        return not_yours()
    for element in ("author", "managingOrganization"):
        if refused := own_name.must_be_own(caller, resource, element):
            return refused
    return None

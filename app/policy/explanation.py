"""Why something was shown or refused, in the words of the practitioner and of the parent, by rule id.

Good practice in information sharing in the Foundation Years (2013), Appendix B and the golden rules
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`parent` is None where a parent is not told."""

    practitioner: str
    parent: str | None


EXPLANATIONS = {
    "own_data": Explanation("This is your organisation's own record.", "This is the record of a service that you use."),
    "child_protection_gateway": Explanation(
        "Shown because a child may need protection. In unscheduled care the local authority is told that you looked.",
        None,
    ),
    "consent": Explanation("The family agreed that your organisation may see this.", "You agreed to this."),
    "recipient": Explanation("This was addressed to your organisation.", "This was sent to the service."),
    "family": Explanation(
        "Shown to the person, or to somebody with parental responsibility.", "This is your own view."
    ),
    "audit": Explanation("Shown to an auditor; reading the audit is audited.", "An auditor examined who saw what."),
    "directory": Explanation(
        "Organisations and professionals are known to every service.", "Organisations are known to everyone."
    ),
    "total": Explanation("Only their number was told.", "Only a number was told."),
    "plans_are_looked_up": Explanation(
        "Child protection plans are not found by this search. Look the child up: Flag?patient:identifier=...", None
    ),
    "purpose_required": Explanation(
        "State why you need this: send purpose_of_use in the client assertion when you ask for a token.", None
    ),
    "scope_required": Explanation(
        "Your access token does not cover this. Ask for a token with a scope that does, such as system/Patient.rs.",
        None,
    ),
    "another_organization": Explanation(
        "NHSD-End-User-Organisation-ODS names another organisation than the one that your client is registered for.",
        None,
    ),
    "user_required": Explanation(
        "Child protection information is shown to a person, not to a system alone. Name the user in the client assertion.",
        None,
    ),
    "activity_code_required": Explanation(
        "The user needs activity code B0107 for unscheduled care, or B0107 or B0170 to look without a notice "
        "(header IsUnscheduledAccessEvent: false).",
        None,
    ),
    "care_setting_required": Explanation(
        "Your system is not registered for this kind of access: unscheduled care may look in either way, scheduled care "
        "only with the header IsUnscheduledAccessEvent: false.",
        None,
    ),
    "not_yours_to_write": Explanation("This is written by another organisation or kind of service than yours.", None),
    "conflict": Explanation("Something else is kept there already.", None),
    "not_as_expected": Explanation("What was to hold before this was done does not hold, or was not said.", None),
    "another_version": Explanation("There is a newer version than the one that was seen.", None),
    "too_many_linked": Explanation("More records were at the end of a link than a search goes through.", None),
    "gone": Explanation("This was deleted.", "This was deleted."),
    "not_valid": Explanation("What was sent is not valid, or breaks a rule about what is kept.", None),
    "undone": Explanation("This was part of a transaction that was refused, so it did not come about.", None),
    "nothing": Explanation("There is nothing here that you may see.", "There is nothing here that you may see."),
}


def practitioner(rule: str) -> str:
    """What the caller is told. KeyError for a rule that has no texts."""
    return EXPLANATIONS[rule].practitioner

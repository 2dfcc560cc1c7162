"""What is taken away last, against every authority: restricted people, and bereaved families.

https://digital.nhs.uk/services/personal-demographics-service (restricted and very restricted records); report, R3

R: nothing tells where the person lives or is cared for. V: the person is not there at all. In either case the
child-protection gateway still answers, since a wrong "no plan" is the worse hazard, and the authority still gets its
notice. A bereaved family is not there for outreach; care goes on.
"""

from app.fhir import systems
from app.policy.access import Caller
from app.policy.facts import CHILD_PROTECTION
from app.policy.predicate import (
    EVERYTHING,
    Bereaved,
    Negate,
    PersonIs,
    Predicate,
    all_of,
    any_of,
    category_in,
    type_in,
)

OUTREACH = frozenset({f"{systems.PURPOSE}|early-years-outreach", f"{systems.ACT_REASON}|HMARKT"})
_RESTRICTED = PersonIs("restriction", frozenset({"R", "V"}))
_VERY_RESTRICTED = PersonIs("restriction", frozenset({"V"}))

# Elements that tell where a person is, and those that tell how to reach somebody, by type.
LOCATION = {
    "Patient": ("address", "telecom", "generalPractitioner", "contact", "managingOrganization", "photo"),
    "RelatedPerson": ("address", "telecom"),
    "Flag": ("author",),
}
_UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
HARMLESS_EXTENSIONS = frozenset(  # of a Patient; any other could tell where a restricted person is
    {
        systems.PREGNANCY,
        systems.FLAG_DETAIL,
        *(_UK_CORE + name for name in ("BirthSex", "DeathNotificationStatus", "EthnicCategory", "NHSCommunication")),
        _UK_CORE + "NHSNumberUnavailableReason",
    }
)
CONTACT = {
    "Patient": ("address", "telecom", "contact"),
    "RelatedPerson": ("address", "telecom"),
}


def leaves(rule: str, caller: Caller) -> Predicate:
    """What of an authority's reach remains."""
    remaining: list[Predicate] = [Negate(all_of(type_in("RelatedPerson"), _RESTRICTED))]
    if rule == "recipient":
        remaining.append(any_of(category_in(CHILD_PROTECTION), Negate(_VERY_RESTRICTED)))
    else:
        remaining.append(Negate(_VERY_RESTRICTED))
    if caller.purpose in OUTREACH:
        remaining.append(Negate(Bereaved()))
    return all_of(*remaining)


def leaves_of_gateway(locates_restricted: bool) -> Predicate:
    """What of the child-protection gateway's reach remains: the responsible authority would tell where somebody lives."""
    return EVERYTHING if locates_restricted else Negate(all_of(type_in("CareTeam"), _RESTRICTED))


def shows_location(locates_restricted: bool) -> Predicate:
    """For which resources the elements of LOCATION are left in."""
    return any_of(Negate(_RESTRICTED), *((type_in("Flag"),) if locates_restricted else ()))

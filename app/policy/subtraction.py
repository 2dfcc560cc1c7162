"""What is taken away last, against every authority: restricted people, and bereaved families.

https://digital.nhs.uk/services/personal-demographics-service (restricted and very restricted records); report, R3

R: nothing tells where the person lives or is cared for. V: the person is not there at all. In either case the
child-protection gateway still answers, since a wrong "no plan" is the worse hazard, and the authority still gets its
notice. A bereaved family is not there for outreach; care goes on.
"""

from app.fhir import systems
from app.policy.category import CHILD_PROTECTION
from app.policy.predicate import (
    EVERYTHING,
    Bereaved,
    Names,
    Negate,
    OneOf,
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
    "CarePlan": ("author", "contributor"),
    "Encounter": ("location", "hospitalization"),
    "Task": ("location",),
}
_UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
HARMLESS_EXTENSIONS = frozenset(  # any other could tell where a restricted person is
    {
        _UK_CORE + "NHSNumberVerificationStatus",
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


def leaves(rule: str, purpose: str | None) -> Predicate:
    """What of an authority's reach remains.

    A plan stays with the authority that sent it, and a notice with whom it is addressed to. What services write about a
    restricted person says where they are, so of all that a family agreed to only the Patient is left.
    """
    told_where = Negate(type_in("Patient")) if rule == "consent" else type_in("RelatedPerson")
    remaining: list[Predicate] = [Negate(all_of(told_where, _RESTRICTED))]
    sent_or_addressed = {"own_data": ("Flag", "CarePlan", "CareTeam"), "recipient": ("CommunicationRequest",)}
    if rule in sent_or_addressed:
        of_a_plan = all_of(type_in(*sent_or_addressed[rule]), category_in(CHILD_PROTECTION))
        remaining.append(any_of(of_a_plan, Negate(_VERY_RESTRICTED)))
    else:
        remaining.append(Negate(_VERY_RESTRICTED))
    if rule == "recipient":
        remaining.append(Negate(all_of(OneOf("kind", frozenset({"family-contact"})), Bereaved())))
    if purpose in OUTREACH:
        remaining.append(Negate(Bereaved()))
    return all_of(*remaining)


def leaves_of_gateway(locates_restricted: bool) -> Predicate:
    """What of the child-protection gateway's reach remains: the responsible authority would tell where somebody lives."""
    return EVERYTHING if locates_restricted else Negate(all_of(type_in("CareTeam"), _RESTRICTED))


def shows_location(organization: str) -> Predicate:
    """For which resources an organisation is shown the elements of LOCATION: an authority sees its own name."""
    own_plan = all_of(type_in("Flag", "CarePlan"), Names("owners", f"org|{organization}"))
    return any_of(Negate(_RESTRICTED), own_plan)


def gateway_shows_location(locates_restricted: bool) -> Predicate:
    """The same in the child-protection gateway, for whoever looks."""
    return any_of(Negate(_RESTRICTED), *((type_in("Flag"),) if locates_restricted else ()))

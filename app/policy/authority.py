"""Who may see what, and on what authority: the whole of it, as predicates.

Good practice in information sharing in the Foundation Years (2013), Appendix B; Children Act 2004 s11; DCB1609 (CP-IS)

Every authority is looked at; a resource is released by the first that reaches it, and that one is recorded. What no
authority reaches is not there. Subtractions come last, against every authority.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TypeAlias

from app.fhir import systems
from app.policy import label, subtraction
from app.policy.access import Caller, Kind
from app.policy.category import ADMINISTRATIVE, CHILD_PROTECTION, UNKNOWN
from app.policy.predicate import (
    GoesOnAfter,
    InFamilyOf,
    LabelAtMost,
    Names,
    Negate,
    OneOf,
    Permitted,
    PersonIs,
    Predicate,
    PregnancyOver,
    all_of,
    any_of,
    category_in,
    type_in,
)

Interaction: TypeAlias = Literal[
    "read", "vread", "history", "search", "create", "update", "patch", "delete", "operation"
]

# Direct care in each service's own terms, and keeping the record of it (HL7 ActReason; our own purpose-of-use).
_OWN_DATA_PURPOSES = frozenset(
    {f"{systems.ACT_REASON}|{code}" for code in ("TREAT", "ETREAT", "BTG", "COC", "CAREMGT", "PATADMIN", "RECORDMGT")}
    | {f"{systems.PURPOSE}|{code}" for code in ("safeguarding", "early-years-outreach", "school-transition")}
)
_AUDIT = f"{systems.PURPOSE}|audit"
_NO_MATTER_WHEN = datetime(1, 1, 1, tzinfo=UTC)  # no consent is asked
_DIRECTORY = ("Organization", "Practitioner", "PractitionerRole")
_ADDRESSED = ("CommunicationRequest", "Communication", "Task")


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What is asked: by whom, in which interaction, of which type, when."""

    caller: Caller
    interaction: Interaction
    type: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """One rule and what it releases, subtractions made."""

    rule: str
    releases: Predicate


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far somebody sees, whenever they ask: `authorities` in the order in which one is recorded.

    A released resource shows its contact details where `visible` holds for it too, asked as of the category `contact`; and
    its location where `shows_location` holds. Two that say the same are one object, so that a statement may be kept by it.
    """

    authorities: tuple[Authority, ...]
    shows_location: Predicate

    @property
    def visible(self) -> Predicate:
        return any_of(*(authority.releases for authority in self.authorities))


@dataclass(frozen=True, slots=True)
class Permit:
    """What a caller may see now. The store reads protected rows only when it is handed one, and only `permit` makes them."""

    reach: Reach
    now: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refused on the token and the request alone; `rule` finds its texts in `policy.explanation`."""

    rule: str


def permit(request: AccessRequest) -> Permit | Refusal:
    """What this request may see, or why it may not even ask."""
    caller = request.caller
    if caller.purpose is None:
        return Refusal("purpose_required")
    return Permit(_reach_of(caller), request.now)


@lru_cache(maxsize=4096)  # of the caller alone, and of nothing that is kept
def _reach_of(caller: Caller) -> Reach:
    authorities = tuple(
        Authority(each.rule, all_of(each.releases, subtraction.leaves(each.rule, caller.purpose)))
        for each in _authorities(caller)
    )
    return _reach(authorities, subtraction.shows_location(caller.organization))


@lru_cache(maxsize=1024)
def _reach(authorities: tuple[Authority, ...], shows_location: Predicate) -> Reach:
    return Reach(authorities, shows_location)


def _authorities(caller: Caller) -> list[Authority]:
    """Those that this kind of caller can have at all, narrowest first."""
    if caller.kind is Kind.AUDITOR:
        return [Authority("audit", type_in("AuditEvent"))] if caller.purpose == _AUDIT else []
    directory = Authority("directory", type_in(*_DIRECTORY))
    if caller.kind is Kind.PARENT_APP:  # which is not given the name of every professional
        return [Authority("family", _family(caller)), Authority("directory", type_in("Organization"))]
    found = []
    if caller.purpose in _OWN_DATA_PURPOSES:
        found.append(Authority("own_data", _own(caller.organization)))
    found.append(Authority("consent", _consent(caller)))
    found.append(Authority("recipient", _recipient(caller)))
    return [*found, directory]


def _own(organization: str) -> Predicate:
    return Names("owners", f"org|{organization}")


def own(organization: str) -> Permit:
    """What an organisation may refer to as its own in what it writes, whatever for."""
    releases = all_of(_own(organization), subtraction.leaves("own_data", purpose=None))
    return Permit(_reach((Authority("own_data", releases),), subtraction.shows_location(organization)), _NO_MATTER_WHEN)


def _gateway(plans_ended_after: datetime) -> Predicate:
    """A plan that goes on or ended within the look-back: never one entered in error, and none for an unborn child once
    that pregnancy is over. Consent is not asked, and nothing but the plan is opened."""
    unborn_no_more = all_of(OneOf("kind", frozenset({systems.UNBORN_PLAN})), PregnancyOver())
    return all_of(
        type_in("Flag", "CarePlan", "CareTeam"),
        category_in(CHILD_PROTECTION),
        LabelAtMost(label.VERY_RESTRICTED),
        Negate(OneOf("status", frozenset({"entered-in-error"}))),
        GoesOnAfter(plans_ended_after),
        Negate(unborn_no_more),
    )


def _consent(caller: Caller) -> Predicate:
    """What a family agreed to, never child protection or the records of sharing itself."""
    return all_of(
        Negate(category_in(CHILD_PROTECTION, ADMINISTRATIVE, UNKNOWN)),
        LabelAtMost(label.RESTRICTED),
        Permitted(caller.actors, caller.purposes),
    )


def _recipient(caller: Caller) -> Predicate:
    return all_of(type_in(*_ADDRESSED), Names("recipients", f"org|{caller.organization}"))


def _family(caller: Caller) -> Predicate:
    """A parent's own view (R11). Of a person with restricted address, another's Consent would name their centre."""
    if caller.user is None:
        return any_of()
    token = f"nhs|{caller.user.id}"
    restricted = PersonIs("restriction", frozenset({"R", "V"}))
    anothers = all_of(LabelAtMost(label.RESTRICTED), Negate(restricted))
    return all_of(
        InFamilyOf(token),
        any_of(
            type_in("Patient"),
            all_of(type_in("Consent"), any_of(Names("owners", token), anothers)),
            all_of(type_in("CareTeam"), category_in("family-circumstances"), Negate(restricted)),
        ),
    )


def gateway(plans_ended_after: datetime, *, locates_restricted: bool) -> Permit:
    """The child-protection gateway, for whoever may use it: the same for all, so that lookups can be gathered.

    No consent is asked, so that `plans_ended_after` is the only moment that counts.
    """
    releases = all_of(_gateway(plans_ended_after), subtraction.leaves_of_gateway(locates_restricted))
    reach = _reach(
        (Authority("child_protection_gateway", releases),), subtraction.gateway_shows_location(locates_restricted)
    )
    return Permit(reach, plans_ended_after)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day so many months before; the last of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))

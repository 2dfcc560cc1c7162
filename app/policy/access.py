"""Who asks, for what and why: the facts that a decision starts from.

https://www.hl7.org/fhir/smart-app-launch/backend-services.html; https://profiles.ihe.net/ITI/IUA/ (the user in the assertion)

`security` makes a Caller from a verified token and the client registry; nothing in it comes from a header or a body.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from app.policy.purpose import Purposes, asked


class CareSetting(StrEnum):
    """How a client takes part in child-protection information sharing; NONE does not."""

    UNSCHEDULED = "unscheduled"
    SCHEDULED = "scheduled"
    NONE = "none"


class Kind(StrEnum):
    """What a registered client is."""

    EMERGENCY_DEPARTMENT = "emergency-department"
    GP_PRACTICE = "gp-practice"
    MATERNITY = "maternity"
    HEALTH_VISITING = "health-visiting"
    CHILDRENS_CENTRE = "childrens-centre"
    LOCAL_AUTHORITY = "local-authority"
    SCHOOL_NURSING = "school-nursing"
    PARENT_APP = "parent-app"
    AUDITOR = "auditor"
    UNREGISTERED_PURPOSE = "unregistered-purpose"


@dataclass(frozen=True, slots=True)
class User:
    """The person at the screen, as the client's signed assertion names them.

    `id` is an SDS user id; of a parent-app's user it is their NHS number. `role` is an SDS job role code.
    """

    id: str = field(repr=False)
    name: str = field(repr=False)
    role: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One granted SMART v2 scope: `system/Patient.rs` is ("system", "Patient", "rs")."""

    level: str
    type: str
    interactions: str

    def covers(self, type: str, interaction: str) -> bool:
        """Whether it grants `interaction` (one of c, r, u, d, s) on `type`."""
        return self.type in (type, "*") and interaction in self.interactions


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `organization` is the ODS code in the registry, `purpose` is `system|code` or None where none was given."""

    client_id: str
    kind: Kind
    organization: str
    organization_name: str
    care_setting: CareSetting
    scopes: tuple[Scope, ...]
    purpose: str | None
    user: User | None
    activity_codes: frozenset[str]

    def may(self, type: str, interaction: str) -> bool:
        """Whether the granted scopes cover an interaction (one of c, r, u, d, s) on a type."""
        return any(scope.covers(type, interaction) for scope in self.scopes)

    @property
    def actors(self) -> frozenset[str]:
        """The tokens under which a Consent may name this caller."""
        return frozenset({f"org|{self.organization}"})

    @property
    def purposes(self) -> Purposes:
        return asked(self.purpose)

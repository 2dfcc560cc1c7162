"""The systems that the demonstration registers: one of each kind, two where neighbours are told apart.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html; activity codes B0107 and B0170: see
https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3

They come without keys; whoever registers them makes those.
"""

from dataclasses import dataclass

from app.fhir import systems
from app.policy.access import CareSetting, Kind
from app.synthesis import organisations
from app.synthesis.geography import AREA_A, AREA_B
from app.synthesis.organisations import Organisation

_A, _B = organisations.services(AREA_A), organisations.services(AREA_B)
_SEES_PLANS = ("system/Flag.rs", "system/CarePlan.rs", "system/CareTeam.rs")
_KEEPS_RECORDS = (
    *("system/Patient.crus", "system/RelatedPerson.cruds", "system/Consent.cruds"),
    *("system/CommunicationRequest.cruds", "system/Organization.rs"),
)
_LOCAL_AUTHORITY = (
    *("system/Flag.cruds", "system/CarePlan.cruds", "system/CareTeam.cruds", "system/Patient.rs"),
    *("system/RelatedPerson.rs", "system/Consent.cruds", "system/CommunicationRequest.rs", "system/Organization.rs"),
)
_CHILDRENS_CENTRE = (
    *("system/Patient.rs", "system/RelatedPerson.rs", "system/CareTeam.rs", "system/Consent.cruds"),
    *("system/CommunicationRequest.cruds", "system/Organization.rs"),
)
_GIVES_CARE = (
    *("system/Encounter.cruds", "system/Observation.cruds", "system/Communication.cruds", "system/Task.cruds"),
    *("system/DocumentReference.cruds", "system/QuestionnaireResponse.cruds", "system/Provenance.cruds"),
    *("system/Practitioner.cruds", "system/PractitionerRole.cruds", "system/Subscription.cruds", "system/Group.cruds"),
)
_SEES_CARE = (
    *("system/Encounter.rs", "system/Observation.rs", "system/QuestionnaireResponse.rs", "system/Practitioner.rs"),
    *(
        "system/PractitionerRole.rs",
        "system/DocumentReference.cruds",
        "system/Communication.cruds",
        "system/Task.cruds",
    ),
    *("system/Subscription.cruds", "system/Group.cruds"),
)
_LOOK, _SILENT_LOOK = "B0107", "B0170"


@dataclass(frozen=True, slots=True)
class DemoClient:
    """A registration without its keys. `purposes` are `system|code`, the usual one first."""

    client_id: str
    name: str
    kind: Kind
    ods_code: str
    organization_name: str
    care_setting: CareSetting
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    activity_codes: tuple[str, ...] = ()


def demo_clients() -> list[DemoClient]:
    """Every client, under the organisations for which the stories are told."""
    return [*_care_providers(), *_councils_and_centres(), *_others()]


def _care_providers() -> list[DemoClient]:
    return [
        _client(
            "emergency-department",
            Kind.EMERGENCY_DEPARTMENT,
            _A.emergency_department,
            (*_SEES_PLANS, "system/Patient.rs", "system/Organization.rs"),
            _hl7("ETREAT", "TREAT", "BTG"),
            CareSetting.UNSCHEDULED,
            (_LOOK,),
        ),
        _client(
            "gp-practice",
            Kind.GP_PRACTICE,
            _A.practices[0],
            (*_KEEPS_RECORDS, *_GIVES_CARE, *_SEES_PLANS),
            _hl7("TREAT", "COC", "PATADMIN"),
            CareSetting.SCHEDULED,
            (_SILENT_LOOK,),
        ),
        _client(
            "maternity",
            Kind.MATERNITY,
            _A.maternity,
            (*_KEEPS_RECORDS, *_GIVES_CARE, *_SEES_PLANS),
            _hl7("TREAT", "ETREAT", "COC", "PATADMIN"),
            CareSetting.UNSCHEDULED,
            (_LOOK, _SILENT_LOOK),
        ),
        _client(
            "health-visiting",
            Kind.HEALTH_VISITING,
            _A.health_visiting,
            (*_KEEPS_RECORDS, *_GIVES_CARE, "system/Flag.rs", "system/CarePlan.rs", "system/CareTeam.cruds"),
            _hl7("TREAT", "COC", "CAREMGT", "PATADMIN"),
            CareSetting.SCHEDULED,
            (_SILENT_LOOK,),
        ),
        _client(
            "school-nursing",
            Kind.SCHOOL_NURSING,
            _A.school_nursing,
            (*_SEES_PLANS, "system/Patient.rs", "system/RelatedPerson.rs", "system/CommunicationRequest.cruds"),
            (*_ours("school-transition"), *_hl7("TREAT", "COC")),
            CareSetting.SCHEDULED,
            (_SILENT_LOOK,),
        ),
    ]


def _councils_and_centres() -> list[DemoClient]:
    authority_purposes = (*_ours("safeguarding"), *_hl7("PATADMIN"))
    centre_purposes = (*_ours("early-years-outreach"), *_hl7("CAREMGT"))
    authority, centre = Kind.LOCAL_AUTHORITY, Kind.CHILDRENS_CENTRE
    return [
        _client("local-authority-a", authority, _A.authority, _LOCAL_AUTHORITY, authority_purposes),
        _client("local-authority-b", authority, _B.authority, _LOCAL_AUTHORITY, authority_purposes),
        _client("childrens-centre", centre, _A.centres[0], (*_CHILDRENS_CENTRE, *_SEES_CARE), centre_purposes),
        _client("childrens-centre-b", centre, _B.centres[0], (*_CHILDRENS_CENTRE, *_SEES_CARE), centre_purposes),
    ]


def _others() -> list[DemoClient]:
    family = ("patient/Patient.rs", "patient/RelatedPerson.rs", "patient/Consent.cruds", "patient/CareTeam.rs")
    looks = ("system/Patient.rs", "system/Consent.rs", "system/Flag.rs", "system/CommunicationRequest.rs")
    return [
        _client("parent-app", Kind.PARENT_APP, organisations.PARENT_APP, family, _hl7("FAMRQT", "PATRQT")),
        _client("auditor", Kind.AUDITOR, organisations.AUDITOR, ("system/AuditEvent.rs",), _ours("audit")),
        _client("unregistered-purpose", Kind.UNREGISTERED_PURPOSE, organisations.WITHOUT_PURPOSE, looks, ()),
    ]


def _client(
    client_id: str,
    kind: Kind,
    organisation: Organisation,
    scopes: tuple[str, ...],
    purposes: tuple[str, ...],
    care_setting: CareSetting = CareSetting.NONE,
    activity_codes: tuple[str, ...] = (),
) -> DemoClient:
    name = f"{organisation.name} ({client_id})"
    code, known_as = organisation.ods_code, organisation.name
    return DemoClient(client_id, name, kind, code, known_as, care_setting, scopes, purposes, activity_codes)


def _hl7(*codes: str) -> tuple[str, ...]:
    return tuple(f"{systems.ACT_REASON}|{code}" for code in codes)


def _ours(*codes: str) -> tuple[str, ...]:
    return tuple(f"{systems.PURPOSE}|{code}" for code in codes)

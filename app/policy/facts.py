"""The facts that one version of a resource, and the person it is about, are judged by.

https://hl7.org/fhir/R4/security-labels.html

They are taken from the content once, when it is written, and kept beside it in columns; nothing else of a resource
reaches a decision. Whom a resource belongs to depends on its type: a Patient to the organisation that keeps it and to the
current GP practice, a Consent to who recorded it and to who said it, a message to who sends it, and everything else to
the organisation that created it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from app.fhir import coding, systems, time
from app.policy import category as categories
from app.policy import label

TYPES = categories.TYPES  # those that something is decided about; any other is not kept

PARTS_OF_A_PLAN = ("Flag", "CarePlan", "CareTeam")
_SENT = ("CommunicationRequest", "Communication")
_DATED = {  # the element that says when what a resource says was so
    **dict.fromkeys(PARTS_OF_A_PLAN, ("period",)),
    "CommunicationRequest": ("authoredOn",),
    "Communication": ("sent", "received"),
    "Task": ("authoredOn",),
    "Encounter": ("period",),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
    "DocumentReference": ("date",),
    "QuestionnaireResponse": ("authored",),
    "Provenance": ("recorded",),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """One version of a resource. `owners` and `recipients` are tokens (`org|RX1`, `nhs|9...`); `ended` is exclusive."""

    type: str
    custodian: str
    category: str
    label: int
    patient_id: UUID | None = None
    owners: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    sensitivities: frozenset[str] = frozenset()
    data_date: datetime | None = None
    status: str = ""
    kind: str = ""
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a resource is about. `family` holds the person and everyone with proven parental responsibility."""

    restriction: str = "U"
    bereaved: bool = False
    pregnancy: str = ""
    pregnancy_over: datetime | None = None
    birth_date: date | None = None
    nhs_numbers: frozenset[str] = field(default=frozenset(), repr=False)
    family: frozenset[str] = field(default=frozenset(), repr=False)


def of(resource: Mapping[str, object], custodian: str, patient_id: UUID | None) -> Facts:
    """The facts of a resource that has passed the gate; `custodian` is the ODS code of the organisation that created it."""
    type = str(resource["resourceType"])
    category = categories.of(resource)
    labelled = label.of(resource, category.name)
    return Facts(
        type=type,
        custodian=custodian,
        category=category.name,
        label=labelled.level,
        patient_id=patient_id,
        owners=frozenset(_owners(resource, custodian)),
        recipients=frozenset(_recipients(resource)),
        sensitivities=labelled.sensitivities,
        data_date=_data_date(resource),
        status=_status(resource),
        kind=category.kind,
        ended=_ended(resource),
    )


def _owners(resource: Mapping[str, object], custodian: str) -> Iterator[str]:
    match resource["resourceType"]:
        case "Patient":
            yield from list(_organizations(resource.get("managingOrganization"))) or [f"org|{custodian}"]
            yield from _organizations(resource.get("generalPractitioner"))
        case "Consent":
            yield f"org|{custodian}"
            yield from _organizations(resource.get("organization"))
            yield from _people(resource.get("performer"))
        case "CommunicationRequest" | "Communication":
            yield f"org|{custodian}"
            yield from _organizations(resource.get("requester"))
            yield from _organizations(resource.get("sender"))
        case _:
            yield f"org|{custodian}"


def _recipients(resource: Mapping[str, object]) -> Iterator[str]:
    """To whom it is addressed: a message to its recipients, a Task to who is to do it."""
    if resource["resourceType"] in _SENT:
        yield from _organizations(resource.get("recipient"))
    elif resource["resourceType"] == "Task":
        yield from _organizations(resource.get("owner"))


def _organizations(references: object) -> Iterator[str]:
    for value in identified(references, systems.ODS_CODE):
        yield f"org|{value.upper()}"


def _people(references: object) -> Iterator[str]:
    for value in identified(references, systems.NHS_NUMBER):
        yield f"nhs|{value}"


def identified(references: object, system: str) -> Iterator[str]:
    """The identifiers in a system by which one or several References name what they refer to."""
    for reference in coding.items(references):
        identifier = reference.get("identifier") if isinstance(reference, dict) else None
        if isinstance(identifier, dict) and identifier.get("system") == system:
            value = identifier.get("value")
            if isinstance(value, str):
                yield value


def _data_date(resource: Mapping[str, object]) -> datetime | None:
    """When what it says was so: of what went on for a while, from when."""
    stated = (resource[element] for element in _DATED.get(str(resource["resourceType"]), ()) if element in resource)
    value = next(stated, None)
    span = time.period(value) if isinstance(value, dict) else time.span(value)
    return span.start if span else None


def _status(resource: Mapping[str, object]) -> str:
    if "active" in resource:
        return "active" if resource["active"] is True else "inactive"
    return str(resource.get("status", ""))


def _ended(resource: Mapping[str, object]) -> datetime | None:
    if resource["resourceType"] not in PARTS_OF_A_PLAN:
        return None
    period = time.period(resource.get("period"))
    return period.end if period else None


def restriction(patient: Mapping[str, object]) -> str:
    """U, R or V: the confidentiality that the Patient's own labels state, as the national service labels it."""
    meta = patient.get("meta")
    stated = coding.items(meta.get("security") if isinstance(meta, dict) else None)
    levels = {coding.token(each) for each in stated}
    if levels & {f"{systems.CONFIDENTIALITY}|V", f"{systems.CONFIDENTIALITY}|REDACTED"}:
        return "V"
    return "R" if f"{systems.CONFIDENTIALITY}|R" in levels else "U"


def pregnancy(patient: Mapping[str, object]) -> str:
    """`ongoing`, `live-birth`, `loss`, or empty where none is recorded."""
    for extension in coding.items(patient.get("extension")):
        if isinstance(extension, dict) and extension.get("url") == systems.PREGNANCY:
            return str(extension.get("valueCode", ""))
    return ""


def is_bereaved(patient: Mapping[str, object]) -> bool:
    """Whether contact with the family must stop: the child died, or the pregnancy ended in a loss (report, R3)."""
    deceased = patient.get("deceasedBoolean") is True or "deceasedDateTime" in patient
    return deceased or pregnancy(patient) == "loss"


def is_responsible(related_person: Mapping[str, object]) -> bool:
    """Whether parental responsibility is recorded for a relative."""
    extensions = coding.items(related_person.get("extension"))
    return any(isinstance(e, dict) and e.get("url") == systems.PARENTAL_RESPONSIBILITY for e in extensions)

"""What a parent said about sharing, as a Consent.

https://hl7.org/fhir/R4/consent.html; https://profiles.ihe.net/ITI/PCF/

A permit names recipients, categories, purposes, its period, the explanation that was given and who gave it; a refusal
needs next to nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.fhir import systems
from app.synthesis import entry
from app.synthesis.organisations import Organisation
from app.synthesis.people import Person

OUTREACH = (systems.PURPOSE, "early-years-outreach")
CARE_MANAGEMENT = (systems.ACT_REASON, "CAREMGT")
TRANSITION = (systems.PURPOSE, "school-transition")

_SCOPE = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
_LEAFLET = f"{systems.CRADLE}/leaflet/2026-01"


@dataclass(frozen=True, slots=True)
class Statement:
    """Who was asked about whom, by which organisation, and when. Somebody may speak of themselves."""

    patient: Person
    performer: Person
    recorder: Organisation
    said: datetime


def permit(
    statement: Statement,
    recipients: Iterable[dict[str, Any]],
    until: date,
    *,
    purposes: Sequence[tuple[str, str]] = (OUTREACH,),
    categories: Sequence[str] = ("demographics", "contact"),
    excepting: Iterable[dict[str, Any]] = (),
    status: str = "active",
) -> dict[str, Any]:
    """Agreement that the recipients may see these categories, from the day it was given; not those excepted."""
    provision: dict[str, Any] = {
        "type": "permit",
        "period": {"start": statement.said.date().isoformat(), "end": until.isoformat()},
        "actor": [_recipient(reference) for reference in recipients],
        "purpose": [{"system": system, "code": code} for system, code in purposes],
        "code": [{"coding": [{"system": systems.DATA_CATEGORY, "code": category}]} for category in categories],
    }
    if refused := [_recipient(reference) for reference in excepting]:
        provision["provision"] = [{"type": "deny", "actor": refused}]
    verification = {
        "verified": True,
        "verifiedWith": _speaker(statement),
        "verificationDate": entry.written(statement.said),
    }
    evidence = {"policy": [{"uri": _LEAFLET}], "verification": [verification]}
    return _consent(statement, provision, status) | evidence


def refusal(statement: Statement) -> dict[str, Any]:
    """A no to all sharing."""
    return _consent(statement, {"type": "deny"}, "active")


def bare_refusal(statement: Statement) -> dict[str, Any]:
    """A no of which nothing was written down but whose it is: in the sender's own words, undated."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"text": "sharing"},
        "category": [{"text": "told on the doorstep"}],
        "patient": statement.patient.reference(),
        "performer": [_speaker(statement)],
        "provision": {"type": "deny"},
    }


def _consent(statement: Statement, provision: dict[str, Any], status: str) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": status,
        "scope": {"coding": [dict(_SCOPE)]},
        "category": [{"coding": [{"system": systems.ACT_CODE, "code": "INFA"}]}],
        "patient": statement.patient.reference(),
        "dateTime": entry.written(statement.said),
        "performer": [_speaker(statement)],
        "organization": [statement.recorder.reference()],
        "provision": provision,
    }


def _speaker(statement: Statement) -> dict[str, Any]:
    """A relative, or the person themselves."""
    is_self = statement.performer.nhs_number == statement.patient.nhs_number
    return statement.performer.reference("Patient" if is_self else "RelatedPerson")


def _recipient(reference: dict[str, Any]) -> dict[str, Any]:
    role = {"coding": [{"system": systems.PARTICIPATION, "code": "IRCP"}]}
    return {"role": role, "reference": reference}

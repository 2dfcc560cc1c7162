"""Consents to test with: what a mother, a father or a stranger says about one synthetic child, and what is then asked.

https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from app.fhir import systems
from app.fhir.nhs_number import check_digit
from app.policy import consent, grant, label, purpose, standing

Json = dict[str, Any]


def synthetic(serial: int) -> str:
    """The first synthetic NHS number at or after a serial number."""
    nine = f"9{serial:08}"
    digit = check_digit(nine)
    return synthetic(serial + 1) if digit is None else f"{nine}{digit}"


CHILD, OLD_NUMBER, MOTHER, FATHER, STRANGER = (synthetic(100 * serial) for serial in range(1, 6))
CHILD_SUBJECT = standing.Subject(
    nhs_numbers=frozenset({CHILD, OLD_NUMBER}),
    birth_date=date(2023, 5, 1),
    relationships={f"nhs|{MOTHER}": True, f"nhs|{FATHER}": True, f"nhs|{STRANGER}": False},
)
TEAMS = {
    "CareTeam/health-visitors": frozenset({"org|RX1", "org|RX2"}),
    "CareTeam/nobody": frozenset[str](),
}
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)  # when the questions are asked
RECORDED = datetime(2025, 5, 31, 9, tzinfo=UTC)


def act_reason(code: str) -> Json:
    return {"system": systems.ACT_REASON, "code": code}


def category(code: str) -> Json:
    return {"coding": [{"system": systems.DATA_CATEGORY, "code": code}]}


def confidentiality(code: str) -> Json:
    return {"system": systems.CONFIDENTIALITY, "code": code}


def sensitivity(code: str) -> Json:
    return {"system": systems.ACT_CODE, "code": code}


def organization(ods_code: str) -> Json:
    return recipient({"type": "Organization", "identifier": {"system": systems.ODS_CODE, "value": ods_code}})


def team(literal: str) -> Json:
    return recipient({"reference": literal})


def recipient(reference: Json) -> Json:
    return {"role": {"coding": [{"system": systems.PARTICIPATION, "code": "IRCP"}]}, "reference": reference}


def person(nhs_number: str) -> Json:
    return {"type": "RelatedPerson", "identifier": {"system": systems.NHS_NUMBER, "value": nhs_number}}


def terms(**changed: Any) -> Json:
    """What a full permit names: RX1 may see health and development for treatment, from 2025 on. None takes one out."""
    named: Json = {
        "period": {"start": "2025-01-01"},
        "actor": [organization("RX1")],
        "purpose": [act_reason("TREAT")],
        "code": [category("health"), category("development")],
    }
    return {key: value for key, value in {**named, **changed}.items() if value is not None}


def said(provision: object, *, by: str | None = MOTHER, dated: object = "2025-03-10T09:00:00Z", **changed: Any) -> Json:
    """A Consent with a given provision. A keyword of None takes that element out."""
    whole: Json = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": systems.ACT_CODE, "code": "INFA"}]}],
        "patient": {"type": "Patient", "identifier": {"system": systems.NHS_NUMBER, "value": CHILD}},
        "dateTime": dated,
        "performer": [person(by)] if by else None,
        "provision": provision,
        **changed,
    }
    return {key: value for key, value in whole.items() if value is not None}


def yes(*nested: object, by: str | None = MOTHER, dated: object = "2025-03-10T09:00:00Z", **changed: Any) -> Json:
    """A full permit, with some of its terms changed and some provisions nested in it."""
    inside = {"provision": list(nested)} if nested else {}
    return said({"type": "permit", **terms(**changed), **inside}, by=by, dated=dated)


def no(*nested: object, by: str | None = MOTHER, dated: object = "2025-03-10T09:00:00Z", **named: Any) -> Json:
    """A refusal of everything, or of what is named, with some provisions nested in it."""
    inside = {"provision": list(nested)} if nested else {}
    return said({"type": "deny", **named, **inside}, by=by, dated=dated)


def permitting(**named: Any) -> Json:
    return {"type": "permit", **named}


def denying(**named: Any) -> Json:
    return {"type": "deny", **named}


def compiled(
    *consents: Mapping[str, object], subject: standing.Subject = CHILD_SUBJECT, recorded: datetime = RECORDED
) -> tuple[grant.Grant, ...]:
    statements = [consent.Statement(f"consent-{number}", each, recorded) for number, each in enumerate(consents)]
    return consent.grants(statements, subject, TEAMS)


def ask(by: str = "RX1", why: str | None = "TREAT", now: datetime = NOON) -> grant.Ask:
    return grant.Ask(frozenset({f"org|{by}"}), purpose.asked(f"{systems.ACT_REASON}|{why}" if why else None), now)


def asked(
    what: str = "health", level: int = label.NORMAL, sensitive: str = "", made: datetime | None = None
) -> grant.Asked:
    return grant.Asked(what, level, frozenset(sensitive.split()), made)


def answer(
    *consents: Mapping[str, object],
    by: str = "RX1",
    why: str | None = "TREAT",
    now: datetime = NOON,
    what: str = "health",
    level: int = label.NORMAL,
    sensitive: str = "",
    made: datetime | None = None,
    subject: standing.Subject = CHILD_SUBJECT,
    recorded: datetime = RECORDED,
) -> str:
    """`yes`, `no` (refused), `disputed` (refused by one person and permitted by another) or `silent` (neither)."""
    rows = compiled(*consents, subject=subject, recorded=recorded)
    question = ask(by, why, now), asked(what, level, sensitive, made)
    if grant.disputed(rows, *question):
        return "disputed"
    if grant.refused(rows, *question):
        return "no"
    return "yes" if grant.permitted(rows, *question) else "silent"

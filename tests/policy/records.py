"""What is kept about one child, and who asks for it: the records are the published examples.

https://hl7.org/fhir/R4/resourcelist.html
"""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.fhir import systems
from app.fhir.schema_definitions import FOLDER
from app.policy import consent, facts, standing
from app.policy.access import Caller, CareSetting, Kind, User
from app.policy.facts import Facts, Person
from app.policy.grant import Grant

Json = dict[str, Any]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHILD_ID = UUID("018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e40")
CHILD, MOTHER, FATHER = "9990000018", "9990000123", "9990000247"
ETREAT, TREAT, CAREMGT, MARKETING = (
    f"{systems.ACT_REASON}|{code}" for code in ("ETREAT", "TREAT", "CAREMGT", "HMARKT")
)
OUTREACH, SAFEGUARDING, TRANSITION, AUDIT = (
    f"{systems.PURPOSE}|{code}" for code in ("early-years-outreach", "safeguarding", "school-transition", "audit")
)
FAMILY_REQUEST = f"{systems.ACT_REASON}|FAMRQT"


def example(name: str) -> Json:
    """One of the published examples, by the name of its file."""
    content: Json = json.loads((FOLDER / "examples" / f"{name}.json").read_text("utf-8"))
    return content


def organization(ods_code: str) -> Json:
    return {"type": "Organization", "identifier": {"system": systems.ODS_CODE, "value": ods_code}}


def communication(kind: str, *, sender: str, recipient: str) -> Json:
    coded = {"coding": [{"system": systems.COMMUNICATION_CATEGORY, "code": kind}]}
    whole = example("communication-request-family-contact")
    return whole | {"category": [coded], "sender": organization(sender), "recipient": [organization(recipient)]}


def restricted(resource: Json, level: str) -> Json:
    return resource | {"meta": {"security": [{"system": systems.CONFIDENTIALITY, "code": level}]}}


def of(resource: Json, custodian: str, *, about: UUID | None = CHILD_ID) -> Facts:
    return facts.of(resource, custodian, about)


def caller(kind: Kind, organization: str, purpose: str | None, *, user: str | None = None) -> Caller:
    """Somebody who asks. `user` is, of a parent's app, the parent's NHS number."""
    person = User(user, "Sam Example", "R8000") if user else None
    return Caller(
        organization.lower(), kind, organization, organization, CareSetting.NONE, (), purpose, person, frozenset()
    )


HEALTH_VISITOR = caller(Kind.HEALTH_VISITING, "RX999", CAREMGT)
SURGERY = caller(Kind.GP_PRACTICE, "Y99999", TREAT)
CENTRE = caller(Kind.CHILDRENS_CENTRE, "CC901", OUTREACH)
HOSPITAL = caller(Kind.EMERGENCY_DEPARTMENT, "RX901", ETREAT)
COUNCIL = caller(Kind.LOCAL_AUTHORITY, "LA901", SAFEGUARDING)
SCHOOL_NURSE = caller(Kind.SCHOOL_NURSING, "RX902", TRANSITION)
AUDITOR = caller(Kind.AUDITOR, "RX903", AUDIT)
MOTHERS_APP = caller(Kind.PARENT_APP, "PA901", FAMILY_REQUEST, user=MOTHER)
FATHERS_APP = caller(Kind.PARENT_APP, "PA901", FAMILY_REQUEST, user=FATHER)

FAMILY = frozenset({f"nhs|{CHILD}", f"nhs|{MOTHER}"})
PERSON = Person(birth_date=date(2025, 2, 11), nhs_numbers=frozenset({CHILD}), family=FAMILY)
SUBJECT = standing.Subject(frozenset({CHILD}), PERSON.birth_date, {f"nhs|{MOTHER}": True, f"nhs|{FATHER}": False})


def said(*consents: Json) -> tuple[Grant, ...]:
    """What a family's Consents come to."""
    statements = [consent.Statement(f"consent-{number}", each, NOW) for number, each in enumerate(consents)]
    return consent.grants(statements, SUBJECT, teams={})


def agreed_to(*categories: str, recipient: str, purpose: str, **changed: Any) -> Json:
    """The mother agreed in March 2026 that an organisation may see these categories for a purpose."""
    system, _, code = purpose.rpartition("|")
    whole = example("consent-parent-permits-childrens-centre")
    role = whole["provision"]["actor"][0]["role"]
    named = {
        "actor": [{"role": role, "reference": organization(recipient)}],
        "purpose": [{"system": system, "code": code}],
        "code": [{"coding": [{"system": systems.DATA_CATEGORY, "code": category}]} for category in categories],
    }
    return whole | {"provision": whole["provision"] | named | changed}


REFUSAL = example("consent-parent-refuses")

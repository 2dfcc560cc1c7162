"""Drafts to write with: the published examples, and whatever else a child's record may hold.

https://hl7.org/fhir/R4/http.html#create
"""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.fhir import systems
from app.store import database as store
from app.store import resource, writing
from app.store.resource import Version
from app.store.writing import Draft
from tests.policy.consents import synthetic
from tests.policy.records import example, organization

Json = dict[str, Any]

KEY = b"a key that only these tests have"
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOTHER, FATHER = synthetic(600), synthetic(700)


def draft(content: Json, custodian: str = "RX999") -> Draft:
    return Draft(content, json.dumps(content, ensure_ascii=False), custodian)


def identified(nhs_number: str) -> Json:
    return {"type": "Patient", "identifier": {"system": systems.NHS_NUMBER, "value": nhs_number}}


def patient(nhs_number: str | None, **changed: Any) -> Json:
    """A child kept by a health visiting service, RX999."""
    identifier = [{"system": systems.NHS_NUMBER, "value": nhs_number}] if nhs_number else []
    usual = example("patient-toddler") | {"birthDate": "2025-02-11", "identifier": identifier}
    return {name: value for name, value in (usual | changed).items() if value not in (None, [])}


def superseded(old: str, new: str) -> Json:
    """The record of a number that was replaced by another."""
    return patient(old, active=False, link=[{"other": identified(new), "type": "replaced-by"}])


def relative(of: str, nhs_number: str) -> Json:
    """Somebody with proven parental responsibility."""
    own = [{"system": systems.NHS_NUMBER, "value": nhs_number}]
    return example("related-person-mother") | {"patient": identified(of), "identifier": own}


def agreed(about: str, *, by: str = MOTHER, recipient: str = "CC901", **changed: Any) -> Json:
    """A parent agreed that an organisation may see who the child is and how to reach them, for outreach."""
    whole = example("consent-parent-permits-childrens-centre")
    whole["provision"]["actor"][0]["reference"] = organization(recipient)
    return whole | {"patient": identified(about), "performer": [_person(by)]} | changed


def refused(about: str, *, by: str = MOTHER, **changed: Any) -> Json:
    """A parent refused everything."""
    return example("consent-parent-refuses") | {"patient": identified(about), "performer": [_person(by)]} | changed


def _person(nhs_number: str) -> Json:
    return {"type": "RelatedPerson", "identifier": {"system": systems.NHS_NUMBER, "value": nhs_number}}


async def create(database: store.Database, *drafts: Draft, now: datetime = START) -> list[Version]:
    """Written in one transaction."""
    async with database.transaction() as tx:
        return await writing.create_all(tx, drafts, KEY, now)


async def change(
    database: store.Database, type: str, id: UUID, content: Json, now: datetime = START, custodian: str = "RX999"
) -> Version:
    """The next version of what was written."""
    async with database.transaction() as tx:
        stored = await resource.locked(tx, type, id)
        assert stored is not None
        return await writing.update(tx, stored, draft(content, custodian), KEY, now)

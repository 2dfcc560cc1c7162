"""What an unscheduled look at a child with a plan leaves behind: the access history, and a notice to the authority.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3 (Access-to-Service Notification)

The notice says who looked, where and when; not why, and nothing clinical.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.fhir import resource_id, systems
from app.policy.access import Caller
from app.store import resource
from app.store.lookup import Found
from app.store.resource import Version


def notices(caller: Caller, flags: Iterable[Found], now: datetime) -> list[Version]:
    """A CommunicationRequest to each authority that has a flag among these."""
    by_authority: dict[str, list[Found]] = {}
    for flag in flags:
        by_authority.setdefault(flag.custodian, []).append(flag)
    return [_notice(caller, authority, its_flags, now) for authority, its_flags in sorted(by_authority.items())]


def _notice(caller: Caller, authority: str, flags: list[Found], now: datetime) -> Version:
    subject = json.loads(flags[0].content)["subject"]
    assert caller.user is not None, "nobody looks without a user"
    content: dict[str, Any] = {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": systems.RFC4122, "value": str(uuid4())}],
        "status": "active",
        "category": [
            {"coding": [{"system": systems.COMMUNICATION_CATEGORY, "code": "child-protection-access-notice"}]}
        ],
        "priority": "urgent",
        "subject": subject,
        "about": [{"reference": f"Flag/{flag.id}"} for flag in flags],
        "authoredOn": resource.instant(now),
        "requester": {"type": "PractitionerRole", "display": f"{caller.user.name} ({caller.user.role})"},
        "recipient": [_organization(authority)],
        "sender": _organization(caller.organization, caller.organization_name),
        "payload": [{"contentString": "The child protection flag was seen in an unscheduled care setting."}],
    }
    id = resource_id.new(flags[0].bucket, now)
    version = resource.version(content, None, caller.organization, flags[0].patient_id, now, id=id, number=1)
    # Whoever looked is not its owner: it names the authority, and so where a restricted child lives.
    return replace(version, facts=replace(version.facts, owners=frozenset()))


def _organization(ods_code: str, name: str | None = None) -> dict[str, Any]:
    reference: dict[str, Any] = {
        "type": "Organization",
        "identifier": {"system": systems.ODS_CODE, "value": ods_code},
    }
    return reference | ({"display": name} if name else {})


def access(caller: Caller, patient_id: UUID, now: datetime) -> tuple[Any, ...]:
    """A row of the access history, in the order of its columns: who, in which role, for which organisation, when."""
    assert caller.user is not None, "nobody looks without a user"
    bucket = resource_id.bucket(patient_id)
    return (
        resource_id.new(bucket, now),
        bucket,
        patient_id,
        now,
        caller.organization,
        caller.organization_name,
        caller.user.name,
        caller.user.role,
    )

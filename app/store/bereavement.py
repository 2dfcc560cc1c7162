"""No contact with a family who lost a baby: what was still to be said to them is revoked.

Good practice in information sharing in the Foundation Years (2013), case studies (R3)
"""

import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.fhir import json_text
from app.policy import facts
from app.store import resource

_CONTACT = "family-contact"
_STILL_TO_COME = {  # by type, with the word for what is not to happen any more
    "CommunicationRequest": (("draft", "active", "on-hold"), "revoked"),
    "Task": (("draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"), "cancelled"),
}
TYPES = frozenset({"Patient", *_STILL_TO_COME})  # what may make contact stop, or ask for it too late


async def revoke_contact(tx: AsyncConnection, bereaved: Collection[UUID], now: datetime) -> None:
    """End whatever asks to contact the family of one of these Patients, who are locked, and take it out of the outbox."""
    if not bereaved:
        return
    for stored in await resource.about(tx, bereaved, _STILL_TO_COME):
        still_to_come, ended = _STILL_TO_COME[stored.type]
        content = json.loads(stored.content)
        known = facts.of(content, stored.custodian, stored.patient_id)
        if known.kind != _CONTACT or known.status not in still_to_come:
            continue
        locked = await resource.locked(tx, stored.type, stored.id)
        assert locked is not None, "it was just read, and nothing is deleted"
        revoked = json_text.exact(locked.content) | {"status": ended}
        version = resource.version(
            revoked,
            json_text.written_exactly(revoked),
            locked.custodian,
            locked.patient_id,
            now,
            id=locked.id,
            number=locked.version + 1,
        )
        await resource.replace(tx, version)
        await resource.withdraw(tx, version)

"""The next version of a resource, made from the current one that its author may see: what update, patch and delete share.

https://hl7.org/fhir/R4/http.html#update; https://hl7.org/fhir/R4/http.html#concurrency

What the author was not shown stays, and what is answered is what the author may see of the new version, which may hold
more than was sent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

from app.api import create, responses
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import json_text
from app.fhir.errors import Gone, VersionMismatch
from app.policy import authorship, continuation, own_name, redaction
from app.policy.authority import Interaction, Permit
from app.store import audit, known, reading, resource, writing
from app.store.database import Transaction
from app.store.resource import Stored, Version
from app.store.search import Row
from app.store.writing import Draft

Change: TypeAlias = Callable[[Row, Stored], Draft]
"""What is to be stored, from the current version as its author may see it and as it is."""
Keep: TypeAlias = Callable[[Mapping[str, Any], dict[str, Any]], dict[str, Any]]
"""What is to be stored, from the current version as it is and what was sent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which resource is to be changed, and on which version; on any where `expected` is None."""

    type: str
    id: UUID
    expected: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """The new version, and as its author may see it; None where by this very change they no longer may."""

    version: Version
    seen: Row | None

    @property
    def shown(self) -> str:
        """The text to answer with. Who may no longer see the resource is not told what was kept of it."""
        if self.seen:
            return responses.shown(self.seen)
        return redaction.shown(self.version.content, self.version.type, contact=True, location=False)


async def write(
    service: Service,
    asked: Asked,
    tx: Transaction,
    interaction: Interaction,
    may_see: Permit,
    place: Place,
    change: Change,
) -> Written | None:
    """Store the next version, with its audit; None where the caller may not see the current one.

    Raises Gone where what the caller could see was deleted, VersionMismatch where another version was expected, and what
    authorship and `change` refuse.
    """
    current = await _current(service, tx, may_see, place)
    if current is None:
        return None
    row, stored = current
    draft = await _allowed(service, asked, tx, row, stored, change(row, stored))
    is_deleted = interaction == "delete"
    version = await writing.update(tx, stored, draft, service.bucket_key, asked.now, deleted=is_deleted)
    await audit.record(tx, [create.kept(asked, interaction, version, row.rule)])
    return Written(version, None if is_deleted else await reading.read(tx, may_see, place.type, place.id))


async def _current(service: Service, tx: Transaction, may_see: Permit, place: Place) -> tuple[Row, Stored] | None:
    """The current version, locked after the person, as every writer does, and judged again once it is."""
    seen = await reading.read(tx, may_see, place.type, place.id)
    if seen is None:
        await _check_not_gone(tx, may_see, place)
        return None
    await writing.take_turn(tx, seen.patient_id, service.bucket_key)
    stored = await resource.locked(tx, place.type, place.id)
    row = await reading.read(tx, may_see, place.type, place.id)
    if stored is None or row is None:
        await _check_not_gone(tx, may_see, place)
        return None
    if place.expected not in (None, stored.version):
        raise VersionMismatch("There is another version now. Read it, and send If-Match with its ETag.")
    return row, stored


async def _check_not_gone(tx: Transaction, may_see: Permit, place: Place) -> None:
    """Raises Gone for whoever could see what was deleted."""
    if await reading.tombstone(tx, may_see, place.type, place.id):
        raise Gone


async def _allowed(service: Service, asked: Asked, tx: Transaction, row: Row, stored: Stored, draft: Draft) -> Draft:
    """What is kept of a draft, if this caller may put it in the place of the current version."""
    current, organization = json.loads(stored.content), asked.caller.organization
    keep = _keeping(row, current, stored, organization)
    if keep is continuation.carried_out and not _is_carried_out(row, stored, draft):
        raise own_name.not_yours()
    content = keep(current, draft.resource)
    about = await known.about(tx, content, organization, service.bucket_key)
    if refused := authorship.refusal_to_change(
        asked.caller,
        row.rule,
        current,
        content,
        about.person,
        custodian=stored.custodian,
        keeps=about.keeps,
        may_merge=about.may_merge,
        owns=about.owns,
    ):
        raise refused
    text = draft.text
    if content is not draft.resource:
        text = json_text.written_exactly(keep(json_text.exact(stored.content), json_text.exact(draft.text)))
    return Draft(content, text, stored.custodian)


def _keeping(row: Row, current: Mapping[str, Any], stored: Stored, organization: str) -> Keep:
    """How the current version goes on in the next one by this author."""
    if row.type == "Task" and row.rule == "recipient":
        return continuation.carried_out
    is_keeper = organization in authorship.keepers(current, stored.custodian)
    return partial(continuation.continued, shows_location=row.shows_location, is_keeper=is_keeper)


def _is_carried_out(row: Row, stored: Stored, draft: Draft) -> bool:
    """Whether a Task's recipient changes nothing else of what they are shown; what is hidden cannot be found out so."""
    shown = {"contact": row.shows_contact, "location": row.shows_location}
    before, after = (json.loads(redaction.shown(text, row.type, **shown)) for text in (stored.content, draft.text))
    return own_name.carries_out(before, after)

"""$merge: of two records of one person, one is replaced by the other. By whoever keeps both.

https://hl7.org/fhir/patient-operation-merge.html (defined for R5, served here for R4)

No statement is moved or rewritten: both Patients get a version that says how they belong together, and from the commit on
either number leads to all that is known of the person, consents and refusals united. `$unmerge` takes it back.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from app.api import create, patient_pair, read, requests, responses
from app.api.endpoint import NAMED, permit
from app.api.patient_pair import Own
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import outcome, parameters, patient_link, resource_id, subject, systems
from app.fhir.errors import Conflict, Issue, Malformed, NotFound, Unprocessable
from app.fhir.nhs_number import NHSNumber
from app.policy.authority import Permit
from app.store import audit, identity, reading
from app.store.database import Transaction
from app.store.resource import Version
from app.store.search import Row

_TAKEN = {
    "source-patient": "valueReference",
    "source-patient-identifier": "valueIdentifier",
    "target-patient": "valueReference",
    "target-patient-identifier": "valueIdentifier",
    "preview": "valueBoolean",
}
_PLACE = "Parameters.parameter"


class _Preview(Exception):
    """Raised to take back what a preview did."""


async def merge(service: Service, asked: Asked) -> Response:
    """`POST Patient/$merge`: the source is replaced by the target, which stays. A preview keeps nothing."""
    requests.only(requests.query_pairs(asked.request), "_format")
    may_see = permit(service, asked, "operation", "Patient", "u")
    sent = parameters.values(
        requests.json_body(await requests.resource_body(asked.request, service.settings.largest_body)), _TAKEN
    )
    asked.request.scope[NAMED] = urlencode(list(_asked_for(sent)))
    ids: list[UUID | None] = []
    versions: list[Version] = []
    row: Row | None = None
    try:
        async with service.database.transaction() as tx:
            ids = [await _named(service, tx, sent, which) for which in ("source", "target")]
            versions, row = await _merged(service, asked, tx, may_see, ids)
            if sent.get("preview") is True and row:
                raise _Preview
            kept = [create.kept(asked, "update", version) for version in versions]
            await audit.record(tx, kept or _nothing(asked, ids))
    except _Preview:
        async with service.database.transaction() as tx:
            await audit.record(tx, [_shown(asked, version) for version in versions])
    if row is None:
        raise NotFound
    return _answer(sent, row)


def _asked_for(sent: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Whom a refusal of this is remembered with."""
    for name, value in sent.items():
        if isinstance(value, dict) and "reference" in value:
            yield name, str(value["reference"])
        elif isinstance(value, dict):
            yield name, f"{value.get('system', '')}|{value.get('value', '')}"


def _shown(asked: Asked, version: Version) -> audit.Entry:
    """Of a preview: the version that is there still, which its caller was shown with what would change."""
    entry = create.kept(asked, "read", version)
    return replace(entry, resources=(f"Patient/{version.id}/_history/{version.version - 1}",))


def _nothing(asked: Asked, ids: Sequence[UUID | None]) -> list[audit.Entry]:
    return [read.entry(asked, "update", "Patient", id, None) for id in dict.fromkeys(ids)]


async def _named(service: Service, tx: Transaction, sent: dict[str, Any], which: str) -> UUID | None:
    """The record that is named, by reference or by NHS number; None where it cannot be one of ours."""
    reference, identifier = (sent.get(f"{which}-patient{suffix}") for suffix in ("", "-identifier"))
    if (reference is None) == (identifier is None):
        raise Malformed(f"Name the {which} either by {which}-patient or by {which}-patient-identifier.")
    if reference is not None:
        text = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(text, str) or not text.startswith("Patient/"):
            raise Malformed(f"{which}-patient is a reference such as Patient/[id].", expression=_PLACE)
        return resource_id.parse(text.removeprefix("Patient/"))
    if not isinstance(identifier, dict) or identifier.get("system") != systems.NHS_NUMBER:
        raise Malformed(f"{which}-patient-identifier is an NHS number.", expression=_PLACE)
    try:
        number = NHSNumber.parse(str(identifier.get("value"))).value
    except ValueError as error:
        raise Malformed(str(error), expression=_PLACE) from None
    people = await identity.resolve(tx, [number], service.bucket_key)
    return people[number].patient_id if number in people else None


async def _merged(
    service: Service, asked: Asked, tx: Transaction, may_see: Permit, ids: Sequence[UUID | None]
) -> tuple[list[Version], Row | None]:
    """Both new versions, and the record that stays as the caller sees it; nothing where either is not to be seen."""
    same = ids[0] if len(set(ids)) == 1 else None
    if same and await reading.read(tx, may_see, "Patient", same):  # else it would tell whether somebody has a number
        raise Unprocessable("The source and the target are one record.", expression=_PLACE)
    pair = await patient_pair.both(service, tx, may_see, ids)
    if pair is None:
        return [], None
    source, target = pair
    number = await _number(service, tx, source, target)
    replaced = patient_link.replaced(source.content, str(target.stored.id), number)
    staying = patient_link.replacing(target.content, str(source.stored.id))
    versions = [
        await patient_pair.put(service, asked, tx, source, replaced),
        await patient_pair.put(service, asked, tx, target, staying),
    ]
    return versions, await reading.read(tx, may_see, "Patient", target.stored.id)


async def _number(service: Service, tx: Transaction, source: Own, target: Own) -> str:
    """The NHS number of the record that stays. Raises where the two are not to be merged."""
    (person,) = await identity.of_records(tx, [target.stored.id], service.bucket_key)
    if source.stored.id in person.records:
        raise Conflict("These are records of one person already.")
    if patient_link.is_ended(source.content) or patient_link.is_ended(target.content):
        raise Unprocessable("A record that was ended without a successor is linked to no other.", expression=_PLACE)
    about = subject.of(target.content)
    if about is None or about.nhs_number is None:
        raise Unprocessable("The record that stays needs an NHS number.", expression=_PLACE)
    return about.nhs_number


def _answer(sent: dict[str, Any], row: Row) -> Response:
    """As R5 has it: what was asked, how it went, and the record that stays."""
    is_preview = sent.get("preview") is True
    said = "This is what would be kept." if is_preview else "These are records of one person from now on."
    asked = [{"name": name, _TAKEN[name]: value} for name, value in sent.items()]
    listed = {
        "input": json.dumps({"resourceType": "Parameters", "parameter": asked}, separators=(",", ":")),
        "outcome": outcome.text([Issue("informational", said, severity="information")]),
        "result": responses.shown(row),
    }
    parts = ",".join(f'{{"name":"{name}","resource":{text}}}' for name, text in listed.items())
    return responses.fhir(f'{{"resourceType":"Parameters","parameter":[{parts}]}}')

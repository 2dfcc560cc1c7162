"""What the entries of a transaction say of one another, settled before any of them is done: the ids that those will have
which are not there yet, every reference to them, and the order in which they are done.

https://hl7.org/fhir/R4/http.html#trules; https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.api.matching import Matching
from app.fhir import resource_id, subject
from app.fhir.bundle_request import Requested
from app.store import turns
from app.store.joined import Joined

# Who is spoken of before what is said of them, since whoever writes about a person is asked who keeps that person's
# record; and what is about other records last.
_TYPES = {"Organization": 0, "Practitioner": 1, "PractitionerRole": 2, "Patient": 3, "RelatedPerson": 4}
_OTHER_TYPES, _LAST = 5, 6
_ABOUT_OTHERS = ("Provenance", "Group")
_METHODS = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}
_READS = 3
_ONE = re.compile(r"(?P<base>https?://\S+/)?(?P<one>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class Promises:
    """`by_url` is what each fullUrl stands for, as `Type/id`, and `places` what each entry writes, by the entry's place;
    `ids` are those of what is created."""

    by_url: Mapping[str, str]
    places: Mapping[int, str]
    ids: Mapping[int, UUID]

    def resolved(self, reference: str, entry: Requested) -> str | None:
        """What a reference in an entry stands for; None where it names no entry of the Bundle."""
        if reference in self.by_url:
            return self.by_url[reference]
        own = _ONE.fullmatch(entry.full_url or "")
        if own and own["base"] and (relative := _ONE.fullmatch(reference)) and not relative["base"]:
            return self.by_url.get(own["base"] + reference)
        return None


async def made(matching: Matching, one: Joined, entries: Sequence[Requested], key: bytes, now: datetime) -> Promises:
    """The promises, once it is our turn with everybody whom the entries are about. Raises Undone."""
    people = await turns.take(one.tx, [each for each in map(_resource, entries) if each], _named(entries), key, now)
    by_url: dict[str, str] = {}
    places: dict[int, str] = {}
    ids: dict[int, UUID] = {}
    for entry in sorted(entries, key=lambda each: precedence(each.resource or {})):
        place = await matching.place(entry)
        resource = _resource(entry)
        if place is None and resource and entry.creates and resource["resourceType"] != subject.TARGETED:
            ids[entry.index] = turns.promised(resource, people, _patient(resource, by_url), now)
            place = f"{resource['resourceType']}/{ids[entry.index]}"
        if place and not entry.is_read:
            places[entry.index] = place
        if place and entry.full_url and entry.method != "DELETE":
            by_url[entry.full_url] = place
    return Promises(by_url, places, ids)


def rank(entry: Requested) -> tuple[int, int, str]:
    """By which the entries are put in the order in which they are done: FHIR's, and within it what has to be there first.

    Changes go by what they change, so that two transactions never wait for each other's.
    """
    resource = _resource(entry)
    if entry.is_read:
        return _READS, 0, ""
    if entry.method != "POST":
        return _METHODS[entry.method], 0, entry.path
    return _METHODS[entry.method], precedence(resource) if resource else 0, ""


def precedence(resource: Mapping[str, Any]) -> int:
    """By which what is created is put in order: those of the same do not have to be there for one another."""
    type = resource.get("resourceType")
    return _LAST if type in _ABOUT_OTHERS else _TYPES.get(str(type), _OTHER_TYPES)


def _resource(entry: Requested) -> dict[str, Any] | None:
    """What an entry sends, if it may be asked whom it is about."""
    return entry.resource if entry.resource and isinstance(entry.resource.get("resourceType"), str) else None


def _patient(resource: Mapping[str, Any], by_url: Mapping[str, str]) -> UUID | None:
    """The Patient that a resource says it is about, by reference; one of the Bundle's is among `by_url` by then."""
    about = subject.of(resource)
    reference = resource.get(about.element) if about else None
    stated = str(reference.get("reference")) if isinstance(reference, Mapping) else ""
    type, _, id = by_url.get(stated, f"Patient/{about.patient_id}" if about else "").partition("/")
    return resource_id.parse(id) if type == "Patient" else None


def _named(entries: Sequence[Requested]) -> set[UUID]:
    """The ids of what the entries write, and of the Patients that they say they are about."""
    written = [entry.path.partition("/")[2] for entry in entries if not entry.is_read]
    about = [subject.of(resource) for resource in map(_resource, entries) if resource]
    patients = [each.patient_id for each in about if each and each.patient_id]
    return {id for text in (*written, *patients) if (id := resource_id.parse(text))}

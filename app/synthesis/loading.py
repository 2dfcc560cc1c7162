"""Loading a synthetic population, through the same path as every other write.

https://hl7.org/fhir/R4/http.html#create
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from app.fhir import resource_id, subject, validation
from app.store import identity, installation, writing
from app.store.database import Database, Transaction
from app.store.writing import Draft
from app.synthesis.entry import Entry

T = TypeVar("T")
TOGETHER = 150  # families in one transaction
_BEGUN, _LOADED = "population-begun", "population-batches"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which population: the same choice makes the same families."""

    children: int
    seed: int
    today: date

    def __str__(self) -> str:
        return f"{self.children} children, seed {self.seed}, {self.today}"


async def begin(database: Database, chosen: Chosen) -> tuple[Chosen, int]:
    """What to load, and how many batches of it are there: of one that was interrupted, the rest."""
    async with database.transaction() as tx:
        begun = await installation.get(tx, _BEGUN)
        if begun is None:
            await installation.put(tx, _BEGUN, f"{chosen.children} {chosen.seed} {chosen.today}")
            return chosen, 0
        children, seed, today = begun.split()
        loaded = await installation.get(tx, _LOADED)
    return Chosen(int(children), int(seed), date.fromisoformat(today)), int(loaded or 0)


async def load(
    database: Database, families: Iterable[list[Entry]], key: bytes, now: datetime, *, loaded: int = 0
) -> AsyncIterator[int]:
    """Write every family, so many in one transaction, after the batches that are `loaded`.

    Gives the number of resources written after each transaction.
    """
    written = 0
    for number, batch in enumerate(_batches(iter(families), TOGETHER), start=1):
        if number <= loaded:
            continue
        entries = [entry for family in batch for entry in family]
        async with database.transaction() as tx:
            drafts = await _drafts(tx, entries, key, now)
            await writing.create_all(tx, drafts, key, now)
            await installation.put(tx, _LOADED, str(number))
        written += len(drafts)
        yield written


async def _drafts(tx: Transaction, entries: list[Entry], key: bytes, now: datetime) -> list[Draft]:
    """Each entry with an id of its own, in the bucket of its person, and its references by key made literal."""
    subjects = [subject.of(entry.resource) for entry in entries]
    numbers = {about.nhs_number for about in subjects if about and about.nhs_number}
    people = await identity.register(tx, numbers, key, now)
    ids: dict[str, UUID] = {}
    for entry, about in zip(entries, subjects, strict=True):
        person = people[about.nhs_number] if about and about.nhs_number else None
        is_patient = person is not None and entry.resource["resourceType"] == "Patient"
        bucket = person.bucket if person else resource_id.any_bucket()
        ids[entry.key] = person.patient_id if is_patient and person else resource_id.new(bucket, now)
    literal = {entry.key: f"{entry.resource['resourceType']}/{ids[entry.key]}" for entry in entries}
    drafts = []
    for entry in entries:
        resolved = _resolved(entry.resource, literal)
        if faults := validation.faults(resolved):
            raise ValueError(f"A synthetic {resolved['resourceType']} is not valid: {faults[0]}")
        text = json.dumps(resolved, ensure_ascii=False, separators=(",", ":"))
        drafts.append(Draft(resolved, text, entry.custodian, ids[entry.key]))
    return drafts


def _resolved(value: Any, literal: dict[str, str]) -> Any:
    match value:
        case dict():
            return {name: _resolved(child, literal) for name, child in value.items()}
        case list():
            return [_resolved(child, literal) for child in value]
        case str() if value in literal:
            return literal[value]
        case _:
            return value


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch

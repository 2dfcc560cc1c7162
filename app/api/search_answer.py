"""The Bundle with which a search is answered, and what the audit keeps of it.

https://hl7.org/fhir/R4/bundle.html#searchset
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from app.api import read, responses
from app.api.requests import Asked
from app.api.service import Service
from app.child_protection import gate
from app.fhir import bundle, outcome, search_criteria, subset
from app.fhir.bundle import Entry as BundleEntry
from app.fhir.errors import Issue
from app.fhir.search_criteria import Pair, SearchQuery
from app.fhir.subset import Part
from app.policy import explanation
from app.store import audit
from app.store.audit import Entry
from app.store.inclusion import Included
from app.store.search import Row

_PLANS = frozenset(("Flag", "CarePlan", "CareTeam"))
_LIKE_A_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z_.:-]{0,60}")


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be told: the page, its total where one was asked for, and what belongs to it."""

    rows: Sequence[Row]
    total: int | None
    included: Included


def text(
    service: Service,
    asked: Asked,
    query: SearchQuery,
    found: Found,
    links: dict[str, str],
    types: Iterable[str] | None = None,
) -> str:
    """The Bundle. `types` are those that were asked for, where it is not what the query says. `_elements` is of what was searched for; what is included is shown whole, or as its summary."""
    entries = [_entry(service, row, "match", Part(query.summary, query.elements)) for row in found.rows]
    entries += [_entry(service, row, "include", Part(query.summary)) for row in found.included.rows]
    touched = frozenset(_touched(query) if types is None else types)
    notes = [BundleEntry(None, outcome.text([issue]), "outcome") for issue in _notes(asked, query, found, touched)]
    return bundle.searchset([*entries, *notes], found.total, links)


def _entry(service: Service, row: Row, mode: bundle.Mode, part: Part) -> BundleEntry:
    url = f"{service.settings.fhir_base}/{row.type}/{row.id}"
    return BundleEntry(url, subset.of(responses.shown(row), part), mode)


def _touched(query: SearchQuery) -> Iterator[str]:
    """The types that a search asks for, asks something of, or would bring along."""
    yield query.type
    for criterion in query.criteria:
        yield from search_criteria.looked_into(criterion)
    for include in query.includes:
        if include.reverse:
            yield include.source
        else:
            yield include.target or (include.parameter.targets[0] if len(include.parameter.targets) == 1 else "")


def _notes(asked: Asked, query: SearchQuery, found: Found, touched: frozenset[str]) -> Iterator[Issue]:
    if query.ignored:
        named = ", ".join(
            name if _LIKE_A_PARAMETER.fullmatch(name) else "one of no such name" for name in query.ignored
        )
        yield Issue("not-supported", f"These parameters were left out, as you prefer: {named}.", severity="warning")
    if found.included.is_cut:
        yield Issue("too-costly", "More would be included than is shown. Narrow it.", severity="warning")
    # Whoever may look children up is told that a plan is not found in this way, whether or not there is one.
    if touched & _PLANS and gate.takes_part(asked.caller):
        yield Issue("informational", explanation.practitioner("plans_are_looked_up"), severity="information")


def entries(
    asked: Asked, interaction: str, type: str, pairs: Sequence[Pair], people: Iterable[UUID], found: Found
) -> Iterator[Entry]:
    """For the audit: one for each person returned, and for each person named of whom nothing was; one at least.

    A total without rows has told something too, of everyone who was named, and so have rows that are about nobody: the
    organisation in somebody's record.
    """
    by_person: dict[UUID | None, list[Row]] = {}
    for row in (*found.rows, *found.included.rows):
        by_person.setdefault(row.patient_id, []).append(row)
    for named in people:
        by_person.setdefault(named, [])
    told = bool(found.total or found.rows) and not any(rows for id, rows in by_person.items() if id)
    for id, of_person in (by_person or {None: []}).items():
        yield Entry(
            asked.caller,
            asked.now,
            interaction,
            type,
            audit.RELEASED if of_person or told else audit.NOTHING,
            of_person[0].rule if of_person else ("total" if told else "nothing"),
            asked.request_id,
            patient_id=id,
            resources=tuple(read.named(row) for row in of_person),
            query=urlencode(pairs),
        )

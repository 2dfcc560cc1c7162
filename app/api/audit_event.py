"""AuditEvent: who saw what, for the auditor. To read it is in the audit too.

https://hl7.org/fhir/R4/auditevent.html; https://profiles.ihe.net/ITI/BALP/
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from app.api import requests, responses, search_links
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import audit_event, bundle, resource_id, subset
from app.fhir.bundle import Entry as BundleEntry
from app.fhir.errors import InvalidParameter, NotFound
from app.fhir.search_criteria import About, Ids, SearchQuery, When
from app.fhir.subset import Part
from app.store import audit, audit_search, criteria, resource
from app.store import search as stored
from app.store.audit import Entry
from app.store.criteria import Where


async def read(service: Service, asked: Asked) -> Response:
    """One AuditEvent."""
    requests.only(requests.query_pairs(asked.request), "_format")
    may_see = permit(service, asked, "read", "AuditEvent", "r")
    id = resource_id.parse(asked.request.path_params["id"])
    async with service.database.transaction() as tx:
        row = await audit_search.read(tx, may_see, id) if id else None
        await audit.record(tx, [_entry(asked, "read", [row] if row else [], None, None)])
    if row is None:
        raise NotFound
    return responses.fhir(_text(row))


async def search_type(service: Service, asked: Asked) -> Response:
    """A page of AuditEvents, newest first."""
    pairs = await search_links.pairs_of(service, asked)
    may_see = permit(service, asked, "search", "AuditEvent", "s")
    query, after = search_links.asked_for(service, asked, "AuditEvent", pairs)
    _check(query)
    async with service.database.transaction() as tx:
        named = await stored.about(tx, query, service.bucket_key)
        people = named.all if named else None
        events = await audit_search.page(tx, may_see, _conditions(query, people), query.count, after)
        await audit.record(tx, [_entry(asked, "search", events.rows, query, people)])
    links = {"self": search_links.link(service, asked, query, after)}
    if events.next:
        links["next"] = search_links.link(service, asked, query, events.next)
    base = f"{service.settings.fhir_base}/AuditEvent"
    entries = [
        BundleEntry(f"{base}/{row['id']}", subset.of(_text(row), Part(query.summary, query.elements)), "match")
        for row in events.rows
    ]
    return responses.fhir(bundle.searchset(entries, events.total if query.total else None, links))


def _check(query: SearchQuery) -> None:
    """The audit is asked by person, date and id, newest first: the rows have a table of their own."""
    if query.includes:
        raise InvalidParameter("An AuditEvent includes nothing.", expression="_include")
    if query.sort:
        raise InvalidParameter("AuditEvents are sorted by date, the newest first. Leave _sort out.", expression="_sort")
    if not all(isinstance(each, About | Ids | When) for each in query.criteria):
        raise InvalidParameter("AuditEvents are asked by patient, date and _id, without modifiers or chains.")


def _conditions(query: SearchQuery, people: frozenset[UUID] | None) -> list[Where]:
    conditions: list[Where] = []
    for criterion in query.criteria:
        match criterion:
            case About():
                conditions.append(lambda c: criteria.is_among(c.patient_id, people or frozenset()))
            case Ids(texts):
                ids = frozenset(id for text in texts if (id := resource_id.parse(text)))
                conditions.append(_has_id(ids))
            case When(_, values):
                conditions.append(criteria.happened(values, "recorded"))
    return conditions


def _has_id(ids: frozenset[UUID]) -> Where:
    return lambda c: criteria.is_among(c.id, ids)


def _entry(
    asked: Asked,
    interaction: str,
    rows: Sequence[Mapping[str, Any]],
    query: SearchQuery | None,
    people: frozenset[UUID] | None,
) -> Entry:
    """One for the look itself; whose audit it was is in the query, and in `patient_id` where it was one person's."""
    named = {row["patient_id"] for row in rows} if people is None else set(people)
    return Entry(
        asked.caller,
        asked.now,
        interaction,
        "AuditEvent",
        audit.RELEASED if rows else audit.NOTHING,
        "audit" if rows else "nothing",
        asked.request_id,
        patient_id=next(iter(named)) if len(named) == 1 else None,
        resources=tuple(f"AuditEvent/{row['id']}" for row in rows),
        query=urlencode(query.pairs) if query else None,
    )


def _text(row: Mapping[str, Any]) -> str:
    event = audit_event.of(row, resource.instant(row["recorded"]))
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))

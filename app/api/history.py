"""history: the versions of one resource, of a type, or of everything that the caller's scopes cover; newest first.

https://hl7.org/fhir/R4/http.html#history

`Bundle.meta.lastUpdated` is the moment up to which nothing is missing, so whoever asks again with that as `_since` gets
every version at least once: what is being written has a time of its own, and may be committed after something later.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from app.api import read, requests, responses, search_links
from app.api.endpoint import NAMED, Interact, permit
from app.api.refused import Refused
from app.api.requests import Asked
from app.api.search_links import Opened
from app.api.service import Service
from app.fhir import bundle, history_query, resource_id, search_parameters
from app.fhir.errors import NotFound
from app.fhir.history_query import HistoryQuery
from app.fhir.search_criteria import Place
from app.policy.authority import Permit
from app.store import audit, database, history, reading, resource
from app.store.audit import Entry
from app.store.database import Transaction
from app.store.history import After
from app.store.search import Row


def of(type: str) -> Interact:
    """The history of one resource of a type. Not found where it may not be seen today, whatever its versions say."""

    async def history_instance(service: Service, asked: Asked) -> Response:
        id = resource_id.parse(asked.request.path_params["id"])
        question = _question(service, asked, f"{type}/{asked.request.path_params['id']}/_history")
        permits = {type: permit(service, asked, "history", type, "r")}
        async with service.database.transaction() as tx:
            found = await _of_one(tx, service, asked, permits, question, id) if id else None
            shown = found.rows if found else ()
            nothing = read.entry(asked, "history", type, id, None)
            await audit.record(tx, list(_entries(asked, type, shown)) or [nothing])
        if found is None:
            raise NotFound
        return responses.fhir(_bundle(service, asked, question, found))

    return history_instance


def of_type(type: str) -> Interact:
    """The history of a type."""

    async def history_type(service: Service, asked: Asked) -> Response:
        question = _question(service, asked, f"{type}/_history")
        return await _feed(service, asked, type, question, {type: permit(service, asked, "history", type, "s")})

    return history_type


async def system(service: Service, asked: Asked) -> Response:
    """The history of all types that the caller's scopes let it search. Refused where there is none."""
    question = _question(service, asked, "_history")
    types = [type for type in search_parameters.written_types() if asked.caller.may(type, "s")]
    if not types:
        raise Refused("scope_required")
    return await _feed(
        service, asked, "", question, {type: permit(service, asked, "history", type, "s") for type in types}
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, at which path, and where its page begins. `complete` is what the first page said, on a later one."""

    path: str
    opened: Opened
    query: HistoryQuery
    after: After | None
    complete: datetime | None


@dataclass(frozen=True, slots=True)
class _Found:
    rows: tuple[Row, ...]
    next: After | None
    total: int | None
    complete: datetime


def _question(service: Service, asked: Asked, path: str) -> _Question:
    pairs = requests.query_pairs(asked.request)
    asked.request.scope[NAMED] = urlencode(pairs)
    opened = search_links.opened(service, asked, path, pairs)
    settings = service.settings
    query = history_query.parse(opened.pairs, page_size=settings.page_size, largest_page=settings.largest_page)
    if opened.place is None:
        return _Question(path, opened, query, None, None)
    moment, id, version, complete = (str(value) for value in opened.place.values)
    after = After(datetime.fromisoformat(moment), UUID(id), int(version))
    return _Question(path, opened, query, after, datetime.fromisoformat(complete))


async def _of_one(
    tx: Transaction, service: Service, asked: Asked, permits: Mapping[str, Permit], question: _Question, id: UUID
) -> _Found | None:
    ((type, may_see),) = permits.items()
    if not await reading.read_all(await database.driver(tx), may_see, type, [id]):
        return None
    complete = await _complete(tx, service, asked, question)
    page = await history.page(tx, permits, question.query, question.after, id)
    total = await history.total(tx, may_see, type, id, question.query)
    return _Found(page.rows, page.next, total, complete)


async def _feed(
    service: Service, asked: Asked, type: str, question: _Question, permits: Mapping[str, Permit]
) -> Response:
    """A page of what is kept of these types. It has no total, since to count all that ever happened has no bound."""
    async with service.database.transaction() as tx:
        complete = await _complete(tx, service, asked, question)
        page = await history.page(tx, permits, question.query, question.after)
        await audit.record(tx, list(_entries(asked, type, page.rows)) or [_nothing(asked, type)])
    return responses.fhir(_bundle(service, asked, question, _Found(page.rows, page.next, None, complete)))


async def _complete(tx: Transaction, service: Service, asked: Asked, question: _Question) -> datetime:
    """Up to when nothing is missing: no request that is still alive, and nothing that is being written, is older.

    A request gets its time at its start and ends within `request_seconds`. What was gathered may wait `database_seconds`
    for a connection, and a transaction lasts no longer, but for a commit that the database is still at. Clocks differ.
    """
    if question.complete is not None:
        return question.complete
    settings = service.settings
    allowed = settings.request_seconds + 2 * settings.database_seconds + settings.clock_skew_seconds
    return asked.now - timedelta(seconds=allowed) - await history.oldest_writer(tx)


def _entries(asked: Asked, type: str, rows: Sequence[Row]) -> Iterable[Entry]:
    """One for each person of whom something is shown."""
    by_person: dict[UUID | None, list[Row]] = {}
    for row in rows:
        by_person.setdefault(row.patient_id, []).append(row)
    for id, of_person in by_person.items():
        yield Entry(
            asked.caller,
            asked.now,
            "history",
            type,
            audit.RELEASED,
            of_person[0].rule,
            asked.request_id,
            patient_id=id,
            resources=tuple(read.named(row) for row in of_person),
            query=asked.request.scope[NAMED] or None,
        )


def _nothing(asked: Asked, type: str) -> Entry:
    query = asked.request.scope[NAMED] or None
    return Entry(asked.caller, asked.now, "history", type, audit.NOTHING, "nothing", asked.request_id, query=query)


def _bundle(service: Service, asked: Asked, question: _Question, found: _Found) -> str:
    place = question.opened.place
    links = {"self": _link(service, asked, question, place)}
    if (after := found.next) is not None:
        values = (after.last_updated.isoformat(), str(after.id), str(after.version), found.complete.isoformat())
        links["next"] = _link(service, asked, question, Place(values))
    entries = (_entry(service.settings.fhir_base, row) for row in found.rows)
    return bundle.history(entries, found.total, links, resource.instant(found.complete))


def _link(service: Service, asked: Asked, question: _Question, place: Place | None) -> str:
    pairs = question.opened.pairs
    if place is None:
        return search_links.plain(service, question.path, pairs)
    return search_links.sealed(service, asked, question.path, Opened(pairs, place))


def _entry(base: str, row: Row) -> bundle.Kept:
    """How it came about: the first version by POST, the last of what was deleted by DELETE, all others by PUT."""
    is_first = row.version == 1
    method = "DELETE" if row.deleted else "POST" if is_first else "PUT"
    return bundle.Kept(
        full_url=f"{base}/{row.type}/{row.id}",
        method=method,
        url=row.type if method == "POST" else f"{row.type}/{row.id}",
        status={"POST": "201 Created", "PUT": "200 OK", "DELETE": "204 No Content"}[method],
        location=f"{base}/{read.named(row)}",
        etag=f'W/"{row.version}"',
        last_modified=resource.instant(row.last_updated),
        text=None if row.deleted else responses.shown(row),
    )

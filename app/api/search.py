"""search-type: what this caller may see of a type, in pages, by GET or `POST _search`.

https://hl7.org/fhir/R4/http.html#search
"""

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from app.api import read, requests, responses
from app.api.endpoint import NAMED, Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.child_protection import gate
from app.fhir import bundle, outcome, search_parameters, search_query
from app.fhir.bundle import Entry as BundleEntry
from app.fhir.errors import InvalidParameter, Issue
from app.fhir.search_criteria import Pair, Place, SearchQuery
from app.policy import explanation
from app.store import audit, inclusion, search
from app.store.audit import Entry
from app.store.search import Page, Row

_LIKE_A_NUMBER = re.compile(r"\d{3}[ -]?\d{3}[ -]?\d{4}")


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def search_type(service: Service, asked: Asked) -> Response:
        pairs = await pairs_of(service, asked)
        may_see = permit(service, asked, "search", type, "s")
        query, after = asked_for(service, asked, type, pairs)
        served = search_parameters.written_types()
        targets = {target for include in query.includes for target in include.parameter.targets if target in served}
        permits = {target: permit(service, asked, "search", target, "r") for target in sorted(targets)}
        async with service.database.transaction() as tx:
            people = await search.about(tx, query, service.bucket_key)
            page = await search.page(tx, {type: may_see}, query, people, after, service.bucket_key)
            included = (await inclusion.included(tx, permits, page.rows, query.includes, service.bucket_key)).rows
            await audit.record(
                tx, list(_entries(asked, query, people.everyone if people else (), (*page.rows, *included), page.total))
            )
        return responses.fhir(_bundle(service, asked, query, page, included, after))

    return search_type


def asked_for(service: Service, asked: Asked, type: str, pairs: list[Pair]) -> tuple[SearchQuery, Place | None]:
    """The query, and after which key its page begins."""
    after: Place | None = None
    if any(name == "_page" for name, _ in pairs):
        pairs, after = _opened(service, asked, type, pairs)
    settings = service.settings
    return search_query.parse(type, pairs, page_size=settings.page_size, largest_page=settings.largest_page), after


async def pairs_of(service: Service, asked: Asked) -> list[Pair]:
    """The parameters, from wherever this request carries them; a refusal of it will name them too."""
    if asked.request.method == "POST":
        pairs = await requests.form_pairs(asked.request, service.settings.largest_body)
    else:
        pairs = requests.query_pairs(asked.request)
    asked.request.scope[NAMED] = urlencode(pairs)
    return pairs


def _opened(service: Service, asked: Asked, type: str, pairs: list[Pair]) -> tuple[list[Pair], Place | None]:
    """A link of ours: the search that it continues. It is judged anew, and only for the client that it was given to."""
    sealed = service.sealer.open(pairs[0][1], _holder(asked, type)) if len(pairs) == 1 else None
    if sealed is None:
        raise InvalidParameter(
            "_page is used as it stands in a link of ours, alone, by the client that was given it.", expression="_page"
        )
    whole = json.loads(sealed)
    after = Place(tuple(whole["after"]), whole["backwards"]) if whole["after"] else None
    return [(name, value) for name, value in whole["pairs"]], after


def link(service: Service, asked: Asked, query: SearchQuery, after: Place | None) -> str:
    """A URL that repeats this search; sealed where it could identify somebody or continues after a key."""
    url = f"{service.settings.fhir_base}/{query.type}"
    if after is None and not _could_name_somebody(query):
        return f"{url}?{urlencode(query.pairs)}" if query.pairs else url
    place = {"after": after.values, "backwards": after.backwards} if after else {"after": None}
    whole = json.dumps({"pairs": query.pairs} | place, separators=(",", ":"))
    return f"{url}?_page={service.sealer.seal(whole, _holder(asked, query.type))}"


def _could_name_somebody(query: SearchQuery) -> bool:
    """Also where a number is asked for in a parameter that holds no NHS numbers."""
    return query.names_a_person or any(_LIKE_A_NUMBER.search(value) for _, value in query.pairs)


def _holder(asked: Asked, type: str) -> str:
    return f"{asked.caller.client_id} {type}"


def _bundle(
    service: Service, asked: Asked, query: SearchQuery, page: Page, included: Sequence[Row], after: Place | None
) -> str:
    links = {"self": link(service, asked, query, after)}
    if page.next:
        links["next"] = link(service, asked, query, page.next)
    if page.previous:
        links["previous"] = link(service, asked, query, page.previous)
    base = service.settings.fhir_base
    matches = (BundleEntry(f"{base}/{row.type}/{row.id}", responses.shown(row), "match") for row in page.rows)
    others = (BundleEntry(f"{base}/{row.type}/{row.id}", responses.shown(row), "include") for row in included)
    return bundle.searchset([*matches, *others, *_advice(asked, query)], page.total, links)


def _advice(asked: Asked, query: SearchQuery) -> Iterable[BundleEntry]:
    """Whoever may look children up is told that a plan is not found in this way, whether or not there is one."""
    if query.type in ("CarePlan", "CareTeam") and gate.takes_part(asked.caller):
        issue = Issue("informational", explanation.practitioner("plans_are_looked_up"), severity="information")
        yield BundleEntry(None, outcome.text([issue]), "outcome")


def _entries(
    asked: Asked, query: SearchQuery, people: Iterable[UUID], rows: Iterable[Row], total: int | None
) -> Iterable[Entry]:
    """One for each person returned, and for each person named of whom nothing was; one at least.

    A total without rows has told something too, of everyone who was named.
    """
    by_person: dict[UUID | None, list[Row]] = {}
    for row in rows:
        by_person.setdefault(row.patient_id, []).append(row)
    for named in people:
        by_person.setdefault(named, [])
    told = bool(total) and not any(by_person.values())
    for id, of_person in (by_person or {None: []}).items():
        yield Entry(
            asked.caller,
            asked.now,
            "search",
            query.type,
            audit.RELEASED if of_person or told else audit.NOTHING,
            of_person[0].rule if of_person else ("total" if told else "nothing"),
            asked.request_id,
            patient_id=id,
            resources=tuple(read.named(row) for row in of_person),
            query=urlencode(query.pairs),
        )

"""search-type: what this caller may see of a type, in pages, by GET or `POST _search`.

https://hl7.org/fhir/R4/http.html#search
"""

from dataclasses import replace

from starlette.responses import Response

from app.api import responses, search_answer, search_links, search_permits
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.search_answer import Found
from app.api.service import Service
from app.fhir.search_criteria import Criterion, Place, SearchQuery
from app.store import audit, inclusion, search


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def search_type(service: Service, asked: Asked) -> Response:
        pairs = await search_links.pairs_of(service, asked)
        permit(service, asked, "search", type, "s")  # before a word is said of what was asked
        query, place = search_links.asked_for(service, asked, type, pairs)
        return await answered(service, asked, query, place, type)

    return search_type


async def answered(
    service: Service, asked: Asked, query: SearchQuery, place: Place | None, path: str, *also: Criterion
) -> Response:
    """A search that is understood, asked at a path below the base, which may say something too (`also`)."""
    asked_here, query = query, replace(query, criteria=(*also, *query.criteria))
    permits = search_permits.to_search(service, asked, query)
    to_include = search_permits.to_include(service, asked, query)
    key = service.bucket_key
    async with service.database.transaction() as tx:
        people = await search.about(tx, query, key)
        page = await search.page(tx, permits, query, people, place, key)
        included = await inclusion.included(tx, to_include, page.rows, query.includes, key)
        found = Found(page.rows, page.total, included)
        named = people.everyone if people else ()
        await audit.record(tx, list(search_answer.entries(asked, "search", query.type, query.pairs, named, found)))
    links = {"self": search_links.link(service, asked, asked_here, place, path)}
    for relation, continued in (("next", page.next), ("previous", page.previous)):
        if continued:
            links[relation] = search_links.link(service, asked, asked_here, continued, path)
    return responses.fhir(search_answer.text(service, asked, query, found, links))

"""Compartment search: a type, or every type, of what is about one person.

https://hl7.org/fhir/R4/http.html#vsearch; https://hl7.org/fhir/R4/compartmentdefinition-patient.html

`Patient/[id]/Flag?status=active` is `Flag?patient=[id]&status=active`, in all respects.
"""

from uuid import UUID

from starlette.responses import Response

from app.api import compartment_answer, search, search_links, search_permits
from app.api.compartment_answer import Asking
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import compartment, everything_query, resource_id, search_refusal
from app.fhir.errors import NotFound
from app.fhir.search_criteria import About

EVERY = "*"


async def search_compartment(service: Service, asked: Asked) -> Response:
    """`Patient/[id]/[type]` or `Patient/[id]/*`. What is no compartment of ours is not found."""
    id, type = resource_id.parse(asked.request.path_params["id"]), asked.request.path_params["type"]
    if type == EVERY:
        return await _every(service, asked, id)
    if type not in compartment.types():
        near = search_refusal.nearest(type, compartment.types())
        raise NotFound(f"There is no such type in a person's compartment.{f' Did you mean {near}?' if near else ''}")
    permit(service, asked, "search", type, "s")
    if id is None:
        raise NotFound
    path = f"Patient/{id}/{type}"
    query, place = search_links.asked_for(service, asked, type, await search_links.pairs_of(service, asked), path)
    return await search.answered(service, asked, query, place, path, About((), (str(id),)))


async def _every(service: Service, asked: Asked, id: UUID | None) -> Response:
    """Of every type that the token covers, in pages; narrowed like $everything, by `_type` and `_since`."""
    types = search_permits.covered(asked, None, compartment.types())
    if id is None:
        raise NotFound
    path = f"Patient/{id}/{EVERY}"
    opened = search_links.opened(service, asked, path, await search_links.pairs_of(service, asked))
    settings = service.settings
    query = everything_query.parse(
        opened.pairs, compartment.types(), page_size=settings.page_size, largest_page=settings.largest_page
    )
    chosen = search_permits.covered(asked, query.types, types)
    asking = Asking("search", path, id, opened, query.searches(str(id), chosen), query.count)
    return await compartment_answer.answered(service, asked, asking, ())

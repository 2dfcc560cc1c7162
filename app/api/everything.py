"""$everything: all that this caller may see about a person, and the organisations and people that it refers to.

https://hl7.org/fhir/R4/patient-operation-everything.html

Each type is a search of its own, with what the caller may see of it. Whoever may not see the Patient is told that there is
none, whatever else is open to them: that is found type by type.
"""

from collections.abc import Iterable, Iterator

from starlette.responses import Response

from app.api import compartment_answer, requests, search_links, search_permits
from app.api.compartment_answer import Asking
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import compartment, everything_query, parameters, resource_id, search_parameters
from app.fhir.errors import NotFound
from app.fhir.search_criteria import Include, Pair

_DIRECTORY = ("Organization", "Practitioner", "PractitionerRole")
_TAKEN = {
    "_since": "valueInstant",
    "_type": "valueCode",
    "_count": "valueInteger",
    "start": "valueDate",
    "end": "valueDate",
}


async def everything(service: Service, asked: Asked) -> Response:
    """By GET, or by POST with Parameters."""
    permit(service, asked, "operation", "Patient", "s")
    id = resource_id.parse(asked.request.path_params["id"])
    if id is None:
        raise NotFound
    path = f"Patient/{id}/$everything"
    opened = search_links.opened(service, asked, path, await _pairs(service, asked))
    possible, settings = ("Patient", *compartment.types()), service.settings
    query = everything_query.parse(
        opened.pairs, possible, page_size=settings.page_size, largest_page=settings.largest_page
    )
    types = search_permits.covered(asked, query.types, possible)
    asking = Asking("everything", path, id, opened, query.searches(str(id), types), query.count, needs_patient=True)
    return await compartment_answer.answered(service, asked, asking, tuple(_directory(types)))


async def _pairs(service: Service, asked: Asked) -> list[Pair]:
    """From the URL, and from Parameters in the body."""
    pairs = requests.query_pairs(asked.request)
    if asked.request.method == "POST" and (raw := await requests.body(asked.request, service.settings.largest_body)):
        requests.check_is_json(asked.request)
        sent = parameters.values(requests.json_body(raw), _TAKEN)
        pairs += [(name, str(value)) for name, value in sent.items()]
    return pairs


def _directory(types: Iterable[str]) -> Iterator[Include]:
    """Every reference from these types to whoever is in the directory."""
    for type in types:
        for parameter in search_parameters.parameters(type).values():
            for target in _DIRECTORY:
                if target in parameter.targets:
                    yield Include(type, parameter, iterate=False, target=target)

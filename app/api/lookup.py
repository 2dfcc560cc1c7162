"""The child-protection lookup over HTTP: `Flag?patient:identifier=`, from systems that are registered for it.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3

For everybody else a search for Flags is a search like any other. The plan and the team are always in the answer, asked for
or not, as far as the token covers their types: the telephone number is what the caller came for.
"""

from starlette.responses import Response

from app.api import responses, search, search_links, submission
from app.api.endpoint import NAMED
from app.api.refused import Refused
from app.api.requests import Asked
from app.api.service import Service
from app.child_protection import gate
from app.child_protection.gate import NoLook
from app.child_protection.lookup import Lookup, Released
from app.fhir import bundle, search_query
from app.fhir.bundle import Entry
from app.fhir.errors import InvalidParameter, Malformed
from app.fhir.nhs_number import NHSNumber
from app.fhir.search_criteria import About, SearchQuery
from app.policy import redaction
from app.store.lookup import Found

_search = search.of("Flag")
_ALWAYS = ("Flag.detail", "CarePlan.care-team")


async def look_up(service: Service, asked: Asked) -> Response:
    """The lookup, or an ordinary search where the caller takes no part in child-protection information sharing."""
    caller = asked.caller
    if not gate.takes_part(caller):
        return await _search(service, asked)
    pairs = await search_links.pairs_of(service, asked)
    if not caller.may("Flag", "s"):
        raise Refused("scope_required")
    stated = asked.request.headers.getlist(gate.HEADER)
    try:
        unscheduled = gate.is_unscheduled(", ".join(stated) if stated else None)
    except ValueError as error:
        raise Malformed(str(error)) from None
    look = gate.look(caller, unscheduled=unscheduled)
    if isinstance(look, NoLook):
        raise Refused(look.rule)
    query = search_query.parse("Flag", pairs, page_size=1, largest_page=service.settings.largest_page)
    number = _number(service, query)
    if any(not caller.may(target, "r") for include in query.includes for target in include.parameter.targets):
        raise Refused("scope_required")
    lookup = Lookup(caller, number, look.unscheduled, asked.now, asked.request_id, asked.request.scope[NAMED])
    return responses.fhir(_bundle(service, await service.lookups.look_up(lookup)))


def _number(service: Service, query: SearchQuery) -> str:
    """The one NHS number that a lookup is about. A filter could turn a plan into a wrong "no", so there are none."""
    if query.count == 0 or query.summary != "false" or query.elements or query.sort:
        raise InvalidParameter(
            "A lookup is answered whole: leave _count, _summary, _elements and _sort out.", expression="_count"
        )
    if any(include.reverse or include.parameter.key not in _ALWAYS for include in query.includes):
        raise InvalidParameter(
            "The plan and its team are in the answer to a lookup, and nothing else: leave other includes out.",
            expression="_revinclude" if any(include.reverse for include in query.includes) else "_include",
        )
    match query.criteria:
        case (About(nhs_numbers=(number,), patient_ids=()),):
            if NHSNumber(number).is_synthetic is not service.settings.synthetic_only:
                raise InvalidParameter(submission.wrong_range(service), expression="patient")
            return number
        case _:
            raise InvalidParameter(
                "Look up one child by NHS number, and by nothing else: "
                "patient:identifier=https://fhir.nhs.uk/Id/nhs-number|[NHS number].",
                expression="patient",
            )


def _bundle(service: Service, released: Released) -> str:
    base = service.settings.fhir_base
    entries = [Entry(f"{base}/Flag/{flag.id}", _shown(flag), "match") for flag in released.flags]
    entries += [Entry(f"{base}/{part.type}/{part.id}", _shown(part), "include") for part in released.included]
    return bundle.searchset(entries, len(released.flags), {"self": f"{base}/Flag"})


def _shown(part: Found) -> str:
    return redaction.shown(part.content, part.type, contact=True, location=part.shows_location)

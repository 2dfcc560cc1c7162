"""What a Subscription may ask for: a search that is served here, of a type that its author may search.

https://hl7.org/fhir/R4/subscription.html#Subscription.criteria
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from app.fhir import search_parameters, search_query
from app.fhir.errors import FHIRError, Forbidden, InvalidParameter, Unprocessable
from app.policy import explanation
from app.policy.access import Caller

_LOOKED_UP = "Flag"  # a child protection plan is looked up by a person at the screen, who leaves a trace
_PAGE = 50  # nothing is paged; the reader of a search wants to know


def refusal(caller: Caller, subscription: Mapping[str, Any]) -> FHIRError | None:
    """Why this is not asked for, or None: the criteria are read as strictly as a search."""
    type, _, query = subscription["criteria"].partition("?")
    if type == _LOOKED_UP:
        return _not_a_search("Child protection plans are looked up, and nobody is told of them in advance.")
    if type not in search_parameters.written_types() or not query:
        return _not_a_search(
            "Subscription.criteria is a search of a type that is served, such as Encounter?status=planned."
        )
    if not caller.may(type, "s"):
        return Forbidden(explanation.practitioner("scope_required"))
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
        search_query.parse(type, pairs, page_size=_PAGE, largest_page=_PAGE)
    except InvalidParameter as refused:
        return _not_a_search(refused.issues[0].diagnostics)
    except ValueError:
        return _not_a_search("Subscription.criteria is no search: name=value, with & between several.")
    return None


def _not_a_search(diagnostics: str) -> Unprocessable:
    return Unprocessable(diagnostics, expression="Subscription.criteria")

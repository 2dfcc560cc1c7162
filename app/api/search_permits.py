"""What a caller may see of each type that a search touches, decided on the token and the request alone.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html

To look into a resource (a chain, `_has`) is to search its type; to be given it beside others is to read it.
"""

from collections.abc import Sequence

from app.api.endpoint import permit
from app.api.refused import Refused
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import search_criteria, search_parameters
from app.fhir.search_criteria import Include, SearchQuery
from app.policy.authority import Permit


def to_search(service: Service, asked: Asked, query: SearchQuery) -> dict[str, Permit]:
    """Of the type searched and of all that is looked into. Raises Refused where the token does not cover one."""
    types = {query.type, *(type for each in query.criteria for type in search_criteria.looked_into(each))}
    return {type: permit(service, asked, "search", type, "s") for type in sorted(types)}


def to_include(service: Service, asked: Asked, query: SearchQuery) -> dict[str, Permit]:
    """Of what is included. A type that is named has to be covered; of several possible ones those that are.

    Raises Refused where an include could bring nothing.
    """
    types = {type for include in query.includes for type in _types(asked, include)}
    return {type: permit(service, asked, "search", type, "r") for type in sorted(types)}


def covered(asked: Asked, named: Sequence[str] | None, possible: Sequence[str]) -> tuple[str, ...]:
    """Of several types to search, those that are named, or else those that the token covers. Raises Refused."""
    found = tuple(type for type in possible if (type in named if named is not None else asked.caller.may(type, "s")))
    if not found or not all(asked.caller.may(type, "s") for type in found):
        raise Refused("scope_required")
    return found


def _types(asked: Asked, include: Include) -> frozenset[str]:
    served = search_parameters.written_types()
    if include.reverse:
        return frozenset((include.source,))
    if include.target:
        return frozenset((include.target,)) & frozenset(served)
    possible = frozenset(type for type in include.parameter.targets if type in served)
    covered = frozenset(type for type in possible if asked.caller.may(type, "r"))
    if possible and not covered:
        raise Refused("scope_required")
    return covered

"""What no route takes: what is not there, and what cannot be done where something is.

https://hl7.org/fhir/R4/http.html#Status-Codes; https://www.rfc-editor.org/rfc/rfc9110#name-405-method-not-allowed
"""

from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from app.api import by_type, responses, tracing
from app.fhir import search_parameters
from app.fhir.errors import FHIRError, Malformed, MethodNotAllowed, NotServed
from app.settings import FHIR_PATH

REFUSED = "refused"  # the name of a route that only says what to do instead
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def refused(request: Request, error: Exception) -> Response:
    """What the router itself refuses, as an OperationOutcome."""
    assert isinstance(error, HTTPException), "registered for nothing else"
    outcome: FHIRError
    headers: dict[str, str] = {}
    match error.status_code:
        case 404:
            outcome = not_served(request.url.path)
        case 405:
            outcome = not_allowed()
            headers["allow"] = ", ".join(allowed(request.app.router.routes, request.url.path))
        case _:
            outcome = Malformed("The request cannot be understood.")
    response = responses.error(outcome, headers)
    tracing.give_back(request, response, tracing.any_id(request))
    return response


def allowed(routes: Iterable[BaseRoute], path: str) -> list[str]:
    """Every method that some route takes at a path, to do what it asks."""
    each = list(routes)
    found = [method for method in _METHODS if any(_takes(route, method, path) for route in each)]
    return ["GET", "HEAD", *found[1:]] if found[:1] == ["GET"] else found


def _takes(route: BaseRoute, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    match, found = route.matches(scope)
    return match is Match.FULL and getattr(found.get(by_type.FOUND), "name", None) != REFUSED


def not_allowed() -> MethodNotAllowed:
    """The refusal of a method at a path that takes others."""
    return MethodNotAllowed("This cannot be done here. See [base]/metadata for what can.")


def not_served(path: str) -> NotServed:
    """The refusal of a path that leads nowhere."""
    type = path.removeprefix(f"{FHIR_PATH}/").partition("/")[0]
    served = search_parameters.searchable_types()
    if path.startswith(f"{FHIR_PATH}/") and type not in served:
        return NotServed(f"No such type is served here. These are: {', '.join(sorted(served))}.")
    return NotServed("There is nothing at this URL. See [base]/metadata for what there is.")

"""One interaction as an endpoint: who asks is settled before, and every refusal is an OperationOutcome and in the audit.

https://hl7.org/fhir/R4/http.html; https://www.rfc-editor.org/rfc/rfc6750
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from app import telemetry
from app.api import nhs_headers, preferences, requests, responses, tracing, unrouted
from app.api.rate_limit import RateLimit
from app.api.refused import Refused
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id
from app.fhir.errors import FHIRError, InvalidResourceId, MethodNotAllowed, TimedOut, TooManyLinked, VersionMismatch
from app.policy import authority
from app.policy.authority import Interaction, Permit, Refusal
from app.store import audit
from app.store.audit import Entry
from app.store.database import IN_DOUBT

# The refusals that may have come of what is kept, with their rules; the others come of the request's form.
REMEMBERED = {403: "not_yours_to_write", 409: "conflict", 410: "gone", 412: "not_as_expected", 422: "not_valid"}
ANOTHER_VERSION = "another_version"  # of a 409
TOO_MANY_LINKED = "too_many_linked"  # of a 400
ASSIGNED = "cradle.assigned"  # where the ASGI scope of a transaction's entry holds the id promised to what it creates
LONG = frozenset({"bundle"})  # its entries have a time each
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")  # https://hl7.org/fhir/R4/datatypes.html#id
NAMED = "cradle.named"  # where an interaction leaves, in the ASGI scope, whom the request is about


Interact: TypeAlias = Callable[[Service, Asked], Awaitable[Response]]


def endpoint(
    service: Service, name: str, type: str, interact: Interact, limit: RateLimit | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """`name` and `type` are what is written into the audit and the log of a request that gets no further.

    `limit` is how fast a client may send these; without it, what holds for requests in general.
    """
    limit = limit or service.rate_limit

    async def respond(request: Request) -> Response:
        request_id = str(uuid4())
        try:
            request_id = tracing.request_id(request, is_strict=service.settings.nhs_strict)
            _check_form(request)
            now = service.clock()
            caller = service.verifier.caller(request.headers.get("authorization"), now)
            limit.take(caller.client_id)
            telemetry.note(request, name, type, caller, request_id)
            response = await answer(service, Asked(request, caller, request_id, now), name, type, interact)
            if requests.wants_pretty(request):
                response = responses.indented(response)
        except FHIRError as refused:
            response = responses.error(refused)
        except Exception as defect:
            response = _defect(defect, request_id)
        if response.status_code == MethodNotAllowed.status:
            response.headers["allow"] = ", ".join(unrouted.allowed(request.app.router.routes, request.url.path))
        tracing.give_back(request, response, request_id)
        return response

    return respond


def _check_form(request: Request) -> None:
    """What can be refused without knowing who asks."""
    tracing.check(request)
    requests.check_accept(request)
    requests.wants_pretty(request)
    preferences.of(request)


async def answer(service: Service, asked: Asked, name: str, type: str, interact: Interact) -> Response:
    """What an interaction answers a caller who is known: a request of their own, or one entry of a Bundle.

    `asked.now` is the time of whatever this writes, and history relies on that not being long past when it is committed.
    """
    try:
        nhs_headers.check(asked.request, asked.caller)
        _check_id(asked.request)
        async with asyncio.timeout(None if name in LONG else service.settings.request_seconds):
            return await interact(service, asked)
    except FHIRError as refused:
        if refused.status >= 500:
            telemetry.defect(refused.__cause__ or refused, asked.request_id)
        if refused.status in REMEMBERED or isinstance(refused, TooManyLinked):
            return await _refused(service, asked, name, type, refused)
        return responses.error(refused)
    except TimeoutError as late:
        telemetry.defect(late, asked.request_id)
        return responses.error(TimedOut(f"This took too long. {IN_DOUBT}"))
    except Exception as defect:
        return _defect(defect, asked.request_id)


def _check_id(request: Request) -> None:
    id = request.path_params.get("id")
    if id is not None and not _ID.fullmatch(id):
        raise InvalidResourceId("An id has up to 64 letters, digits, - and dots.")


def _defect(defect: Exception, request_id: str) -> Response:
    telemetry.defect(defect, request_id)
    return responses.error(FHIRError("Something went wrong here. Nothing was released."))


async def _refused(service: Service, asked: Asked, name: str, type: str, refused: FHIRError) -> Response:
    """A refusal is remembered too; where it cannot be, the caller is told that, and nothing else."""
    rule = ANOTHER_VERSION if isinstance(refused, VersionMismatch) else REMEMBERED.get(refused.status, TOO_MANY_LINKED)
    rule = getattr(refused, "rule", rule)
    id = resource_id.parse(asked.request.path_params.get("id", ""))
    entry = Entry(
        asked.caller,
        asked.now,
        name,
        type,
        audit.REFUSED,
        rule,
        asked.request_id,
        patient_id=id if type == "Patient" else None,
        resources=(f"{type}/{id}",) if id else (),
        query=asked.request.scope.get(NAMED) or asked.request.url.query or None,
    )
    try:
        async with service.database.transaction() as tx:
            await audit.record(tx, [entry])
    except FHIRError as unavailable:
        return responses.error(unavailable)
    return responses.error(refused)


def permit(service: Service, asked: Asked, interaction: Interaction, type: str, scope: str) -> Permit:
    """What this caller may see of a type. Raises Refused on the token and the request alone.

    `scope` is the SMART letter that has to be granted: c, r, u or s.
    """
    if not asked.caller.may(type, scope):
        raise Refused("scope_required")
    decided = authority.permit(authority.AccessRequest(asked.caller, interaction, type, asked.now))
    if isinstance(decided, Refusal):
        raise Refused(decided.rule)
    return decided

"""delete: a last version that says the resource was entered in error, after which it is gone.

https://hl7.org/fhir/R4/http.html#delete

Nothing is destroyed: history keeps every version. If-Match is honoured, and required in strict NHS mode. To delete what is deleted is to
find it so, whatever version is named: a request that is sent twice is answered twice alike.
"""

from starlette.responses import Response

from app.api import conditional, next_version, preferences, read, requests, responses
from app.api.endpoint import Interact, permit
from app.api.next_version import Place
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import deletion, json_text, outcome, resource_id
from app.fhir.errors import Gone, Issue, MethodNotAllowed, NotFound
from app.policy.authority import Permit
from app.store import audit, reading
from app.store.database import Transaction
from app.store.resource import Stored
from app.store.search import Row
from app.store.writing import Draft


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def delete(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "delete", type, "d")
        strict = service.settings.nhs_strict
        expected = requests.version_seen(asked.request) if strict else requests.if_match(asked.request)
        id = resource_id.parse(asked.request.path_params["id"])
        version = None
        async with service.database.transaction() as tx:
            if id:
                version = await deleted(service, asked, tx, may_see, Place(type, id, expected))
            if version is None:
                await audit.record(tx, [read.entry(asked, "delete", type, id, None)])
        if version is None:
            raise NotFound
        return answer(asked, type, version)

    return delete


def conditional_of(type: str) -> Interact:
    """The same where the URL says by a search which resource is meant: never more than one."""

    async def delete(service: Service, asked: Asked) -> Response:
        may_see = permit(service, asked, "delete", type, "d")
        expected = requests.version_if_seen(asked.request)
        condition = conditional.of_url(service, asked, type)
        version = None
        async with service.database.transaction() as tx:
            met = await conditional.met(service, asked, tx, condition)
            if met.row:
                version = await deleted(service, asked, tx, may_see, Place(type, met.row.id, expected))
            if version is None:
                await audit.record(tx, conditional.nothing(asked, "delete", condition, met))
        if version is None:
            raise NotFound
        return answer(asked, type, version)

    return delete


def refused(type: str) -> Interact:
    """The interaction for a type that is not deleted: what to do instead."""

    async def delete(service: Service, asked: Asked) -> Response:
        raise MethodNotAllowed(deletion.instead(type))

    return delete


async def deleted(service: Service, asked: Asked, tx: Transaction, may_see: Permit, place: Place) -> int | None:
    """The version by which it is deleted, now or before; None where the caller may not see it."""
    try:
        written = await next_version.write(service, asked, tx, "delete", may_see, place, _last)
    except Gone:
        gone = await reading.tombstone(tx, may_see, place.type, place.id)
        await audit.record(tx, [read.entry(asked, "delete", place.type, place.id, gone)])
        return gone.version if gone else None
    return written.version.version if written else None


def answer(asked: Asked, type: str, version: int) -> Response:
    """204, or 200 for a caller who prefers an OperationOutcome."""
    headers = {"etag": f'W/"{version}"'}
    if preferences.of(asked.request).returned != "OperationOutcome":
        return responses.fhir("", 204, headers)
    done = Issue("informational", f"Deleted: {type} version {version} says so.", severity="information")
    return responses.fhir(outcome.text([done]), 200, headers)


def _last(_: Row, stored: Stored) -> Draft:
    content = deletion.deleted(json_text.exact(stored.content))
    return Draft(content, json_text.written_exactly(content), stored.custodian)

"""update: the next version of a resource, by its owner, on the version that the caller has seen.

https://hl7.org/fhir/R4/http.html#update; https://hl7.org/fhir/R4/http.html#concurrency

If-Match is required: nobody overwrites what they have not seen. What is answered is what the caller may see of the new
version, which may hold more than was sent. A resource is not created by update, since ids are ours.
"""

import json
from uuid import UUID

from starlette.responses import Response

from app.api import create, read, requests, responses, submission
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import json_text, resource_id
from app.fhir.errors import Malformed, NotFound, PreconditionFailed
from app.policy import authorship, continuation, redaction
from app.policy.authority import Permit
from app.store import audit, known, resource, search, writing
from app.store.database import Transaction
from app.store.resource import Version
from app.store.search import Row
from app.store.writing import Draft


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def update(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "update", type, "u")
        draft = await submission.sent(service, asked, type)
        if draft.resource.get("id") != asked.request.path_params["id"]:
            raise Malformed("The resource's id must be the one in the URL.", expression=f"{type}.id")
        expected = requests.if_match(asked.request)
        id = resource_id.parse(asked.request.path_params["id"])
        async with service.database.transaction() as tx:
            version = await _replaced(service, asked, tx, may_see, draft, id, expected) if id else None
            entry = create.kept(asked, "update", version) if version else read.entry(asked, "update", type, id, None)
            seen = await search.read(tx, may_see, type, version.id) if version else None
            await audit.record(tx, [entry])
        if version is None:
            raise NotFound
        return submission.written(service, asked, version, 200, _shown(version, seen))

    return update


def _shown(version: Version, seen: Row | None) -> str:
    """The new version as its author may see it. One who by this very update no longer may is not told what was kept."""
    if seen:
        return responses.shown(seen)
    return redaction.shown(version.content, version.type, contact=True, location=False)


async def _replaced(
    service: Service,
    asked: Asked,
    tx: Transaction,
    may_see: Permit,
    draft: Draft,
    id: UUID,
    expected: int | None,
) -> Version | None:
    """The next version; None where the caller may not see the current one."""
    type = draft.resource["resourceType"]
    seen = await search.read(tx, may_see, type, id)
    if seen is None:
        return None
    await writing.take_turn(tx, seen.patient_id, service.bucket_key)
    stored = await resource.locked(tx, type, id)
    row = await search.read(tx, may_see, type, id)
    if stored is None or row is None:
        return None
    current = json.loads(stored.content)
    is_keeper = asked.caller.organization in authorship.keepers(current, stored.custodian)
    content = continuation.continued(current, draft.resource, shows_location=row.shows_location, is_keeper=is_keeper)
    about = await known.about(tx, content, asked.caller.organization, service.bucket_key)
    if refused := authorship.refusal_to_change(
        asked.caller,
        row.rule,
        current,
        content,
        about.person,
        custodian=stored.custodian,
        keeps=about.keeps,
        may_merge=about.may_merge,
        owns=about.owns,
    ):
        raise refused
    if expected != stored.version:
        raise PreconditionFailed('Send If-Match with the version that you have seen, such as W/"2".')
    text = draft.text if content is draft.resource else json_text.written(content)
    draft = Draft(content, text, stored.custodian)
    return await writing.update(tx, stored, draft, service.bucket_key, asked.now)

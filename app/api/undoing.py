"""A transaction that is refused: which entry it was, and what the audit keeps of what did not come about.

https://hl7.org/fhir/R4/http.html#trules; https://profiles.ihe.net/ITI/BALP/

That an entry came to be tried tells its sender that those before it were not refused. So the audit has them all: the
refused one as it would stand alone, and the others as undone.
"""

import json
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from app.api import responses
from app.api.service import Service
from app.fhir import json_text
from app.fhir.bundle_request import Requested
from app.fhir.errors import Conflict, FHIRError
from app.store import audit
from app.store.audit import Entry
from app.store.joined import Joined

_KEPT_HEADERS = ("retry-after", "www-authenticate")


class Undone(Exception):
    """Rolls the transaction back. `attempted` are the audit's entries of what was done before, `refused` those of `entry`.

    `is_clash`: another transaction stood in its way, and it may be tried again.
    """

    def __init__(
        self,
        entry: Requested,
        answer: Response,
        attempted: Sequence[Entry],
        refused: Sequence[Entry],
        *,
        is_clash: bool = False,
    ) -> None:
        super().__init__("An entry of a transaction was refused.")
        self.entry, self.answer, self.attempted, self.refused = entry, answer, attempted, refused
        self.is_clash = is_clash


async def unless_refused(one: Joined, entry: Requested, answering: Awaitable[Response]) -> Response:
    """What the entry is answered. Raises Undone where that is a refusal, and the database's own failure."""
    before = len(one.audited)
    answer = await answering
    if one.failure:
        raise one.failure
    if answer.status_code >= 400:
        raise Undone(entry, answer, one.audited[:before], one.audited[before:])
    return answer


def refusal(one: Joined, entry: Requested, error: FHIRError) -> Undone:
    """To be raised for an entry that the transaction itself refuses."""
    return Undone(entry, responses.error(error), tuple(one.audited), ())


def changed(one: Joined, entry: Requested) -> Undone:
    """To be raised where what an entry's condition met is not what others have been told that it meets."""
    answer = responses.error(Conflict("What the condition meets has changed meanwhile. Send the transaction again."))
    return Undone(entry, answer, tuple(one.audited), (), is_clash=True)


async def refused(service: Service, undone: Undone) -> Response:
    """The refusal, once it is in the audit."""
    kept = [*undone.refused, *(_undone(each) for each in undone.attempted)]
    if kept:
        async with service.database.transaction() as tx:
            await audit.record(tx, kept)
    headers = {name: undone.answer.headers[name] for name in _KEPT_HEADERS if name in undone.answer.headers}
    return responses.fhir(_outcome(undone), undone.answer.status_code, headers)


def _undone(attempt: Entry) -> Entry:
    """Without versions, which were never kept."""
    resources = tuple(each.partition("/_history/")[0] for each in attempt.resources)
    return replace(attempt, outcome=audit.REFUSED, rule="undone", resources=resources)


def _outcome(undone: Undone) -> str:
    """The entry's own OperationOutcome, with places in the Bundle."""
    outcome = json.loads(bytes(undone.answer.body))
    for issue in outcome["issue"]:
        issue["diagnostics"] = f"Nothing was kept, because of {undone.entry.place}: {issue['diagnostics']}"
        issue["expression"] = [_place(undone.entry, each) for each in issue.get("expression", [""])]
    return json_text.written(outcome)


def _place(entry: Requested, expression: str) -> str:
    """In the entry's resource, where it has one, or in what it asks for."""
    if not expression or expression.startswith(entry.place):
        return expression or entry.place
    if entry.resource is None:
        return f"{entry.place}.request.url"
    type: Any = entry.resource.get("resourceType")
    inside = expression.removeprefix(f"{type}.") if expression != type else ""
    return f"{entry.place}.resource" + (f".{inside}" if inside else "")

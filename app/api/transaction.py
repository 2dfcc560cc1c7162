"""transaction: many requests of which all come about, or none, in the order that FHIR gives and answered in the order asked.

https://hl7.org/fhir/R4/http.html#trules

Each entry is the interaction that it would be alone, inside one transaction of the database. The first that is refused
refuses all: its OperationOutcome says which it was, and it is in the audit, as are the attempts that it undid.
"""

from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from app.api import answered, promises, responses, rewriting, sub_request, undoing
from app.api.matching import Matching
from app.api.promises import Promises
from app.api.registered import Table
from app.api.requests import Asked
from app.api.service import Service
from app.api.undoing import Undone
from app.child_protection import gate
from app.fhir import bundle
from app.fhir.bundle_request import Requested
from app.fhir.errors import Malformed, Unavailable
from app.store import joined

_TIMES = 2  # that it is tried, where another transaction stood in its way
_CHANGES = ("PUT", "PATCH", "DELETE")


async def run(service: Service, asked: Asked, table: Table, entries: Sequence[Requested]) -> Response:
    """200 with a transaction-response, or the refusal."""
    _check(asked, entries)
    for _ in range(_TIMES - 1):
        try:
            return await _attempted(service, asked, table, entries)
        except Unavailable as error:
            if not joined.is_clash(error.__cause__):
                raise
    return await _attempted(service, asked, table, entries)


async def _attempted(service: Service, asked: Asked, table: Table, entries: Sequence[Requested]) -> Response:
    now = service.clock()
    try:
        async with joined.joined(service.database) as one:
            matching = Matching(replace(service, database=one, clock=lambda: now), one, asked, table)
            promised = await promises.made(matching, one, entries, service.bucket_key, now)
            rewritten = [await rewriting.rewritten(matching, promised, entry) for entry in entries]
            answers = await _answers(matching, promised, sorted(rewritten, key=promises.rank))
    except Undone as undone:
        return await undoing.refused(service, undone)
    base = service.settings.fhir_base
    found = (answered.of(entry, answers[entry.index], base) for entry in entries)
    return responses.fhir(bundle.answers("transaction-response", found))


async def _answers(matching: Matching, promised: Promises, entries: Sequence[Requested]) -> dict[int, Response]:
    """By the entry's place. Raises Undone where one is refused."""
    answers: dict[int, Response] = {}
    written: set[str] = set()
    for entry in entries:
        assigned = promised.ids.get(entry.index)
        answering = sub_request.run(matching.service, matching.asked, matching.table, entry, assigned)
        answers[entry.index] = answer = await undoing.unless_refused(matching.one, entry, answering)
        place = answer.headers.get("location", "").partition("/_history/")[0]
        if place in written:
            raise undoing.refusal(matching.one, entry, _twice(entry))
        if place and not entry.is_read:
            written.add(place)
    return answers


def _check(asked: Asked, entries: Sequence[Requested]) -> None:
    """What no transaction may hold. Raises Malformed."""
    written: set[str] = set()
    for entry in entries:
        place = f"{entry.place}.request.url"
        if entry.is_operation:
            raise Malformed("An operation is no part of a transaction: send it alone.", expression=place)
        if entry.is_read and entry.path.partition("/")[0] == "Flag" and gate.takes_part(asked.caller):
            say = "Children are not looked up in a transaction: send the lookups as a batch."
            raise Malformed(say, expression=place)
        if entry.method in _CHANGES and not entry.query:
            if entry.path in written:
                raise _twice(entry)
            written.add(entry.path)


def _twice(entry: Requested) -> Malformed:
    return Malformed("Another entry writes the same resource.", expression=f"{entry.place}.request.url")

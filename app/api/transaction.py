"""transaction: many requests of which all come about, or none, in the order that FHIR gives and answered in the order asked.

https://hl7.org/fhir/R4/http.html#trules

Each entry is the interaction that it would be alone, inside one transaction of the database. The first that is refused
refuses all: its OperationOutcome says which it was, and it is in the audit, as are the attempts that it undid.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response

from app.api import answered, creating, promises, responses, rewriting, sub_request, undoing
from app.api.matching import NO_LOOKUP, Matching
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
        except Undone as undone:
            if not undone.is_clash:
                return await undoing.refused(service, undone)
    try:
        return await _attempted(service, asked, table, entries)
    except Undone as undone:
        return await undoing.refused(service, undone)


async def _attempted(service: Service, asked: Asked, table: Table, entries: Sequence[Requested]) -> Response:
    """Raises Undone."""
    now = service.clock()
    async with joined.joined(service.database) as one:
        matching = Matching(replace(service, database=one, clock=lambda: now), one, asked, table)
        promised = await promises.made(matching, one, entries, service.bucket_key, now)
        rewritten = [await rewriting.rewritten(matching, promised, entry) for entry in entries]
        answers = await _answers(matching, promised, sorted(rewritten, key=promises.rank))
    base = service.settings.fhir_base
    found = (answered.of(entry, answers[entry.index], base) for entry in entries)
    return responses.fhir(bundle.answers("transaction-response", found))


async def _answers(matching: Matching, promised: Promises, entries: Sequence[Requested]) -> dict[int, Response]:
    """By the entry's place. Raises Undone where one is refused."""
    answers: dict[int, Response] = {}
    written: set[str] = set()
    for kind, group in itertools.groupby(entries, creating.kind):
        alike = list(group)
        answers |= await creating.together(matching, promised, alike) if kind else {}
        for entry in alike:
            if entry.index not in answers:
                _check_size(matching, entry, answers)
                answers[entry.index] = await _answer(matching, promised, entry)
            _check_place(matching, promised, entry, answers[entry.index], written)
    return answers


async def _answer(matching: Matching, promised: Promises, entry: Requested) -> Response:
    assigned = promised.ids.get(entry.index)
    answering = sub_request.run(matching.service, matching.asked, matching.table, entry, assigned)
    return await undoing.unless_refused(matching.one, entry, answering)


def _check_size(matching: Matching, entry: Requested, answers: Mapping[int, Response]) -> None:
    if entry.is_read and answered.are_too_large(answers.values(), matching.service.settings.largest_answer):
        raise undoing.refusal(matching.one, entry, answered.too_large(entry))


def _check_place(matching: Matching, promised: Promises, entry: Requested, answer: Response, written: set[str]) -> None:
    """Raises Undone for what others were told is elsewhere, and for what is among `written`, to which it is added."""
    place = _written(matching.service, entry, answer)
    if place is None:
        return
    if place != promised.places.get(entry.index, place):
        raise undoing.changed(matching.one, entry)
    if place in written:
        raise undoing.refusal(matching.one, entry, _twice(entry))
    written.add(place)


def _written(service: Service, entry: Requested, answer: Response) -> str | None:
    """What an entry has created or changed, as `Type/id`."""
    location = answer.headers.get("location")
    if location is None or entry.is_read:
        return None
    return location.removeprefix(f"{service.settings.fhir_base}/").partition("/_history/")[0]


def _check(asked: Asked, entries: Sequence[Requested]) -> None:
    """What no transaction may hold. Raises Malformed."""
    written: set[str] = set()
    for entry in entries:
        place = f"{entry.place}.request.url"
        if entry.is_operation:
            raise Malformed("An operation is no part of a transaction: send it alone.", expression=place)
        if entry.is_read and entry.path.partition("/")[0] == "Flag" and gate.takes_part(asked.caller):
            raise Malformed(NO_LOOKUP, expression=place)
        if entry.method in _CHANGES and not entry.query:
            if entry.path in written:
                raise _twice(entry)
            written.add(entry.path)


def _twice(entry: Requested) -> Malformed:
    return Malformed("Another entry writes the same resource.", expression=f"{entry.place}.request.url")

"""batch: many requests in one, each answered as if it had come alone, in the order asked.

https://hl7.org/fhir/R4/http.html#transaction

What only reads runs beside its neighbours, so that the lookups of a waiting room of children are gathered; what writes
waits for what was asked before it. An entry that is refused, or fails, is nothing to the others. What is read has a bound
for the whole Bundle, since a thousand searches of long pages are no more to send than a thousand short ones.
"""

import asyncio
from collections.abc import Iterator, Sequence

from starlette.responses import Response

from app.api import answered, responses, sub_request
from app.api.registered import Table
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import bundle
from app.fhir.bundle_request import Requested

_MOST_TOGETHER = 16  # of the reads; one Bundle must not hold every connection for long


async def run(service: Service, asked: Asked, table: Table, entries: Sequence[Requested]) -> Response:
    """200 with a batch-response, whatever became of the entries."""
    answers: list[Response] = []
    for together in groups(entries):
        if together[0].is_read and answered.are_too_large(answers, service.settings.largest_answer):
            answers += [responses.error(answered.too_large(entry)) for entry in together]
        else:
            answers += await asyncio.gather(*(sub_request.run(service, asked, table, entry) for entry in together))
    base = service.settings.fhir_base
    found = (answered.of(entry, answer, base) for entry, answer in zip(entries, answers, strict=True))
    return responses.fhir(bundle.answers("batch-response", found))


def groups(entries: Sequence[Requested]) -> Iterator[Sequence[Requested]]:
    """What may run at once: reads that follow one another, or one write."""
    reads: list[Requested] = []
    for entry in entries:
        if entry.is_read and len(reads) < _MOST_TOGETHER:
            reads.append(entry)
            continue
        if reads:
            yield reads
        reads = [entry] if entry.is_read else []
        if not entry.is_read:
            yield [entry]
    if reads:
        yield reads

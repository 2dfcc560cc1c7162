"""The creates of a transaction that do not have to be there for one another, stored together.

https://hl7.org/fhir/R4/http.html#trules

It is what each would do alone, with one statement for all in place of one each. Where anything is refused, each is done alone
after all, and the refusal is that of the entry.
"""

from collections.abc import Sequence

from starlette.responses import Response

from app.api import create, promises, sub_request, submission
from app.api.endpoint import permit
from app.api.matching import Matching
from app.api.promises import Promises
from app.fhir.bundle_request import Requested
from app.fhir.errors import FHIRError


def kind(entry: Requested) -> int | None:
    """The same number for what may be stored together; None for what is done alone."""
    is_conditional = bool(entry.headers or entry.query)
    if entry.method != "POST" or not entry.creates or is_conditional or entry.resource is None:
        return None
    return promises.precedence(entry.resource)


async def together(matching: Matching, promised: Promises, entries: Sequence[Requested]) -> dict[int, Response]:
    """The answers by the entry's place; none where one is refused, or is not to be taken for a create."""
    if len(entries) == 1:
        return {}
    service = matching.service
    try:
        asked = [
            sub_request.of(service, matching.asked, matching.table, entry, promised.ids.get(entry.index))
            for entry in entries
        ]
        if any(each.matched.line.of is not create.of for each in asked):
            return {}
        for each in asked:
            permit(service, each.asked, "create", each.matched.type, "c")
        drafts = [(each.asked, await submission.sent(service, each.asked, each.matched.type)) for each in asked]
        async with service.database.transaction() as tx:
            versions = await create.stored_all(service, tx, "create", drafts)
    except FHIRError:
        return {}
    answers = (
        submission.written(service, each.asked, version, 201, version.content)
        for each, version in zip(asked, versions, strict=True)
    )
    return {entry.index: answer for entry, answer in zip(entries, answers, strict=True)}

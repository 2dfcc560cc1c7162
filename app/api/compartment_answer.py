"""What is about one person, of several types at once, as one searchset in pages.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response

from app.api import read, responses, search_answer, search_links
from app.api.endpoint import permit
from app.api.requests import Asked
from app.api.search_answer import Found
from app.api.search_links import Opened
from app.api.service import Service
from app.fhir.errors import NotFound
from app.fhir.search_criteria import Include, SearchQuery
from app.store import audit, inclusion, reading, several
from app.store.database import Transaction
from app.store.several import Part


@dataclass(frozen=True, slots=True)
class Asking:
    """Which searches about which person, at which path, beginning where; `interaction` is what the audit calls it."""

    interaction: str
    path: str
    patient_id: UUID
    opened: Opened
    searches: tuple[SearchQuery, ...]
    count: int
    needs_patient: bool = False


async def answered(service: Service, asked: Asked, asking: Asking, includes: Sequence[Include]) -> Response:
    """Raises NotFound where the Patient is needed and this caller may not see it."""
    types = [each.type for each in asking.searches]
    permits = {type: permit(service, asked, "search", type, "s") for type in types}
    targets = {each.target for each in includes if each.target and asked.caller.may(each.target, "r")}
    directory = {type: permit(service, asked, "search", type, "r") for type in sorted(targets)}
    opened = asking.opened
    start = Part(opened.part, opened.place) if opened.part else None
    key = service.bucket_key
    async with service.database.transaction() as tx:
        if asking.needs_patient and not await _is_seen(service, asked, tx, asking):
            await audit.record(tx, [read.entry(asked, asking.interaction, "Patient", asking.patient_id, None)])
            found = None
        else:
            page = await several.page(tx, permits, asking.searches, asking.count, start, key)
            included = await inclusion.included(tx, directory, page.rows, includes, key)
            found = Found(page.rows, page.total, included)
            people = (asking.patient_id,)
            entries = search_answer.entries(asked, asking.interaction, "Patient", opened.pairs, people, found)
            await audit.record(tx, list(entries))
    if found is None:
        raise NotFound
    links = {"self": _link(service, asked, asking, start)}
    if page.next:
        links["next"] = _link(service, asked, asking, page.next)
    query = SearchQuery("Patient", (), (), asking.count, total=True, pairs=opened.pairs)
    return responses.fhir(search_answer.text(service, asked, query, found, links, types))


async def _is_seen(service: Service, asked: Asked, tx: Transaction, asking: Asking) -> bool:
    may_see = permit(service, asked, "read", "Patient", "s")
    return await reading.read(tx, may_see, "Patient", asking.patient_id) is not None


def _link(service: Service, asked: Asked, asking: Asking, part: Part | None) -> str:
    if part is None:
        return search_links.plain(service, asking.path, asking.opened.pairs)
    whole = Opened(asking.opened.pairs, part.place, part.type)
    return search_links.sealed(service, asked, asking.path, whole)

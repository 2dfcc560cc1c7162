"""What a search in a transaction stands for: a conditional reference, or a conditional create or update.

https://hl7.org/fhir/R4/http.html#trules; https://hl7.org/fhir/R4/http.html#cond-update

It is a search by the caller, who finds by it what they would find otherwise, and it is in the audit as one.
"""

import json
import re
from dataclasses import dataclass, field

from app.api import sub_request, undoing
from app.api.registered import Table
from app.api.requests import Asked
from app.api.service import Service
from app.child_protection import gate
from app.fhir.bundle_request import Requested
from app.fhir.errors import Malformed, PreconditionFailed
from app.store.joined import Joined

_SEARCH = re.compile(r"([A-Z][A-Za-z]{1,63})\?([!$-~]+)")
NO_LOOKUP = "Children are not looked up in a transaction: send the lookups as a batch."
_TWO = "_count=2&_total=none"  # enough to know that it is not one


@dataclass(frozen=True)
class Matching:
    """Searches of one transaction, each made once."""

    service: Service
    one: Joined
    asked: Asked
    table: Table
    found: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    async def place(self, entry: Requested) -> str | None:
        """What an entry names, as `Type/id`, or finds by its condition; None where that is yet to be created.

        None too where it finds several, which the interaction refuses. Raises Undone where it may not search.
        """
        type, _, id = entry.path.partition("/")
        if id:
            return None if entry.is_search or "/" in id else entry.path
        condition = dict(entry.headers).get("if-none-exist", entry.query)
        if entry.is_read or not condition:
            return None
        found = await self._search(entry, type, condition)
        return found[0] if len(found) == 1 else None

    async def reference(self, entry: Requested, reference: str, place: str) -> str | None:
        """What a conditional reference stands for; None where it is none. Raises Undone unless it is exactly one."""
        if "?" not in reference or reference.startswith(("http:", "https:", "urn:")):
            return None
        search = _SEARCH.fullmatch(reference)
        if search is None:
            say = "A reference by search is a type and its parameters, encoded as in a URL."
            raise undoing.refusal(self.one, entry, Malformed(say, expression=place))
        found = await self._search(entry, search[1], search[2])
        if len(found) != 1:
            say = f"The reference matches {'more than one' if found else 'nothing'} that you may see."
            raise undoing.refusal(self.one, entry, PreconditionFailed(say, expression=place))
        return found[0]

    async def _search(self, entry: Requested, type: str, query: str) -> tuple[str, ...]:
        if type == "Flag" and gate.takes_part(self.asked.caller):
            raise undoing.refusal(self.one, entry, Malformed(NO_LOOKUP, expression=entry.place))
        if (type, query) not in self.found:
            search = Requested(entry.index, "GET", type, f"{query}&{_TWO}", (), None, None)
            answering = sub_request.run(self.service, self.asked, self.table, search)
            answer = await undoing.unless_refused(self.one, search, answering)
            entries = json.loads(bytes(answer.body)).get("entry", ())
            matches = [each["resource"] for each in entries if each["search"]["mode"] == "match"]
            self.found[type, query] = tuple(f"{type}/{each['id']}" for each in matches)
        return self.found[type, query]

"""An entry of a transaction with every reference to another entry, or by search, in the words in which it will be kept.

https://hl7.org/fhir/R4/http.html#trules
"""

from dataclasses import replace

from app.api import undoing
from app.api.matching import Matching
from app.api.promises import Promises
from app.fhir import references
from app.fhir.bundle_request import Requested
from app.fhir.errors import Malformed
from app.fhir.schema_shape import Step

_UNRESOLVED = "This names no entry of the Bundle that can be referred to: give that entry the same fullUrl."


async def rewritten(matching: Matching, promised: Promises, entry: Requested) -> Requested:
    """The entry. Raises Undone for a reference that stands for nothing, or for more than one."""
    if entry.resource is None:
        return entry
    by_search: dict[str, str] = {}
    for reference, place in references.listed(entry.resource, f"{entry.place}.resource"):
        found = promised.resolved(reference, entry) or await matching.reference(entry, reference, place)
        if found:
            by_search[reference] = found
        elif reference.startswith("urn:"):
            raise undoing.refusal(matching.one, entry, Malformed(_UNRESOLVED, expression=place))

    def visit(url: str, is_reference: bool, _: tuple[Step, ...]) -> str:
        return (by_search.get(url) if is_reference else promised.by_url.get(url)) or url

    return replace(entry, resource=references.rewritten(entry.resource, visit))

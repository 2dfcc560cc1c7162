"""A Bundle sent to [base]: a batch or a transaction, as it says itself.

https://hl7.org/fhir/R4/http.html#transaction
"""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from app.api import batch, repeating, requests, transaction
from app.api.endpoint import Interact
from app.api.registered import Table
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import bundle_request, json_text
from app.fhir.bundle_request import Requested
from app.fhir.errors import Malformed
from app.fhir.json_text import JSONTextError

_LONG = 64 * 1024  # bytes that take so long to read that others are answered meanwhile
_OF_AN_ENTRY = ("if-match", "if-none-match", "if-none-exist", "if-modified-since")


def of(table: Table) -> Interact:
    """The interaction, whose entries are matched in `table`."""

    async def post(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        for name in _OF_AN_ENTRY:
            if name in asked.request.headers:
                raise Malformed(f"{name} is of one request: state it in Bundle.entry.request.")
        if repeating.HEADER in asked.request.headers:
            raise Malformed(f"{repeating.HEADER} is of a single create. In a Bundle, say If-None-Exist in the entries.")
        type, entries = await _read(service, asked)
        _count(service, asked, entries)
        interact = batch.run if type == "batch" else transaction.run
        return await interact(service, asked, table, entries)

    return post


def _count(service: Service, asked: Asked, entries: Sequence[Requested]) -> None:
    """Each entry is a request of the client's, and the Bundle was counted as one. Raises TooManyRequests."""
    lookups = [each for each in entries if each.is_read and each.path.partition("/")[0] == "Flag"]
    if lookups:
        service.lookup_rate_limit.take(asked.caller.client_id, len(lookups))
    if (others := len(entries) - len(lookups) - 1) > 0:
        service.rate_limit.take(asked.caller.client_id, others)


async def _read(service: Service, asked: Asked) -> tuple[str, list[Requested]]:
    """The type and the entries."""
    raw = await requests.resource_body(asked.request, service.settings.largest_bundle)
    if len(raw) < _LONG:
        return _parsed(raw, service.settings.most_entries)
    return await asyncio.to_thread(_parsed, raw, service.settings.most_entries)


def _parsed(raw: bytes, most: int) -> tuple[str, list[Requested]]:
    """With every number in the digits in which it came, since the resources are written out again."""
    try:
        resource, text = json_text.read(raw)
    except JSONTextError as error:
        raise Malformed(str(error)) from None
    if resource.get("resourceType") != "Bundle":
        raise Malformed("[base] takes a Bundle: resourceType must say so.", expression="resourceType")
    return bundle_request.read(json_text.exact(text), most)

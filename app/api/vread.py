"""vread: one version of a resource, judged by its own labels and by what holds today.

https://hl7.org/fhir/R4/http.html#vread
"""

from functools import partial

from starlette.responses import Response

from app.api import read, requests
from app.api.endpoint import Interact, permit
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import resource_id
from app.fhir.errors import NotFound
from app.store.audited_reading import Read

_MOST_DIGITS = 9


def of(type: str) -> Interact:
    """The interaction for one type."""

    async def vread(service: Service, asked: Asked) -> Response:
        requests.only(requests.query_pairs(asked.request), "_format")
        may_see = permit(service, asked, "vread", type, "r")
        id = resource_id.parse(asked.request.path_params["id"])
        version = _version(asked.request.path_params["version"])
        entry = partial(read.entry, asked, "vread", type, id)
        row = await service.read(Read(may_see, type, id if version else None, version, entry))
        if row is None:
            raise NotFound
        return read.answered(asked, row)

    return vread


def _version(text: str) -> int:
    """0, which no version has, for what is not a version."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0

"""Answers, with the headers that every one of them has.

https://hl7.org/fhir/R4/http.html#general
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from starlette.responses import Response

from app.fhir import json_text, outcome, subset
from app.fhir.errors import FHIRError
from app.fhir.subset import WHOLE, Part
from app.policy import redaction
from app.store.search import Row

FHIR_JSON = "application/fhir+json; charset=utf-8"


def fhir(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR answer. Nothing between here and the caller may keep it."""
    kept = {"content-type": FHIR_JSON, "cache-control": "no-store"}
    return Response(text.encode(), status, kept | (headers or {}))


def indented(response: Response) -> Response:
    """The same answer for a person to read. Numbers keep their digits."""
    if not response.body:
        return response
    text = json_text.indented(json_text.exact(bytes(response.body).decode()))
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(text.encode(), response.status_code, kept)


def not_modified(row: Row) -> Response:
    """304: the caller has this version. There is no body, and so nothing is said of one."""
    return Response(status_code=304, headers={"cache-control": "no-store"} | of_version(row.version, row.last_updated))


def shown(row: Row) -> str:
    """The text of a released resource, without what may not be shown of it."""
    return redaction.shown(row.content, row.type, contact=row.shows_contact, location=row.shows_location)


def resource(row: Row, status: int = 200, headers: dict[str, str] | None = None, part: Part = WHOLE) -> Response:
    """One released resource with its version, or the part of it that is asked for."""
    return fhir(subset.of(shown(row), part), status, of_version(row.version, row.last_updated) | (headers or {}))


def of_version(version: int, last_updated: datetime) -> dict[str, str]:
    """The headers that tell a version."""
    return {"etag": f'W/"{version}"', "last-modified": format_datetime(last_updated, usegmt=True)}


def error(refused: FHIRError, more: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome; of a 401 with its challenge, of a 429 or 503 with when to try again, of a 415 with what is taken."""
    headers = dict(more or {})
    if challenge := getattr(refused, "www_authenticate", None):
        headers["www-authenticate"] = challenge
    if seconds := getattr(refused, "retry_after", None):
        headers["retry-after"] = str(seconds)
    if media_types := getattr(refused, "accept_patch", None):
        headers["accept-patch"] = media_types
    return fhir(outcome.of(refused), refused.status, headers)

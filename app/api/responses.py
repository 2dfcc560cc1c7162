"""Answers, with the headers that every one of them has.

https://hl7.org/fhir/R4/http.html#general
"""

from email.utils import format_datetime

from starlette.responses import Response

from app.fhir import outcome
from app.fhir.errors import FHIRError
from app.policy import redaction
from app.store.search import Row

FHIR_JSON = "application/fhir+json; charset=utf-8"


def fhir(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR answer. Nothing between here and the caller may keep it."""
    kept = {"content-type": FHIR_JSON, "cache-control": "no-store"}
    return Response(text.encode(), status, kept | (headers or {}))


def shown(row: Row) -> str:
    """The text of a released resource, without what may not be shown of it."""
    return redaction.shown(row.content, row.type, contact=row.shows_contact, location=row.shows_location)


def resource(row: Row, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One released resource with its version."""
    own = {
        "etag": f'W/"{row.version}"',
        "last-modified": format_datetime(row.last_updated, usegmt=True),
    }
    return fhir(shown(row), status, own | (headers or {}))


def error(refused: FHIRError) -> Response:
    """An OperationOutcome; of a 401 with its challenge, of a 429 or 503 with when to try again, of a 415 with what is taken."""
    headers = {}
    if challenge := getattr(refused, "www_authenticate", None):
        headers["www-authenticate"] = challenge
    if seconds := getattr(refused, "retry_after", None):
        headers["retry-after"] = str(seconds)
    if media_types := getattr(refused, "accept_patch", None):
        headers["accept-patch"] = media_types
    return fhir(outcome.of(refused), refused.status, headers)

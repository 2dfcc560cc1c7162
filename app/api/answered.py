"""What an entry of a Bundle was answered, as an entry of the answer.

https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response
"""

import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from starlette.responses import Response

from app.fhir.bundle import Answered
from app.fhir.bundle_request import Requested
from app.fhir.errors import TooLarge

_ONE = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def of(entry: Requested, response: Response, base: str) -> Answered:
    """`base` is this service's FHIR base."""
    text = bytes(response.body).decode() if entry.method != "HEAD" else ""
    is_outcome = text.startswith('{"resourceType":"OperationOutcome"')
    location = response.headers.get("location")
    return Answered(
        status=f"{response.status_code} {HTTPStatus(response.status_code).phrase}",
        full_url=_full_url(entry, location, base) if text and not is_outcome else None,
        location=location,
        etag=response.headers.get("etag"),
        last_modified=_instant(response.headers.get("last-modified")),
        text=text or None,
        is_outcome=is_outcome,
    )


def are_too_large(answers: Iterable[Response], largest: int) -> bool:
    """Whether nothing more is read, so that one Bundle cannot ask for more than there is room for."""
    return sum(len(each.body) for each in answers) >= largest


def too_large(entry: Requested) -> TooLarge:
    """The refusal of an entry that comes after that."""
    say = "The answers before this one are as much as one Bundle is answered with. Ask for the rest in another."
    return TooLarge(say, expression=f"{entry.place}.request.url")


def _full_url(entry: Requested, location: str | None, base: str) -> str | None:
    if location:
        return location.partition("/_history/")[0]
    one = _ONE.fullmatch(entry.path)
    return f"{base}/{one[1]}" if one else None


def _instant(http_date: str | None) -> str | None:
    """FHIR's instant for an HTTP date, which knows seconds."""
    if http_date is None:
        return None
    return parsedate_to_datetime(http_date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

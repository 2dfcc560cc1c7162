"""Conditional reads: whether the caller has this version already.

https://hl7.org/fhir/R4/http.html#cread; https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.requests import Request

from app.fhir.errors import InvalidValue

_ONE = r'\s*(?:(?:W/)?"[^"]*"|\d+)\s*'  # a number alone, as fhirpy sends a version
_TAGS = re.compile(rf"{_ONE}(?:,{_ONE})*")
_TAG = re.compile(r'"([^"]*)"|(\d+)')


def has_already(request: Request, version: int, last_updated: datetime) -> bool:
    """Whether If-None-Match names this version or, where it was not sent, nothing changed since If-Modified-Since.

    Raises InvalidValue for an If-None-Match that is none. A date that is none is passed over (RFC 9110, 13.1.3).
    """
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or str(version) in _named(tags)
    since = _moment(request.headers.get("if-modified-since"))
    return since is not None and last_updated.replace(microsecond=0) <= since


def _named(tags: str) -> list[str]:
    if not _TAGS.fullmatch(tags):
        raise InvalidValue('If-None-Match is * or versions: W/"2".')
    return [quoted or plain for quoted, plain in _TAG.findall(tags)]


def _moment(date: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

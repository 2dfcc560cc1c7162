"""What a history is asked for: since when, as of when, and how much on a page. Read strictly.

https://hl7.org/fhir/R4/http.html#history
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.fhir import time
from app.fhir.errors import InvalidParameter
from app.fhir.search_criteria import Pair
from app.fhir.time import Span

PARAMETERS = ("_since", "_at", "_count")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Versions that were made at or after `since`, and that were current at some moment of `at`."""

    since: datetime | None
    at: Span | None
    count: int


def parse(pairs: Iterable[Pair], *, page_size: int, largest_page: int) -> HistoryQuery:
    """Raises InvalidParameter for anything else, for a value that is none, and for what is said twice."""
    said: dict[str, str] = {}
    for name, value in pairs:
        if name in ("_format", "_pretty"):
            continue
        if name not in PARAMETERS:
            raise InvalidParameter(f"A history takes {', '.join(PARAMETERS)}, and nothing else.")
        if name in said:
            raise InvalidParameter(f"{name} is said once.", expression=name)
        said[name] = value
    since = _span("_since", said["_since"]).start if "_since" in said else None
    at = _span("_at", said["_at"]) if "_at" in said else None
    count = _count(said["_count"]) if "_count" in said else page_size
    return HistoryQuery(since, at, min(count, largest_page))


def _span(name: str, value: str) -> Span:
    span = time.span(value)
    if span is None:
        raise InvalidParameter(
            f"Give {name} as a date or an instant, such as 2026-11-20T10:00:00Z; write a plus sign as %2B.",
            expression=name,
        )
    return span


def _count(value: str) -> int:
    if not _COUNT.fullmatch(value):
        raise InvalidParameter("_count is a whole number from 1.", expression="_count")
    return int(value)

"""FHIR date, dateTime, instant and Period as half-open instants in UTC.

https://hl7.org/fhir/R4/datatypes.html#dateTime and https://hl7.org/fhir/R4/datatypes.html#Period

A value is as long as its precision: `2025` lasts a year, `2025-03-09` a day in Europe/London, `10:00:00Z` a second.
The end of a Period includes every moment that matches it, so an end of `2025-03-09` lasts until the midnight after.
Nothing here raises: what cannot be read is None, and the reader decides what an unknown time means.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
LAST = datetime.max.replace(tzinfo=UTC)

_DATE_TIME = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"(T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00))?)?)?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that one dateTime may mean: `[start, end)`, UTC. An end after the year 9999 is `LAST`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)`, UTC; None is unbounded."""

    start: datetime | None
    end: datetime | None


UNBOUNDED = Period(None, None)


def span(value: object) -> Span | None:
    """The moments of a date, dateTime or instant, or None when it is not one."""
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return _day_or_longer(match) if match["hour"] is None else _second_or_shorter(match)
    except (ValueError, OverflowError):
        return None


def period(value: object) -> Period | None:
    """The moments of a Period, or None when it is no Period, names neither end, or ends before it starts."""
    if not isinstance(value, Mapping) or not ("start" in value or "end" in value):
        return None
    first, last = span(value.get("start")), span(value.get("end"))
    if ("start" in value and first is None) or ("end" in value and last is None):
        return None
    start, end = first.start if first else None, last.end if last else None
    return None if start and end and start >= end else Period(start, end)


def start_of(day: date) -> datetime:
    """The midnight in Europe/London with which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def _day_or_longer(match: re.Match[str]) -> Span:
    first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    try:
        if match["day"]:
            end = start_of(first + timedelta(days=1))
        elif match["month"]:
            end = start_of((first + timedelta(days=31)).replace(day=1))
        else:
            end = start_of(first.replace(year=first.year + 1))
    except (ValueError, OverflowError):
        end = LAST
    return Span(start_of(first), end)


def _second_or_shorter(match: re.Match[str]) -> Span:
    second, digits = int(match["second"]), (match["fraction"] or "")[:6]
    leap = second == 60
    stated = datetime(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        59 if leap else second,
        int(digits.ljust(6, "0")),
        tzinfo=_zone(match["zone"]),
    )
    start = stated.astimezone(UTC) + timedelta(seconds=1 if leap else 0)
    length = timedelta(microseconds=10 ** (6 - len(digits)))
    return Span(start, LAST if LAST - start < length else start + length)


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)

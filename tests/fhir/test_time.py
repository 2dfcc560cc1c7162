"""FHIR times as half-open instants.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir import time


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # the star hides that only integers are passed


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        pytest.param("2025", utc(2025, 1, 1), utc(2026, 1, 1), id="a year"),
        pytest.param("2024-02", utc(2024, 2, 1), utc(2024, 3, 1), id="February of a leap year"),
        pytest.param("2025-12", utc(2025, 12, 1), utc(2026, 1, 1), id="December"),
        pytest.param("2025-06", utc(2025, 5, 31, 23), utc(2025, 6, 30, 23), id="a month in summer begins at 23:00 UTC"),
        pytest.param("2025-01-15", utc(2025, 1, 15), utc(2025, 1, 16), id="a day in winter"),
        pytest.param("2025-07-15", utc(2025, 7, 14, 23), utc(2025, 7, 15, 23), id="a day in summer"),
        pytest.param("2025-03-30", utc(2025, 3, 30), utc(2025, 3, 30, 23), id="the day of 23 hours"),
        pytest.param("2025-10-26", utc(2025, 10, 25, 23), utc(2025, 10, 27), id="the day of 25 hours"),
        pytest.param("2025-01-15T10:00:00Z", utc(2025, 1, 15, 10), utc(2025, 1, 15, 10, 0, 1), id="a second"),
        pytest.param("2025-07-15T10:00:00+01:00", utc(2025, 7, 15, 9), utc(2025, 7, 15, 9, 0, 1), id="with an offset"),
        pytest.param(
            "2025-07-15T10:00:00-05:30", utc(2025, 7, 15, 15, 30), utc(2025, 7, 15, 15, 30, 1), id="westwards"
        ),
        pytest.param(
            "2025-01-15T10:00:00.25Z",
            utc(2025, 1, 15, 10, 0, 0, 250_000),
            utc(2025, 1, 15, 10, 0, 0, 260_000),
            id="a hundredth of a second",
        ),
        pytest.param(
            "2025-01-15T10:00:00.1234567899Z",
            utc(2025, 1, 15, 10, 0, 0, 123_456),
            utc(2025, 1, 15, 10, 0, 0, 123_457),
            id="finer than a microsecond",
        ),
        pytest.param("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1), id="a leap second"),
        pytest.param("9999", utc(9999, 1, 1), time.LAST, id="the last year has no end"),
        pytest.param("9999-12-31", utc(9999, 12, 31), time.LAST, id="the usual way to write for ever"),
        pytest.param("9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59), time.LAST, id="its last second"),
    ],
)
def test_a_time_lasts_as_long_as_its_precision(text: str, start: datetime, end: datetime) -> None:
    assert time.span(text) == time.Span(start, end)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "yesterday",
            "25",
            "2025-13",
            "2025-02-30",
            "2025-1-1",
            "0000",
            "2025-01-15T10:00Z",
            "2025-01-15 10:00:00Z",
        ),
        *("2025-01-15T10:00:00", "2025-01-15T24:00:00Z", "2025-01-15T10:60:00Z", "2025-01-15T10:00:00+15:00"),
        *("2025-01-15\n", " 2025", "٢٠٢٥", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z"),
        *(None, 2025, 20250115, True, [], {}, ["2025"], {"value": "2025"}, 1.5),
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert time.span(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(
            {"start": "2025-01-01", "end": "2025-01-31"},
            time.Period(utc(2025, 1, 1), utc(2025, 2, 1)),
            id="the last day is included",
        ),
        pytest.param({"start": "2025-01-01"}, time.Period(utc(2025, 1, 1), None), id="open at the end"),
        pytest.param({"end": "2025-07-01"}, time.Period(None, utc(2025, 7, 1, 23)), id="open at the start"),
        pytest.param(
            {"start": "2025-01-01", "end": "2025-01-01"}, time.Period(utc(2025, 1, 1), utc(2025, 1, 2)), id="one day"
        ),
        pytest.param(
            {"start": "2025-01-01T10:00:00Z", "end": "2025"},
            time.Period(utc(2025, 1, 1, 10), utc(2026, 1, 1)),
            id="mixed",
        ),
        pytest.param({"start": "2025-01-02", "end": "2025-01-01"}, None, id="ends before it starts"),
        pytest.param({"start": "2025-01-02", "end": "soon"}, None, id="an end that cannot be read"),
        pytest.param({"start": None}, None, id="a start that is null"),
        pytest.param({}, None, id="neither end"),
        pytest.param("2025", None, id="a text"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_a_period_includes_the_moments_that_match_its_end(value: object, expected: time.Period | None) -> None:
    assert time.period(value) == expected


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)))
def test_days_leave_no_gap(day: date) -> None:
    today, tomorrow = time.span(day.isoformat()), time.span((day + timedelta(days=1)).isoformat())
    assert today
    assert tomorrow
    assert today.end == tomorrow.start
    assert today.start == time.start_of(day)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_within_its_own_span(moment: datetime) -> None:
    for text in (moment.isoformat(timespec=precision) for precision in ("seconds", "milliseconds", "microseconds")):
        span = time.span(text)
        assert span
        assert span.start <= moment
        assert moment < span.end or span.end == time.LAST


@given(st.from_regex(r"\A[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?\Z"))
def test_whatever_looks_like_a_time_is_one_or_none(text: str) -> None:
    span = time.span(text)
    assert span is None or span.start < span.end

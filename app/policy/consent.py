"""The algebra of Consent: all that was said about one person, compiled to grants.

https://hl7.org/fhir/R4/consent.html

*Combining*, in the words of HL7's Permission: nested, ordered (deny, permit, root); of one person, the newest that
applies; across people, deny-overrides; the whole, deny-unless-permit. There is no clock here: what depends on the time
of the request is in a row's range.

A permit counts from its `dateTime`, and one without is not used, nor one that was recorded before it is dated. Of a date without a time, a permit is taken to be as old
and a refusal as new as the date allows: where two statements of one person cannot be put in order, the refusal wins. A
refusal without a `dateTime` was made, at the latest, when it was recorded; so it yields only to what was said after that.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from app.fhir import time
from app.policy import provision, standing
from app.policy.grant import Grant

# A row's place among those of its moment. An exception is a nested permit under a root refusal of the same Consent.
_ROOT_PERMIT, _NESTED_PERMIT, _ROOT_REFUSAL, _EXCEPTION, _NESTED_REFUSAL = 0, 1, 1, 2, 3
CLOCKS_DIFFER = timedelta(minutes=5)
_Place: TypeAlias = tuple[datetime, int]


@dataclass(frozen=True)
class Statement:
    """A stored Consent, and when the service recorded this version of it."""

    consent_id: str
    content: Mapping[str, object]
    recorded_at: datetime


def grants(
    statements: Iterable[Statement], subject: standing.Subject, teams: Mapping[str, frozenset[str]]
) -> tuple[Grant, ...]:
    """Every rule of every statement as a row, ranked among those of its performer, in an order of their own.

    `teams` gives the organisations (`org|RX1`) that take part in a `CareTeam/{id}`. Never raises.
    """
    said = [each for statement in statements for each in _said(statement, subject, teams)]
    placed = {placed for each in said for placed in _placed(each, said)}
    places: dict[str, set[_Place]] = defaultdict(set)
    for place, row in placed:
        places[row.performer].add(place)
    order = {performer: sorted(taken) for performer, taken in places.items()}
    ranked = {replace(row, rank=order[row.performer].index(place)) for place, row in placed}
    return tuple(sorted(ranked, key=lambda row: (row.performer, -row.rank, row.consent_id, repr(row))))


@dataclass(frozen=True)
class _Said:
    """What one performer said in one Consent, at a moment between `earliest` and `latest`. Undated: no `earliest`."""

    performer: str
    earliest: datetime | None
    latest: datetime
    root: tuple[Grant, ...]
    nested: tuple[Grant, ...]

    @property
    def refuses(self) -> bool:
        return any(not row.permits for row in self.root + self.nested)

    @property
    def refuses_at_root(self) -> bool:
        return any(not row.permits for row in self.root)


def _said(statement: Statement, subject: standing.Subject, teams: Mapping[str, frozenset[str]]) -> Iterator[_Said]:
    stated = time.span(statement.content.get("dateTime"))
    about = standing.is_about(statement.content, subject)
    ahead = stated is not None and stated.start > _utc(statement.recorded_at) + CLOCKS_DIFFER
    rules = provision.rules(statement.content, teams)
    for performer in standing.performers(statement.content, statement.consent_id, subject):
        may_permit = standing.may_permit(performer, subject) if about and not ahead else None
        may_refuse = standing.may_refuse(performer, subject)
        dated = time.Period(stated.start, None) if stated else None
        rows = [
            (_grant(statement.consent_id, performer, rule, valid), rule.nested)
            for rule in rules
            for valid in (_common(rule.valid, dated, may_permit) if rule.permits else _common(rule.valid, may_refuse))
        ]
        yield _Said(
            performer,
            earliest=stated.start if stated else None,
            latest=_latest(stated) if stated else _utc(statement.recorded_at),
            root=tuple(row for row, nested in rows if not nested),
            nested=tuple(row for row, nested in rows if nested),
        )


def _common(*periods: time.Period | None) -> Iterator[time.Period]:
    """The one period that all have in common, if there is one."""
    known = [period for period in periods if period is not None]
    start = max((period.start for period in known if period.start), default=None)
    end = min((period.end for period in known if period.end), default=None)
    if len(known) == len(periods) and not (start and end and start >= end):
        yield time.Period(start, end)


def _placed(said: _Said, others: list[_Said]) -> Iterator[tuple[_Place, Grant]]:
    """Each row with its place: refusals as new as they may be, permits as old, save an exception to its own root."""
    oldest = said.earliest or said.latest
    excepting = said.refuses_at_root and not any(_may_be_newer(other, said) for other in others)
    for row in said.root:
        yield ((oldest, _ROOT_PERMIT) if row.permits else (said.latest, _ROOT_REFUSAL)), row
    for row in said.nested:
        if not row.permits:
            yield (said.latest, _NESTED_REFUSAL), row
        else:
            yield ((said.latest, _EXCEPTION) if excepting else (oldest, _NESTED_PERMIT)), row


def _may_be_newer(other: _Said, said: _Said) -> bool:
    """Whether another statement of the same person refuses, and its moment is somewhere within this one's.

    An exception would have to stand above its own root but below the other's refusal, and no such place is certain; so
    it yields to both.
    """
    if other is said or other.performer != said.performer or not other.refuses:
        return False
    return said.earliest is not None and said.earliest <= other.latest <= said.latest


def _latest(stated: time.Span) -> datetime:
    """The last moment that a `dateTime` may mean; one given to the second is taken at its word."""
    if stated.end - stated.start <= timedelta(seconds=1):
        return stated.start
    return stated.end - timedelta(microseconds=1)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _grant(consent_id: str, performer: str, rule: provision.Rule, valid: time.Period) -> Grant:
    return Grant(
        consent_id=consent_id,
        performer=performer,
        rank=0,
        permits=rule.permits,
        actors=rule.actors,
        purposes=rule.purposes,
        categories=rule.categories,
        label=rule.label.level,
        sensitivities=tuple(sorted(rule.label.sensitivities)),
        valid_from=valid.start,
        valid_to=valid.end,
        data_from=rule.data.start,
        data_to=rule.data.end,
    )

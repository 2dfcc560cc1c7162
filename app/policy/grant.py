"""Grants: consents compiled to rows, and the one sentence that reads them.

https://hl7.org/fhir/R4/consent.html

A row *counts* for a request if it applies and no applicable row of the same performer ranks higher. Access by consent
is: some permit counts and no refusal counts. The store says the same in SQL, and reads nothing but these rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.policy.purpose import ANY, Purposes


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule of one Consent, as one performer said it. Instants are UTC and ranges half-open; None is unbounded.

    On a refusal `*` stands for every actor, purpose or category. A permit names them all. `label` is the highest level
    that a permit covers and the lowest that a refusal does; a permit covers a resource only with all of its
    sensitivities, a refusal already with one of them.
    """

    consent_id: str
    performer: str
    rank: int
    permits: bool
    actors: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    label: int
    sensitivities: tuple[str, ...]
    valid_from: datetime | None
    valid_to: datetime | None
    data_from: datetime | None
    data_to: datetime | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks (`org|RX1`), why and when."""

    actors: frozenset[str]
    purposes: Purposes
    now: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a resource's data category, label, and the date of its data where known."""

    category: str
    label: int
    sensitivities: frozenset[str]
    data_date: datetime | None


def permitted(grants: Iterable[Grant], ask: Ask, asked: Asked) -> bool:
    """Some permit counts and no refusal counts."""
    counting = counts(grants, ask, asked)
    return bool(counting) and all(grant.permits for grant in counting)


def refused(grants: Iterable[Grant], ask: Ask, asked: Asked) -> bool:
    """Some refusal counts."""
    return any(not grant.permits for grant in counts(grants, ask, asked))


def disputed(grants: Iterable[Grant], ask: Ask, asked: Asked) -> bool:
    """Some permit counts, and some refusal of another person."""
    counting = counts(grants, ask, asked)
    permitting = {grant.performer for grant in counting if grant.permits}
    refusing = {grant.performer for grant in counting if not grant.permits}
    return any(one != other for one in permitting for other in refusing)


def counts(grants: Iterable[Grant], ask: Ask, asked: Asked) -> tuple[Grant, ...]:
    """The rows that count: of each performer, the applicable ones of the highest rank."""
    applicable = [grant for grant in grants if applies(grant, ask, asked)]
    highest: dict[str, int] = {}
    for grant in applicable:
        highest[grant.performer] = max(grant.rank, highest.get(grant.performer, grant.rank))
    return tuple(grant for grant in applicable if grant.rank == highest[grant.performer])


def applies(grant: Grant, ask: Ask, asked: Asked) -> bool:
    """Whether a row speaks about this request at this moment."""
    if not _within(grant.valid_from, grant.valid_to, ask.now):
        return False
    return _permit_applies(grant, ask, asked) if grant.permits else _refusal_applies(grant, ask, asked)


def _permit_applies(grant: Grant, ask: Ask, asked: Asked) -> bool:
    return (
        not ask.actors.isdisjoint(grant.actors)
        and not ask.purposes.permit.isdisjoint(grant.purposes)
        and asked.category in grant.categories
        and asked.label <= grant.label
        and asked.sensitivities.issubset(grant.sensitivities)
        and (_unbounded(grant) if asked.data_date is None else _within(grant.data_from, grant.data_to, asked.data_date))
    )


def _refusal_applies(grant: Grant, ask: Ask, asked: Asked) -> bool:
    return (
        not (ask.actors | {ANY}).isdisjoint(grant.actors)
        and not (ask.purposes.refuse | {ANY}).isdisjoint(grant.purposes)
        and not {asked.category, ANY}.isdisjoint(grant.categories)
        and (asked.label >= grant.label or not asked.sensitivities.isdisjoint(grant.sensitivities))
        and (asked.data_date is None or _within(grant.data_from, grant.data_to, asked.data_date))
    )


def _unbounded(grant: Grant) -> bool:
    return grant.data_from is None and grant.data_to is None


def _within(start: datetime | None, end: datetime | None, moment: datetime) -> bool:
    return (start is None or start <= moment) and (end is None or moment < end)

"""The clauses of a provision, each answered yes, no or maybe for one question: the lower half of the oracle.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision

It knows only the codes and times that `consent_worlds` draws, and shares no code with what it checks.
"""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from app.policy import grant

Moments = tuple[datetime, datetime]


class Is(Enum):
    YES = 1
    NO = 2
    MAYBE = 3


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # the star hides that only integers are passed


# What each text means, worked out by hand: from the first moment up to, but not with, the second.
TIMES: dict[str, Moments] = {
    "2024": (utc(2024, 1, 1), utc(2025, 1, 1)),
    "2025-03": (utc(2025, 3, 1), utc(2025, 3, 31, 23)),
    "2025-03-10": (utc(2025, 3, 10), utc(2025, 3, 11)),
    "2025-03-10T14:00:00Z": (utc(2025, 3, 10, 14), utc(2025, 3, 10, 14, 0, 1)),
    "2025-03-10T15:00:00+01:00": (utc(2025, 3, 10, 14), utc(2025, 3, 10, 14, 0, 1)),
    "2025-07-01": (utc(2025, 6, 30, 23), utc(2025, 7, 1, 23)),
    "2025-07-01T09:30:00+01:00": (utc(2025, 7, 1, 8, 30), utc(2025, 7, 1, 8, 30, 1)),
    "2027": (utc(2027, 1, 1), utc(2028, 1, 1)),
}
PARENT_OF = {"BTG": "ETREAT", "ETREAT": "TREAT", "CAREMGT": "HOPERAT", "TREAT": None, "HOPERAT": None}
CATEGORIES = ("demographics", "health", "development")
LEVELS = "ULMNRV"
SENSITIVITIES = ("PSY", "SDV")


def answers(
    provision: dict[str, Any],
    permit: bool,
    teams: dict[str, frozenset[str]],
    why: str | None,
    ask: grant.Ask,
    asked: grant.Asked,
) -> list[Is]:
    return [
        _any_of([_actor(each, teams, ask) for each in provision.get("actor", [])]),
        _any_of([_purpose(each, why, permit) for each in codes_of([{"coding": provision.get("purpose", [])}])]),
        _any_of([_category(each, asked) for each in codes_of(provision.get("code", []))]),
        _labels(provision.get("securityLabel"), permit, asked),
        _when(provision.get("period"), ask.now, permit, named="start"),
        _when(provision.get("dataPeriod"), asked.data_date, permit, named=None),
        Is.MAYBE if "class" in provision else Is.YES,
    ]


def _any_of(answers: list[Is]) -> Is:
    if Is.YES in answers:
        return Is.YES
    return Is.MAYBE if Is.MAYBE in answers or not answers else Is.NO


def codes_of(concepts: list[Any]) -> list[str | None]:
    """The code of each Coding, with None for one without a system or of a system that says nothing here."""
    codings = [coding for concept in concepts if concept for coding in (concept.get("coding") or [{}])]
    return [
        coding["code"] if "cradle" in (system := coding.get("system", "")) or "hl7" in system else None
        for coding in codings
    ]


def _actor(actor: dict[str, Any], teams: dict[str, frozenset[str]], ask: grant.Ask) -> Is:
    reference = actor["reference"]
    if "identifier" in reference:
        organizations = frozenset({f"org|{reference['identifier']['value']}"})
    else:
        organizations = teams.get(reference["reference"], frozenset())
    if not organizations:
        return Is.MAYBE
    return Is.YES if organizations & ask.actors else Is.NO


def _purpose(stated: str | None, why: str | None, permit: bool) -> Is:
    if why is None or stated is None or stated not in PARENT_OF:
        return Is.MAYBE
    below = stated in _up(why)
    above = why in _up(stated) and stated != "BTG"
    if permit:
        return Is.YES if below and (why != "BTG" or stated == "BTG") else Is.NO
    return Is.YES if below or above else Is.NO


def _up(code: str | None) -> list[str]:
    return [code, *_up(PARENT_OF[code])] if code else []


def _category(stated: str | None, asked: grant.Asked) -> Is:
    if stated not in CATEGORIES:
        return Is.MAYBE
    return Is.YES if stated == asked.category else Is.NO


def _labels(labels: list[dict[str, Any]] | None, permit: bool, asked: grant.Asked) -> Is:
    codes = codes_of([{"coding": labels}]) if labels is not None else []
    levels = [LEVELS.index(code) for code in codes if code and code in LEVELS]
    sensitivities = {code for code in codes if code in SENSITIVITIES}
    unclear = not codes or any(not code or code not in (*LEVELS, *SENSITIVITIES) for code in codes)
    if permit:
        if labels is not None and not levels and not sensitivities:
            return Is.MAYBE
        reached = asked.label <= (max(levels) if levels else LEVELS.index("R"))
        return Is.YES if reached and asked.sensitivities <= sensitivities else Is.NO
    if labels is None or unclear:
        return Is.MAYBE
    reached = bool(levels) and asked.label >= min(levels)
    return Is.YES if reached or asked.sensitivities & sensitivities else Is.NO


def _when(stated: Any, moment: datetime | None, permit: bool, named: str | None) -> Is:
    if stated is None:
        return Is.MAYBE if named else Is.YES
    ends = [stated[end] for end in ("start", "end") if end in stated]
    if not ends or any(end not in TIMES for end in ends) or (permit and named and named not in stated):
        return Is.MAYBE
    first = TIMES[stated["start"]][0] if "start" in stated else utc(1, 1, 1)
    after = TIMES[stated["end"]][1] if "end" in stated else utc(9999, 1, 1)
    if first >= after or moment is None:
        return Is.MAYBE
    return Is.YES if first <= moment < after else Is.NO

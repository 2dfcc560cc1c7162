"""The algebra of Consent a second time: slowly, for one question, straight from the JSON and without grants.

https://hl7.org/fhir/R4/consent.html

Each clause of a provision is answered yes, no or maybe (`consent_clauses`). A permit needs a yes to every clause; a
refusal needs that none is a no. It knows only what `consent_worlds` draws, and shares no code with what it checks.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.policy import consent, grant, standing
from tests.policy import consent_clauses


def permitted(
    said: list[consent.Statement],
    subject: standing.Subject,
    teams: dict[str, frozenset[str]],
    why: str | None,
    ask: grant.Ask,
    asked: grant.Asked,
) -> bool:
    """Whether consent permits, each person's newest words going before their older ones, and any refusal before all."""
    votes = [
        (person, statement, verdict)
        for statement in said
        for person in _people(statement, subject)
        if (verdict := _verdict(statement, person, subject, teams, why, ask, asked)) is not None
    ]
    standing_refusals = [
        refusal
        for person, refusal, verdict in votes
        if not verdict
        and not any(
            other == person and says_yes and moments(newer)[0] > _latest(refusal) for other, newer, says_yes in votes
        )
    ]
    return any(verdict for _, _, verdict in votes) and not standing_refusals


def is_tangled(said: list[consent.Statement], subject: standing.Subject) -> bool:
    """Whether somebody made an exception to a refusal, and some other statement of theirs may be newer or older.

    Grants then leave the exception out, and so may be narrower than what is said here.
    """
    return any(
        one is not other
        and _type(one.content.get("provision")) == "deny"
        and one.content.get("dateTime") in consent_clauses.TIMES
        and set(_people(one, subject)) & set(_people(other, subject))
        and moments(one)[0] <= _latest(other) <= _latest(one)
        for one in said
        for other in said
    )


def moments(statement: consent.Statement) -> consent_clauses.Moments:
    stated = statement.content.get("dateTime")
    if isinstance(stated, str) and stated in consent_clauses.TIMES:
        return consent_clauses.TIMES[stated]
    return datetime.min.replace(tzinfo=UTC), statement.recorded_at


def _latest(statement: consent.Statement) -> datetime:
    """The last moment at which it may have been said: of a day or longer, just before its end."""
    first, after = moments(statement)
    if statement.content.get("dateTime") not in consent_clauses.TIMES:
        return statement.recorded_at
    return first if after - first <= timedelta(seconds=1) else after - timedelta(microseconds=1)


def _verdict(
    statement: consent.Statement,
    person: str,
    subject: standing.Subject,
    teams: dict[str, frozenset[str]],
    why: str | None,
    ask: grant.Ask,
    asked: grant.Asked,
) -> bool | None:
    """What one person says to the question in one Consent: True, False, or nothing."""
    content = statement.content
    root: Any = content.get("provision", {})
    status = content.get("status")
    if status in ("inactive", "entered-in-error"):
        return None

    def refuses(provision: Any) -> bool:
        if status == "rejected" and isinstance(provision, dict):
            provision = {key: value for key, value in provision.items() if key not in ("period", "securityLabel")}
        clauses = consent_clauses.answers(
            provision if isinstance(provision, dict) else {}, False, teams, why, ask, asked
        )
        return consent_clauses.Is.NO not in clauses and _may_refuse(person, subject, ask.now)

    def permits(provision: Any) -> bool:
        clauses = consent_clauses.answers(provision, True, teams, why, ask, asked)
        usable = status == "active" and content.get("scope") is not None and _may_permit(person, subject, ask.now)
        first = moments(statement)[0]
        known = first <= ask.now and first <= statement.recorded_at + timedelta(minutes=5)
        dated = content.get("dateTime") in consent_clauses.TIMES and known
        return usable and dated and _type(root) in ("permit", "deny") and set(clauses) == {consent_clauses.Is.YES}

    nested = [each for each, depth in _everything_below(root) if depth == 1]
    below = [each for each, _ in _everything_below(root)]
    if any((_type(each) != "permit" or status == "rejected") and refuses(each) for each in below):
        return False
    inherited = root if _type(root) == "permit" else {}
    if any(_type(each) == "permit" and permits({**inherited, **each}) for each in nested):
        return True
    if _type(root) == "permit" and status != "rejected":
        return True if permits(root) else None
    opted_in = (
        isinstance(root, dict)
        and "type" not in root
        and consent_clauses.codes_of([content.get("policyRule")]) == ["OPTIN"]
    )
    if opted_in and status != "rejected":
        return None
    return False if refuses(root) else None


def _everything_below(provision: Any, depth: int = 1) -> list[tuple[Any, int]]:
    nested = provision.get("provision", []) if isinstance(provision, dict) else []
    return [pair for each in nested for pair in [(each, depth), *_everything_below(each, depth + 1)]]


def _type(provision: Any) -> Any:
    return provision.get("type") if isinstance(provision, dict) else None


def _people(statement: consent.Statement, subject: standing.Subject) -> list[str]:
    performers: Any = statement.content.get("performer", [{}])
    numbers = [each.get("identifier", {}).get("value") for each in performers]
    return [
        "the child" if number in subject.nhs_numbers else number or f"somebody in {statement.consent_id}"
        for number in numbers
    ]


def _may_permit(person: str, subject: standing.Subject, now: datetime) -> bool:
    age = _age(subject, now)
    if age is None:
        return False
    return age >= 16 if person == "the child" else age < 18 and subject.relationships.get(f"nhs|{person}", False)


def _may_refuse(person: str, subject: standing.Subject, now: datetime) -> bool:
    age = _age(subject, now)
    return person == "the child" or person.startswith("somebody") or age is None or age < 18


def _age(subject: standing.Subject, now: datetime) -> int | None:
    """Whole years. It is asked at noon in winter or in summer, when London and UTC have the same date."""
    born = subject.birth_date
    if born is None:
        return None
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))

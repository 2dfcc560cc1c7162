"""Random families, what they said, and what is asked, for the properties of the algebra of Consent.

https://hypothesis.readthedocs.io/en/latest/reference/strategies.html

Most of what is drawn makes sense, so that a fair part of the questions is answered yes; the rest is missing or wrong.
Each world grows from one seed: this keeps the odds as they are written, at the price of examples that do not shrink.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from app.policy import consent, grant, standing
from tests.policy import consent_clauses, consents
from tests.policy.consents import Json

T = TypeVar("T")
WHO_ASKS = ["RX1", "RX2", "RX9"]
WHY = ["TREAT", "ETREAT", "BTG", "HOPERAT", "CAREMGT", None]
_MOMENTS = [
    datetime(2025, 1, 15, 12, tzinfo=UTC),
    datetime(2025, 3, 10, 14, tzinfo=UTC),
    datetime(2025, 3, 10, 14, 0, 1, tzinfo=UTC),
    datetime(2027, 3, 10, 12, tzinfo=UTC),
    datetime(2042, 6, 1, 12, tzinfo=UTC),
]
_NOWHERE = {"system": "http://example.org/codes", "code": "TREAT"}


def grown(grow: Callable[[Random], T]) -> st.SearchStrategy[T]:
    return st.integers(0, 2**64 - 1).map(lambda seed: grow(Random(seed)))


def one_in(random: Random, odds: int) -> bool:
    return random.randrange(odds) == 0


def period(random: Random) -> Json:
    if one_in(random, 15):
        return random.choice([{}, {"start": "soon"}, {"start": "2027", "end": "2024"}, {"end": "2025-07-01"}])
    end = random.choice(["2025-03", "2025-03-10T15:00:00+01:00", "2025-07-01", "2027"])
    return {"start": random.choice(["2024", "2024", "2025-03-10", "2025-03"])} | (
        {"end": end} if one_in(random, 4) else {}
    )


def actor(random: Random) -> Json:
    if one_in(random, 8):
        literal = random.choice(["CareTeam/health-visitors", "CareTeam/nobody", "CareTeam/gone", "Device/1"])
        return consents.team(literal)
    return consents.organization(random.choice(["RX1", "RX1", "RX2"]))


def purpose(random: Random) -> Json:
    if one_in(random, 15):
        return random.choice([_NOWHERE, {"code": "TREAT"}])
    return consents.act_reason(random.choice(["TREAT", "TREAT", "TREAT", "ETREAT", "BTG", "HOPERAT", "CAREMGT"]))


def category(random: Random) -> Json:
    if one_in(random, 15):
        return random.choice([consents.category("unheard-of"), {"coding": [_NOWHERE]}, {"text": "health"}])
    return consents.category(random.choice(["health", "health", "health", "development", "demographics"]))


def security_label(random: Random) -> Json:
    if one_in(random, 15):
        return random.choice([{"code": "N"}, _NOWHERE])
    if one_in(random, 2):
        return consents.sensitivity(random.choice(["PSY", "SDV"]))
    return consents.confidentiality(random.choice("NRV"))


def some(random: Random, one: Callable[[Random], Json]) -> list[Json]:
    return [one(random) for _ in range(random.choice([1, 1, 2, 3]))]


def words(random: Random, *, left_out: int) -> Json:
    """What a provision names. Each of the four usual elements is left out once in `left_out` times."""
    usual: Json = {
        "period": period(random),
        "actor": some(random, actor),
        "purpose": some(random, purpose),
        "code": some(random, category),
    }
    rare: Json = {
        "securityLabel": some(random, security_label)[one_in(random, 10) :],
        "dataPeriod": period(random),
        "class": [{"code": "Patient"}],
    }
    odds = {"securityLabel": 5, "dataPeriod": 8, "class": 25}
    return {key: value for key, value in usual.items() if not one_in(random, left_out)} | {
        key: value for key, value in rare.items() if one_in(random, odds[key])
    }


def nested(random: Random, depth: int = 1) -> list[Any]:
    if one_in(random, 40):
        return ["nonsense"]
    return [
        provision(random, random.choice(["permit", "deny"]), left_out=random.choice([2, 20]), depth=depth)
        for _ in range(random.choice([0, 0, 1, 2] if depth == 1 else [0, 0, 0, 1]))
    ]


def provision(random: Random, kind: str, *, left_out: int, depth: int = 0) -> Json:
    inside = nested(random, depth + 1) if depth < 3 else []
    typed = {"type": random.choice(["forbid", None]) if one_in(random, 40) else kind}
    whole = typed | words(random, left_out=left_out) | ({"provision": inside} if inside else {})
    return {key: value for key, value in whole.items() if key != "type" or value is not None}


def statement(random: Random, words: Any, *, active: bool = False) -> consent.Statement:
    """A Consent with such a provision; `family` gives it an id of its own."""
    performers = [random.choice([consents.MOTHER, consents.MOTHER, consents.FATHER])]
    if one_in(random, 8):
        performers.append(random.choice([consents.FATHER, consents.STRANGER, consents.CHILD, consents.OLD_NUMBER]))
    random.shuffle(performers)
    changed: Json = {"performer": [consents.person(each) for each in dict.fromkeys(performers)]}
    if one_in(random, 20):
        changed["performer"] = random.choice([None, [{"reference": "Patient/1"}]])
    if one_in(random, 8) and not active:
        changed["status"] = random.choice(["rejected", "inactive", "entered-in-error", "draft", None])
    if one_in(random, 10):
        changed["policyRule"] = {"coding": [consents.sensitivity(random.choice(["OPTIN", "OPTOUT"]))]}
    if one_in(random, 30):
        changed["scope"] = None
    dated: str | None = random.choice(sorted(consent_clauses.TIMES))
    if one_in(random, 10):
        dated = random.choice([None, "yesterday"])
    return consent.Statement("new", consents.said(words, dated=dated, **changed), datetime(2025, 3, 10, 14, tzinfo=UTC))


def any_statement(random: Random) -> consent.Statement:
    if one_in(random, 25):
        return statement(random, random.choice([None, "nonsense", {}, {"provision": nested(random)}]))
    if one_in(random, 3):
        return statement(random, provision(random, "deny", left_out=random.choice([2, 20])))
    return statement(random, provision(random, "permit", left_out=30))


def only_yes(random: Random) -> consent.Statement:
    """An active Consent that holds nothing but permits."""
    inside = [{"type": "permit", **words(random, left_out=2)} for _ in range(random.choice([0, 0, 1, 2]))]
    whole = {"type": "permit", **words(random, left_out=40)} | ({"provision": inside} if inside else {})
    return statement(random, whole, active=True)


def only_no(random: Random) -> consent.Statement:
    """A Consent that holds nothing but refusals."""
    inside = [{"type": "deny", **words(random, left_out=2)} for _ in range(random.choice([0, 0, 1, 2]))]
    whole = {"type": "deny", **words(random, left_out=2)} | ({"provision": inside} if inside else {})
    return statement(random, whole)


def family(random: Random) -> list[consent.Statement]:
    said = [any_statement(random) for _ in range(random.choice([1, 1, 2, 2, 3, 4]))]
    return [consent.Statement(f"consent-{n}", each.content, each.recorded_at) for n, each in enumerate(said)]


def subject(random: Random) -> standing.Subject:
    usual = consents.CHILD_SUBJECT
    if not one_in(random, 8):
        return usual
    born = random.choice([None, date(2009, 3, 10), date(2000, 2, 29)])
    return standing.Subject(usual.nhs_numbers, born, usual.relationships)


def moment(random: Random) -> datetime:
    return random.choice(_MOMENTS) if one_in(random, 3) else datetime(2025, 7, 2, 12, tzinfo=UTC)


def question(random: Random) -> grant.Ask:
    by = random.choice(WHO_ASKS) if one_in(random, 3) else "RX1"
    why = random.choice(WHY) if one_in(random, 3) else "TREAT"
    return consents.ask(by, why, moment(random))


def thing(random: Random) -> grant.Asked:
    return grant.Asked(
        category=random.choice(["development", "demographics", "weather"]) if one_in(random, 4) else "health",
        label=random.randrange(6) if one_in(random, 3) else 3,
        sensitivities=frozenset(random.sample(["PSY", "SDV"], random.randrange(3)) if one_in(random, 4) else ()),
        data_date=random.choice([None, datetime(2024, 6, 1, tzinfo=UTC), datetime(2025, 3, 10, 14, tzinfo=UTC)]),
    )


FAMILIES, SUBJECTS, MOMENTS, QUESTIONS, THINGS = map(grown, (family, subject, moment, question, thing))
STATEMENTS, PERMITS, REFUSALS = map(grown, (any_statement, only_yes, only_no))

"""What holds of the algebra of Consent whatever a family says.

https://hl7.org/fhir/R4/consent.html
"""

import copy
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from app.fhir import time
from app.policy import consent, grant, label, standing
from app.policy.purpose import KNOWN
from tests.policy import consent_oracle, consent_worlds, consents

FAMILIES, SUBJECTS, MOMENTS = consent_worlds.FAMILIES, consent_worlds.SUBJECTS, consent_worlds.MOMENTS
QUESTIONS, THINGS = consent_worlds.QUESTIONS, consent_worlds.THINGS
PERMITS, REFUSALS = consent_worlds.PERMITS, consent_worlds.REFUSALS
ASKS = [
    consents.ask(by, why, now)
    for by in ("RX1", "RX2")
    for why in ("TREAT", "ETREAT", "BTG", "HOPERAT")
    for now in (datetime(2025, 3, 10, 14, tzinfo=UTC), datetime(2025, 7, 2, 12, tzinfo=UTC))
]
ALL_ASKED = [
    consents.asked(what, level, sensitive, made)
    for what, level, sensitive in (("health", 3, ""), ("health", 4, ""), ("health", 3, "PSY"), ("development", 3, ""))
    for made in (None, datetime(2024, 6, 1, tzinfo=UTC))
]

Questions: TypeAlias = set[tuple[grant.Ask, grant.Asked]]


def permitted(said: list[consent.Statement]) -> Questions:
    """Of a fixed set of questions, those that are answered yes."""
    rows = consent.grants(said, consents.CHILD_SUBJECT, consents.TEAMS)
    return {(ask, asked) for ask in ASKS for asked in ALL_ASKED if grant.permitted(rows, ask, asked)}


def test_a_fair_part_of_the_questions_is_answered_yes() -> None:
    families = [consent_worlds.family(Random(seed)) for seed in range(200)]
    answered = [permitted(said) for said in families]
    assert 20 < sum(1 for yes in answered if yes) < 180
    assert sum(map(len, answered)) > 200


@settings(deadline=None, max_examples=3_000)
@given(FAMILIES, SUBJECTS, MOMENTS, THINGS)
def test_grants_say_what_the_consents_say(
    said: list[consent.Statement], subject: standing.Subject, now: datetime, asked: grant.Asked
) -> None:
    rows = consent.grants(said, subject, consents.TEAMS)
    tangled = consent_oracle.is_tangled(said, subject)
    answers = set()
    for by, why in itertools.product(consent_worlds.WHO_ASKS, consent_worlds.WHY):
        ask = consents.ask(by, why, now)
        expected = consent_oracle.permitted(said, subject, consents.TEAMS, why, ask, asked)
        answer = grant.permitted(rows, ask, asked)
        assert answer is expected or (tangled and expected)
        answers.add(answer)
    event(f"answers: {sorted(answers)}, tangled: {tangled}")


@settings(deadline=None, max_examples=500)
@given(FAMILIES, REFUSALS)
def test_adding_a_refusal_never_turns_no_into_yes(said: list[consent.Statement], refusal: consent.Statement) -> None:
    assert permitted([*said, refusal]) <= permitted(said)


@settings(deadline=None, max_examples=100)
@given(FAMILIES)
def test_a_refusal_of_everything_by_somebody_unknown_leaves_no_yes(said: list[consent.Statement]) -> None:
    assert not permitted([*said, consent.Statement("new", consents.no(by=None), consents.RECORDED)])


@settings(deadline=None, max_examples=500)
@given(FAMILIES, PERMITS)
def test_removing_a_permit_never_turns_no_into_yes(said: list[consent.Statement], permit: consent.Statement) -> None:
    assert permitted(said) <= permitted([*said, permit])


@settings(deadline=None, max_examples=200)
@given(FAMILIES, SUBJECTS, st.randoms(use_true_random=True))
def test_the_order_of_statements_does_not_matter(
    said: list[consent.Statement], subject: standing.Subject, random: Random
) -> None:
    shuffled = random.sample(said, len(said))
    assert consent.grants(shuffled, subject, consents.TEAMS) == consent.grants(said, subject, consents.TEAMS)


@settings(deadline=None, max_examples=500)
@given(FAMILIES, QUESTIONS, THINGS, st.integers(0, 5), st.frozensets(st.sampled_from(["PSY", "SDV", "HIV"])))
def test_raising_a_label_never_widens(
    said: list[consent.Statement], ask: grant.Ask, asked: grant.Asked, level: int, sensitive: frozenset[str]
) -> None:
    rows = consent.grants(said, consents.CHILD_SUBJECT, consents.TEAMS)
    raised = replace(asked, label=max(asked.label, level), sensitivities=asked.sensitivities | sensitive)
    assert grant.permitted(rows, ask, asked) or not grant.permitted(rows, ask, raised)


@settings(deadline=None, max_examples=500)
@given(FAMILIES, QUESTIONS, THINGS)
def test_not_knowing_the_time_of_the_data_never_widens(
    said: list[consent.Statement], ask: grant.Ask, asked: grant.Asked
) -> None:
    rows = consent.grants(said, consents.CHILD_SUBJECT, consents.TEAMS)
    unknown = replace(asked, data_date=None)
    assert grant.permitted(rows, ask, asked) or not grant.permitted(rows, ask, unknown)


@settings(deadline=None, max_examples=500)
@given(FAMILIES, PERMITS, st.sampled_from(["actor", "purpose", "code"]), st.integers(0, 2))
def test_taking_a_word_out_of_a_permit_never_widens(
    said: list[consent.Statement], permit: consent.Statement, element: str, which: int
) -> None:
    narrowed: Any = copy.deepcopy(dict(permit.content))
    named = narrowed["provision"].get(element)
    assume(named)
    named.pop(which % len(named))
    assert permitted([*said, replace(permit, content=narrowed)]) <= permitted([*said, permit])


@settings(deadline=None, max_examples=500)
@given(FAMILIES, PERMITS, st.sampled_from(["2024", "2025-03"]))
def test_ageing_a_permit_never_widens(said: list[consent.Statement], permit: consent.Statement, earlier: str) -> None:
    dated, before = time.span(permit.content.get("dateTime")), time.span(earlier)
    assume(dated and before and before.start <= dated.start <= min(ask.now for ask in ASKS))
    aged = replace(permit, content={**permit.content, "dateTime": earlier})
    assert permitted([*said, aged]) <= permitted([*said, permit])


@settings(deadline=None, max_examples=300)
@given(FAMILIES, QUESTIONS, THINGS, st.integers(0, 60 * 365))
def test_a_permit_that_has_lapsed_does_not_come_back(
    said: list[consent.Statement], ask: grant.Ask, asked: grant.Asked, days: int
) -> None:
    rows = consent.grants(said, consents.CHILD_SUBJECT, consents.TEAMS)
    lapsed = [row for row in rows if row.permits and row.valid_to and row.valid_to <= ask.now]
    assert not grant.permitted(lapsed, replace(ask, now=ask.now + timedelta(days=days)), asked)


KEYS = st.sampled_from(
    [
        *("status", "scope", "patient", "dateTime", "performer", "policyRule", "provision", "type", "period", "start"),
        *("end", "actor", "role", "reference", "identifier", "system", "value", "coding", "code", "purpose", "meta"),
        *("securityLabel", "security", "dataPeriod", "modifierExtension", "implicitRules"),
    ]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["permit", "deny", "2025"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(st.dictionaries(KEYS | st.text(max_size=5), ANYTHING, max_size=8), QUESTIONS, THINGS)
def test_any_json_object_compiles(content: dict[str, Any], ask: grant.Ask, asked: grant.Asked) -> None:
    _check(consents.compiled(content), ask, asked)
    label.of(content, "health")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=500)
@given(consent_worlds.STATEMENTS, ANYTHING, QUESTIONS, THINGS, st.data())
def test_a_consent_broken_anywhere_compiles(
    whole: consent.Statement, junk: Any, ask: grant.Ask, asked: grant.Asked, data: Any
) -> None:
    broken = copy.deepcopy(dict(whole.content))
    where: Any = broken
    while True:
        key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
        if not isinstance(where[key], dict | list) or not where[key] or data.draw(st.integers(0, 3)) == 0:
            break
        where = where[key]
    where[key] = junk
    _check(consents.compiled(broken), ask, asked)


def _check(rows: tuple[grant.Grant, ...], ask: grant.Ask, asked: grant.Asked) -> None:
    """Every row can be stored and asked."""
    answers = grant.permitted(rows, ask, asked), grant.refused(rows, ask, asked), grant.disputed(rows, ask, asked)
    assert answers in [(False, False, False), (True, False, False), (False, True, False), (False, True, True)]
    for row in rows:
        assert row.actors
        assert row.purposes
        assert row.categories
        assert set(row.purposes) <= KNOWN | {"*"}
        assert set(row.categories) <= label.DEFAULTS.keys() | {"*"}
        assert not (row.permits and "*" in row.actors + row.purposes + row.categories)
        assert row.valid_from is None or row.valid_to is None or row.valid_from < row.valid_to
        assert row.data_from is None or row.data_to is None or row.data_from < row.data_to
        assert 0 <= row.label <= label.ABOVE_ALL
        assert row.rank >= 0
        assert row.performer.startswith(("nhs|9", "unknown|"))

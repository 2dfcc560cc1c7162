"""Thirteen questions that R4 leaves open about Consent, and the answer that is given here to each.

https://hl7.org/fhir/R4/consent-definitions.html
"""

from datetime import UTC, datetime

import pytest

from app.fhir import systems
from app.policy import label
from tests.policy.consents import (
    FATHER,
    NOON,
    Json,
    act_reason,
    answer,
    ask,
    category,
    compiled,
    confidentiality,
    denying,
    no,
    organization,
    permitting,
    said,
    terms,
    yes,
)


def policy_rule(code: str) -> Json:
    return {"coding": [{"system": systems.ACT_CODE, "code": code}]}


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        pytest.param(said(terms()), "no", id="without a type it may be a no"),
        pytest.param(said({**terms(), "type": "PERMIT"}), "no", id="so may one of no known type"),
        pytest.param(said(None), "no", id="so may one without a provision"),
        pytest.param(said([permitting(**terms())]), "no", id="so may one that cannot be read"),
        pytest.param(said(terms(), policyRule=policy_rule("OPTIN")), "silent", id="under OPTIN it is no refusal"),
        pytest.param(said(terms(), policyRule=policy_rule("OPTOUT")), "no", id="under OPTOUT it is"),
        pytest.param(
            said({"provision": [denying()]}, policyRule=policy_rule("OPTIN")), "no", id="a nested no under OPTIN counts"
        ),
        pytest.param(
            said({"provision": [permitting(**terms())]}, policyRule=policy_rule("OPTIN")),
            "silent",
            id="a nested yes under OPTIN does not",
        ),
    ],
)
def test_1_a_root_without_a_type_never_permits(consent: Json, expected: str) -> None:
    assert answer(consent) == expected


def test_2_a_nested_provision_keeps_its_own_type() -> None:
    assert answer(yes(permitting(actor=[organization("RX2")])), by="RX2") == "yes"
    assert answer(no(denying(actor=[organization("RX2")])), by="RX2") == "no"


def test_3_a_nested_deny_beats_a_nested_permit_beats_the_root() -> None:
    assert answer(no(permitting(**terms()))) == "yes"
    assert answer(no(permitting(**terms()), denying(actor=[organization("RX1")]))) == "no"
    assert answer(yes(denying(actor=[organization("RX1")]), permitting())) == "no"


def test_4_a_nested_permit_inherits_and_a_nested_deny_does_not() -> None:
    narrow = yes(permitting(actor=[organization("RX2")]), denying(actor=[organization("RX3")]))
    assert answer(narrow, by="RX2", what="health") == "yes"
    assert answer(narrow, by="RX2", what="contact") == "silent"
    assert answer(narrow, by="RX3", what="contact") == "no"
    assert answer(no(permitting(actor=[organization("RX1")]))) == "no"


def test_5_below_the_first_level_denies_count_and_permits_never_do() -> None:
    deep = permitting(provision=[permitting(actor=[organization("RX2")]), denying(actor=[organization("RX3")])])
    assert answer(yes(deep), by="RX1") == "yes"
    assert answer(yes(deep), by="RX2") == "silent"
    assert answer(yes(deep), by="RX3") == "no"
    deepest: Json = denying()
    for _ in range(5_000):
        deepest = permitting(provision=[deepest])
    assert answer(yes(deepest)) == "no"


def test_6_the_newest_of_each_person_and_then_any_refusal() -> None:
    assert answer(no(), yes(dated="2025-04-01")) == "yes"
    assert answer(no(by=FATHER), yes(dated="2025-04-01")) == "disputed"


def test_7_without_a_date_a_permit_is_unusable_and_a_deny_honoured() -> None:
    assert answer(yes(dated=None)) == "silent"
    assert answer(yes(dated="in March")) == "silent"
    assert answer(no(dated=None)) == "no"
    recorded = datetime(2025, 4, 1, 12, tzinfo=UTC)
    assert answer(no(dated=None), yes(dated="2025-04-01T12:00:00Z"), recorded=recorded) == "no"
    assert answer(no(dated=None), yes(dated="2025-04-01"), recorded=recorded) == "no"
    assert answer(no(dated=None), yes(dated="2025-04-01T12:00:01Z"), recorded=recorded) == "yes"


def test_8_a_last_day_is_included_in_london() -> None:
    summer = yes(period={"start": "2025-06-01", "end": "2025-07-31"})
    assert answer(summer, now=datetime(2025, 5, 31, 22, 59, 59, tzinfo=UTC)) == "silent"
    assert answer(summer, now=datetime(2025, 5, 31, 23, tzinfo=UTC)) == "yes"
    assert answer(summer, now=datetime(2025, 7, 31, 22, 59, 59, tzinfo=UTC)) == "yes"
    assert answer(summer, now=datetime(2025, 7, 31, 23, tzinfo=UTC)) == "silent"


def test_9_a_purpose_covers_those_below_it_and_breaking_the_glass_is_by_name() -> None:
    assert answer(yes(), why="ETREAT") == "yes"
    assert answer(yes(purpose=[act_reason("ETREAT")]), why="TREAT") == "silent"
    assert answer(yes(), why="BTG") == "silent"
    assert answer(yes(purpose=[act_reason("BTG")]), why="BTG") == "yes"
    assert answer(no(purpose=[act_reason("TREAT")]), why="ETREAT") == "no"
    assert answer(no(purpose=[act_reason("TREAT")]), why="BTG") == "no"


def test_10_a_label_and_a_category_in_one_provision_both_hold() -> None:
    both = denying(code=[category("health")], securityLabel=[confidentiality("R")])
    assert answer(yes(both), what="health", level=label.RESTRICTED) == "no"
    assert answer(yes(both), what="health", level=label.NORMAL) == "yes"
    assert answer(yes(both), what="development", level=label.RESTRICTED) == "yes"


def test_11_an_unlabelled_resource_has_the_label_of_its_category() -> None:
    assert label.of({}, "health").level == label.RESTRICTED
    assert label.of({}, "something new").level == label.VERY_RESTRICTED


@pytest.mark.parametrize(
    "unclear",
    [
        {"actor": [{"role": organization("RX1")["role"], "reference": {"reference": "Organization/gone"}}]},
        {"actor": [{"role": organization("RX1")["role"], "reference": {"display": "the nursery"}}]},
        {"code": [{"text": "everything about her health"}]},
        {"code": [{"coding": []}]},
        {"purpose": [{"display": "treatment"}]},
    ],
)
def test_12_what_cannot_be_resolved_permits_nothing_and_refuses_everything(unclear: Json) -> None:
    assert answer(yes(**unclear)) == "silent"
    assert answer(no(**unclear)) == "no"


def test_13_a_request_without_a_purpose_is_denied() -> None:
    assert answer(yes(), why=None) == "silent"
    assert answer(yes(), no(by=FATHER, purpose=[act_reason("HRESCH")]), why=None) == "no"
    assert not ask(why=None, now=NOON).purposes.permit
    assert compiled(yes())

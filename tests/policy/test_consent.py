"""What a family said, and what may then be shared: one sentence a row.

https://hl7.org/fhir/R4/consent.html

Unless a row says otherwise, the mother agreed on 10 March 2025 that RX1 may see health and development for treatment,
from 2025 on; and RX1 asks on 2 June 2025, for treatment, for a health record with label N.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.policy import consent, grant, label
from tests.policy import consents
from tests.policy.consents import (
    FATHER,
    MOTHER,
    NOON,
    STRANGER,
    Json,
    act_reason,
    answer,
    category,
    confidentiality,
    denying,
    no,
    organization,
    permitting,
    person,
    said,
    sensitivity,
    team,
    terms,
    yes,
)

LAPSED = {"start": "2025-01-01", "end": "2025-05-31"}
CHILD = consents.CHILD


@pytest.mark.parametrize(
    ("spoken", "question", "expected"),
    [
        pytest.param([], {}, "silent", id="nobody was asked"),
        pytest.param([yes()], {}, "yes", id="the mother agreed"),
        pytest.param([yes()], {"by": "RX9"}, "silent", id="to another recipient she did not agree"),
        pytest.param([yes()], {"what": "contact"}, "silent", id="nor to another category"),
        pytest.param([yes()], {"what": "weather"}, "silent", id="nor to a category that nobody knows"),
        pytest.param([yes()], {"why": "CAREMGT"}, "silent", id="nor to another purpose"),
        pytest.param([yes()], {"now": datetime(2025, 3, 9, tzinfo=UTC)}, "silent", id="before she said so"),
        pytest.param([yes(period=LAPSED)], {}, "silent", id="her agreement ended in May"),
        pytest.param([yes(period={"start": "2025-06-03"})], {}, "silent", id="her agreement begins tomorrow"),
        pytest.param([yes(period={"start": "2025-06-02"})], {}, "yes", id="her agreement begins today"),
        pytest.param(
            [yes(actor=[team("CareTeam/health-visitors")])], {}, "yes", id="a team of which the asker is part"
        ),
        pytest.param([yes(actor=[team("CareTeam/health-visitors")])], {"by": "RX9"}, "silent", id="a team without it"),
        pytest.param([yes(actor=[team("CareTeam/unheard-of")])], {}, "silent", id="a team that is not registered"),
        pytest.param([no()], {}, "no", id="the mother refused everything"),
        pytest.param([no()], {"by": "RX9", "what": "contact", "why": "HOPERAT"}, "no", id="everything is everything"),
        pytest.param([no(actor=[organization("RX1")])], {}, "no", id="she refused this recipient"),
        pytest.param([no(actor=[organization("RX9")])], {}, "silent", id="she refused another"),
        pytest.param([no(actor=[organization("rx1")])], {}, "no", id="written in small letters"),
        pytest.param([no(code=[category("health")])], {}, "no", id="she refused this category"),
        pytest.param([no(code=[category("contact")])], {}, "silent", id="she refused another category"),
        pytest.param(
            [no(actor=[team("CareTeam/unheard-of")])], {}, "no", id="refusing an unknown team refuses everyone"
        ),
        pytest.param([no(actor=[team("CareTeam/nobody")])], {}, "no", id="so does refusing a team with nobody in it"),
        pytest.param([no(period=LAPSED)], {}, "silent", id="her refusal ended in May"),
        pytest.param([no(period={"start": "2025-06-03"})], {}, "silent", id="her refusal begins tomorrow"),
        pytest.param([no(period={"start": "2025-06-03", "end": "soon"})], {}, "no", id="with a period nobody can read"),
    ],
)
def test_one_person_said_one_thing(spoken: list[Json], question: dict[str, Any], expected: str) -> None:
    assert answer(*spoken, **question) == expected


@pytest.mark.parametrize(
    ("spoken", "question", "expected"),
    [
        pytest.param([no(dated="2025-03-01"), yes()], {}, "yes", id="the newer yes displaces the older no"),
        pytest.param([yes(), no(dated="2025-04-01")], {}, "no", id="the newer no displaces the older yes"),
        pytest.param(
            [no(dated="2025-03-01"), yes()], {"by": "RX9"}, "no", id="the newer yes does not speak about this recipient"
        ),
        pytest.param([no(dated="2025-03-01"), yes(period=LAPSED)], {}, "no", id="the newer yes has lapsed"),
        pytest.param([no(dated="2025-03-01"), yes(dated="2025-06-03")], {}, "no", id="the newer yes is of tomorrow"),
        pytest.param([yes(), no(dated="2025-06-03")], {}, "no", id="a no of tomorrow is a slip of the pen, and counts"),
        pytest.param([yes(), no()], {}, "no", id="said at the same moment"),
        pytest.param([yes(dated="2025-03-10"), no(dated="2025-03-10")], {}, "no", id="said on the same day"),
        pytest.param(
            [yes(dated="2025-03-10T23:00:00Z"), no(dated="2025-03-10")], {}, "no", id="a yes at eleven, a no that day"
        ),
        pytest.param(
            [yes(dated="2025-03-11T00:00:00Z"), no(dated="2025-03-10")],
            {},
            "yes",
            id="a yes at midnight, a no that day",
        ),
        pytest.param([yes(dated="2025-03-10"), no()], {}, "no", id="a yes that day, a no at nine"),
        pytest.param(
            [yes(dated="2025-04"), no(dated="2025-04-01")], {}, "no", id="a yes that month, a no on its first"
        ),
        pytest.param([yes(), yes(dated="2025-04-01", period=LAPSED)], {}, "yes", id="an older yes outlives a newer"),
        pytest.param([no(by=FATHER), yes(dated="2025-04-01")], {}, "disputed", id="the father's older no stands"),
        pytest.param([yes(by=FATHER), yes()], {}, "yes", id="both agree"),
        pytest.param([no(by=FATHER), no()], {}, "no", id="both refuse"),
        pytest.param(
            [no(by=FATHER, dated="2025-03-01"), yes(by=FATHER), yes()], {}, "yes", id="the father changed his mind"
        ),
        pytest.param([yes(), no(by=FATHER, actor=[organization("RX9")])], {}, "yes", id="the father refused another"),
        pytest.param([yes(), no(by=None)], {}, "disputed", id="somebody unknown refused"),
        pytest.param([no(by=None), yes(dated="2025-05-30")], {}, "disputed", id="and no yes displaces it"),
        pytest.param([yes(dated="2025-06-01")], {}, "silent", id="a yes that was recorded before it is dated"),
        pytest.param([yes(), no(by=STRANGER)], {}, "disputed", id="somebody without proven responsibility refused"),
        pytest.param([yes(by=STRANGER)], {}, "silent", id="somebody without proven responsibility agreed"),
        pytest.param([yes(by=None)], {}, "silent", id="somebody unknown agreed"),
        pytest.param(
            [said({"type": "permit", **terms()}, performer=[person(STRANGER), person(MOTHER)])],
            {},
            "yes",
            id="the mother agreed, and somebody else beside her",
        ),
        pytest.param(
            [said({"type": "deny"}, performer=[person(FATHER), person(MOTHER)]), yes(dated="2025-04-01")],
            {},
            "disputed",
            id="both refused, and then she agreed",
        ),
    ],
)
def test_several_statements(spoken: list[Json], question: dict[str, Any], expected: str) -> None:
    assert answer(*spoken, **question) == expected
    assert answer(*reversed(spoken), **question) == expected


@pytest.mark.parametrize(
    ("spoken", "question", "expected"),
    [
        pytest.param([yes(denying(code=[category("health")]))], {}, "no", id="yes, but not this"),
        pytest.param([yes(denying(code=[category("health")]))], {"what": "development"}, "yes", id="yes, but not that"),
        pytest.param([yes(denying(actor=[organization("RX2")]))], {}, "yes", id="yes to all of them but one trust"),
        pytest.param([yes(denying(why="?"))], {}, "no", id="an exception that names nothing is of everything"),
        pytest.param([no(permitting(**terms()))], {}, "yes", id="no, except to this"),
        pytest.param([no(permitting(**terms()))], {"by": "RX9"}, "no", id="no, except to that"),
        pytest.param(
            [no(permitting(**terms(actor=None)))], {}, "no", id="an exception to a no stands on its own words"
        ),
        pytest.param([yes(permitting(actor=[organization("RX2")]))], {"by": "RX2"}, "yes", id="yes, and to them too"),
        pytest.param(
            [yes(permitting(actor=[organization("RX2")], code=[category("contact")]))],
            {"by": "RX2"},
            "silent",
            id="yes, and they may see this other thing only",
        ),
        pytest.param(
            [yes(permitting(period={"start": "2025-06-03"}, actor=[organization("RX2")]))],
            {"by": "RX2"},
            "silent",
            id="yes, and to them too from tomorrow",
        ),
        pytest.param(
            [no(permitting(**terms()), denying(actor=[organization("RX1")]))],
            {},
            "no",
            id="a nested no beats a nested yes",
        ),
        pytest.param(
            [no(permitting(**terms())), no(dated="2025-03-11")], {}, "no", id="a newer no takes the exception away"
        ),
        pytest.param(
            [no(permitting(**terms())), no(code=[category("health")])],
            {},
            "no",
            id="another no of the same moment does too",
        ),
        pytest.param(
            [no(permitting(**terms()), dated="2025-03-10"), no(code=[category("health")])],
            {},
            "no",
            id="or of somewhen on the same day",
        ),
        pytest.param(
            [no(permitting(**terms()), dated="2025-03-11"), no(code=[category("health")])],
            {},
            "yes",
            id="an exception of the day after stands",
        ),
        pytest.param([yes(denying(period=LAPSED))], {}, "yes", id="the exception has lapsed"),
        pytest.param([yes(denying(), period=LAPSED)], {}, "no", id="the exception outlives its root"),
        pytest.param([yes("nonsense")], {}, "no", id="an exception that cannot be read"),
        pytest.param([yes({"actor": [organization("RX9")]})], {"by": "RX9"}, "no", id="an exception without a type"),
    ],
)
def test_nested_provisions(spoken: list[Json], question: dict[str, Any], expected: str) -> None:
    assert answer(*spoken, **question) == expected


@pytest.mark.parametrize(
    ("status", "of_a_yes", "of_a_no"),
    [
        pytest.param("active", "yes", "no", id="active"),
        pytest.param("draft", "silent", "no", id="a draft agrees to nothing, but a no in it is not lost"),
        pytest.param("proposed", "silent", "no", id="proposed"),
        pytest.param("rejected", "no", "no", id="a rejected proposal is a no to what was proposed"),
        pytest.param("inactive", "silent", "silent", id="withdrawn"),
        pytest.param("entered-in-error", "silent", "silent", id="never said"),
        pytest.param("sleeping", "silent", "no", id="a status that nobody knows"),
        pytest.param(None, "silent", "no", id="no status"),
    ],
)
def test_the_status_of_a_consent(status: str | None, of_a_yes: str, of_a_no: str) -> None:
    assert answer(said({"type": "permit", **terms()}, status=status)) == of_a_yes
    assert answer(said({"type": "deny"}, status=status)) == of_a_no


def test_a_rejected_proposal_refuses_what_it_named_at_every_label_and_for_good() -> None:
    proposal = said({"type": "permit", **terms(period=LAPSED, securityLabel=[confidentiality("V")])}, status="rejected")
    assert answer(proposal, level=label.NORMAL) == "no"
    assert answer(proposal, by="RX9") == "silent"


@pytest.mark.parametrize(
    ("provision", "question", "expected"),
    [
        pytest.param(yes(), {"level": label.RESTRICTED}, "yes", id="a yes without a label reaches R"),
        pytest.param(yes(), {"level": label.VERY_RESTRICTED}, "silent", id="but not V"),
        pytest.param(yes(securityLabel=[confidentiality("N")]), {"level": label.RESTRICTED}, "silent", id="a yes to N"),
        pytest.param(
            yes(securityLabel=[confidentiality("V")]), {"level": label.VERY_RESTRICTED}, "yes", id="a yes to V"
        ),
        pytest.param(yes(), {"sensitive": "PSY"}, "silent", id="a yes that names no sensitivity"),
        pytest.param(yes(securityLabel=[sensitivity("PSY")]), {"sensitive": "PSY"}, "yes", id="a yes that names it"),
        pytest.param(
            yes(securityLabel=[sensitivity("PSY")]), {"sensitive": "PSY SDV"}, "silent", id="a yes to one of the two"
        ),
        pytest.param(
            no(securityLabel=[confidentiality("R")]), {"level": label.NORMAL}, "silent", id="a no to R spares N"
        ),
        pytest.param(
            no(securityLabel=[confidentiality("R")]), {"level": label.VERY_RESTRICTED}, "no", id="but covers V"
        ),
        pytest.param(no(securityLabel=[sensitivity("PSY")]), {}, "silent", id="a no to a sensitivity spares the rest"),
        pytest.param(
            no(securityLabel=[sensitivity("PSY")]), {"level": label.VERY_RESTRICTED}, "silent", id="whatever its level"
        ),
        pytest.param(no(securityLabel=[sensitivity("PSY")]), {"sensitive": "PSY SDV"}, "no", id="one shared suffices"),
        pytest.param(no(securityLabel=["PSY"]), {}, "no", id="a no to a label that cannot be read is to everything"),
    ],
)
def test_labels(provision: Json, question: dict[str, Any], expected: str) -> None:
    assert answer(provision, **question) == expected


IN_2024 = {"start": "2024-01-01", "end": "2024-12-31"}


@pytest.mark.parametrize(
    ("spoken", "made", "expected"),
    [
        pytest.param(
            yes(dataPeriod=IN_2024), datetime(2024, 12, 31, 23, 59, tzinfo=UTC), "yes", id="data of that year"
        ),
        pytest.param(yes(dataPeriod=IN_2024), datetime(2025, 1, 1, tzinfo=UTC), "silent", id="data of the next"),
        pytest.param(yes(dataPeriod=IN_2024), None, "silent", id="data of a time that nobody knows"),
        pytest.param(yes(dataPeriod={"end": "late"}), None, "silent", id="a yes to a time that cannot be read"),
        pytest.param(no(dataPeriod=IN_2024), datetime(2024, 6, 1, tzinfo=UTC), "no", id="a no to data of that year"),
        pytest.param(no(dataPeriod=IN_2024), datetime(2025, 1, 1, tzinfo=UTC), "silent", id="spares the next"),
        pytest.param(no(dataPeriod=IN_2024), None, "no", id="but not data of a time that nobody knows"),
        pytest.param(no(dataPeriod={"end": "late"}), datetime(2025, 1, 1, tzinfo=UTC), "no", id="a no that is unclear"),
    ],
)
def test_the_time_of_the_data(spoken: Json, made: datetime | None, expected: str) -> None:
    assert answer(spoken, made=made) == expected


BEFORE_18 = datetime(2041, 4, 30, 22, 59, tzinfo=UTC)  # 23:59 in London on the last day of being seventeen
FROM_18 = datetime(2041, 4, 30, 23, 0, tzinfo=UTC)
BEFORE_16, FROM_16 = BEFORE_18.replace(year=2039), FROM_18.replace(year=2039)
UNKNOWN_AGE = replace(consents.CHILD_SUBJECT, birth_date=None)
COMPETENT = replace(consents.CHILD_SUBJECT, competent=True)
LEAP = replace(consents.CHILD_SUBJECT, birth_date=date(2024, 2, 29))


@pytest.mark.parametrize(
    ("spoken", "question", "expected"),
    [
        pytest.param(yes(), {"now": BEFORE_18}, "yes", id="a parent's yes until eighteen"),
        pytest.param(yes(), {"now": FROM_18}, "silent", id="lapses on the birthday"),
        pytest.param(no(), {"now": BEFORE_18}, "no", id="a parent's no until eighteen"),
        pytest.param(no(), {"now": FROM_18}, "silent", id="lapses too"),
        pytest.param(no(by=None), {"now": FROM_18}, "no", id="of somebody unknown it does not"),
        pytest.param(no(by=CHILD), {"now": FROM_18}, "no", id="nor one's own"),
        pytest.param(yes(by=CHILD), {"now": BEFORE_16}, "silent", id="nobody agrees for themselves before sixteen"),
        pytest.param(yes(by=CHILD), {"now": FROM_16}, "yes", id="but from sixteen"),
        pytest.param(yes(by=CHILD), {"now": FROM_18}, "yes", id="and after eighteen"),
        pytest.param(yes(by=consents.OLD_NUMBER), {"now": FROM_16}, "yes", id="under a number of the past"),
        pytest.param(yes(by=CHILD), {"subject": COMPETENT}, "yes", id="or when competent"),
        pytest.param(no(by=CHILD), {}, "no", id="a child may always say no"),
        pytest.param(yes(), {"subject": UNKNOWN_AGE}, "silent", id="a parent's yes for somebody of unknown age"),
        pytest.param(yes(by=CHILD), {"subject": UNKNOWN_AGE, "now": FROM_18}, "silent", id="one's own at unknown age"),
        pytest.param(no(), {"subject": UNKNOWN_AGE, "now": FROM_18}, "no", id="a no for somebody of unknown age"),
        pytest.param(
            yes(), {"subject": LEAP, "now": datetime(2042, 2, 28, 23, 59, tzinfo=UTC)}, "yes", id="born on 29 February"
        ),
        pytest.param(
            yes(), {"subject": LEAP, "now": datetime(2042, 3, 1, tzinfo=UTC)}, "silent", id="eighteen on 1 March"
        ),
    ],
)
def test_age(spoken: Json, question: dict[str, Any], expected: str) -> None:
    assert answer(spoken, **question) == expected


@pytest.mark.parametrize(
    "wider",
    [
        pytest.param({"actor": None}, id="no recipient"),
        pytest.param({"purpose": None}, id="no purpose"),
        pytest.param({"code": None}, id="no category"),
        pytest.param({"period": None}, id="no period"),
        pytest.param({"period": {"end": "2025-12-31"}}, id="no start of its period"),
        pytest.param({"purpose": [act_reason("treat")]}, id="an unknown purpose"),
        pytest.param({"purpose": [{"code": "TREAT"}]}, id="a purpose without a system"),
        pytest.param({"code": [{"text": "health"}]}, id="a category in words"),
        pytest.param(
            {"code": [{"coding": [*category("health")["coding"], *category("contact")["coding"]]}]}, id="both"
        ),
        pytest.param({"securityLabel": [{"code": "R"}]}, id="a label that cannot be read"),
        pytest.param({"class": [{"code": "Patient"}]}, id="a class, which is not evaluated"),
        pytest.param({"action": [{"text": "access"}]}, id="an action"),
        pytest.param({"data": [{"meaning": "instance"}]}, id="particular data"),
        pytest.param({"modifierExtension": [{"url": "http://example.org/not"}]}, id="a modifier"),
        pytest.param({"actor": [{"reference": organization("RX1")["reference"]}]}, id="an actor without a role"),
        pytest.param({"actor": [{**organization("RX1"), "modifierExtension": [{}]}]}, id="an actor with a modifier"),
        pytest.param({"actor": [{"role": organization("RX1")["role"]}]}, id="an actor without a reference"),
        pytest.param({"actor": ["RX1"]}, id="an actor in words"),
    ],
)
def test_what_a_permit_leaves_open_or_unclear_never_permits(wider: Json) -> None:
    assert answer(yes(**wider)) == "silent"
    assert answer(no(permitting(**terms(**wider)))) == "no"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"patient": None}, id="about nobody"),
        pytest.param({"patient": person(STRANGER)}, id="about somebody else"),
        pytest.param({"patient": {"reference": "Patient/1"}}, id="about somebody without a number"),
        pytest.param({"scope": None}, id="without a scope"),
        pytest.param({"scope": {"coding": [{"code": "patient-privacy"}]}}, id="of an unclear scope"),
        pytest.param({"modifierExtension": [{"url": "http://example.org/not"}]}, id="modified"),
        pytest.param({"implicitRules": "http://example.org/rules"}, id="under other rules"),
        pytest.param({"performer": [{"reference": "RelatedPerson/1"}]}, id="by a performer without a number"),
        pytest.param({"performer": [{**person(MOTHER), "type": "Practitioner"}]}, id="by a practitioner"),
        pytest.param({"performer": [person("9000000000")]}, id="by a number that is none"),
    ],
)
def test_an_unclear_consent_never_permits_and_still_refuses(changed: Json) -> None:
    assert answer(said({"type": "permit", **terms()}, **changed)) == "silent"
    assert answer(said({"type": "deny"}, **changed)) == "no"


def test_a_grant_says_all_that_the_store_needs() -> None:
    spoken = yes(
        denying(purpose=[act_reason("BTG")], securityLabel=[confidentiality("R")]),
        actor=[team("CareTeam/health-visitors")],
    )
    refusal, permit = consents.compiled(spoken)
    birthday = datetime(2041, 4, 30, 23, tzinfo=UTC)
    assert permit == grant.Grant(
        consent_id="consent-0",
        performer=f"nhs|{MOTHER}",
        rank=0,
        permits=True,
        actors=("org|RX1", "org|RX2"),
        purposes=("http://terminology.hl7.org/CodeSystem/v3-ActReason|TREAT",),
        categories=("development", "health"),
        label=label.RESTRICTED,
        sensitivities=(),
        valid_from=datetime(2025, 3, 10, 9, tzinfo=UTC),
        valid_to=birthday,
        data_from=None,
        data_to=None,
    )
    assert refusal == replace(
        permit,
        rank=1,
        permits=False,
        actors=("*",),
        purposes=("http://terminology.hl7.org/CodeSystem/v3-ActReason|BTG",),
        categories=("*",),
        valid_from=None,
    )


def test_the_unknown_performer_is_named_for_the_consent() -> None:
    (row,) = consent.grants([consent.Statement("c7", no(by=None), NOON)], consents.CHILD_SUBJECT, {})
    assert row.performer == "unknown|c7"

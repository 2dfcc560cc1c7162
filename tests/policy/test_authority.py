"""Who sees what, and by which rule: one row for each record, and whoever is not named in it sees nothing.

Good practice in information sharing in the Foundation Years (2013), Appendix B; DCB1609 (CP-IS)
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.fhir import systems
from app.policy import authority, predicate
from app.policy.access import Caller, Kind
from app.policy.authority import AccessRequest, Permit, Refusal
from app.policy.facts import Facts, Person
from app.policy.grant import Grant
from tests.policy import records
from tests.policy.records import CENTRE, COUNCIL, HEALTH_VISITOR, HOSPITAL, MOTHERS_APP, NOW, PERSON, SURGERY

holds = partial(predicate.holds, now=NOW)
AGREED = records.said(records.agreed_to("demographics", "contact", recipient="CC901", purpose=records.OUTREACH))
CALLERS = {
    "health visitor": HEALTH_VISITOR,
    "surgery": SURGERY,
    "children's centre": CENTRE,
    "hospital": HOSPITAL,
    "council": COUNCIL,
    "school nurse": records.SCHOOL_NURSE,
    "mother": MOTHERS_APP,
    "father": records.FATHERS_APP,
    "auditor": records.AUDITOR,
}
PATIENT = records.of(records.example("patient-toddler"), "RX999")
RELATIVE = records.of(records.example("related-person-mother"), "RX999")
CONSENT = records.of(records.example("consent-parent-permits-childrens-centre"), "RX999")
FLAG = records.of(records.example("child-protection-flag-active-plan"), "LA901")
PLAN = records.of(records.example("child-protection-care-plan-active"), "LA901")
TEAM_OF_PLAN = records.of(records.example("child-protection-care-team"), "LA901")
NOTICE = records.of(records.example("communication-request-access-notice"), "RX901")
TEAM = records.of({"resourceType": "CareTeam", "status": "active"}, "RX999")
OTHER_FLAG = records.of(records.example("flag-other-than-child-protection"), "RX999")
CONTACT = records.of(records.example("communication-request-family-contact"), "CC901")
REFERRAL = records.of(records.communication("professional-notice", sender="CC901", recipient="RX999"), "CC901")
ORGANIZATION = records.of(records.example("organization-childrens-centre"), "CC901", about=None)
PROFESSIONAL = records.of(records.example("practitioner-health-visitor"), "RX999", about=None)
ROLE = records.of(records.example("practitioner-role-health-visitor"), "RX999", about=None)
BIRTH = records.of(records.example("encounter-birth"), "RX999")
WEIGHT = records.of(records.example("observation-birth-weight"), "RX999")
SCORE = records.of(records.example("observation-development-gross-motor"), "RX999")
LETTER = records.of(records.example("document-reference-development-letter"), "RX999")
FORM = records.of(records.example("document-reference-consent-form"), "CC901")
ANSWERS = records.of(records.example("questionnaire-response-two-year-review"), "RX999")
TOLD = records.of(records.example("communication-professional-notice"), "RX999")
TASK = records.of(records.example("task-follow-up"), "Y99999")
ORIGIN = records.of(records.example("provenance-of-a-review"), "RX999")
LIST = records.of(records.example("group-of-one-caseload"), "RX999", about=None)
SUBSCRIPTION = records.of(records.example("subscription-to-own-tasks"), "RX999", about=None)
AUDIT_EVENT = Facts("AuditEvent", "", "unknown", 5)

KEPT: dict[str, tuple[Facts, dict[str, str]]] = {
    "the child's own record": (
        PATIENT,
        {"health visitor": "own_data", "surgery": "own_data", "children's centre": "consent", "mother": "family"},
    ),
    "the mother's name and number": (RELATIVE, {"health visitor": "own_data", "children's centre": "consent"}),
    "what the mother agreed to": (CONSENT, {"health visitor": "own_data", "mother": "family"}),
    "the health visitor's team": (TEAM, {"health visitor": "own_data", "mother": "family"}),
    "that an interpreter is needed": (OTHER_FLAG, {"health visitor": "own_data"}),
    "the flag of a child protection plan": (FLAG, {"council": "own_data"}),
    "the plan": (PLAN, {"council": "own_data"}),
    "the social workers of the plan": (TEAM_OF_PLAN, {"council": "own_data"}),
    "that the hospital looked": (NOTICE, {"hospital": "own_data", "council": "recipient"}),
    "an invitation by the children's centre": (CONTACT, {"children's centre": "own_data"}),
    "a referral to the health visitor": (REFERRAL, {"children's centre": "own_data", "health visitor": "recipient"}),
    "the address of the children's centre": (
        ORGANIZATION,
        {who: "directory" for who in CALLERS if who not in ("children's centre", "auditor")}
        | {"children's centre": "own_data"},
    ),
    "who the health visitor is": (
        PROFESSIONAL,
        {who: "directory" for who in CALLERS if who not in ("health visitor", "auditor", "mother", "father")}
        | {"health visitor": "own_data"},
    ),
    "for whom the health visitor works": (
        ROLE,
        {who: "directory" for who in CALLERS if who not in ("health visitor", "auditor", "mother", "father")}
        | {"health visitor": "own_data"},
    ),
    "a birth": (BIRTH, {"health visitor": "own_data"}),
    "the weight of a newborn": (WEIGHT, {"health visitor": "own_data"}),
    "how a child moves": (SCORE, {"health visitor": "own_data"}),
    "a letter after a review": (LETTER, {"health visitor": "own_data"}),
    "the signed form": (FORM, {"children's centre": "own_data"}),
    "what was answered at two years": (ANSWERS, {"health visitor": "own_data"}),
    "that the surgery was told": (TOLD, {"health visitor": "own_data", "surgery": "recipient"}),
    "what the surgery asks the health visitor": (TASK, {"surgery": "own_data", "health visitor": "recipient"}),
    "where a record comes from": (ORIGIN, {"health visitor": "own_data"}),
    "the health visitor's list": (LIST, {"health visitor": "own_data"}),
    "what the health visitor's system waits for": (SUBSCRIPTION, {"health visitor": "own_data"}),
    "who saw what": (AUDIT_EVENT, {"auditor": "audit"}),
}


def may(caller: Caller, now: datetime = NOW) -> Permit:
    decided = authority.permit(AccessRequest(caller, "read", "Patient", now))
    assert isinstance(decided, Permit)
    return decided


def rule(
    caller: Caller, facts: Facts, person: Person | None = PERSON, grants: tuple[Grant, ...] = AGREED
) -> str | None:
    """By which rule the caller sees it; None where it is not there for them."""
    person = person if facts.patient_id else None
    return next(
        (each.rule for each in may(caller).reach.authorities if holds(each.releases, facts, person, grants)), None
    )


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("what", KEPT)
def test_who_sees_what(what: str, who: str) -> None:
    facts, seen = KEPT[what]
    assert rule(CALLERS[who], facts) == seen.get(who)


def test_every_rule_and_every_caller_is_in_the_table() -> None:
    seen = [by for _, row in KEPT.values() for by in row.items()]
    assert {who for who, _ in seen} | {"father", "school nurse"} == CALLERS.keys()
    assert {each for _, each in seen} == {"own_data", "consent", "family", "recipient", "directory", "audit"}


@pytest.mark.parametrize("kind", Kind)
def test_without_a_purpose_nothing_may_even_be_asked(kind: Kind) -> None:
    caller = records.caller(kind, "RX999", None, user=records.MOTHER)
    assert authority.permit(AccessRequest(caller, "search", "Patient", NOW)) == Refusal("purpose_required")


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        pytest.param(records.CAREMGT, "own_data", id="to care for the child"),
        pytest.param(f"{systems.ACT_REASON}|RECORDMGT", "own_data", id="to keep the record"),
        pytest.param(records.OUTREACH, "own_data", id="to invite the family"),
        pytest.param(records.MARKETING, None, id="not to sell"),
        pytest.param(f"{systems.ACT_REASON}|HRESCH", None, id="not to do research"),
        pytest.param(records.AUDIT, None, id="not to audit, which is the auditor's"),
        pytest.param("http://example.org/purpose|TREAT", None, id="not for what only sounds like care"),
    ],
)
def test_a_services_own_record_is_for_care(purpose: str, expected: str | None) -> None:
    assert rule(replace(HEALTH_VISITOR, purpose=purpose), PATIENT) == expected


@pytest.mark.parametrize("purpose", [records.TREAT, records.SAFEGUARDING, records.OUTREACH])
def test_an_auditor_sees_the_audit_to_audit_and_nothing_else(purpose: str) -> None:
    caller = records.caller(Kind.AUDITOR, "RX999", purpose)
    assert may(caller).reach.authorities == ()
    assert rule(replace(caller, purpose=records.AUDIT), PATIENT) is None


def test_what_is_ones_own_and_addressed_to_oneself_is_ones_own() -> None:
    to_itself = records.of(records.communication("professional-notice", sender="RX999", recipient="RX999"), "RX999")
    assert rule(HEALTH_VISITOR, to_itself) == "own_data"


@pytest.mark.parametrize("what", KEPT)
def test_a_refusal_takes_away_what_was_agreed_to_and_nothing_else(what: str) -> None:
    facts, seen = KEPT[what]
    refused = (*AGREED, *records.said(records.REFUSAL))
    for who, caller in CALLERS.items():
        expected = seen.get(who)
        assert rule(caller, facts, grants=refused) == (None if expected == "consent" else expected)


EVERYTHING = (
    *("demographics", "contact", "health", "development", "family-circumstances", "child-protection"),
    "administrative",
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(PATIENT, "consent", id="the child's record"),
        pytest.param(TEAM, "consent", id="the team around the family"),
        pytest.param(CONTACT, "consent", id="an invitation"),
        pytest.param(BIRTH, "consent", id="a birth"),
        pytest.param(WEIGHT, "consent", id="how heavy a newborn was"),
        pytest.param(SCORE, "consent", id="how a child moves"),
        pytest.param(LETTER, "consent", id="a letter"),
        pytest.param(ANSWERS, "consent", id="what was answered at a review"),
        pytest.param(TOLD, "consent", id="that somebody was told"),
        pytest.param(FORM, None, id="no signed form"),
        pytest.param(TASK, None, id="nothing that one service asks another to do"),
        pytest.param(ORIGIN, None, id="not where a record comes from"),
        pytest.param(LIST, None, id="no list of people"),
        pytest.param(SUBSCRIPTION, None, id="not what a system waits for"),
        pytest.param(replace(TEAM, label=5), None, id="nothing that is labelled very restricted"),
        pytest.param(FLAG, None, id="no child protection flag"),
        pytest.param(NOTICE, None, id="no notice that somebody looked"),
        pytest.param(CONSENT, None, id="no record of who agreed to what"),
        pytest.param(OTHER_FLAG, None, id="nothing of a category that is not known"),
    ],
)
def test_agreeing_to_everything_opens(facts: Facts, expected: str | None) -> None:
    label = [{"system": systems.CONFIDENTIALITY, "code": "V"}]
    agreed = records.agreed_to(*EVERYTHING, recipient="RX902", purpose=records.TRANSITION, securityLabel=label)
    assert rule(records.SCHOOL_NURSE, facts, grants=records.said(agreed)) == expected


@pytest.mark.parametrize(
    "facts",
    [FLAG, PLAN, TEAM_OF_PLAN, NOTICE, CONSENT, OTHER_FLAG, FORM, TASK, ORIGIN, LIST, SUBSCRIPTION, AUDIT_EVENT],
)
def test_no_label_and_no_grant_opens_what_consent_is_not_asked_about(facts: Facts) -> None:
    """Even if a grant came to name such a category, and however low the record is labelled."""
    (agreed,) = records.said(records.agreed_to("health", recipient="RX902", purpose=records.TRANSITION))
    everything = replace(agreed, categories=(facts.category,))
    assert rule(records.SCHOOL_NURSE, replace(facts, label=0, owners=frozenset()), grants=(everything,)) is None
    assert rule(records.SCHOOL_NURSE, replace(TEAM, label=0), grants=(replace(agreed, categories=(TEAM.category,)),))


def test_only_a_message_is_read_by_whom_it_is_addressed_to() -> None:
    to_nurse = frozenset({"org|RX902"})
    for facts in (REFERRAL, TOLD, TASK):
        assert rule(records.SCHOOL_NURSE, replace(facts, recipients=to_nurse)) == "recipient"
    for facts in (PATIENT, CONSENT, TEAM, FLAG, BIRTH, WEIGHT, LETTER, ANSWERS, ORIGIN, LIST, SUBSCRIPTION):
        assert rule(records.SCHOOL_NURSE, replace(facts, recipients=to_nurse)) is None


def test_agreeing_to_be_known_is_not_agreeing_to_be_reached() -> None:
    """Contact details are shown where the same rules release them as of their own category."""
    known = records.said(records.agreed_to("demographics", recipient="CC901", purpose=records.OUTREACH))
    as_contact = replace(PATIENT, category="contact")
    assert rule(CENTRE, PATIENT, grants=known) == "consent"
    assert not holds(may(CENTRE).reach.visible, as_contact, PERSON, known)
    assert holds(may(CENTRE).reach.visible, as_contact, PERSON, AGREED)
    assert holds(may(HEALTH_VISITOR).reach.visible, as_contact, PERSON, ())


NEVER_FOR_PARENTS = {
    "a flag": FLAG,
    "a plan": PLAN,
    "the team of a plan": TEAM_OF_PLAN,
    "another flag": OTHER_FLAG,
    "that somebody looked": NOTICE,
    "a message between services": REFERRAL,
    "what a service told another": TOLD,
    "a birth": BIRTH,
    "a finding": SCORE,
    "a letter": LETTER,
    "answers": ANSWERS,
    "a task": TASK,
    "where a record comes from": ORIGIN,
    "a list": LIST,
    "the name of a professional": PROFESSIONAL,
    "for whom a professional works": ROLE,
    "what a system waits for": SUBSCRIPTION,
    "the audit": AUDIT_EVENT,
}


@pytest.mark.parametrize("what", NEVER_FOR_PARENTS)
@pytest.mark.parametrize("app", ["LA901", "RX901", "RX999", "CC901"])
def test_a_parents_app_never_sees(what: str, app: str) -> None:
    """Whoever made the app, and whatever was addressed to them or agreed to."""
    agreed = records.said(records.agreed_to(*EVERYTHING, recipient=app, purpose=records.FAMILY_REQUEST))
    for purpose in (records.FAMILY_REQUEST, records.TREAT, records.SAFEGUARDING, records.AUDIT):
        caller = records.caller(Kind.PARENT_APP, app, purpose, user=records.MOTHER)
        addressed = replace(NEVER_FOR_PARENTS[what], recipients=frozenset({f"org|{app}", f"nhs|{records.MOTHER}"}))
        assert rule(caller, replace(addressed, owners=addressed.recipients), grants=agreed) is None


def test_an_app_without_a_parent_at_it_sees_no_family() -> None:
    assert rule(records.caller(Kind.PARENT_APP, "PA901", records.FAMILY_REQUEST), PATIENT) is None


RESTRICTED, VERY_RESTRICTED = replace(PERSON, restriction="R"), replace(PERSON, restriction="V")
FATHERS_CONSENT = replace(CONSENT, owners=frozenset({"org|RX999", f"nhs|{records.FATHER}"}))


@pytest.mark.parametrize(
    ("who", "facts", "expected"),
    [
        pytest.param("health visitor", PATIENT, "own_data", id="their record is there for who keeps it"),
        pytest.param("children's centre", PATIENT, "consent", id="and for whom the family agreed to"),
        pytest.param("mother", PATIENT, "family", id="and for the mother"),
        pytest.param("health visitor", RELATIVE, None, id="but their relatives are not, for anyone"),
        pytest.param("mother", CONSENT, "family", id="the mother sees what she said herself"),
        pytest.param("mother", FATHERS_CONSENT, None, id="but not what the father said, which would name his centre"),
        pytest.param("mother", TEAM, None, id="nor who looks after them"),
        pytest.param("council", FLAG, "own_data", id="the council sees its own flag"),
        pytest.param("health visitor", BIRTH, "own_data", id="who keeps the record of a birth sees it"),
        pytest.param("surgery", TOLD, "recipient", id="and who was told that they were"),
    ],
)
def test_of_a_restricted_person(who: str, facts: Facts, expected: str | None) -> None:
    assert rule(CALLERS[who], facts, RESTRICTED) == expected


@pytest.mark.parametrize("facts", [RELATIVE, TEAM, CONTACT, BIRTH, WEIGHT, SCORE, LETTER, ANSWERS, TOLD])
def test_of_a_restricted_person_consent_opens_the_record_of_who_they_are_and_nothing_else(facts: Facts) -> None:
    agreed = records.said(records.agreed_to(*EVERYTHING, recipient="RX902", purpose=records.TRANSITION))
    assert rule(records.SCHOOL_NURSE, facts, grants=agreed) == "consent"
    assert rule(records.SCHOOL_NURSE, facts, RESTRICTED, agreed) is None
    assert rule(records.SCHOOL_NURSE, PATIENT, RESTRICTED, agreed) == "consent"


def test_nothing_tells_where_a_restricted_person_is() -> None:
    for caller in (HEALTH_VISITOR, CENTRE, MOTHERS_APP, COUNCIL):
        for facts in (PATIENT, RELATIVE, FLAG, BIRTH, TASK):
            shows = may(caller).reach.shows_location
            is_its_own_plan = caller is COUNCIL and facts is FLAG  # its own name is no news to it
            assert holds(shows, facts, PERSON)
            assert holds(shows, facts, RESTRICTED) is is_its_own_plan
            assert holds(shows, facts, VERY_RESTRICTED) is is_its_own_plan


@pytest.mark.parametrize("what", KEPT)
def test_a_very_restricted_person_is_not_there(what: str) -> None:
    """Save that the council keeps the plan it sent, and is told that somebody looked; what is about nobody stays."""
    facts, seen = KEPT[what]
    for who, caller in CALLERS.items():
        of_its_plan = who == "council" and facts in (NOTICE, FLAG, PLAN, TEAM_OF_PLAN)
        kept = seen.get(who) if facts.patient_id is None or of_its_plan else None
        assert rule(caller, facts, VERY_RESTRICTED) == kept


BEREAVED = replace(PERSON, bereaved=True)


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        pytest.param(records.OUTREACH, None, id="a family that lost a baby is not invited"),
        pytest.param(records.CAREMGT, "own_data", id="but cared for"),
        pytest.param(records.TREAT, "own_data", id="and treated"),
        pytest.param(records.SAFEGUARDING, "own_data", id="and kept safe"),
    ],
)
def test_of_a_bereaved_family(purpose: str, expected: str | None) -> None:
    assert rule(replace(HEALTH_VISITOR, purpose=purpose), PATIENT, BEREAVED) == expected


def test_no_authority_at_all_reaches_a_bereaved_family_for_outreach() -> None:
    for facts, _ in KEPT.values():
        for purpose in (records.OUTREACH, records.MARKETING):
            for kind in set(Kind) - {Kind.AUDITOR}:
                caller = records.caller(kind, "CC901", purpose, user=records.MOTHER)
                seen = rule(caller, facts, BEREAVED)
                assert seen is None or facts.patient_id is None


YEAR_AGO = authority.months_before(NOW, 12)
PLAN_MADE = datetime(2026, 5, 1, tzinfo=UTC)
UNBORN_PLAN = records.of(records.example("child-protection-flag-unborn"), "LA901")


def flag(period: dict[str, str], status: str = "inactive") -> Facts:
    whole = records.example("child-protection-flag-active-plan")
    return records.of(whole | {"status": status, "period": {"start": "2025-01-01"} | period}, "LA901")


def in_gateway(facts: Facts, person: Person | None = PERSON, *, locates_restricted: bool = False) -> bool:
    permit = authority.gateway(YEAR_AGO, locates_restricted=locates_restricted)
    return holds(permit.reach.visible, facts, person, records.said(records.REFUSAL))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(FLAG, True, id="the flag of an active plan, though a parent refused everything"),
        pytest.param(PLAN, True, id="the plan"),
        pytest.param(TEAM_OF_PLAN, True, id="whom to call"),
        pytest.param(flag({"end": "2026-11-20"}), True, id="a plan that ends today"),
        pytest.param(flag({"end": "2025-11-20"}), True, id="a plan that ended twelve months ago"),
        pytest.param(flag({"end": "2025-11-19"}), False, id="not one that ended twelve months and a day ago"),
        pytest.param(flag({"end": "2025-11-20T12:00:00Z"}), True, id="a plan that ended twelve months ago this second"),
        pytest.param(flag({"end": "2025-11-20T11:59:59Z"}), False, id="not one that ended a second before"),
        pytest.param(flag({}, "entered-in-error"), False, id="none that was entered in error"),
        pytest.param(OTHER_FLAG, False, id="no other flag"),
        pytest.param(PATIENT, False, id="not who the child is"),
        pytest.param(RELATIVE, False, id="nor the family"),
        pytest.param(CONSENT, False, id="nor what they said"),
        pytest.param(TEAM, False, id="nor other teams"),
        pytest.param(NOTICE, False, id="nor who else looked"),
    ],
)
def test_the_child_protection_gateway_shows(facts: Facts, expected: bool) -> None:
    assert in_gateway(facts) is expected


@pytest.mark.parametrize(
    ("over", "of_the_unborn", "of_the_born"),
    [
        pytest.param(None, True, True, id="while she is pregnant, or nothing is known of it"),
        pytest.param(PLAN_MADE + timedelta(days=90), False, True, id="never after that pregnancy was over"),
        pytest.param(PLAN_MADE - timedelta(days=900), True, True, id="also where an earlier one was over before"),
    ],
)
def test_a_plan_for_an_unborn_child_is_shown(over: datetime | None, of_the_unborn: bool, of_the_born: bool) -> None:
    mother = replace(PERSON, pregnancy="live-birth" if over else "ongoing", pregnancy_over=over)
    assert in_gateway(UNBORN_PLAN, mother) is of_the_unborn
    assert in_gateway(FLAG, mother) is of_the_born


@pytest.mark.parametrize("person", [RESTRICTED, VERY_RESTRICTED], ids=["restricted", "very restricted"])
def test_a_plan_is_shown_of_a_restricted_person_but_not_where_they_are(person: Person) -> None:
    assert in_gateway(FLAG, person)
    assert in_gateway(PLAN, person)
    assert not in_gateway(TEAM_OF_PLAN, person)
    assert not holds(authority.gateway(YEAR_AGO, locates_restricted=False).reach.shows_location, FLAG, person)


def test_an_installation_may_choose_to_name_the_authority_of_a_restricted_person() -> None:
    assert in_gateway(TEAM_OF_PLAN, RESTRICTED, locates_restricted=True)
    shows = authority.gateway(YEAR_AGO, locates_restricted=True).reach.shows_location
    assert holds(shows, FLAG, RESTRICTED)
    assert not holds(shows, PATIENT, RESTRICTED)


@pytest.mark.parametrize(
    ("moment", "months", "expected"),
    [
        pytest.param(datetime(2026, 11, 20, 12, tzinfo=UTC), 12, datetime(2025, 11, 20, 12, tzinfo=UTC), id="a year"),
        pytest.param(datetime(2026, 1, 31, tzinfo=UTC), 1, datetime(2025, 12, 31, tzinfo=UTC), id="over the new year"),
        pytest.param(datetime(2026, 12, 31, tzinfo=UTC), 12, datetime(2025, 12, 31, tzinfo=UTC), id="in December"),
        pytest.param(datetime(2026, 3, 31, tzinfo=UTC), 1, datetime(2026, 2, 28, tzinfo=UTC), id="a shorter month"),
        pytest.param(datetime(2028, 2, 29, tzinfo=UTC), 12, datetime(2027, 2, 28, tzinfo=UTC), id="from a leap day"),
        pytest.param(datetime(2026, 5, 1, tzinfo=UTC), 0, datetime(2026, 5, 1, tzinfo=UTC), id="no month at all"),
    ],
)
def test_months_before(moment: datetime, months: int, expected: datetime) -> None:
    assert authority.months_before(moment, months) == expected

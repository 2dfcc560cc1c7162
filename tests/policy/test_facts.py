"""What a record is judged by, taken from the record itself.

https://hl7.org/fhir/R4/security-labels.html; https://digital.nhs.uk/services/personal-demographics-service
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.fhir import systems
from app.policy import facts
from tests.policy import records
from tests.policy.records import example, organization

Json = dict[str, Any]


def coded(system: str, *codes: str) -> list[Json]:
    return [{"coding": [{"system": system, "code": code}]} for code in codes]


def plan(*codes: str, type: str = "Flag") -> Json:
    return {"resourceType": type, "status": "active", "category": coded(systems.SNOMED, *codes)}


def communication(*codes: str) -> Json:
    return {"resourceType": "CommunicationRequest", "category": coded(systems.COMMUNICATION_CATEGORY, *codes)}


@pytest.mark.parametrize(
    ("resource", "category", "kind"),
    [
        pytest.param(example("patient-toddler"), "demographics", "", id="a child's record"),
        pytest.param(example("related-person-mother"), "demographics", "", id="a relative"),
        pytest.param(example("consent-parent-refuses"), "administrative", "", id="what a parent said"),
        pytest.param(plan(systems.LOOKED_AFTER), "child-protection", systems.LOOKED_AFTER, id="a plan's flag"),
        pytest.param(plan(systems.UNBORN_PLAN, type="CarePlan"), "child-protection", systems.UNBORN_PLAN, id="a plan"),
        pytest.param(
            plan(systems.LOOKED_AFTER, type="CareTeam"), "child-protection", systems.LOOKED_AFTER, id="its team"
        ),
        pytest.param(
            plan("73211009", systems.LOOKED_AFTER), "child-protection", systems.LOOKED_AFTER, id="among others"
        ),
        pytest.param(plan("73211009"), "unknown", "", id="a flag of something else"),
        pytest.param(plan("73211009", type="CarePlan"), "unknown", "", id="a plan of something else"),
        pytest.param(plan("73211009", type="CareTeam"), "family-circumstances", "", id="a team around the family"),
        pytest.param(plan(type="CareTeam"), "family-circumstances", "", id="a team of no kind"),
        pytest.param(communication("family-contact"), "contact", "family-contact", id="an invitation"),
        pytest.param(communication("appointment"), "health", "appointment", id="an appointment"),
        pytest.param(communication("professional-notice"), "health", "professional-notice", id="a referral"),
        pytest.param(
            communication("child-protection-access-notice"),
            "child-protection",
            "child-protection-access-notice",
            id="that somebody looked",
        ),
        pytest.param(communication("gossip"), "unknown", "", id="a message of a kind that is not known"),
        pytest.param(
            communication("appointment", "child-protection-access-notice"),
            "child-protection",
            "child-protection-access-notice",
            id="a message of two kinds is of the more confidential",
        ),
        pytest.param({"resourceType": "CommunicationRequest"}, "unknown", "", id="a message of no kind"),
        pytest.param(
            {"resourceType": "CommunicationRequest", "category": coded("http://example.org", "family-contact")},
            "unknown",
            "",
            id="a known code of an unknown system",
        ),
        pytest.param(example("organization-childrens-centre"), "unknown", "", id="an organisation"),
        pytest.param(example("practitioner-midwife"), "unknown", "", id="a professional"),
        pytest.param(example("practitioner-role-midwife"), "unknown", "", id="what a professional does"),
        pytest.param(
            example("communication-professional-notice"), "health", "professional-notice", id="that somebody was told"
        ),
        pytest.param(
            example("communication-family-contact"), "contact", "family-contact", id="that a family was contacted"
        ),
        pytest.param(example("encounter-birth"), "health", "birth", id="a birth"),
        pytest.param(example("encounter-two-year-review"), "development", "two-years", id="a review of development"),
        pytest.param(
            example("encounter-birth") | {"type": coded(systems.CHILD_HEALTH_REVIEW, "new-birth")},
            "health",
            "new-birth",
            id="a first visit is of health",
        ),
        pytest.param(
            example("encounter-birth") | {"type": coded("http://example.org", "birth")}, "unknown", "", id="who knows"
        ),
        pytest.param(example("observation-birth-weight"), "health", systems.BIRTH_WEIGHT, id="a birth weight"),
        pytest.param(
            example("observation-development-gross-motor"),
            "development",
            "asq-3-gross-motor",
            id="how a child moves",
        ),
        pytest.param(
            example("observation-development-gross-motor")
            | {
                "code": {
                    "coding": [
                        *coded(systems.DEVELOPMENT_SCORE, "asq-3-gross-motor")[0]["coding"],
                        *coded(systems.SNOMED, systems.STILLBIRTH)[0]["coding"],
                    ]
                }
            },
            "health",
            systems.STILLBIRTH,
            id="of two findings the more confidential",
        ),
        pytest.param(
            example("document-reference-development-letter"), "development", "development", id="a letter about a review"
        ),
        pytest.param(
            example("document-reference-consent-form"), "administrative", "administrative", id="a signed form"
        ),
        pytest.param(
            example("document-reference-consent-form")
            | {"category": coded(systems.DATA_CATEGORY, "development", "child-protection")},
            "child-protection",
            "child-protection",
            id="a document of two categories is of the more confidential",
        ),
        pytest.param(
            example("questionnaire-response-two-year-review"), "development", "two-years", id="answers at two years"
        ),
        pytest.param(
            example("questionnaire-response-new-birth-visit"), "health", "new-birth", id="of a version, after a birth"
        ),
        pytest.param(
            {"resourceType": "QuestionnaireResponse", "questionnaire": "https://example.org/two-years"},
            "unknown",
            "",
            id="answers to something else",
        ),
        pytest.param(example("task-follow-up"), "administrative", "follow-up", id="what is to be done"),
        pytest.param(example("task-contact-the-family"), "administrative", "family-contact", id="whom to call"),
        pytest.param({"resourceType": "Task"}, "administrative", "", id="what nobody knows is to be done"),
        pytest.param(example("provenance-of-a-review"), "administrative", "", id="where a record comes from"),
        pytest.param(example("group-of-one-caseload"), "administrative", "", id="a list of people"),
        pytest.param(example("subscription-to-own-tasks"), "administrative", "", id="what a client waits for"),
    ],
)
def test_the_category_of_a_record(resource: Json, category: str, kind: str) -> None:
    found = facts.of(resource, "RX999", None)
    assert (found.category, found.kind) == (category, kind)


@pytest.mark.parametrize(
    ("resource", "owners"),
    [
        pytest.param(
            example("patient-toddler"), {"org|RX999", "org|Y99999"}, id="a child: who keeps the record, and the surgery"
        ),
        pytest.param(example("patient-newborn-without-a-number"), {"org|RX1"}, id="or else who registered the child"),
        pytest.param(
            example("patient-newborn-without-a-number") | {"managingOrganization": {"display": "Ward 4"}},
            {"org|RX1"},
            id="also where the keeper has no code",
        ),
        pytest.param(
            example("consent-parent-permits-childrens-centre"),
            {"org|RX1", "org|RX999", "nhs|9990000123"},
            id="a consent: who recorded it, and who said it",
        ),
        pytest.param(
            example("communication-request-family-contact"), {"org|RX1", "org|CC901"}, id="a message: who sends it"
        ),
        pytest.param(
            example("communication-request-family-contact") | {"requester": organization("la901")},
            {"org|RX1", "org|CC901", "org|LA901"},
            id="and who asked for it, however the code is written",
        ),
        pytest.param(
            example("child-protection-flag-active-plan"), {"org|RX1"}, id="a flag: who uploaded it, not who is named"
        ),
        pytest.param(example("communication-family-contact"), {"org|RX1", "org|CC901"}, id="what was told: who told"),
        pytest.param(example("task-follow-up"), {"org|RX1"}, id="a task: who created it, not who is asked to do it"),
        pytest.param(example("encounter-birth"), {"org|RX1"}, id="a birth: who recorded it"),
        pytest.param(example("related-person-mother"), {"org|RX1"}, id="all else: who created it"),
    ],
)
def test_to_whom_a_record_belongs(resource: Json, owners: set[str]) -> None:
    assert facts.of(resource, "RX1", None).owners == owners


def test_a_message_is_addressed_to_organisations() -> None:
    to = [organization("rx1"), organization("RX2"), {"reference": "RelatedPerson/1"}, {"display": "The midwife"}]
    message = example("communication-request-family-contact") | {"recipient": to}
    assert facts.of(message, "CC901", None).recipients == {"org|RX1", "org|RX2"}


def test_a_task_is_addressed_to_who_is_asked_to_do_it() -> None:
    assert facts.of(example("task-follow-up"), "Y99999", None).recipients == {"org|RX999"}
    assert facts.of(example("task-contact-the-family"), "RX999", None).recipients == frozenset()


def test_nothing_else_is_addressed_to_anyone() -> None:
    whole = example("encounter-birth") | {"recipient": [organization("RX2")], "owner": organization("RX3")}
    assert facts.of(whole, "RX1", None).recipients == frozenset()


def test_what_was_registered_by_nobody_belongs_to_nobody_else() -> None:
    assert facts.of(example("consent-parent-refuses") | {"performer": [{"display": "Mum"}]}, "RX1", None).owners == {
        "org|RX1"
    }


@pytest.mark.parametrize(
    ("period", "ended"),
    [
        pytest.param({"start": "2026-05-01"}, None, id="goes on"),
        pytest.param({"start": "2026-05-01", "end": "2026-08-31"}, datetime(2026, 8, 31, 23, tzinfo=UTC), id="a day"),
        pytest.param({"end": "2026-01-31"}, datetime(2026, 2, 1, tzinfo=UTC), id="a winter's day"),
        pytest.param({"end": "2026-08-31T10:00:00Z"}, datetime(2026, 8, 31, 10, 0, 1, tzinfo=UTC), id="a second"),
        pytest.param({"start": "soon", "end": "2026-08-31"}, None, id="what cannot be read goes on"),
        pytest.param(None, None, id="no period goes on"),
    ],
)
def test_when_a_plan_ended(period: Json | None, ended: datetime | None) -> None:
    changed = {"period": period} if period else {}
    assert facts.of(plan(systems.LOOKED_AFTER) | changed, "LA901", None).ended == ended


def test_only_a_plan_ends() -> None:
    assert facts.of({"resourceType": "CommunicationRequest", "period": {"end": "2025"}}, "LA901", None).ended is None


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param({"resourceType": "Flag", "status": "inactive"}, "inactive", id="its status"),
        pytest.param({"resourceType": "Patient", "active": True}, "active", id="active"),
        pytest.param({"resourceType": "Patient", "active": False}, "inactive", id="not active"),
        pytest.param({"resourceType": "Patient"}, "", id="not said"),
    ],
)
def test_the_status_of_a_record(resource: Json, expected: str) -> None:
    assert facts.of(resource, "RX1", None).status == expected


def test_the_date_of_what_a_message_says_is_when_it_was_written() -> None:
    message = example("communication-request-access-notice")
    assert facts.of(message, "RX1", None).data_date == datetime(2026, 11, 20, 22, 15, 3, tzinfo=UTC)
    assert facts.of(example("patient-toddler"), "RX1", None).data_date is None


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        ("communication-professional-notice", {}, datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("encounter-birth", {}, datetime(2025, 2, 11, 3, 4, tzinfo=UTC)),
        ("observation-birth-weight", {}, datetime(2025, 2, 11, 3, 10, tzinfo=UTC)),
        (
            "observation-birth-weight",
            {"effectiveDateTime": None, "effectivePeriod": {"start": "2025-02-11"}},
            datetime(2025, 2, 11, tzinfo=UTC),
        ),
        ("document-reference-consent-form", {}, datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("questionnaire-response-two-year-review", {}, datetime(2026, 11, 10, 11, tzinfo=UTC)),
        ("task-follow-up", {}, datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("provenance-of-a-registration", {}, datetime(2025, 2, 11, 5, tzinfo=UTC)),
        ("group-of-a-trial", {}, None),
    ],
)
def test_when_what_a_record_says_was_so(name: str, changed: Json, expected: datetime | None) -> None:
    whole = {key: value for key, value in (example(name) | changed).items() if value is not None}
    assert facts.of(whole, "RX1", None).data_date == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([], "U", id="no label"),
        pytest.param(["N"], "U", id="normal"),
        pytest.param(["R"], "R", id="restricted"),
        pytest.param(["V"], "V", id="very restricted"),
        pytest.param(["R", "V"], "V", id="the higher of two"),
        pytest.param(["N", "R"], "R", id="beside another"),
        pytest.param(["REDACTED"], "V", id="as the national service marks what it withholds"),
    ],
)
def test_the_restriction_of_a_person(codes: list[str], expected: str) -> None:
    labels = [{"system": systems.CONFIDENTIALITY, "code": code} for code in codes]
    assert facts.restriction({"meta": {"security": labels}}) == expected


@pytest.mark.parametrize("patient", [{}, {"meta": None}, {"meta": {}}, {"meta": {"security": [{"code": "V"}]}}])
def test_without_a_label_a_person_is_not_restricted(patient: Json) -> None:
    assert facts.restriction(patient) == "U"


def test_a_restricted_record_has_that_label_too() -> None:
    assert facts.of(records.restricted(example("patient-toddler"), "V"), "RX1", None).label == 5


def pregnant(status: str) -> Json:
    return {"extension": [{"url": systems.PREGNANCY, "valueCode": status}]}


@pytest.mark.parametrize(
    ("patient", "pregnancy", "bereaved"),
    [
        pytest.param({}, "", False, id="a child"),
        pytest.param({"deceasedBoolean": True}, "", True, id="a child who died"),
        pytest.param({"deceasedBoolean": False}, "", False, id="a child who did not"),
        pytest.param({"deceasedDateTime": "2026-03-01"}, "", True, id="a child who died on a day"),
        pytest.param(example("patient-mother-expecting"), "ongoing", False, id="a mother expecting"),
        pytest.param(pregnant("live-birth"), "live-birth", False, id="a mother who gave birth"),
        pytest.param(pregnant("loss"), "loss", True, id="a mother who lost the baby"),
    ],
)
def test_pregnancy_and_bereavement(patient: Json, pregnancy: str, bereaved: bool) -> None:
    assert facts.pregnancy(patient) == pregnancy
    assert facts.is_bereaved(patient) is bereaved

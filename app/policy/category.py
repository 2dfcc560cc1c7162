"""What a resource is about, in the words in which a family is asked: its data category, and its kind within its type.

https://hl7.org/fhir/R4/security-labels.html; https://fhir.nhs.uk/England/ValueSet/England-ChildProtectionPlan

The category follows from the type, and within a type from a code. Of several codes the first in our list counts, so that
the more confidential is listed first, in whatever order they were sent. What has no known code is opened by nobody's consent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.fhir import coding, systems

CHILD_PROTECTION = "child-protection"
ADMINISTRATIVE = "administrative"
UNKNOWN = "unknown"  # a category that no authority but one's own data, an address or a directory reaches
HEALTH, DEVELOPMENT, FAMILY = "health", "development", "family-circumstances"

_PLANS = {f"{systems.SNOMED}|{code}": CHILD_PROTECTION for code in systems.PLAN_TYPES}
_COMMUNICATIONS = {
    f"{systems.COMMUNICATION_CATEGORY}|child-protection-access-notice": CHILD_PROTECTION,
    f"{systems.COMMUNICATION_CATEGORY}|family-contact": "contact",
    f"{systems.COMMUNICATION_CATEGORY}|appointment": HEALTH,
    f"{systems.COMMUNICATION_CATEGORY}|professional-notice": HEALTH,
}
_REVIEWS = {  # of the Healthy Child Programme: what a review finds out first is health, later development
    f"{systems.CHILD_HEALTH_REVIEW}|antenatal": HEALTH,
    f"{systems.CHILD_HEALTH_REVIEW}|new-birth": HEALTH,
    f"{systems.CHILD_HEALTH_REVIEW}|six-to-eight-weeks": HEALTH,
    f"{systems.CHILD_HEALTH_REVIEW}|one-year": DEVELOPMENT,
    f"{systems.CHILD_HEALTH_REVIEW}|two-years": DEVELOPMENT,
}
_ENCOUNTERS = {
    f"{systems.ENCOUNTER_TYPE}|birth": HEALTH,
    f"{systems.ENCOUNTER_TYPE}|emergency-attendance": HEALTH,
    f"{systems.ENCOUNTER_TYPE}|home-visit": HEALTH,
    f"{systems.ENCOUNTER_TYPE}|clinic-visit": HEALTH,
    **_REVIEWS,
}
_OBSERVATIONS = {
    **{f"{systems.SNOMED}|{code}": HEALTH for code in systems.BIRTH_ITEMS},
    f"{systems.DEVELOPMENT_SCORE}|asq-3-communication": DEVELOPMENT,
    f"{systems.DEVELOPMENT_SCORE}|asq-3-gross-motor": DEVELOPMENT,
    f"{systems.DEVELOPMENT_SCORE}|asq-3-fine-motor": DEVELOPMENT,
    f"{systems.DEVELOPMENT_SCORE}|asq-3-problem-solving": DEVELOPMENT,
    f"{systems.DEVELOPMENT_SCORE}|asq-3-personal-social": DEVELOPMENT,
}
_DOCUMENTS = {
    f"{systems.DATA_CATEGORY}|{category}": category
    for category in (CHILD_PROTECTION, ADMINISTRATIVE, HEALTH, FAMILY, DEVELOPMENT)
}
_TASKS = {
    f"{systems.TASK_CODE}|family-contact": ADMINISTRATIVE,
    f"{systems.TASK_CODE}|follow-up": ADMINISTRATIVE,
    f"{systems.TASK_CODE}|review-decision": ADMINISTRATIVE,
    f"{systems.TASK_CODE}|refer-to-lead": ADMINISTRATIVE,
}


@dataclass(frozen=True, slots=True)
class _Coded:
    """A type whose category a code in `element` tells. `otherwise` is that of a resource without a known code."""

    element: str
    codes: Mapping[str, str]
    otherwise: str = UNKNOWN


_RULES: dict[str, str | _Coded] = {
    "Patient": "demographics",
    "RelatedPerson": "demographics",
    "Consent": ADMINISTRATIVE,
    "Flag": _Coded("category", _PLANS),
    "CarePlan": _Coded("category", _PLANS),
    "CareTeam": _Coded("category", _PLANS, FAMILY),
    "CommunicationRequest": _Coded("category", _COMMUNICATIONS),
    "Communication": _Coded("category", _COMMUNICATIONS),
    "Encounter": _Coded("type", _ENCOUNTERS),
    "Observation": _Coded("code", _OBSERVATIONS),
    "DocumentReference": _Coded("category", _DOCUMENTS),
    "QuestionnaireResponse": _Coded("questionnaire", _REVIEWS),
    "Task": _Coded("code", _TASKS, ADMINISTRATIVE),
    "Provenance": ADMINISTRATIVE,
    "Group": ADMINISTRATIVE,
    "Subscription": ADMINISTRATIVE,
    "Organization": UNKNOWN,
    "Practitioner": UNKNOWN,
    "PractitionerRole": UNKNOWN,
}
TYPES = frozenset(_RULES)


class NoPolicy(KeyError):
    """A type about which nothing is decided: it is not kept, so that nobody is shown it by oversight."""


@dataclass(frozen=True, slots=True)
class Category:
    """`kind` is the code that told; empty where none did."""

    name: str
    kind: str = ""


def of(resource: Mapping[str, object]) -> Category:
    """The category of a resource. Raises NoPolicy for a type that is not in the table."""
    type = str(resource["resourceType"])
    match _RULES.get(type):
        case None:
            raise NoPolicy(type)
        case _Coded(element, codes, otherwise):
            stated = set(_stated(resource.get(element)))
            told = next((token for token in codes if token in stated), "")
            return Category(codes.get(told, otherwise), told.rpartition("|")[2])
        case category:
            return Category(category)


def _stated(value: object) -> Iterator[str | None]:
    """The codes in an element: of concepts their tokens, of a Questionnaire's canonical the review that it is."""
    if isinstance(value, str):
        yield f"{systems.CHILD_HEALTH_REVIEW}|{value.removeprefix(systems.QUESTIONNAIRE).partition('|')[0]}"
        return
    for concept in coding.items(value):
        yield from coding.tokens(concept)

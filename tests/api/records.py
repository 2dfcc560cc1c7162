"""A record of each type that is about a person or made of records, by the health visitors, told of one child.

https://hl7.org/fhir/R4/resourcelist.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.fhir import systems
from tests.api import examples, family
from tests.api.callers import Caller, Callers
from tests.api.family import Child

Json = dict[str, Any]

_PATIENT = "018f3c2e-9a6b-8c1d-a5e0-3b7d9f1c2e40"  # to whom the examples refer by id


@dataclass(frozen=True)
class Kept:
    """`example` is its name. `category` is what a family agrees to where others are to see it; None where none do."""

    type: str
    example: str
    category: str | None


ABOUT_A_PERSON = (
    Kept("Communication", "communication-professional-notice", "health"),
    Kept("Communication", "communication-family-contact", "contact"),
    Kept("Encounter", "encounter-birth", "health"),
    Kept("Encounter", "encounter-two-year-review", "development"),
    Kept("Observation", "observation-birth-weight", "health"),
    Kept("Observation", "observation-development-gross-motor", "development"),
    Kept("DocumentReference", "document-reference-development-letter", "development"),
    Kept("DocumentReference", "document-reference-consent-form", None),
    Kept("QuestionnaireResponse", "questionnaire-response-new-birth-visit", "health"),
    Kept("QuestionnaireResponse", "questionnaire-response-two-year-review", "development"),
    Kept("Task", "task-contact-the-family", None),
    Kept("Provenance", "provenance-of-a-registration", None),
)
ABOUT_NOBODY = (
    Kept("Group", "group-of-a-trial", None),
    Kept("Subscription", "subscription-to-own-tasks", None),
)
DIRECTORY = (
    Kept("Practitioner", "practitioner-health-visitor", None),
    Kept("PractitionerRole", "practitioner-role-health-visitor", None),
)
EVERY = (*ABOUT_A_PERSON, *ABOUT_NOBODY, *DIRECTORY)


def record(name: str, child: Child, ods_code: str = examples.HEALTH_VISITING, /, **elements: Any) -> Json:
    """An example about this child, in the name of this organisation."""
    instead = {examples.BROTHER: child.nhs_number, _PATIENT: child.id} | child.numbers
    written_by = dict.fromkeys(("RX998", "CC901", "RX999"), ods_code)
    return examples.example(name, written_by | instead, **elements)


async def created(as_: Callers, kept: Kept, child: Child) -> Json:
    """It, as the health visitors wrote it."""
    return family.created(await as_["health-visiting"].create(record(kept.example, child)))


async def agree(as_: Callers, child: Child, *categories: str) -> Json:
    """The mother agrees that the children's centre may see these."""
    consent = examples.example(family.PERMITS_CENTRE, child.numbers)
    consent["provision"]["code"] = [
        {"coding": [{"system": systems.DATA_CATEGORY, "code": category}]} for category in categories
    ]
    return family.created(await as_["health-visiting"].create(consent))


def changed(resource: Mapping[str, Any], **elements: Any) -> Json:
    """A stored resource with something else in it."""
    return {**resource, **elements}


def url(resource: Json) -> str:
    """Where it is, below the base."""
    return f"{resource['resourceType']}/{resource['id']}"


async def progress(caller: Caller, stored: Json, **elements: Any) -> int:
    """The status with which a change of it is answered."""
    return (await caller.update(stored | elements, stored["meta"]["versionId"])).status_code

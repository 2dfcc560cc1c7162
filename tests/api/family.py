"""The usual child, made over the API: the record, the mother, what the family agreed to, and a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from httpx import Response

from tests.api import examples
from tests.api.callers import Caller, Callers

PERMITS_CENTRE = "consent-parent-permits-childrens-centre"
REFUSES = "consent-parent-refuses"


@dataclass(frozen=True)
class Child:
    """Amelia, with the health visitors. `patient` and `mother` are the resources as they were answered."""

    nhs_number: str
    mother_number: str
    father_number: str
    patient: dict[str, Any] = field(repr=False)
    mother: dict[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.patient["id"])

    @property
    def numbers(self) -> dict[str, str]:
        """Whom the examples are to be about instead."""
        return {
            examples.CHILD: self.nhs_number,
            examples.MOTHER: self.mother_number,
            examples.FATHER: self.father_number,
        }

    def about(self) -> dict[str, str]:
        """The search for what is about this child."""
        return {"patient:identifier": examples.number_token(self.nhs_number)}


@dataclass(frozen=True)
class Plan:
    """A plan as the authority uploaded it."""

    flag: dict[str, Any]
    care_plan: dict[str, Any]
    care_team: dict[str, Any]


async def child(callers: Callers, /, **elements: Any) -> Child:
    """A toddler and her mother, whose responsibility is proven. `elements` are the Patient's."""
    own, mothers, fathers = (examples.new_number() for _ in range(3))
    named = {examples.CHILD: own, examples.MOTHER: mothers, examples.FATHER: fathers}
    health_visiting = callers["health-visiting"]
    patient = created(await health_visiting.create(examples.example("patient-toddler", named, **elements)))
    mother = created(await health_visiting.create(examples.example("related-person-mother", named)))
    return Child(own, mothers, fathers, patient, mother)


async def says(caller: Caller, child: Child, name: str = PERMITS_CENTRE, /, **elements: Any) -> dict[str, Any]:
    """A Consent of the examples about this child."""
    return created(await caller.create(examples.example(name, child.numbers, **elements)))


async def plan(
    authority: Caller,
    nhs_number: str,
    *,
    ods_code: str = examples.COUNCIL,
    flag: str = "child-protection-flag-active-plan",
    period: Mapping[str, str] | None = None,
    **of_flag: Any,
) -> Plan:
    """A plan about this person: the team, the plan, and the Flag that leads to both."""
    instead = dict.fromkeys((examples.CHILD, examples.MOTHER, examples.BROTHER), nhs_number)
    instead[examples.COUNCIL] = ods_code
    when: dict[str, Any] = {"period": dict(period)} if period else {}
    made_flag = examples.example(flag, instead, **when, **of_flag)
    category = {"category": made_flag["category"]}
    team = created(await authority.create(examples.example("child-protection-care-team", instead, **when, **category)))
    care_plan = examples.example("child-protection-care-plan-active", instead, **when, **category)
    care_plan["careTeam"] = [{"reference": f"CareTeam/{team['id']}"}]
    care_plan = created(await authority.create(care_plan))
    made_flag["extension"][0]["valueReference"] = {"reference": f"CarePlan/{care_plan['id']}"}
    return Plan(created(await authority.create(made_flag)), care_plan, team)


def created(answer: Response) -> dict[str, Any]:
    """The resource in a 201."""
    assert answer.status_code == 201, answer.text
    resource: dict[str, Any] = answer.json()
    return resource


def updated(answer: Response) -> dict[str, Any]:
    """The resource in a 200."""
    assert answer.status_code == 200, answer.text
    resource: dict[str, Any] = answer.json()
    return resource

"""A child protection plan as a local authority uploads it: team, plan and flag.

https://digital.nhs.uk/developer/api-catalogue/child-protection-information-sharing-hl7-v3; DCB1609
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from app.fhir import systems
from app.synthesis import addresses, chance, entry
from app.synthesis.entry import Entry
from app.synthesis.geography import Area
from app.synthesis.organisations import Organisation
from app.synthesis.people import Person

_STATUS = {  # of the flag, the plan and the team
    "active": ("active", "active", "active"),
    "ended": ("inactive", "completed", "inactive"),
    "entered-in-error": ("entered-in-error", "entered-in-error", "entered-in-error"),
}
_NIGHT = 2  # the hour at which councils upload


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of one of `systems.PLAN_TYPES`. One in error was noticed to be so on the day after its start."""

    type: str
    start: date
    end: date | None = None
    in_error: bool = False

    @property
    def state(self) -> str:
        if self.in_error:
            return "entered-in-error"
        return "ended" if self.end else "active"


def flag_key(key: str) -> str:
    """The key of the Flag among the entries of a plan with this key."""
    return entry.key(key, "flag")


def entries(plan: Plan, subject: Person, authority: Organisation, key: str) -> list[Entry]:
    """The CareTeam, the CarePlan that it keeps, and the Flag that shows the plan; as they are today."""
    changed = plan.end or (plan.start + timedelta(days=1) if plan.in_error else plan.start)
    recorded = entry.at(changed + timedelta(days=1), _NIGHT)
    team_key = entry.key(key, "team")
    flag_status, plan_status, team_status = _STATUS[plan.state]
    code, start_end = authority.ods_code, _period(plan)
    team = _team(team_status, plan, subject, authority) | {"period": start_end}
    care_plan = _care_plan(plan_status, plan, subject, team_key) | {"period": dict(start_end)}
    flag = _flag(flag_status, plan, subject, authority, key) | {"period": dict(start_end)}
    return [
        Entry(team, code, team_key, recorded),
        Entry(care_plan, code, key, recorded),
        Entry(flag, code, flag_key(key), recorded),
    ]


def _team(status: str, plan: Plan, subject: Person, authority: Organisation) -> dict[str, Any]:
    office_hours, emergency_duty = _telephones(authority.area)
    return {
        "resourceType": "CareTeam",
        "status": status,
        "category": _category(plan),
        "name": f"{authority.area.name} Children's Services",
        "subject": subject.reference(),
        "managingOrganization": [authority.reference()],
        "telecom": [
            {"system": "phone", "value": office_hours, "use": "work"},
            {"system": "phone", "value": emergency_duty, "use": "mobile"},
        ],
    }


def _care_plan(status: str, plan: Plan, subject: Person, team_key: str) -> dict[str, Any]:
    return {
        "resourceType": "CarePlan",
        "status": status,
        "intent": "plan",
        "category": _category(plan),
        "subject": subject.reference(),
        "careTeam": [{"reference": team_key}],
    }


def _flag(status: str, plan: Plan, subject: Person, authority: Organisation, plan_key: str) -> dict[str, Any]:
    return {
        "resourceType": "Flag",
        "extension": [{"url": systems.FLAG_DETAIL, "valueReference": {"reference": plan_key}}],
        "status": status,
        "category": _category(plan),
        "code": {"coding": [{"system": systems.FLAG_CATEGORY, "code": systems.CHILD_PROTECTION_FLAG}]},
        "subject": subject.reference(),
        "author": authority.reference(),
    }


def _category(plan: Plan) -> list[dict[str, Any]]:
    return [{"coding": [{"system": systems.SNOMED, "code": plan.type, "display": systems.PLAN_TYPES[plan.type]}]}]


@cache
def _telephones(area: Area) -> tuple[str, str]:
    """Of a council's children's services: in office hours, and of the emergency duty team."""
    random = chance.seeded("telephones", area.number)
    return addresses.landline(area, random), addresses.mobile(random)


def _period(plan: Plan) -> dict[str, str]:
    return {"start": plan.start.isoformat()} | ({"end": plan.end.isoformat()} if plan.end else {})

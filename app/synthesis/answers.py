"""How families answer when they are asked about sharing, and what is then on record.

Good practice in information sharing in the Foundation Years (2013), case studies and Appendix C
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from app.synthesis import consents, entry
from app.synthesis.consents import Statement
from app.synthesis.entry import Entry
from app.synthesis.household import Household
from app.synthesis.people import Person

_CATEGORIES = ("demographics", "contact", "live-birth", "development")
_LATER = timedelta(days=5)  # when the other parent spoke


class Answer(StrEnum):
    """What the family said."""

    NEVER_ASKED = "never-asked"
    CENTRE = "agreed to the children's centre"
    ALL_BUT_ONE = "agreed to all but one organisation"
    TEAM = "agreed to the team around the child"
    REFUSED = "refused"
    BARELY_REFUSED = "refused, and next to nothing was written down"
    WITHDRAWN = "agreed, and withdrew it"
    EXPIRED = "agreed, and the time is over"
    DISAGREEING = "one parent agreed, the other refused"


def entries(
    answer: Answer, household: Household, about: Person, performer: Person, said: datetime, today: date
) -> list[Entry]:
    """The Consents (and the team that one names) about a child, or about the expecting mother."""
    recorder = household.custodian(about, said.date())
    statement = Statement(about, performer, recorder, said)
    key = entry.key(household.key, about.nhs_number, "consent")
    recorded = Entry({}, recorder.ods_code, key, said)
    until = _until(household, about, said)
    match answer:
        case Answer.NEVER_ASKED:
            return []
        case Answer.TEAM:
            team = _team(household, about, recorded)
            return [team, replace(recorded, resource=_to_team(statement, team.key, until))]
        case Answer.REFUSED:
            return [replace(recorded, resource=consents.refusal(statement))]
        case Answer.BARELY_REFUSED:
            return [replace(recorded, resource=consents.bare_refusal(statement))]
        case Answer.ALL_BUT_ONE:
            return [replace(recorded, resource=_to_all_but_one(statement, household, until))]
        case Answer.EXPIRED:
            until = said.date() + (today - said.date()) * 4 // 5
    status = "inactive" if answer is Answer.WITHDRAWN else "active"
    recipients = [household.centre.reference()]
    agreed = consents.permit(statement, recipients, until, categories=_CATEGORIES, status=status)
    found = [replace(recorded, resource=agreed)]
    if answer is Answer.DISAGREEING:
        found.append(_other_parent(household, statement, key, today))
    return found


def _until(household: Household, about: Person, said: datetime) -> date:
    """A child's fifth birthday; of what an expecting mother said, a year on."""
    if about.nhs_number == household.mother.nhs_number:
        return said.date() + timedelta(days=365)
    born = about.birth_date
    return date(born.year + 5, born.month, 28 if (born.month, born.day) == (2, 29) else born.day)


def _to_all_but_one(statement: Statement, household: Household, until: date) -> dict[str, Any]:
    recipients = (household.centre, household.other_centre, household.services.school_nursing)
    return consents.permit(
        statement,
        [each.reference() for each in recipients],
        until,
        purposes=(consents.OUTREACH, consents.TRANSITION),
        categories=_CATEGORIES,
        excepting=[household.other_centre.reference()],
    )


def _to_team(statement: Statement, team_key: str, until: date) -> dict[str, Any]:
    return consents.permit(
        statement,
        [{"type": "CareTeam", "reference": team_key}],
        until,
        purposes=(consents.CARE_MANAGEMENT,),
        categories=(*_CATEGORIES, "family-circumstances"),
    )


def _team(household: Household, about: Person, like: Entry) -> Entry:
    services = household.services
    members = (household.centre, services.health_visiting, services.school_nursing)
    resource = {
        "resourceType": "CareTeam",
        "status": "active",
        "name": "Team around the child",
        "subject": about.reference(),
        "participant": [{"member": member.reference()} for member in members],
        "managingOrganization": [services.health_visiting.reference()],
    }
    return replace(like, resource=resource, key=entry.key(like.key, "team"))


def _other_parent(household: Household, statement: Statement, key: str, today: date) -> Entry:
    """The refusal of another parent with responsibility. Raises StopIteration where there is none."""
    other = next(parent for parent in household.parents if parent != statement.performer)
    said = min(statement.said + _LATER, entry.at(today - timedelta(days=1), 16))
    refused = consents.refusal(replace(statement, performer=other, said=said))
    return Entry(refused, statement.recorder.ods_code, entry.key(key, "other parent"), said)

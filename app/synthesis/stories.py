"""The people whose stories the demonstration tells: one for each thing that can be true of a child's record.

Good practice in information sharing in the Foundation Years (2013)

Their NHS numbers are always the same; dates are counted back from today.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from app.fhir import systems
from app.policy import authority
from app.synthesis import answers, communications, entry, household, organisations, plans, story_family
from app.synthesis.answers import Answer
from app.synthesis.entry import Entry
from app.synthesis.geography import AREA_B
from app.synthesis.household import Household
from app.synthesis.organisations import Organisation
from app.synthesis.people import Person
from app.synthesis.plans import Plan


@dataclass(frozen=True, slots=True)
class Story:
    """`nhs_number` is what a caller asks for. `notes` are NHS numbers and ODS codes to tell the story with, all text:

    child, mother and father, the authority, the children's centre that is (or is not) to see the child, a second centre,
    the practice and health visiting.
    """

    story: str
    nhs_number: str = field(repr=False)
    entries: list[Entry] = field(repr=False)
    notes: dict[str, Any] = field(repr=False)


def stories(today: date) -> list[Story]:
    """Every story, as it stands today."""
    return [replace(tell(story_family.told(story, today), today), story=story) for story, tell in _STORIES.items()]


def _active_plan(family: Household, today: date) -> Story:
    return _with_plan(family, today, Plan(systems.CHILD_PROTECTION_PLAN, today - timedelta(days=120)))


def _looked_after(family: Household, today: date) -> Story:
    """Cared for in the area of A; B is responsible."""
    plan = Plan(systems.LOOKED_AFTER, today - timedelta(days=210))
    return _with_plan(family, today, plan, organisations.services(AREA_B).authority)


def _ended(months: int) -> Callable[[Household, date], Story]:
    def ended_months_ago(family: Household, today: date) -> Story:
        end = authority.months_before(entry.at(today, 0), months).date()
        return _with_plan(family, today, Plan(systems.CHILD_PROTECTION_PLAN, end - timedelta(days=180), end))

    return ended_months_ago


def _entered_in_error(family: Household, today: date) -> Story:
    return _with_plan(family, today, Plan(systems.CHILD_PROTECTION_PLAN, today - timedelta(days=30), in_error=True))


def _unborn(family: Household, today: date) -> Story:
    expecting = replace(family, children=(), pregnancy="ongoing", recorded=today - timedelta(days=110))
    plan = _plan(expecting, expecting.mother, Plan(systems.UNBORN_PLAN, today - timedelta(days=40)))
    return _told(expecting, [*household.entries(expecting, today), *plan], expecting.mother.nhs_number)


def _without_more(family: Household, today: date) -> Story:
    return _told(family, household.entries(family, today))


def _consent_to_centre(family: Household, today: date) -> Story:
    """The mother is who signs in to the parents' app; the hub was asked to ring her."""
    mother, *others = family.relatives
    mother = replace(mother, person=story_family.parent_at_the_app(mother.person))
    family = replace(family, relatives=(mother, *others))
    sender, authored = family.services.health_visiting, entry.at(today - timedelta(days=3), 14, 30)
    welcome = communications.family_contact(_child(family), sender, family.centre, authored, "active")
    request = Entry(welcome, sender.ods_code, entry.key(family.key, "welcome"), authored)
    return _told(family, [*household.entries(family, today), *_answer(family, Answer.CENTRE, today), request])


def _answered(answer: Answer) -> Callable[[Household, date], Story]:
    def family_answered(family: Household, today: date) -> Story:
        return _told(family, [*household.entries(family, today), *_answer(family, answer, today)])

    return family_answered


def _restricted(restriction: str) -> Callable[[Household, date], Story]:
    """The mother agreed to the centre and the council sent a plan; then the family had to hide."""

    def plan_then_restriction(family: Household, today: date) -> Story:
        family = replace(family, restriction=restriction)
        plan = _plan(family, _child(family), Plan(systems.CHILD_PROTECTION_PLAN, today - timedelta(days=300)))
        return _told(family, [*plan, *household.entries(family, today), *_answer(family, Answer.CENTRE, today)])

    return plan_then_restriction


def _superseded(family: Household, today: date) -> Story:
    """The plan is under the child's current number; a caller still asks by the old one."""
    old = story_family.old_number("superseded-nhs-number")
    family = replace(family, children=(replace(family.children[0], old_number=old),))
    told = _with_plan(family, today, Plan(systems.CHILD_PROTECTION_PLAN, today - timedelta(days=90)))
    notes = {"superseded_nhs_number": old, "current_nhs_number": told.nhs_number}
    return replace(told, nhs_number=old, notes=told.notes | notes)


def _bereaved(family: Household, today: date) -> Story:
    """The mother had agreed to be rung by the hub; then the child died."""
    died = today - timedelta(days=10)
    sender, authored = family.services.health_visiting, entry.at(died - timedelta(days=4), 9, 15)
    contact = communications.family_contact(_child(family), sender, family.centre, authored, "revoked")
    request = Entry(contact, sender.ods_code, entry.key(family.key, "contact"), authored)
    family = replace(family, children=(replace(family.children[0], died=died),))
    return _told(family, [*household.entries(family, today), *_answer(family, Answer.CENTRE, today), request])


_STORIES: dict[str, Callable[[Household, date], Story]] = {
    "active-child-protection-plan": _active_plan,
    "looked-after": _looked_after,
    "plan-ended-3-months-ago": _ended(3),
    "plan-ended-13-months-ago": _ended(13),
    "plan-entered-in-error": _entered_in_error,
    "unborn-plan-on-mother": _unborn,
    "no-plan": _without_more,
    "consent-to-childrens-centre": _consent_to_centre,
    "consent-refused": _answered(Answer.REFUSED),
    "consent-withdrawn": _answered(Answer.WITHDRAWN),
    "consent-expired": _answered(Answer.EXPIRED),
    "consent-deny-one-organisation": _answered(Answer.ALL_BUT_ONE),
    "two-parents-disagree": _answered(Answer.DISAGREEING),
    "restricted-address": _restricted("R"),
    "very-restricted": _restricted("V"),
    "superseded-nhs-number": _superseded,
    "bereaved": _bereaved,
    "never-asked": _without_more,
}


def _with_plan(family: Household, today: date, plan: Plan, responsible: Organisation | None = None) -> Story:
    uploaded = _plan(family, _child(family), plan, responsible)
    told = _told(family, [*household.entries(family, today), *uploaded])
    return replace(told, notes=told.notes | {"local_authority_ods_code": uploaded[0].custodian})


def _plan(family: Household, about: Person, plan: Plan, responsible: Organisation | None = None) -> list[Entry]:
    key = entry.key(family.key, about.nhs_number, "plan")
    return plans.entries(plan, about, responsible or family.services.authority, key)


def _answer(family: Household, answer: Answer, today: date) -> list[Entry]:
    said = entry.at(today - timedelta(days=200), 10, 15)
    return answers.entries(answer, family, _child(family), family.mother, said, today)


def _told(family: Household, entries: list[Entry], nhs_number: str | None = None) -> Story:
    number = nhs_number or _child(family).nhs_number
    _, father = family.relatives
    notes = {
        "child_nhs_number": number if family.children else None,
        "mother_nhs_number": family.mother.nhs_number,
        "father_nhs_number": father.person.nhs_number,
        "local_authority_ods_code": family.services.authority.ods_code,
        "recipient_ods_code": family.centre.ods_code,
        "other_centre_ods_code": family.other_centre.ods_code,
        "gp_practice_ods_code": family.practice.ods_code,
        "health_visiting_ods_code": family.services.health_visiting.ods_code,
    }
    return Story("", number, entries, {name: code for name, code in notes.items() if code})


def _child(family: Household) -> Person:
    return family.children[0].person

"""What services have asked each other to tell this family or about it, as chance has it.

Good practice in information sharing in the Foundation Years (2013), case studies (R1, R3, R13)

What is more than two weeks old has been done. Nobody rings a family in which a child died.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.synthesis import communications, entry, shares
from app.synthesis.entry import Entry
from app.synthesis.household import Child, Household
from app.synthesis.organisations import Organisation
from app.synthesis.people import Person

_DONE_AFTER = timedelta(days=14)
_CHILD_REVIEWS = (  # age in days, and what is due
    (14, "The new birth visit is due."),
    (49, "The six to eight week review is due."),
    (365, "The one-year review is due."),
    (820, "The review at two to two and a half years is due."),
)
_CHILD_NOTICES = (
    "The new birth visit has taken place.",
    "Weight is to be checked again in four weeks.",
    "Referred to the infant feeding team.",
    "Hearing is to be tested again.",
    "The family would like an interpreter.",
    "The review at two was not attended.",
)
_PREGNANCY_APPOINTMENTS = ("The booking appointment is due.", "The scan at twenty weeks is due.")
_PREGNANCY_NOTICE = "An antenatal visit by the health visitor is due."


def about_child(random: Random, family: Household, child: Child, agreed: date | None, today: date) -> Iterator[Entry]:
    """Of a child: the hub's first call where the family `agreed` to it, a review, a notice to the practice."""
    person, practice = child.person, family.practice
    age = (today - person.birth_date).days
    visiting = family.services.health_visiting
    if agreed and family.restriction == "U" and random.random() < shares.CONTACT_AFTER_AGREEMENT:
        authored = _moment(random, agreed, today)
        status = "revoked" if child.died else _status(authored, today)
        request = communications.family_contact(person, visiting, family.centre, authored, status)
        yield _entry(family, person, "contact", visiting, authored, request)
    due = [text for days, text in _CHILD_REVIEWS if days <= age]
    if child.died or not due:
        return
    if random.random() < shares.APPOINTMENT:
        recipients = [family.mother.reference("RelatedPerson"), practice.reference()]
        yield _appointment(random, family, person, visiting, recipients, due[-1], min(age, 90), today)
    if random.random() < shares.NOTICE:
        text = random.choice(_CHILD_NOTICES)
        authored = _moment(random, today - timedelta(days=random.randrange(1, min(age, 400))), today)
        status = _status(authored, today)
        request = communications.professional_notice(person, visiting, practice, authored, status, text)
        yield _entry(family, person, "notice", visiting, authored, request)


def about_pregnancy(random: Random, family: Household, today: date) -> Iterator[Entry]:
    """Of a pregnancy: an appointment, and that health visiting is to know. Revoked if it was lost."""
    mother, maternity = family.mother, family.services.maternity
    if random.random() < shares.APPOINTMENT:
        recipients = [mother.reference(), family.practice.reference()]
        text = random.choice(_PREGNANCY_APPOINTMENTS)
        yield _appointment(random, family, mother, maternity, recipients, text, 20, today)
    if random.random() < shares.NOTICE:
        authored = _moment(random, today - timedelta(days=random.randrange(1, 20)), today)
        status = "revoked" if family.pregnancy == "loss" else _status(authored, today)
        visiting = family.services.health_visiting
        request = communications.professional_notice(mother, maternity, visiting, authored, status, _PREGNANCY_NOTICE)
        yield _entry(family, mother, "notice", maternity, authored, request)


def access_notice(random: Random, family: Household, person: Person, flag_key: str, seen: date) -> Entry:
    """That somebody with a plan was seen, as the emergency department told the authority. At any hour."""
    sender, authored = family.services.emergency_department, entry.at(seen, random.randrange(24), random.randrange(60))
    request = communications.access_notice(person, sender, family.services.authority, authored, flag_key)
    return _entry(family, person, "access", sender, authored, request)


def _appointment(
    random: Random,
    family: Household,
    person: Person,
    sender: Organisation,
    recipients: list[dict[str, Any]],
    text: str,
    days: int,
    today: date,
) -> Entry:
    """One that was asked for within so many days."""
    authored = _moment(random, today - timedelta(days=random.randrange(1, days)), today)
    status = "revoked" if family.pregnancy == "loss" and person == family.mother else _status(authored, today)
    request = communications.appointment(person, sender, recipients, authored, status, text)
    return _entry(family, person, "appointment", sender, authored, request)


def _moment(random: Random, day: date, today: date) -> datetime:
    """In working hours of that day, or of the last before today."""
    return entry.at(min(day, today - timedelta(days=1)), random.randrange(9, 18), random.randrange(60))


def _status(authored: datetime, today: date) -> str:
    return "active" if today - authored.date() <= _DONE_AFTER else "completed"


def _entry(
    family: Household, person: Person, what: str, sender: Organisation, authored: datetime, request: dict[str, Any]
) -> Entry:
    return Entry(request, sender.ods_code, entry.key(family.key, person.nhs_number, what), authored)

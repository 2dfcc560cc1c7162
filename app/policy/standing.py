"""Standing: who spoke in a Consent, and while their yes or no counts.

https://www.legislation.gov.uk/ukpga/1989/41/section/3 (parental responsibility)

A permit counts from the person themselves, from sixteen or when recorded as competent (Family Law Reform Act 1969 s8,
Gillick), and from somebody with proven parental responsibility, until the eighteenth birthday. Where the birth date is
unknown neither can be told, and neither counts. A refusal counts from anyone; a relative's lapses at eighteen.

A performer is known by NHS number. Anyone else is a person of their own: such a refusal stands until it is itself
withdrawn, and such a permit is nobody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from app.fhir import coding, systems, time
from app.fhir.nhs_number import NHSNumber


@dataclass(frozen=True)
class Subject:
    """The person that the statements are about: every NHS number of theirs, and who has parental responsibility.

    `relationships` says of a performer token (`nhs|9…`) whether their parental responsibility is proven.
    """

    nhs_numbers: frozenset[str]
    birth_date: date | None
    relationships: Mapping[str, bool]
    competent: bool = False


def performers(consent: Mapping[str, object], consent_id: str, subject: Subject) -> tuple[str, ...]:
    """A token for each person who speaks in a Consent: `nhs|9…`, or `unknown|{consent_id}` for all that are unknown."""
    named = coding.items(consent.get("performer")) or (None,)
    return tuple(dict.fromkeys(_person(each, subject) or f"unknown|{consent_id}" for each in named))


def is_about(consent: Mapping[str, object], subject: Subject) -> bool:
    """Whether a Consent names this person as its patient, by any of their NHS numbers."""
    return _nhs_number(consent.get("patient")) in subject.nhs_numbers


def may_permit(performer: str, subject: Subject) -> time.Period | None:
    """While a permit of theirs can count, or None when it never can."""
    born = subject.birth_date
    if performer == _own(subject):
        if subject.competent:
            return time.UNBOUNDED
        return time.Period(birthday(born, 16), None) if born else None
    proven = subject.relationships.get(performer) is True
    return time.Period(None, birthday(born, 18)) if proven and born else None


def may_refuse(performer: str, subject: Subject) -> time.Period:
    """While a refusal of theirs counts. An unknown performer may be the person themselves, so theirs does not lapse."""
    born = subject.birth_date
    if performer == _own(subject) or performer.startswith("unknown|") or born is None:
        return time.UNBOUNDED
    return time.Period(None, birthday(born, 18))


def _person(reference: object, subject: Subject) -> str | None:
    number = _nhs_number(reference)
    if number is None:
        return None
    return _own(subject) if number in subject.nhs_numbers else f"nhs|{number}"


def _own(subject: Subject) -> str:
    """One token for the person themselves, whichever of their numbers was used."""
    return f"nhs|{min(subject.nhs_numbers, default='')}"


def _nhs_number(reference: object) -> str | None:
    if not isinstance(reference, Mapping) or reference.get("type", "Patient") not in ("Patient", "RelatedPerson"):
        return None
    identifier = reference.get("identifier")
    if not isinstance(identifier, Mapping) or identifier.get("system") != systems.NHS_NUMBER:
        return None
    value = identifier.get("value")
    try:
        return NHSNumber.parse(value).value if isinstance(value, str) else None
    except ValueError:
        return None


def birthday(born: date, years: int) -> datetime:
    """When an age is attained: as the day begins (Family Law Reform Act 1969 s9); for 29 February, 1 March."""
    year = born.year + years
    if year > date.max.year:
        return time.LAST
    return time.start_of(
        date(year, 3, 1) if (born.month, born.day) == (2, 29) and year % 4 else born.replace(year=year)
    )

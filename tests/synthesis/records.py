"""What the tests ask of synthetic entries."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from app.fhir import systems
from app.fhir.nhs_number import NHSNumber
from app.policy import consent, grant, label, purpose, standing
from app.synthesis.entry import Entry

TODAY = date(2026, 11, 24)
NOW = datetime.combine(TODAY, time(12), UTC)


def of_type(entries: Iterable[Entry], *types: str) -> list[dict[str, Any]]:
    return [entry.resource for entry in entries if entry.resource["resourceType"] in types]


def strings(value: Any) -> Iterator[str]:
    """Every text in a resource."""
    match value:
        case dict():
            for child in value.values():
                yield from strings(child)
        case list():
            for child in value:
                yield from strings(child)
        case str():
            yield value


def identifiers(value: Any, system: str) -> Iterator[str]:
    """Every identifier of a system, wherever it stands."""
    match value:
        case dict():
            if value.get("system") == system and "value" in value:
                yield value["value"]
            for child in value.values():
                yield from identifiers(child, system)
        case list():
            for child in value:
                yield from identifiers(child, system)


def phones(resource: dict[str, Any]) -> Iterator[str]:
    yield from identifiers(resource, "phone")


def own_number(patient: dict[str, Any]) -> str:
    (number,) = (each["value"] for each in patient["identifier"] if each["system"] == systems.NHS_NUMBER)
    assert NHSNumber.parse(number).is_synthetic
    return str(number)


def patient(entries: Iterable[Entry], nhs_number: str) -> dict[str, Any]:
    (found,) = (each for each in of_type(entries, "Patient") if own_number(each) == nhs_number)
    return found


def is_agreed(entries: list[Entry], nhs_number: str, ods_code: str, why: str, category: str = "demographics") -> bool:
    """Whether what the family said lets this organisation see the child today."""
    grants, ask, asked = _question(entries, nhs_number, ods_code, why, category)
    return grant.permitted(grants, ask, asked)


def is_disputed(entries: list[Entry], nhs_number: str, ods_code: str, why: str) -> bool:
    return grant.disputed(*_question(entries, nhs_number, ods_code, why, "demographics"))


def is_refused(entries: list[Entry], nhs_number: str, ods_code: str, why: str) -> bool:
    return grant.refused(*_question(entries, nhs_number, ods_code, why, "demographics"))


def _question(
    entries: list[Entry], nhs_number: str, ods_code: str, why: str, category: str
) -> tuple[tuple[grant.Grant, ...], grant.Ask, grant.Asked]:
    born = date.fromisoformat(patient(entries, nhs_number)["birthDate"])
    relationships = {
        f"nhs|{number}": any(e["url"] == systems.PARENTAL_RESPONSIBILITY for e in relative.get("extension", ()))
        for relative in of_type(entries, "RelatedPerson")
        if relative["patient"]["identifier"]["value"] == nhs_number
        for number in identifiers(relative["identifier"], systems.NHS_NUMBER)
    }
    said = [
        consent.Statement(entry.key, entry.resource, entry.recorded)
        for entry in entries
        if entry.resource["resourceType"] == "Consent"
        and entry.resource["patient"]["identifier"]["value"] == nhs_number
    ]
    subject = standing.Subject(frozenset({nhs_number}), born, relationships)
    ask = grant.Ask(frozenset({f"org|{ods_code}"}), purpose.asked(why), NOW)
    return consent.grants(said, subject, {}), ask, grant.Asked(category, label.DEFAULTS[category], frozenset(), None)

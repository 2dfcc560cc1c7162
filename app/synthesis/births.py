"""What maternity recorded at the births of the youngest: the encounter, and the items that go to the national record.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir (birth details)

Only of the first weeks, in which somebody would look at them.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.fhir import systems
from app.synthesis import entry, shares
from app.synthesis.entry import Entry
from app.synthesis.household import Child, Household

_KEPT = timedelta(days=56)
_ACT_CODE, _UCUM = systems.ACT_CODE, "http://unitsofmeasure.org"


def entries(random: Random, family: Household, today: date) -> Iterator[Entry]:
    """Of each child born within eight weeks; twins were born together."""
    for child in family.children:
        born = child.person.birth_date
        if today - born <= _KEPT:
            together = sum(other.person.birth_date == born for other in family.children)
            yield from _birth(random, family, child, together, entry.at(born, random.randrange(20)))


def _birth(random: Random, family: Household, child: Child, together: int, moment: datetime) -> Iterator[Entry]:
    key = entry.key(family.key, child.person.nhs_number, "birth")
    weeks = max(30, min(42, round(random.gauss(*shares.GESTATION) - 3 * (together - 1))))
    grams = round(max(900.0, random.gauss(*shares.BIRTH_WEIGHT) + 160 * (weeks - 39)), -1)
    found = (
        (systems.BIRTH_WEIGHT, "Birth weight", {"valueQuantity": _quantity(int(grams), "g")}),
        (systems.GESTATION, "Gestation", {"valueQuantity": _quantity(weeks, "wk")}),
        (systems.NUMBER_OF_FETUSES, "Number of fetuses", {"valueInteger": together}),
        (systems.STILLBIRTH, "Stillbirth", {"valueBoolean": False}),
        (systems.CONGENITAL_ANOMALY, "Congenital anomaly", {"valueBoolean": random.random() < shares.ANOMALY}),
    )
    maternity = family.services.maternity.ods_code
    yield Entry(_encounter(family, child, moment), maternity, key, moment)
    for code, display, value in found:
        observation = _observation(family, child, moment, key, code, display) | value
        yield Entry(observation, maternity, entry.key(key, code), moment)


def _encounter(family: Household, child: Child, moment: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": _ACT_CODE, "code": "IMP", "display": "inpatient encounter"},
        "type": [{"coding": [{"system": systems.ENCOUNTER_TYPE, "code": "birth", "display": "Birth"}]}],
        "subject": child.person.reference(),
        "period": {"start": entry.written(moment), "end": entry.written(moment + timedelta(hours=3))},
        "serviceProvider": family.services.maternity.reference(),
    }


def _observation(
    family: Household, child: Child, moment: datetime, encounter: str, code: str, display: str
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": systems.SNOMED, "code": code, "display": display}]},
        "subject": child.person.reference(),
        "encounter": {"reference": encounter},
        "effectiveDateTime": entry.written(moment),
        "performer": [family.services.maternity.reference()],
    }


def _quantity(value: int, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}

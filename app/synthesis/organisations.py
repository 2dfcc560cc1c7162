"""Who serves the families of an area: council, hospital, practices, health visiting, family hubs, school nursing.

https://digital.nhs.uk/services/organisation-data-service

The codes look like those of the Organisation Data Service but are none: they are Z, what the organisation is, and where.
Names and codes are always the same; a seed decides on streets and telephone numbers only.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from random import Random
from typing import Any

from app.fhir import systems
from app.synthesis import addresses, chance, entry
from app.synthesis.entry import Entry
from app.synthesis.geography import AREA_A, AREAS, Area

_ROLE = "https://fhir.nhs.uk/CodeSystem/organisation-role"
_GSS_CODE = f"{systems.CRADLE}/Id/gss-code"
_OPENED = date(2020, 4, 1)

# The primary role of each kind of organisation; a family hub has none.
_ROLES = {
    "council": ("RO141", "LOCAL AUTHORITY"),
    "trust": ("RO197", "NHS TRUST"),
    "site": ("RO198", "NHS TRUST SITE"),
    "practice": ("RO76", "GP PRACTICE"),
    "provider": ("RO197", "NHS TRUST"),
}
_TREES = ("Larch", "Rowan", "Hazel", "Alder", "Juniper", "Linden", "Aspen", "Medlar", "Willow", "Hornbeam")
_BIRDS = ("Heron", "Wren", "Lapwing", "Kestrel", "Dunnock", "Plover", "Siskin", "Redstart")


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation in an area; `within` is the ODS code of the one it is part of."""

    ods_code: str
    name: str
    kind: str
    area: Area
    within: str | None = None

    def reference(self) -> dict[str, Any]:
        """A reference by ODS code, new each time."""
        identifier = {"system": systems.ODS_CODE, "value": self.ods_code}
        return {"type": "Organization", "identifier": identifier, "display": self.name}


@dataclass(frozen=True, slots=True)
class Services:
    """The organisations around a family in one area. Neighbouring areas share a trust."""

    area: Area
    authority: Organisation
    maternity: Organisation
    emergency_department: Organisation
    health_visiting: Organisation
    school_nursing: Organisation
    practices: tuple[Organisation, ...]
    centres: tuple[Organisation, ...]

    def all(self) -> tuple[Organisation, ...]:
        hospital = (self.maternity, self.emergency_department)
        return (
            *(self.authority, *hospital, self.health_visiting, self.school_nursing),
            *self.practices,
            *self.centres,
        )


PARENT_APP = Organisation("ZPA01", "Family Record App", "other", AREA_A)
AUDITOR = Organisation("ZIG01", "Aldermarsh Information Governance", "other", AREA_A)
WITHOUT_PURPOSE = Organisation("ZAN01", "Aldermarsh Analytics", "other", AREA_A)


@cache
def services(area: Area) -> Services:
    """Who serves an area; where more children are born there are more practices and centres."""
    here, seat = f"{area.number:02}", next(each for each in AREAS if each.trust == area.trust)
    council = Organisation(f"ZLA{here}", area.council, "council", area)
    trust = Organisation(f"ZTR{area.trust:02}", f"{seat.name} Hospitals NHS Trust", "trust", seat)
    emergency = Organisation(
        f"ZED{area.trust:02}", f"{seat.name} Emergency Department", "site", seat, within=trust.ods_code
    )
    return Services(
        area=area,
        authority=council,
        maternity=trust,
        emergency_department=emergency,
        health_visiting=Organisation(f"ZHV{here}", f"{area.name} Health Visiting", "provider", area),
        school_nursing=Organisation(f"ZSN{here}", f"{area.name} School Nursing", "provider", area),
        practices=tuple(
            Organisation(f"ZGP{here}{place + 1:02}", f"{_TREES[place]} Lane Surgery, {area.name}", "practice", area)
            for place in range(3 + round(area.share * 80))
        ),
        centres=tuple(
            Organisation(f"ZCC{here}{place + 1:02}", f"{bird} Family Hub, {area.name}", "hub", area, council.ods_code)
            for place, bird in enumerate(_BIRDS[: 2 + round(area.share * 60)])
        ),
    )


def every() -> list[Organisation]:
    """Every organisation, each once."""
    around_families = chain.from_iterable(services(area).all() for area in AREAS)
    others = (PARENT_APP, AUDITOR, WITHOUT_PURPOSE)
    return list({each.ods_code: each for each in chain(around_families, others)}.values())


def organisations(seed: int) -> list[Entry]:
    """Every organisation as a resource that it records itself."""
    return [_entry(organisation, seed) for organisation in every()]


def _entry(organisation: Organisation, seed: int) -> Entry:
    random = chance.seeded("organisation", seed, organisation.ods_code)
    return Entry(
        _resource(organisation, random),
        organisation.ods_code,
        entry.key("organisation", seed, organisation.ods_code),
        entry.at(_OPENED, 9),
    )


def _resource(organisation: Organisation, random: Random) -> dict[str, Any]:
    identifiers = [{"system": systems.ODS_CODE, "value": organisation.ods_code}]
    if organisation.kind == "council":
        identifiers.append({"system": _GSS_CODE, "value": f"E99999{organisation.area.number:03}"})
    resource: dict[str, Any] = {
        "resourceType": "Organization",
        "identifier": identifiers,
        "active": True,
        "name": organisation.name,
        "telecom": [{"system": "phone", "value": addresses.landline(organisation.area, random), "use": "work"}],
        "address": [addresses.home(organisation.area, random).as_address("work")],
    }
    if organisation.kind in _ROLES:
        code, display = _ROLES[organisation.kind]
        resource["type"] = [{"coding": [{"system": _ROLE, "code": code, "display": display}]}]
    elif organisation.kind == "hub":
        resource["type"] = [{"text": "Best Start Family Hub"}]
    if organisation.within:
        identifier = {"system": systems.ODS_CODE, "value": organisation.within}
        resource["partOf"] = {"type": "Organization", "identifier": identifier}
    return resource

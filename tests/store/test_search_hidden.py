"""By what a caller is not shown of somebody, that one is neither found, nor missed, nor placed.

https://hl7.org/fhir/R4/security-labels.html (REDACTED)

Two children are alike in all that the caller is shown. Of one there is an address, a telephone number, a practice; of the
other there is nothing. A third, of whom everything is shown, has the same as the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from app.fhir import search_index, search_parameters, systems
from app.policy import asking
from app.store import database as store
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts
from tests.store.conftest import NewDatabase
from tests.store.drafts import draft
from tests.store.search_world import answer, find

Json = dict[str, Any]

CENTRE = records.CENTRE
_IDENTIFIER = {"system": "https://hospital.example", "value": "H-77", "type": {"text": "Hospital number"}}
_DETAILS: Json = {
    "address": [{"use": "home", "city": "Leeds", "postalCode": "LS1 1AA", "country": "GBR", "state": "Yorkshire"}],
    "telecom": [{"system": "phone", "value": "07700900142"}, {"system": "email", "value": "a@example.org"}],
}
_PLACES: Json = {
    "managingOrganization": {"type": "Organization", **records.organization("RX902")},
    "photo": [{"title": "at home"}],
}


@dataclass(frozen=True)
class Alike:
    """`told` has what is hidden, `silent` has none of it; `open` has it and shows it. `practice` is referred to."""

    database: store.Database
    told: UUID
    silent: UUID
    open: UUID
    practice: UUID
    content: Json


@pytest_asyncio.fixture(scope="module", params=["location", "contact"])
async def alike(new_database: NewDatabase, request: pytest.FixtureRequest) -> Alike:
    database = await new_database()
    practice = records.example("organization-childrens-centre") | {"name": "Hidden practice"}
    (kept,) = await drafts.create(database, draft(practice, "CC901"))
    hidden = dict(_DETAILS)
    if request.param == "location":
        doctor = {"reference": f"Organization/{kept.id}", "type": "Organization"}
        hidden |= _PLACES | {"generalPractitioner": [doctor], "tags": [{"system": "urn:places", "code": "refuge"}]}
    told, silent, shown = (synthetic(50_000 + 10 * n) for n in range(3))
    patients = [_patient(told, hidden), _patient(silent, {}), _patient(shown, hidden)]
    if request.param == "location":
        patients = [records.restricted(each, level) for each, level in zip(patients, "RRN", strict=True)]
    consents = [_consent(number, request.param == "contact" and number != shown) for number in (told, silent, shown)]
    one, other, third = await drafts.create(database, *(draft(each) for each in patients))
    relatives = [drafts.relative(number, drafts.MOTHER) for number in (told, silent, shown)]
    await drafts.create(database, *(draft(each) for each in (*relatives, *consents)))
    return Alike(database, one.id, other.id, third.id, kept.id, patients[0])


def _patient(number: str, hidden: Json) -> Json:
    plain = drafts.patient(number, address=None, telecom=None, generalPractitioner=None, managingOrganization=None)
    elements = {name: value for name, value in hidden.items() if name != "tags"}
    identifiers = [*plain["identifier"], *([_IDENTIFIER] if "photo" in hidden else [])]
    meta = {"meta": {"tag": hidden["tags"]}} if "tags" in hidden else {}
    return plain | elements | meta | {"identifier": identifiers}


def _consent(number: str, without_contact: bool) -> Json:
    whole = drafts.agreed(number)
    if without_contact:
        whole["provision"]["code"] = whole["provision"]["code"][:1]
    return whole


def _hidden(alike: Alike) -> list[str]:
    """The parameters that have a value of the one and not of the other."""
    codes = {token.partition("#")[0].partition(":")[0] for token in search_index.index(alike.content).tokens}
    located = "managingOrganization" in alike.content
    told = {code: asking.told("Patient", [code]) for code in codes}
    return sorted(code for code in codes if (told[code].location and located) or told[code].contact)


def _questions(alike: Alike) -> Iterator[tuple[str, str, bool]]:
    """What may be asked by what is hidden, and whether whoever has it, and shows it, is found."""
    indexed, codes = search_index.index(alike.content), _hidden(alike)
    for code in codes:
        yield f"{code}:missing", "true", False
        yield f"{code}:missing", "false", True
    for token in indexed.tokens:
        base, _, value = token.partition("#")
        code = base.partition(":")[0]
        if (
            code not in codes
            or not value
            or systems.NHS_NUMBER in value
            or value.endswith(alike.content["identifier"][0]["value"])
        ):
            continue
        is_by_identifier = "|" in value and code in ("general-practitioner", "organization")
        name = f"{code}:identifier" if is_by_identifier else base
        yield name, value.removeprefix("|"), True
        if not is_by_identifier and search_parameters.parameters("Patient").get(code, None) is not None:
            parameter = search_parameters.parameters("Patient")[code]
            if parameter.type == "token" and ":" not in base:
                yield f"{code}:not", value.removeprefix("|"), False
    for key, folded, exact in indexed.strings:
        code = key.partition(".")[2]
        if code in codes:
            yield code, folded, True
            yield f"{code}:exact", exact, True
            yield f"{code}:contains", folded[1:] if len(folded) > 3 else folded, True


async def test_neither_is_found_or_both(alike: Alike) -> None:
    asked = list(_questions(alike))
    assert len(asked) > 30
    for name, value, is_found in asked:
        page = await find(alike.database, CENTRE, "Patient", (name, value))
        found = {row.id for row in page.rows}
        assert (alike.open in found) == is_found, f"{name}={value}"
        assert (alike.told in found) == (alike.silent in found), f"{name}={value}"
        assert (alike.told in found) != is_found, f"{name}={value}: as if it were not there"
        assert page.total == len(found)


async def test_it_places_nobody(alike: Alike) -> None:
    orders = [
        code for code in _hidden(alike) if code in search_parameters.parameters("Patient")
        and search_parameters.parameters("Patient")[code].type in ("string", "token")
    ]  # fmt: skip
    assert len(orders) > 5
    for code in orders:
        for direction in ("", "-"):
            page = await find(alike.database, CENTRE, "Patient", ("_sort", f"{direction}{code}"))
            last_two = sorted((alike.told, alike.silent), reverse=bool(direction))
            assert [row.id for row in page.rows] == [alike.open, *last_two], f"{direction}{code}"


@pytest.mark.parametrize("alike", ["location"], indirect=True)
async def test_no_link_leads_to_it_or_from_it(alike: Alike) -> None:
    chained = await find(alike.database, CENTRE, "Patient", ("general-practitioner:Organization.name", "Hidden"))
    assert [row.id for row in chained.rows] == [alike.open]
    for kept in (alike.told, alike.silent):
        asked = ("_has:Patient:general-practitioner:_id", str(kept))
        assert (await find(alike.database, CENTRE, "Organization", asked)).total == 0
        forth = ("_include", "Patient:general-practitioner")
        _, included = await answer(alike.database, CENTRE, "Patient", ("_id", str(kept)), forth)
        assert included.rows == ()
    asked = ("_has:Patient:general-practitioner:_id", str(alike.open))
    assert (await find(alike.database, CENTRE, "Organization", asked)).total == 1
    back = ("_revinclude", "Patient:general-practitioner")
    _, included = await answer(alike.database, CENTRE, "Organization", back)
    assert [row.id for row in included.rows] == [alike.open]

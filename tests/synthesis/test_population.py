"""A population is valid, invented, and the same each time."""

import re
from collections import Counter
from itertools import chain
from math import gcd

import pytest

from app.fhir import systems, validation
from app.fhir.nhs_number import NHSNumber
from app.synthesis import nhs_numbers, population, stories
from app.synthesis.entry import Entry
from tests.synthesis.records import NOW, TODAY, identifiers, of_type, own_number, phones, strings

# Ofcom's numbers for drama: mobile, London, no area.
_FICTITIOUS = re.compile(r"07700 900\d{3}|020 7946 0\d{3}|01632 960\d{3}")
# No postcode area begins with Z but ZE.
_POSTCODE = re.compile(r"Z[A-DF-Z]\d{1,2} \d[A-Z]{2}")


@pytest.fixture(scope="module")
def families() -> list[list[Entry]]:
    return list(population.families(300, 7, TODAY))


@pytest.fixture(scope="module")
def everything(families: list[list[Entry]]) -> list[Entry]:
    told = (story.entries for story in stories.stories(TODAY))
    return [*population.organisations(7), *chain.from_iterable(told), *chain.from_iterable(families)]


def test_there_are_as_many_children_as_asked_for(families: list[list[Entry]]) -> None:
    born = [each for each in of_type(chain.from_iterable(families), "Patient") if each.get("birthDate", "") > "2021"]
    assert len(born) == 300


def test_the_same_seed_and_day_give_the_same_population(families: list[list[Entry]]) -> None:
    assert list(population.families(300, 7, TODAY)) == families
    assert population.organisations(7) == population.organisations(7)


def test_another_seed_gives_another_population(families: list[list[Entry]]) -> None:
    others = list(population.families(300, 8, TODAY))
    assert others != families
    assert _numbers(others).isdisjoint(_numbers(families))
    assert population.organisations(8) != population.organisations(7)


def test_a_small_population_is_the_beginning_of_a_large_one(families: list[list[Entry]]) -> None:
    fewer = list(population.families(100, 7, TODAY))
    assert fewer[:-1] == families[: len(fewer) - 1]


def test_every_resource_passes_the_gate(everything: list[Entry]) -> None:
    assert {entry.resource["resourceType"] for entry in everything} == {
        *(
            "Organization",
            "Patient",
            "RelatedPerson",
            "Consent",
            "CommunicationRequest",
            "Flag",
            "CarePlan",
            "CareTeam",
            "Encounter",
            "Observation",
        ),
    }
    for entry in everything:
        assert validation.faults(entry.resource) == [], entry


def test_nothing_is_recorded_after_today(everything: list[Entry]) -> None:
    assert all(entry.recorded < NOW for entry in everything)


def test_no_two_people_have_one_nhs_number(everything: list[Entry]) -> None:
    counted = Counter(own_number(each) for each in of_type(everything, "Patient"))
    assert counted
    assert set(counted.values()) == {1}


def test_every_nhs_number_is_synthetic(everything: list[Entry]) -> None:
    numbers = {number for entry in everything for number in identifiers(entry.resource, systems.NHS_NUMBER)}
    assert len(numbers) > 500
    assert all(NHSNumber.parse(number).is_synthetic for number in numbers)


def test_families_never_run_into_each_others_numbers_or_the_stories() -> None:
    assert gcd(nhs_numbers._STRIDE, nhs_numbers._NUMBERS) == 1
    numbers = [number for family in range(5000) for number in nhs_numbers.of_family(7, family)]
    assert len(set(numbers)) == len(numbers) == 5000 * nhs_numbers.PER_FAMILY
    last = nhs_numbers._number(nhs_numbers._FIRST_OF_FAMILIES, nhs_numbers._NUMBERS - 1)
    assert all(number <= last < nhs_numbers.of_story(0) for number in numbers)
    with pytest.raises(ValueError, match="9000000 families"):
        next(nhs_numbers.of_family(7, nhs_numbers.MOST_FAMILIES))


def test_nobody_can_be_reached(everything: list[Entry]) -> None:
    found = {number for entry in everything for number in phones(entry.resource)}
    assert found
    assert not {number for number in found if not _FICTITIOUS.fullmatch(number)}
    addresses = [address for entry in everything for address in entry.resource.get("address", ())]
    assert addresses
    assert all(_POSTCODE.fullmatch(address["postalCode"]) for address in addresses)


def test_keys_are_unique_and_references_point_back(families: list[list[Entry]], everything: list[Entry]) -> None:
    keys = [entry.key for entry in everything]
    assert len(set(keys)) == len(keys)
    told = [story.entries for story in stories.stories(TODAY)]
    referred = 0
    for family in [*families, *told]:
        known: set[str] = set()
        for entry in family:
            named = {text for text in strings(entry.resource) if text.startswith("urn:uuid:")}
            assert named <= known, entry
            known.add(entry.key)
            referred += len(named)
    assert referred


def test_every_organisation_named_is_one_of_ours(everything: list[Entry]) -> None:
    own = {code for each in of_type(everything, "Organization") for code in identifiers(each, systems.ODS_CODE)}
    named = {code for entry in everything for code in identifiers(entry.resource, systems.ODS_CODE)}
    assert named == own
    assert {entry.custodian for entry in everything} <= own


def _numbers(families: list[list[Entry]]) -> set[str]:
    return {own_number(each) for each in of_type(chain.from_iterable(families), "Patient")}

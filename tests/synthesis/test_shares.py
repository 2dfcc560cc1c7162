"""A population is like England's, as far as the shares are known. Twenty thousand children are enough to tell.

Of something that happens to n of them by chance, two thirds of the time it is within the square root of n.
"""

from collections import Counter, defaultdict
from datetime import date
from itertools import chain
from typing import Any

import pytest

from app.fhir import systems
from app.synthesis import population
from app.synthesis.entry import Entry
from app.synthesis.geography import AREAS
from tests.synthesis.records import TODAY, of_type, own_number

CHILDREN = 20_000


@pytest.fixture(scope="module")
def families() -> list[list[Entry]]:
    return list(population.families(CHILDREN, 11, TODAY))


@pytest.fixture(scope="module")
def everything(families: list[list[Entry]]) -> list[Entry]:
    return list(chain.from_iterable(families))


@pytest.fixture(scope="module")
def children(everything: list[Entry]) -> list[dict[str, Any]]:
    return [each for each in of_type(everything, "Patient") if each.get("birthDate", "") > "2021"]


@pytest.fixture(scope="module")
def plans(everything: list[Entry]) -> Counter[tuple[str, str]]:
    return Counter((flag["status"], flag["category"][0]["coding"][0]["code"]) for flag in of_type(everything, "Flag"))


@pytest.mark.parametrize(
    ("kind", "in_ten_thousand"),
    [(systems.CHILD_PROTECTION_PLAN, 43), (systems.LOOKED_AFTER, 40)],
    ids=["child protection plan", "looked after"],
)
def test_plans_are_as_common_as_nationally(plans: Counter[tuple[str, str]], kind: str, in_ten_thousand: int) -> None:
    assert plans["active", kind] == pytest.approx(in_ten_thousand * CHILDREN / 10_000, rel=0.35)


def test_some_plans_have_ended_some_were_errors_and_some_are_for_the_unborn(plans: Counter[tuple[str, str]]) -> None:
    assert plans["inactive", systems.CHILD_PROTECTION_PLAN] + plans["inactive", systems.LOOKED_AFTER] > 50
    assert plans["entered-in-error", systems.CHILD_PROTECTION_PLAN] > 0
    assert 0 < plans["active", systems.UNBORN_PLAN] < 30


def test_a_plan_is_within_the_life_it_is_about(everything: list[Entry], children: list[dict[str, Any]]) -> None:
    born = {own_number(child): child["birthDate"] for child in children}
    flags = [flag for flag in of_type(everything, "Flag") if flag["subject"]["identifier"]["value"] in born]
    assert flags
    for flag in flags:
        period = flag["period"]
        assert born[flag["subject"]["identifier"]["value"]] <= period["start"] <= period.get("end", TODAY.isoformat())
        assert ("end" in period) is (flag["status"] == "inactive")


def test_births_are_spread_over_five_years(children: list[dict[str, Any]]) -> None:
    ages = Counter((TODAY - date.fromisoformat(child["birthDate"])).days // 365 for child in children)
    assert sorted(ages) == [0, 1, 2, 3, 4]
    assert all(number == pytest.approx(CHILDREN / 5, rel=0.15) for number in ages.values())
    boys = sum(child["gender"] == "male" for child in children)
    assert boys / CHILDREN == pytest.approx(0.513, abs=0.015)


def test_births_are_spread_over_the_areas(children: list[dict[str, Any]]) -> None:
    found = Counter(child["address"][0]["city"] for child in children)
    for area in AREAS:
        assert found[area.name] / CHILDREN == pytest.approx(area.share, rel=0.2), area.name


def test_most_children_have_no_sibling_under_five_and_none_has_more_than_three(
    families: list[list[Entry]], children: list[dict[str, Any]]
) -> None:
    numbers = {own_number(child) for child in children}
    sizes = Counter(sum(own_number(each) in numbers for each in of_type(family, "Patient")) for family in families)
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert sizes[1] / sum(number for size, number in sizes.items() if size) == pytest.approx(0.70, abs=0.03)


def test_parents_have_responsibility_in_the_usual_ways(everything: list[Entry]) -> None:
    bases: Counter[str] = Counter()
    for relative in of_type(everything, "RelatedPerson"):
        extensions = relative.get("extension", [{"valueCodeableConcept": {"coding": [{"code": "none"}]}}])
        bases[extensions[0]["valueCodeableConcept"]["coding"][0]["code"]] += 1
    assert set(bases) == {
        *("birth-mother", "birth-registration", "marriage-or-civil-partnership", "agreement", "court-order"),
        *("adoption-order", "none"),
    }
    assert bases["birth-mother"] > 0.95 * CHILDREN
    assert 0.01 * CHILDREN < bases["none"] < 0.05 * CHILDREN


def test_every_answer_is_given_and_most_were_never_asked(
    everything: list[Entry], children: list[dict[str, Any]]
) -> None:
    by_child: defaultdict[str, set[tuple[str, str, bool, bool]]] = defaultdict(set)
    for consent in of_type(everything, "Consent"):
        provision = consent["provision"]
        over = provision.get("period", {}).get("end", "9999") < TODAY.isoformat()
        said = (consent["status"], provision["type"], "provision" in provision, over)
        by_child[consent["patient"]["identifier"]["value"]].add(said)
    answers = Counter(tuple(sorted(by_child[number])) for number in map(own_number, children) if number in by_child)
    asked = sum(answers.values())
    assert 0.4 < asked / CHILDREN < 0.5
    agreed, refused = ("active", "permit", False, False), ("active", "deny", False, False)
    all_but_one, withdrawn = ("active", "permit", True, False), ("inactive", "permit", False, False)
    expired = ("active", "permit", False, True)
    assert answers[agreed,] > 0.25 * CHILDREN
    for few in ((refused,), (all_but_one,), (withdrawn,), (expired,), (refused, agreed)):
        assert 0.004 * CHILDREN < answers[few] < 0.08 * CHILDREN, few
    undated = [consent for consent in of_type(everything, "Consent") if "dateTime" not in consent]
    assert len(undated) > 0.004 * CHILDREN


def test_a_few_are_restricted_dead_or_have_another_number(
    everything: list[Entry], children: list[dict[str, Any]]
) -> None:
    restricted = Counter(child["meta"]["security"][0]["code"] for child in children if "meta" in child)
    assert 20 < restricted["R"] < 120
    assert 1 < restricted["V"] < 40
    assert 30 < sum("deceasedDateTime" in child for child in children) < 140
    replaced = [patient for patient in of_type(everything, "Patient") if not patient["active"]]
    assert 10 < len(replaced) < 60
    current = {own_number(child) for child in children}
    assert {patient["link"][0]["other"]["identifier"]["value"] for patient in replaced} <= current


def test_pregnancies_go_on_end_in_a_birth_or_are_lost(everything: list[Entry]) -> None:
    found = Counter(
        extension["valueCode"]
        for patient in of_type(everything, "Patient")
        for extension in patient.get("extension", ())
        if extension["url"] == systems.PREGNANCY
    )
    assert set(found) == {"ongoing", "live-birth", "loss"}
    assert 0.08 * CHILDREN < found["ongoing"] < 0.16 * CHILDREN
    assert found["loss"] < 0.02 * CHILDREN


def test_nobody_is_to_ring_a_family_whose_child_died(everything: list[Entry], children: list[dict[str, Any]]) -> None:
    dead = {own_number(child) for child in children if "deceasedDateTime" in child}
    about = [r for r in of_type(everything, "CommunicationRequest") if r["subject"]["identifier"]["value"] in dead]
    assert about
    assert {request["status"] for request in about} == {"revoked"}


def test_services_tell_each_other_things(everything: list[Entry]) -> None:
    requests = of_type(everything, "CommunicationRequest")
    assert {request["category"][0]["coding"][0]["code"] for request in requests} == {
        *("family-contact", "appointment", "professional-notice", "child-protection-access-notice"),
    }
    assert {request["status"] for request in requests} == {"active", "completed", "revoked"}


def test_a_plan_of_a_restricted_family_was_there_before_the_restriction(families: list[list[Entry]]) -> None:
    restricted = [family for family in families if any("meta" in each for each in of_type(family, "Patient"))]
    with_plan = [family for family in restricted if of_type(family, "Flag")]
    assert restricted
    for family in with_plan:
        types = [entry.resource["resourceType"] for entry in family]
        assert types.index("Flag") < types.index("Patient")


def test_births_of_the_last_weeks_have_what_is_recorded_at_one(everything: list[Entry]) -> None:
    weights = [each["valueQuantity"]["value"] for each in of_type(everything, "Observation") if _is(each, "364589006")]
    weeks = [each["valueQuantity"]["value"] for each in of_type(everything, "Observation") if _is(each, "268477000")]
    births = of_type(everything, "Encounter")
    assert len(births) == len(weights) == len(weeks) == pytest.approx(CHILDREN * 56 / (5 * 365), rel=0.25)
    assert sum(weights) / len(weights) == pytest.approx(3330, rel=0.03)
    assert 0.03 < sum(each < 37 for each in weeks) / len(weeks) < 0.12


def _is(observation: dict[str, Any], code: str) -> bool:
    return bool(observation["code"]["coding"][0]["code"] == code)

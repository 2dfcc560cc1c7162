"""A rule that is compiled by hand says what its FHIRPath says: of the examples, and of each with one thing changed.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint.expression
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from app.fhir import invariants_cradle, profile_rules, schema_profiles, validation
from app.fhir.schema_definitions import FOLDER
from app.fhir.schema_elements import Constraint
from app.fhir.schema_profiles import Profile
from tests.fhir import one_change

Json = dict[str, Any]

_PATHS = sorted((FOLDER / "examples").glob("**/*.json"))
EXAMPLES: list[Json] = [json.loads(path.read_text("utf-8")) for path in _PATHS if path.stem != "expected"]
MOST_CHANGES = 150  # of each example, the same every time
# What FHIRPath cannot say whole: whether a host is public is seen from its number.
STRICTER = ("cradle-subscription-1",)


def _compiled_by_hand() -> Iterator[tuple[str, Profile, Constraint]]:
    for url, profile in schema_profiles.profiles().items():
        for element in profile.structure.elements:
            for constraint in element.constraints:
                if constraint.key in invariants_cradle.PROFILE_RULES:
                    yield f"{url.rpartition('/')[2]} {constraint.key}", profile, constraint


BY_HAND = list(_compiled_by_hand())


def test_some_rules_are_compiled_by_hand() -> None:
    assert len(BY_HAND) >= 18


@pytest.mark.parametrize(("_", "profile", "constraint"), BY_HAND, ids=[each[0] for each in BY_HAND])
def test_a_function_says_what_its_expression_says(_: str, profile: Profile, constraint: Constraint) -> None:
    structure = schema_profiles.snapshot(profile)
    root = structure.element(structure.type)
    assert root is not None
    expressed = profile_rules.expressed(structure, root, constraint)
    by_hand = invariants_cradle.PROFILE_RULES[constraint.key]
    gate = validation._gate(profile)
    seen = {True: 0, False: 0}
    told: set[str] = set()
    for example in (each for each in EXAMPLES if each.get("resourceType") == structure.type):
        changes = list(one_change.everywhere(example))
        few = random.Random(len(changes)).sample(changes, min(MOST_CHANGES, len(changes)))
        huge = [each for each in changes if one_change.HUGE in json.dumps(each)]
        for changed in (example, *few, *huge):
            text = json.dumps(changed, sort_keys=True)
            if text in told or not gate.validator.is_valid(changed):
                continue  # the rules rely on the shape
            told.add(text)
            broken = bool(list(by_hand(changed)))
            assert bool(list(expressed(changed))) is broken or (broken and constraint.key in STRICTER), text[:2000]
            seen[broken] += 1
    assert min(seen.values()) > 0, seen

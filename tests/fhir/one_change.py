"""A resource with one thing left out, added, doubled or replaced, at any depth: right or wrong afterwards, as it happens."""

import copy
from collections.abc import Iterator
from typing import Any

_OTHER = (
    "x",
    "https://example.org/system",
    "https://fhir.nhs.uk/Id/nhs-number",
    "https://fhir.nhs.uk/Id/ods-organization-code",
    "CareTeam/1",
    "CarePlan/1",
    "Patient/1",
    "Group/1",
    "CarePlan",
    "CareTeam",
    "permit",
    "deny",
    "IRCP",
    "inactive",
    "home",
    True,
    False,
)
HUGE = "QUJD" * 200_000
EXTENSION = {"url": "https://example.org/more", "valueBoolean": True}


def everywhere(value: Any) -> Iterator[Any]:
    """The same with one thing left out, doubled or replaced, at any depth."""
    match value:
        case dict():
            yield {**value, "extension": [EXTENSION]}
            for name, child in value.items():
                if name != "resourceType":
                    yield {key: each for key, each in value.items() if key != name}
                    yield from ({**value, name: changed} for changed in everywhere(child))
                if name == "data":
                    yield {**value, name: HUGE}
        case list():
            for index, child in enumerate(value):
                if len(value) > 1:
                    yield [*value[:index], *value[index + 1 :]]
                yield [*value, copy.deepcopy(child)]
                yield from ([*value[:index], changed, *value[index + 1 :]] for changed in everywhere(child))
        case str() | bool():
            yield from (other for other in _OTHER if type(other) is type(value) and other != value)

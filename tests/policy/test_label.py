"""Security labels of resources, permits and refusals.

https://hl7.org/fhir/R4/security-labels.html
"""

import pytest

from app.fhir import systems
from app.policy import label


def conf(code: str) -> dict[str, str]:
    return {"system": systems.CONFIDENTIALITY, "code": code}


def act(code: str) -> dict[str, str]:
    return {"system": systems.ACT_CODE, "code": code}


NORMAL, RESTRICTED, VERY, ABOVE = label.NORMAL, label.RESTRICTED, label.VERY_RESTRICTED, label.ABOVE_ALL
PSY, SDV = frozenset({"PSY"}), frozenset({"SDV"})
NOWHERE = {"system": "http://example.org/label", "code": "N"}


@pytest.mark.parametrize(
    ("security", "category", "expected"),
    [
        pytest.param(None, "demographics", label.Label(NORMAL), id="unlabelled demographics are normal"),
        pytest.param(None, "health", label.Label(RESTRICTED), id="unlabelled health is restricted"),
        pytest.param(None, "child-protection", label.Label(VERY), id="unlabelled child protection is very restricted"),
        pytest.param(None, "weather", label.Label(VERY), id="an unknown category is very restricted"),
        pytest.param([conf("N")], "health", label.Label(NORMAL), id="its own label goes before its category's"),
        pytest.param([conf("N"), conf("R")], "health", label.Label(RESTRICTED), id="the highest of two"),
        pytest.param([act("PSY")], "contact", label.Label(NORMAL, PSY), id="a sensitivity beside the category's level"),
        pytest.param([conf("R"), act("NOPAT")], "health", label.Label(RESTRICTED), id="handling is no sensitivity"),
        pytest.param([conf("X")], "contact", label.Label(VERY), id="an unknown level"),
        pytest.param([conf("N"), NOWHERE], "contact", label.Label(VERY), id="an unknown system beside a known level"),
        pytest.param([{"code": "N"}], "contact", label.Label(VERY), id="a level without its system"),
        pytest.param([conf("PSY")], "contact", label.Label(VERY), id="a sensitivity of the deprecated copy"),
        pytest.param(["N"], "contact", label.Label(VERY), id="a text"),
        pytest.param([{"system": systems.ACT_REASON, "code": "HTEST"}], "contact", label.Label(NORMAL), id="test data"),
        pytest.param(
            [{"system": systems.CONFIDENTIALITY.replace("http:", "https:"), "code": "R"}],
            "contact",
            label.Label(RESTRICTED),
            id="the system written with https",
        ),
    ],
)
def test_the_label_of_a_resource(security: object, category: str, expected: label.Label) -> None:
    assert label.of({"meta": {"security": security}}, category) == expected


@pytest.mark.parametrize("resource", [{}, {"meta": None}, {"meta": []}, {"meta": {"security": None}}])
def test_a_resource_without_labels_has_its_categorys(resource: dict[str, object]) -> None:
    assert label.of(resource, "contact") == label.Label(NORMAL)


@pytest.mark.parametrize(
    ("labels", "ceiling", "floor"),
    [
        pytest.param(None, label.Label(RESTRICTED), label.Label(0), id="none: to restricted, from everything"),
        pytest.param([conf("N")], label.Label(NORMAL), label.Label(NORMAL), id="that or lower, that or higher"),
        pytest.param([conf("N"), conf("V")], label.Label(VERY), label.Label(NORMAL), id="either of two"),
        pytest.param([act("PSY")], label.Label(RESTRICTED, PSY), label.Label(ABOVE, PSY), id="a sensitivity alone"),
        pytest.param([conf("N"), act("SDV")], label.Label(NORMAL, SDV), label.Label(NORMAL, SDV), id="with a level"),
        pytest.param([conf("R"), NOWHERE], label.Label(RESTRICTED), label.Label(0), id="one that cannot be read"),
        pytest.param([NOWHERE], None, label.Label(0), id="only such"),
        pytest.param([], None, label.Label(0), id="an empty list"),
        pytest.param("R", None, label.Label(0), id="a text"),
        pytest.param([act("NORDSCLCD")], None, label.Label(0), id="handling names no data"),
    ],
)
def test_a_permit_reaches_down_from_its_label_and_a_refusal_up(
    labels: object, ceiling: label.Label | None, floor: label.Label
) -> None:
    assert label.ceiling(labels) == ceiling
    assert label.floor(labels) == floor

"""Purposes of use: which permits and which refusals reach a request.

https://terminology.hl7.org/CodeSystem-v3-ActReason.html
"""

import pytest

from app.fhir import systems
from app.policy import purpose


def act(code: str) -> str:
    return f"{systems.ACT_REASON}|{code}"


OUTREACH = f"{systems.PURPOSE}|early-years-outreach"


@pytest.mark.parametrize(
    ("stated", "asked", "permits", "refuses"),
    [
        pytest.param("TREAT", "TREAT", True, True, id="treatment is treatment"),
        pytest.param("TREAT", "ETREAT", True, True, id="emergency treatment is treatment"),
        pytest.param(
            "ETREAT", "TREAT", False, True, id="treatment may be emergency treatment, so only a refusal reaches it"
        ),
        pytest.param("ETREAT", "COC", False, False, id="siblings leave each other alone"),
        pytest.param("TREAT", "BTG", False, True, id="agreeing to treatment does not agree to breaking the glass"),
        pytest.param("ETREAT", "BTG", False, True, id="nor does agreeing to emergency treatment"),
        pytest.param("BTG", "BTG", True, True, id="breaking the glass by name"),
        pytest.param("BTG", "ETREAT", False, False, id="refusing to break the glass leaves emergency treatment"),
        pytest.param("BTG", "TREAT", False, False, id="and treatment"),
        pytest.param("HOPERAT", "HTEST", True, True, id="at any depth"),
        pytest.param("HTEST", "HOPERAT", False, True, id="at any height"),
        pytest.param("CAREMGT", "TREAT", False, False, id="care management is an operation, not a treatment"),
        pytest.param("PATRQT", "FAMRQT", True, True, id="the family's request is the patient's"),
    ],
)
def test_permits_reach_down_and_refusals_both_ways(stated: str, asked: str, permits: bool, refuses: bool) -> None:
    purposes = purpose.asked(act(asked))
    assert (act(stated) in purposes.permit) is permits
    assert (act(stated) in purposes.refuse) is refuses


def test_our_own_purposes_stand_alone() -> None:
    assert purpose.asked(OUTREACH) == purpose.Purposes(frozenset({OUTREACH}), frozenset({OUTREACH, "*"}))


@pytest.mark.parametrize(
    "unknown", [None, "", "TREAT", act("treat"), act("PurposeOfUse"), "http://example.org|TREAT", "*"]
)
def test_an_unknown_purpose_meets_no_permit_and_every_refusal(unknown: str | None) -> None:
    assert purpose.asked(unknown) == purpose.Purposes(frozenset(), purpose.KNOWN | {"*"})


@pytest.mark.parametrize("known", sorted(purpose.KNOWN))
def test_a_refusal_reaches_wherever_a_permit_does(known: str) -> None:
    purposes = purpose.asked(known)
    assert known in purposes.permit
    assert purposes.permit < purposes.refuse
    assert "*" in purposes.refuse
    assert "*" not in purposes.permit

"""SMART v2 scopes: what is one, and what a registration covers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.access import Scope
from app.security import scope
from app.security.oauth_error import InvalidScope

ORDERED = st.lists(st.sampled_from("cruds"), min_size=1, unique=True).map(
    lambda found: "".join(sorted(found, key="cruds".index))
)
SCOPES = st.builds(Scope, st.sampled_from(scope.LEVELS), st.sampled_from(("*", *scope.TYPES)), ORDERED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("system/Patient.rs", Scope("system", "Patient", "rs")),
        ("patient/Consent.crs", Scope("patient", "Consent", "crs")),
        ("user/Flag.cruds", Scope("user", "Flag", "cruds")),
        ("system/*.rs", Scope("system", "*", "rs")),
    ],
)
def test_a_scope_has_a_level_a_type_and_interactions(text: str, expected: Scope) -> None:
    assert scope.parse(text) == expected
    assert scope.written(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        *("system/Patient.read", "system/Patient.write", "system/Patient.*", "system/*.*", "system/*.read"),
        *("system/Patient.", "system/Patient", "system/.rs", "Patient.rs", "/Patient.rs", ""),
        *("system/Patient.sr", "system/Patient.dus", "system/Patient.rr", "system/Patient.x", "system/Patient.RS"),
        *("system/Patient.rs?identifier=9990000018", "system/Observation.rs?category=laboratory"),
        *("system/Nothing.rs", "system/patient.rs", "admin/Patient.rs", "SYSTEM/Patient.rs"),
        *("launch", "openid", "offline_access", "fhirUser", "system/Patient.rs\n", " system/Patient.rs"),
        "system/Pаtient.rs",  # a Cyrillic letter
    ],
)
def test_what_is_no_scope_of_version_2_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        scope.parse(text)


@given(st.text(alphabet="systempatienuser/*.crudsPFlag?=& ", max_size=30))
def test_nothing_else_is_ever_a_scope(text: str) -> None:
    try:
        parsed = scope.parse(text)
    except ValueError:
        return
    assert scope.written(parsed) == text
    assert re.fullmatch(r"(system|patient|user)/([A-Z][A-Za-z]+|\*)\.(?=.)c?r?u?d?s?", text)


@pytest.mark.parametrize(
    ("requested", "registered"),
    [
        ("system/Patient.rs", ["system/Patient.rs"]),
        ("system/Patient.r", ["system/Patient.rs"]),
        ("system/Patient.rs", ["system/*.rs"]),
        ("system/*.rs", ["system/*.cruds"]),
        ("system/Patient.rs system/Flag.s", ["system/Flag.rs", "system/Patient.cruds"]),
        (" system/Patient.rs  system/Patient.rs ", ["system/Patient.rs"]),
    ],
)
def test_covered_scopes_are_granted_as_they_were_asked_for(requested: str, registered: list[str]) -> None:
    assert scope.granted(requested, registered) == tuple(scope.parse(text) for text in dict.fromkeys(requested.split()))


@pytest.mark.parametrize(
    ("requested", "registered"),
    [
        ("system/Patient.rs", []),
        ("system/Patient.rs", ["system/Patient.r"]),
        ("system/Patient.rs", ["system/Patient.r", "system/Patient.s"]),  # one registration covers it, or none does
        ("system/*.rs", ["system/Patient.rs", "system/Flag.rs"]),
        ("system/*.rs", [f"system/{type}.rs" for type in scope.TYPES]),
        ("user/Patient.rs", ["system/Patient.rs"]),
        ("system/Patient.rs", ["patient/Patient.rs"]),
        ("system/Patient.rs system/Flag.rs", ["system/Patient.rs"]),
        ("system/Patient.rs", ["system/Patient.read", "system/Gone.rs", ""]),
    ],
)
def test_one_scope_that_is_not_covered_refuses_all(requested: str, registered: list[str]) -> None:
    with pytest.raises(InvalidScope):
        scope.granted(requested, registered)


def test_the_refusal_names_the_scope() -> None:
    with pytest.raises(InvalidScope, match=r"system/Flag\.cu is not registered"):
        scope.granted("system/Patient.rs system/Flag.cu", ["system/*.rs"])
    with pytest.raises(InvalidScope, match=r"system/Patient\.read is not served"):
        scope.granted("system/Patient.read", ["system/*.rs"])


@pytest.mark.parametrize(
    "text", ["system/Patient.rs?identifier=9990000018", 'x"\\', "ñ", "a" * 500, "\t", "system/Patient.rs\tx"]
)
def test_the_refusal_repeats_nothing_that_may_say_more_than_a_scope(text: str) -> None:
    with pytest.raises(InvalidScope) as refused:
        scope.granted(text, ["system/*.rs"])
    assert text not in refused.value.description


@pytest.mark.parametrize("requested", [None, "", " ", "   "])
def test_no_scope_is_not_every_scope(requested: str | None) -> None:
    with pytest.raises(InvalidScope, match="Name the scopes"):
        scope.granted(requested, ["system/*.cruds"])


@given(st.lists(SCOPES, max_size=4), st.lists(SCOPES, min_size=1, max_size=4))
def test_whatever_is_granted_was_registered(registered: list[Scope], requested: list[Scope]) -> None:
    try:
        granted = scope.granted(" ".join(map(scope.written, requested)), map(scope.written, registered))
    except InvalidScope:
        return
    assert set(granted) == set(requested)
    for each in granted:
        for type in scope.TYPES:
            for interaction in "cruds":
                if each.covers(type, interaction):
                    assert any(one.level == each.level and one.covers(type, interaction) for one in registered)


def test_every_supported_scope_is_one() -> None:
    assert len(scope.supported()) > 5
    assert all(scope.parse(text).level == "system" for text in scope.supported())

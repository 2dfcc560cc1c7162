"""Every rule that decides anything has its words, for the practitioner and for the parent.

Good practice in information sharing in the Foundation Years (2013), the golden rules
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.api import endpoint
from app.policy import explanation
from app.policy.explanation import EXPLANATIONS

FILES = sorted(Path(app.__path__[0]).rglob("*.py"))
# Who names a rule, and at which place among its arguments.
NAMING = {"Authority": 0, "Refusal": 0, "NoLook": 0, "Refused": 0, "practitioner": 0, "Entry": 5, "getattr": 2}
NOT_SHOWN_TO_PARENTS = {"child_protection_gateway"}


def named(*names: str) -> set[str]:
    """The rules that are written as an argument of these, anywhere in the application."""
    return {rule for path in FILES for rule in _named(ast.parse(path.read_text("utf-8")), names)}


def _named(tree: ast.Module, names: tuple[str, ...]) -> Iterator[str]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        place = NAMING[name] if name in names else None
        if place is not None and place < len(call.args) and (name != "getattr" or _is_rule(call.args[1])):
            yield from _texts(call.args[place])


def _is_rule(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and argument.value == "rule"


def _texts(argument: ast.expr) -> Iterator[str]:
    """A text, or both of a conditional."""
    match argument:
        case ast.Constant(str(value)):
            yield value
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)


def put_instead() -> set[str]:
    """The rules that are put in the place of another: `replace(entry, rule=...)`."""
    calls = [
        each for path in FILES for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Call)
    ]
    return {text for call in calls for each in call.keywords if each.arg == "rule" for text in _texts(each.value)}


REMEMBERED = {*endpoint.REMEMBERED.values(), endpoint.ANOTHER_VERSION, endpoint.TOO_MANY_LINKED}
USED, RELEASING = named(*NAMING) | put_instead() | REMEMBERED, named("Authority")


def test_some_rules_are_found() -> None:
    assert len(FILES) > 50
    assert {"own_data", "consent", "recipient", "family", "audit", "directory", "child_protection_gateway"} <= RELEASING
    assert RELEASING | {"purpose_required", "scope_required", "activity_code_required", "not_yours_to_write"} <= USED


@pytest.mark.parametrize("rule", sorted(USED))
def test_every_rule_has_a_text_for_the_practitioner(rule: str) -> None:
    assert explanation.practitioner(rule).endswith((".", ")."))


@pytest.mark.parametrize("rule", sorted(RELEASING))
def test_every_rule_that_releases_has_a_text_for_the_parent_or_says_that_there_is_none(rule: str) -> None:
    told = EXPLANATIONS[rule].parent
    assert (told is None) is (rule in NOT_SHOWN_TO_PARENTS)


def test_no_text_is_of_a_rule_that_decides_nothing() -> None:
    assert EXPLANATIONS.keys() == USED


@pytest.mark.parametrize("rule", sorted(EXPLANATIONS))
def test_a_text_is_a_whole_sentence_with_nothing_left_to_fill_in(rule: str) -> None:
    texts = (EXPLANATIONS[rule].practitioner, EXPLANATIONS[rule].parent)
    for text in texts:
        assert text is None or (text[0].isupper() and text.endswith(".") and "{" not in text)


def test_a_rule_without_texts_is_a_defect() -> None:
    with pytest.raises(KeyError):
        explanation.practitioner("because")

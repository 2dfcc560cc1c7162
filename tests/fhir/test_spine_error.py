"""The NHS's code of every refusal that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.fhir import errors, spine_error
from app.fhir.errors import FHIRError, Issue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api" / "errors.md"


def _kinds(base: type[FHIRError] = FHIRError) -> Iterator[type[FHIRError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


REFUSALS = sorted({kind for kind in _kinds() if kind.status >= 400}, key=lambda kind: kind.__name__)


def test_every_refusal_has_a_code() -> None:
    assert len(REFUSALS) > 15
    for kind in REFUSALS:
        error = FHIRError("x")
        error.status, error.code = kind.status, kind.code
        assert spine_error.code(error, error.issues[0]) in spine_error.DISPLAYS, kind


def test_no_code_is_without_a_refusal() -> None:
    named = {*spine_error.BY_ERROR.values(), *spine_error.BY_STATUS.values(), *spine_error.BY_ISSUE.values()}
    assert named == spine_error.DISPLAYS.keys()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Malformed("x"), "INVALID_VALUE"),
        (errors.MissingValue("x"), "MISSING_VALUE"),
        (errors.InvalidParameter("x"), "INVALID_SEARCH_DATA"),
        (errors.InvalidResourceId("x"), "INVALID_RESOURCE_ID"),
        (errors.NotFound(), "RESOURCE_NOT_FOUND"),
        (errors.Conflict("x"), "DUPLICATE_REJECTED"),
        (errors.VersionMismatch("x"), "RESOURCE_VERSION_MISMATCH"),
        (errors.PreconditionFailed("x"), "PRECONDITION_FAILED"),
        (errors.TooManyRequests(1), "TOO_MANY_REQUESTS"),
        (errors.TimedOut("x"), "SERVICE_UNAVAILABLE"),
    ],
)
def test_an_error_has_the_code_of_its_kind(error: FHIRError, code: str) -> None:
    assert spine_error.code(error, error.issues[0]) == code


def test_one_issue_of_several_may_say_more() -> None:
    error = errors.Unprocessable("x", issues=(Issue("required", "x"), Issue("invariant", "x")))
    assert [spine_error.code(error, issue) for issue in error.issues] == ["MISSING_VALUE", "INVALID_VALUE"]


def test_the_page_of_errors_has_every_one() -> None:
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in PAGE.read_text("utf-8").splitlines()]
    told = {tuple(row) for row in rows if len(row) == 3}
    for kind in REFUSALS:
        error = FHIRError("x")
        error.__class__ = kind
        issue = Issue(kind.code, "x")
        if kind.status != 422:  # whose issues have a code each
            assert (str(kind.status), kind.code, spine_error.code(error, issue)) in told, kind
    assert ("422", "as found", "INVALID_VALUE`, `MISSING_VALUE") in told

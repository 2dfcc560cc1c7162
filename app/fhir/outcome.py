"""OperationOutcomes.

https://hl7.org/fhir/R4/operationoutcome.html
"""

import json
from collections.abc import Iterable

from app.fhir import spine_error
from app.fhir.errors import FHIRError, Issue
from app.fhir.fault import Fault


def of(error: FHIRError) -> str:
    """The OperationOutcome of a refusal, each issue with its Spine code."""
    return _written([_issue(issue) | {"details": spine_error.details(error, issue)} for issue in error.issues])


def text(issues: Iterable[Issue]) -> str:
    """The JSON of an OperationOutcome that is no refusal."""
    return _written([_issue(issue) for issue in issues])


def _issue(issue: Issue) -> dict[str, object]:
    one: dict[str, object] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.diagnostics}
    if issue.expression:
        one["expression"] = [issue.expression]
    return one


def _written(listed: list[dict[str, object]]) -> str:
    return json.dumps({"resourceType": "OperationOutcome", "issue": listed}, ensure_ascii=False, separators=(",", ":"))


def issues(faults: Iterable[Fault]) -> tuple[Issue, ...]:
    """What the gate found, as issues."""
    return tuple(Issue(fault.code, fault.diagnostics, fault.expression, fault.severity) for fault in faults)

"""OperationOutcomes.

https://hl7.org/fhir/R4/operationoutcome.html
"""

import json
from collections.abc import Iterable

from app.fhir.errors import Issue
from app.fhir.fault import Fault


def text(issues: Iterable[Issue]) -> str:
    """The JSON of an OperationOutcome."""
    listed = []
    for issue in issues:
        one: dict[str, object] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.diagnostics}
        if issue.expression:
            one["expression"] = [issue.expression]
        listed.append(one)
    return json.dumps({"resourceType": "OperationOutcome", "issue": listed}, ensure_ascii=False, separators=(",", ":"))


def issues(faults: Iterable[Fault]) -> tuple[Issue, ...]:
    """What the gate found, as issues."""
    return tuple(Issue(fault.code, fault.diagnostics, fault.expression) for fault in faults)

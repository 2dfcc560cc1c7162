"""One thing that is wrong with a resource, where, and how to mend it.

https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`expression` is FHIRPath from the resource's type; `code` is from http://hl7.org/fhir/issue-type:
    structure, required, value, code-invalid, extension, not-supported (what basic validation refuses) or invariant
    (HL7's rules and ours). `diagnostics` never holds a value that was sent. Only an `error` refuses; a `warning` is told by
    $validate.
    """

    expression: str
    code: str
    diagnostics: str
    severity: str = "error"

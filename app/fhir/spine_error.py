"""The code of a refusal in the NHS's own list, beside FHIR's issue code: Spine-ErrorOrWarningCode.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir

Derived from the kind of error alone, so that what is hidden and what is absent have the same code.
"""

from collections.abc import Mapping

from app.fhir import errors
from app.fhir.errors import FHIRError, Issue

SYSTEM = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"

DISPLAYS = {
    "ACCESS_DENIED": "Access has been denied to process this request",
    "DUPLICATE_REJECTED": "Create would lead to creation of a duplicate resource",
    "INTERNAL_SERVER_ERROR": "Unexpected internal server error",
    "INVALIDATED_RESOURCE": "Resource that has been marked as invalid was requested",
    "INVALID_METHOD": "The method is not allowed",
    "INVALID_RESOURCE_ID": "Resource Id is invalid",
    "INVALID_SEARCH_DATA": "Search data is invalid",
    "INVALID_VALUE": "Provided value is invalid",
    "MISSING_VALUE": "Required value is missing",
    "PRECONDITION_FAILED": "Required condition was not fulfilled",
    "RESOURCE_NOT_FOUND": "Resource not found",
    "RESOURCE_VERSION_MISMATCH": "Resource version mismatch",
    "SERVICE_UNAVAILABLE": "Service unavailable",
    "TOO_MANY_REQUESTS": "Too many requests have been made",
    "TOO_MANY_VALUES_SUBMITTED": "Too many values were submitted",
    "UNSUPPORTED_SERVICE": "Unsupported service",
}
BY_ERROR: Mapping[type[FHIRError], str] = {
    errors.InvalidParameter: "INVALID_SEARCH_DATA",
    errors.InvalidResourceId: "INVALID_RESOURCE_ID",
    errors.VersionMismatch: "RESOURCE_VERSION_MISMATCH",
}
BY_STATUS = {
    400: "INVALID_VALUE",
    401: "ACCESS_DENIED",
    403: "ACCESS_DENIED",
    404: "RESOURCE_NOT_FOUND",
    405: "INVALID_METHOD",
    406: "UNSUPPORTED_SERVICE",
    409: "DUPLICATE_REJECTED",
    410: "INVALIDATED_RESOURCE",
    412: "PRECONDITION_FAILED",
    413: "TOO_MANY_VALUES_SUBMITTED",
    415: "UNSUPPORTED_SERVICE",
    422: "INVALID_VALUE",
    429: "TOO_MANY_REQUESTS",
    431: "TOO_MANY_VALUES_SUBMITTED",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
BY_ISSUE = {"required": "MISSING_VALUE"}  # of a 400 or 422, where one issue says more than the whole


def code(error: FHIRError, issue: Issue) -> str:
    """The code of one issue of an error."""
    for kind, named in BY_ERROR.items():
        if isinstance(error, kind):
            return named
    if error.status in (400, 422) and issue.code in BY_ISSUE:
        return BY_ISSUE[issue.code]
    return BY_STATUS[error.status]


def details(error: FHIRError, issue: Issue) -> dict[str, object]:
    """`OperationOutcome.issue.details` of one issue of an error."""
    named = code(error, issue)
    return {"coding": [{"system": SYSTEM, "version": "1", "code": named, "display": DISPLAYS[named]}]}

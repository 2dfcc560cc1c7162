"""What a caller is told when a request cannot be served: one exception, rendered as an OperationOutcome in one place.

https://hl7.org/fhir/R4/operationoutcome.html

The diagnostics say what is wrong and how to mend it. They never carry an NHS number, a name, SQL or a traceback.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Issue:
    """One `OperationOutcome.issue`. `code` is from http://hl7.org/fhir/issue-type, `expression` is FHIRPath."""

    code: str
    diagnostics: str
    expression: str | None = None
    severity: str = "error"


class FHIRError(Exception):
    """A refusal with an HTTP status. Subclasses fix the status and the issue code."""

    status = 500
    code = "exception"

    def __init__(self, diagnostics: str, *, expression: str | None = None, issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(diagnostics)
        self.issues = issues or (Issue(self.code, diagnostics, expression),)


class Malformed(FHIRError):
    """400: the request cannot be understood."""

    status, code = 400, "structure"


class MissingValue(FHIRError):
    """400: something that every such request has to say was left out."""

    status, code = 400, "required"


class InvalidValue(FHIRError):
    """400: a header whose value cannot be meant."""

    status, code = 400, "value"


class InvalidResourceId(FHIRError):
    """400: no resource can have this id, or what was sent has another than the URL."""

    status, code = 400, "value"


class InvalidParameter(FHIRError):
    """400: a search parameter, modifier or value that is not served (R4 search, 3.1.1.2: strict handling)."""

    status, code = 400, "invalid"


class TooManyLinked(InvalidParameter):
    """400: more is at the end of a link of a search than it may go through, which tells how much the caller may see."""

    code = "too-costly"


class Unauthenticated(FHIRError):
    """401: no access token, or one that does not hold (RFC 6750 section 3.1)."""

    status, code = 401, "login"


class Forbidden(FHIRError):
    """403: refused on the token and the request alone; a refusal that depends on data is `NotFound`."""

    status, code = 403, "forbidden"


class NotFound(FHIRError):
    """404: absent, or hidden from this caller. The two are the same answer."""

    status, code = 404, "not-found"

    def __init__(self, advice: str = "") -> None:
        super().__init__(f"There is nothing here that you may see. {advice}".rstrip())


class NotServed(FHIRError):
    """404: no such URL, whoever asks and whatever is kept."""

    status, code = 404, "not-found"


class MethodNotAllowed(FHIRError):
    """405."""

    status, code = 405, "not-supported"


class NotAcceptable(FHIRError):
    """406: only application/fhir+json is served."""

    status, code = 406, "not-supported"


class Conflict(FHIRError):
    """409: it is there already, or something else is being done to it."""

    status, code = 409, "conflict"


class VersionMismatch(Conflict):
    """409: If-Match names another version than the current one, as the NHS's Personal Demographics Service answers."""


class Gone(FHIRError):
    """410: deleted, told to whoever could see it. To all others it is `NotFound`."""

    status, code = 410, "deleted"

    def __init__(self) -> None:
        super().__init__("This was deleted. What it said is in its history: [base]/[type]/[id]/_history.")


class PreconditionFailed(FHIRError):
    """412: If-Match is missing where a version has to be named, or a conditional request matches more than one."""

    status, code = 412, "conflict"


class TooLarge(FHIRError):
    """413."""

    status, code = 413, "too-long"


class UnsupportedMediaType(FHIRError):
    """415."""

    status, code = 415, "not-supported"


class UnsupportedPatch(UnsupportedMediaType):
    """415 of a PATCH, with the header Accept-Patch (RFC 5789, 2.2)."""

    accept_patch = "application/json-patch+json, application/fhir+json"

    def __init__(self) -> None:
        super().__init__(f"Send a JSON Patch or a FHIRPath Patch (a Parameters resource): {self.accept_patch}.")


class Unprocessable(FHIRError):
    """422: well-formed, but against the base definition, a profile or a business rule."""

    status, code = 422, "invariant"


class TooManyRequests(FHIRError):
    """429: this client asks faster than it may."""

    status, code = 429, "throttled"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"This client sends too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after


class HeadersTooLarge(FHIRError):
    """431."""

    status, code = 431, "too-long"


class Unavailable(FHIRError):
    """503: nothing was released."""

    status, code = 503, "transient"
    retry_after = 1


class TimedOut(Unavailable):
    """503: the database took longer than a transaction may take."""

    code = "timeout"
    retry_after = 5

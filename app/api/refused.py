"""A refusal on the token and the request alone, with the rule that says why.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from app.fhir.errors import Forbidden
from app.policy import explanation


class Refused(Forbidden):
    """403, in the words of `policy.explanation`."""

    def __init__(self, rule: str) -> None:
        super().__init__(explanation.practitioner(rule))
        self.rule = rule

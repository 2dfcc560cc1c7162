"""What the NHS's services expect a request to say of who is behind it: held against what the token says.

https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir

Neither is needed, since the token says both and is what counts. But where one is sent, it may not say otherwise.
"""

import re

from starlette.requests import Request

from app.api.refused import Refused
from app.fhir.errors import InvalidValue
from app.policy.access import Caller

ORGANIZATION, ROLE = "nhsd-end-user-organisation-ods", "nhsd-session-urid"

_ROLE = re.compile(r"[0-9]{1,20}")


def check(request: Request, caller: Caller) -> None:
    """Raises InvalidValue for a role that is none, and Refused for an organisation that is not the caller's."""
    role = request.headers.get(ROLE)
    if role is not None and not _ROLE.fullmatch(role):
        raise InvalidValue("NHSD-Session-URID is the number of a role profile.")
    organization = request.headers.get(ORGANIZATION)
    if organization is not None and organization.strip().upper() != caller.organization.upper():
        raise Refused("another_organization")

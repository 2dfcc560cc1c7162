"""What is left out of a resource that is shown: where a restricted person is, and contact details nobody agreed to.

https://hl7.org/fhir/R4/security-labels.html (REDACTED); https://hl7.org/fhir/R4/extension-data-absent-reason.html

The location of a restricted person is left out without a word. Contact details that this caller may not see are marked as
masked, always and in the same way, so that the mark does not tell whether there are any.
"""

import json
from typing import Any

from app.fhir import systems
from app.policy import subtraction

_MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
_REDACTED = {"system": systems.OBSERVATION_VALUE, "code": "REDACTED", "display": "redacted"}


def shown(content: str, type: str, *, contact: bool, location: bool) -> str:
    """The text to serve. As it was stored, unless something has to be left out."""
    without_location = () if location else subtraction.LOCATION.get(type, ())
    without_contact = () if contact else subtraction.CONTACT.get(type, ())
    if not without_location and not without_contact:
        return content
    resource = json.loads(content)
    for element in without_contact:
        resource[element] = [_MASKED]
    if without_contact:
        meta = resource["meta"]
        meta["security"] = [*meta.get("security", ()), _REDACTED]
    if without_location:
        _remove_location(resource, without_location)
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def _remove_location(resource: dict[str, Any], elements: tuple[str, ...]) -> None:
    for element in elements:
        resource.pop(element, None)
    kept = [e for e in resource.get("extension", ()) if e["url"] not in subtraction.LOCATION_EXTENSIONS]
    if kept:
        resource["extension"] = kept
    else:
        resource.pop("extension", None)

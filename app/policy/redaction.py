"""What is left out of a resource that is shown: where a restricted person is, and contact details nobody agreed to.

https://hl7.org/fhir/R4/security-labels.html (REDACTED); https://hl7.org/fhir/R4/extension-data-absent-reason.html

The location of a restricted person is left out without a word. Contact details that this caller may not see are marked as
masked, always and in the same way, so that the mark does not tell whether there are any.
"""

import json
from collections.abc import Callable
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
    _remove_retellings(resource)
    for element in without_contact:
        resource[element] = [_MASKED]
    if without_contact:
        meta = resource["meta"]
        meta["security"] = [*meta.get("security", ()), _REDACTED]
    if without_location:
        _remove_location(resource, without_location)
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def _remove_retellings(resource: dict[str, Any]) -> None:
    """The narrative and what is contained may say again what is left out; so does whatever refers to the latter."""
    resource.pop("text", None)
    if resource.pop("contained", None) is None:
        return
    for name, value in list(resource.items()):
        kept = [each for each in value if not _is_local(each)] if isinstance(value, list) else value
        if kept == [] or _is_local(kept):
            del resource[name]
        else:
            resource[name] = kept


def _is_local(value: Any) -> bool:
    """Whether something refers to a contained resource, at any depth."""
    match value:
        case dict():
            return str(value.get("reference", "")).startswith("#") or any(map(_is_local, value.values()))
        case list():
            return any(map(_is_local, value))
        case _:
            return False


def _remove_location(resource: dict[str, Any], elements: tuple[str, ...]) -> None:
    """An extension, identifier or source that is not known to be harmless may name a place too."""
    for element in elements:
        resource.pop(element, None)
    resource["meta"].pop("source", None)
    _keep(resource, "extension", lambda each: each["url"] in subtraction.HARMLESS_EXTENSIONS)
    _keep(resource, "identifier", lambda each: each.get("system") == systems.NHS_NUMBER)
    for identifier in resource.get("identifier", ()):
        identifier.pop("assigner", None)


def _keep(resource: dict[str, Any], element: str, is_harmless: Callable[[dict[str, Any]], bool]) -> None:
    kept = [each for each in resource.pop(element, ()) if is_harmless(each)]
    if kept:
        resource[element] = kept

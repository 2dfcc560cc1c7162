"""What is left out of a resource that is shown: where a restricted person is, and contact details nobody agreed to.

https://hl7.org/fhir/R4/security-labels.html (REDACTED); https://hl7.org/fhir/R4/extension-data-absent-reason.html

The location of a restricted person is left out without a word. Contact details that this caller may not see are marked as
masked, always and in the same way, so that the mark does not tell whether there are any.
"""

from collections.abc import Mapping
from typing import Any

from app.fhir import json_text, systems
from app.policy import subtraction

_MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
_PLAIN_META = ("versionId", "lastUpdated", "security")
_REDACTED = {"system": systems.OBSERVATION_VALUE, "code": "REDACTED", "display": "redacted"}


def shown(content: str, type: str, *, contact: bool, location: bool) -> str:
    """The text to serve. As it was stored, unless something has to be left out."""
    without_location = () if location else subtraction.LOCATION.get(type, ())
    without_contact = () if contact else subtraction.CONTACT.get(type, ())
    if not without_location and not without_contact:
        return content
    resource = json_text.exact(content)
    _remove_retellings(resource)
    for element in without_contact:
        resource.pop(element, None)  # so that its place does not tell that there was one
    for element in without_contact:
        resource[element] = [_MASKED]
    if without_contact:
        meta = resource.setdefault("meta", {})
        meta["security"] = [*meta.get("security", ()), _REDACTED]
    if without_location:
        _remove_location(resource, without_location)
    return json_text.written_exactly(resource)


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
    """Whatever is not known to be harmless may name a place too: identifiers, extensions, labels of our own making."""
    for element in elements:
        resource.pop(element, None)
    meta = resource.get("meta", {})
    kept = {name: meta[name] for name in _PLAIN_META if name in meta}
    for element in ("identifier", "extension"):
        harmless = [each for each in resource.pop(element, ()) if is_harmless(element, each)]
        if harmless:
            resource[element] = harmless
    for name, value in list(resource.items()):
        if name.startswith("_"):
            del resource[name]
        elif name != "extension":
            resource[name] = _plain(value)
    resource["meta"] = kept


def is_harmless(element: str, value: Mapping[str, Any]) -> bool:
    """Whether an identifier or extension tells nothing of where somebody is."""
    if element == "identifier":
        return value.get("system") == systems.NHS_NUMBER
    return value.get("url") in subtraction.HARMLESS_EXTENSIONS


def _plain(value: Any) -> Any:
    """Without extensions that could tell, and without what somebody wrote beside a reference or about who assigned an identifier."""
    match value:
        case dict():
            is_reference = "reference" in value or "identifier" in value
            left_out = {"extension", "assigner"} | ({"display"} if is_reference else set())
            kept = {name: _plain(child) for name, child in value.items() if name not in left_out and name[0] != "_"}
            harmless = [each for each in value.get("extension", ()) if is_harmless("extension", each)]
            return ({"extension": harmless} if harmless else {}) | kept
        case list():
            return [_plain(each) for each in value]
        case _:
            return value

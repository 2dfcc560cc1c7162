"""What the next version of a resource keeps of the one before, whatever was sent.

https://hl7.org/fhir/R4/resource.html#tag-updates (labels stay unless they are taken away on purpose)

Where somebody is restricted, even their own record is shown without some elements: what comes back without them is not
meant to remove them. And no update lifts a restriction by saying nothing of it: only the organisation that keeps the
record does, by stating a lower confidentiality.
"""

from collections.abc import Mapping
from typing import Any

from app.fhir import coding, systems
from app.policy import facts, own_name, redaction, subtraction


def continued(
    current: Mapping[str, Any], sent: dict[str, Any], *, shows_location: bool, is_keeper: bool
) -> dict[str, Any]:
    """The resource to store: `sent` itself where nothing has to be kept."""
    kept = dict(sent)
    if not shows_location:
        for element in subtraction.LOCATION.get(sent["resourceType"], ()):
            if element in current and element not in sent:
                kept[element] = current[element]
        for element in ("identifier", "extension"):
            hidden = [each for each in current.get(element, ()) if not redaction.is_harmless(element, each)]
            added = [each for each in hidden if each not in sent.get(element, ())]
            if added:
                kept[element] = [*sent.get(element, ()), *added]
    if sent["resourceType"] == "Patient":
        _keep_restriction(current, kept, is_keeper=is_keeper)
    return kept if kept != sent else sent


def carried_out(current: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """A Task by who does it: how far it has got as they say, and all that is its requester's as it was, labels too."""
    kept = {name: value for name, value in current.items() if name.lstrip("_") not in own_name.CARRIED_OUT}
    return kept | {name: value for name, value in sent.items() if name.lstrip("_") in own_name.CARRIED_OUT}


def rejoined(stored: Mapping[str, Any], shown: Mapping[str, Any], patched: Mapping[str, Any]) -> dict[str, Any]:
    """A patch changes what it names: each element that it left as it was shown stays as it is stored, hidden parts and all."""
    kept = {name: value for name, value in stored.items() if patched.get(name) == shown.get(name)}
    return kept | {name: value for name, value in patched.items() if name not in kept}


def _keep_restriction(current: Mapping[str, Any], kept: dict[str, Any], *, is_keeper: bool) -> None:
    order = ("U", "R", "V")
    before, after = facts.restriction(current), facts.restriction(kept)
    if order.index(after) >= order.index(before):
        return
    meta = kept.get("meta", {})
    stated = [coding.token(each) or "" for each in coding.items(meta.get("security"))]
    if is_keeper and any(token.startswith(f"{systems.CONFIDENTIALITY}|") for token in stated):
        return
    label = {"system": systems.CONFIDENTIALITY, "code": before}
    kept["meta"] = {**meta, "security": [*meta.get("security", ()), label]}

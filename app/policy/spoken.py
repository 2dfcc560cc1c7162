"""Who may record what a family says: a service what it was told, in its own name; a parent their own word.

Good practice in information sharing in the Foundation Years (2013), Appendix C
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.fhir import systems
from app.fhir.errors import FHIRError, Unprocessable
from app.policy import facts
from app.policy.access import Caller, Kind
from app.policy.facts import Facts, Person
from app.policy.own_name import must_be_own, not_yours


def refusal(caller: Caller, consent: Mapping[str, Any], about: Facts, person: Person) -> FHIRError | None:
    """A service records what it was told, in its own name; a parent's app only what its own user says.

    A parent's yes needs proven responsibility; a no is taken from anyone. A yes to the very organisation that records it
    needs more than that organisation's word: the signed form, or a reference to it.
    """
    if caller.kind is Kind.PARENT_APP:
        speaks = {token for token in about.owners if token.startswith("nhs|")}
        user = f"nhs|{caller.user.id}" if caller.user else ""
        named = len(consent.get("performer", ())) == 1 and "organization" not in consent
        is_heard = user in person.family or not any(_permits(consent))
        return None if named and speaks == {user} and is_heard else not_yours()
    if refused := must_be_own(caller, consent, "organization"):
        return refused
    for_itself = any(caller.organization in _recipients(permit) for permit in _permits(consent))
    if for_itself and not ("sourceAttachment" in consent or "sourceReference" in consent):
        return Unprocessable(
            "A yes to your own organisation needs the signed form (source), or is recorded by another service or by the "
            "parent.",
            expression="Consent.source",
        )
    return None


def withdraws(current: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    """Whether all that changes is that a Consent no longer holds, and nobody else's word goes with it."""
    said, is_said = ({k: v for k, v in each.items() if k not in ("meta", "status")} for each in (current, resource))
    return said == is_said and resource["status"] == "inactive" and len(current["performer"]) == 1


def is_another(current: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    """Whether somebody else says it, or the opposite is said."""
    return any(_said(current, each) != _said(resource, each) for each in ("performer", "type"))


def _said(consent: Mapping[str, Any], element: str) -> object:
    """Who says it, or whether it is a yes or a no."""
    return consent.get("performer") if element == "performer" else consent.get("provision", {}).get("type")


def _permits(consent: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    root = consent.get("provision", {})
    for each in (root, *root.get("provision", ())):
        if each.get("type") == "permit":
            yield {**root, **each} if root.get("type") == "permit" else each


def _recipients(permit: Mapping[str, Any]) -> set[str]:
    references = [actor.get("reference") for actor in permit.get("actor", ())]
    return {code.upper() for code in facts.identified(references, systems.ODS_CODE)}

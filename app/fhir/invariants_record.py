"""Our rules on the records of care, on documents and on what clients ask for, beside those of `invariants_cradle`.

https://hl7.org/fhir/R4/observation.html; https://hl7.org/fhir/R4/subscription.html; https://unitsofmeasure.org

The words of a profile's rule are its `constraint.human`. Each function yields the steps to what breaks it.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from app.fhir import coding, schema_terminology, systems

Steps = tuple[str | int, ...]
ProfileRule = Callable[[dict[str, Any]], Iterator[Steps]]

MOST_DATA = 524_288  # characters of base64 in a document
_NAMED = re.compile(r"https://([A-Za-z0-9-]+[.])+[A-Za-z][A-Za-z0-9-]*(:[0-9]{1,5})?([/?][^#\s]*)?")
_NOT_PUBLIC = re.compile(r"(?i)https://[^/:?]*[.](localhost|local|internal)([/:?]|$)")
_HEADER = re.compile(r"[A-Za-z0-9-]+: [\x20-\x7e]+")
_ITEMS = f"{systems.CRADLE}/ValueSet/Cradle-ObservationCode"
_REVIEWS = f"{systems.CRADLE}/ValueSet/Cradle-ChildHealthReview"


def _reached_at_work(professional: dict[str, Any]) -> Iterator[Steps]:
    for index, telecom in enumerate(professional.get("telecom", ())):
        if telecom.get("use") == "home":
            yield ("telecom", index, "use")


def _says_one_thing(observation: dict[str, Any]) -> Iterator[Steps]:
    if len([token for token in coding.tokens(observation["code"]) if token in _tokens(_ITEMS)]) != 1:
        yield ("code",)


def _between(least: int, most: int, step: int | None = None) -> ProfileRule:
    """The number of an Observation; of a Quantity its value."""

    def out_of_range(observation: dict[str, Any]) -> Iterator[Steps]:
        quantity = observation.get("valueQuantity")
        element = "valueQuantity" if quantity else "valueInteger"
        value = quantity["value"] if quantity else observation.get(element)
        if value is None or not least <= value <= most or (step and value % step):
            yield (element,)

    return out_of_range


def _attachments(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Steps]]:
    for index, content in enumerate(document["content"]):
        yield content["attachment"], ("content", index, "attachment")


def _is_somewhere(document: dict[str, Any]) -> Iterator[Steps]:
    for attachment, steps in _attachments(document):
        if "data" not in attachment and "url" not in attachment:
            yield steps


def _is_at_an_https_address(document: dict[str, Any]) -> Iterator[Steps]:
    for attachment, steps in _attachments(document):
        if not attachment.get("url", "https://").startswith("https://"):
            yield (*steps, "url")


def _is_small(document: dict[str, Any]) -> Iterator[Steps]:
    for attachment, steps in _attachments(document):
        if len(attachment.get("data", "")) > MOST_DATA:
            yield (*steps, "data")


def _is_a_review(response: dict[str, Any]) -> Iterator[Steps]:
    url = response["questionnaire"].partition("|")[0]
    code = url.removeprefix(systems.QUESTIONNAIRE)
    if code == url or f"{systems.CHILD_HEALTH_REVIEW}|{code}" not in _tokens(_REVIEWS):
        yield ("questionnaire",)


def _by_an_organisation(provenance: dict[str, Any]) -> Iterator[Steps]:
    stated = (
        agent.get(role, {}).get("identifier", {}) for agent in provenance["agent"] for role in ("who", "onBehalfOf")
    )
    if not any(identifier.get("system") == systems.ODS_CODE and "value" in identifier for identifier in stated):
        yield ("agent",)


def _is_a_public_https_address(subscription: dict[str, Any]) -> Iterator[Steps]:
    """By its form alone: where a name leads to is looked at whenever something is delivered."""
    endpoint = subscription["channel"]["endpoint"]
    if not _NAMED.fullmatch(endpoint) or _NOT_PUBLIC.match(endpoint):
        yield ("channel", "endpoint")


def _headers_are_lines(subscription: dict[str, Any]) -> Iterator[Steps]:
    for index, header in enumerate(subscription["channel"].get("header", ())):
        if header is not None and not _HEADER.fullmatch(header):
            yield ("channel", "header", index)


RULES: dict[str, ProfileRule] = {
    "cradle-practitioner-1": _reached_at_work,
    "cradle-observation-1": _says_one_thing,
    "cradle-birth-weight-1": _between(100, 9999),
    "cradle-gestation-1": _between(15, 46),
    "cradle-fetuses-1": _between(1, 9),
    "cradle-development-1": _between(0, 60, step=5),
    "cradle-document-1": _is_somewhere,
    "cradle-document-2": _is_at_an_https_address,
    "cradle-document-3": _is_small,
    "cradle-review-1": _is_a_review,
    "cradle-provenance-1": _by_an_organisation,
    "cradle-subscription-1": _is_a_public_https_address,
    "cradle-subscription-2": _headers_are_lines,
}


@cache
def _tokens(value_set: str) -> frozenset[str | None]:
    allowed = schema_terminology.codes(value_set) or {}
    return frozenset(f"{system}|{code}" for system, codes in allowed.items() for code in codes)

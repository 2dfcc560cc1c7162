"""What a caller sends to be written, from bytes to a draft that may be stored, and the answer once it is.

https://hl7.org/fhir/R4/http.html#ops; https://hl7.org/fhir/R4/validation.html
"""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.api import preferences, requests, responses
from app.api.endpoint import ASSIGNED, NAMED
from app.api.requests import Asked
from app.api.service import Service
from app.fhir import acceptance, outcome, references, subject, subset, systems, validation
from app.fhir.errors import Issue, Malformed, Unprocessable
from app.fhir.json_text import JSONTextError
from app.fhir.nhs_number import NHSNumber
from app.fhir.subject import Subject
from app.store.resource import Version
from app.store.search import Row
from app.store.writing import Draft


async def sent(service: Service, asked: Asked, type: str) -> Draft:
    """The resource in the body, valid for its type and profile, to be kept in the caller's name."""
    return checked(service, asked, type, await requests.resource_body(asked.request, service.settings.largest_body))


def checked(service: Service, asked: Asked, type: str, raw: bytes) -> Draft:
    """The same of a resource in the bytes of its JSON."""
    try:
        resource, text = acceptance.read(raw)
    except JSONTextError as error:
        raise Malformed(str(error)) from None
    if resource.get("resourceType") != type:
        raise Malformed(f"This takes a {type}: resourceType must say so.", expression="resourceType")
    about = subject.of(resource)
    _name(asked, about)
    if subset.is_part(resource):
        raise Unprocessable(
            "This is a part of a resource (SUBSETTED among its tags), and the rest would be lost. Send the whole.",
            expression=f"{type}.meta.tag",
        )
    if found := validation.faults(resource):
        raise Unprocessable("The resource is not valid.", issues=outcome.issues(found))
    _check_references(resource, text)
    check_range(service, about)
    return Draft(resource, text, asked.caller.organization, asked.request.scope.get(ASSIGNED))


def _name(asked: Asked, about: Subject | None) -> None:
    """Whom a refusal of this is remembered with. Before all else, since what is not valid is about somebody too."""
    try:
        number = NHSNumber.parse(about.nhs_number or "").value if about else ""
    except ValueError:
        return
    if about and number:
        named = {f"{about.element}:identifier": f"{systems.NHS_NUMBER}|{number}"}
        asked.request.scope[NAMED] = urlencode(named)


def _check_references(resource: dict[str, Any], text: str) -> None:
    """A fullUrl means something in its own transaction alone, and there it has been replaced by now."""
    if '"urn:' not in text:
        return
    say = "This names an entry of a Bundle: send both in one transaction, or refer to [type]/[id] or by identifier."
    urns = (place for url, place in references.listed(resource) if url.startswith("urn:"))
    if issues := tuple(Issue("value", say, place) for place in urns):
        raise Unprocessable("A reference leads nowhere.", issues=issues)


def check_range(service: Service, about: Subject | None) -> None:
    """Synthetic people and real ones are never kept together."""
    if about is None or about.nhs_number is None:
        return
    if NHSNumber.parse(about.nhs_number).is_synthetic is not service.settings.synthetic_only:
        raise Unprocessable(wrong_range(service), expression=about.element)


def wrong_range(service: Service) -> str:
    """What a caller is told of an NHS number that has no place in this installation."""
    if service.settings.synthetic_only:
        return "Only NHS numbers of the test range (9...) are taken here."
    return "NHS numbers of the test range (9...) are not taken here."


def written(service: Service, asked: Asked, version: Version | Row, status: int, shown: str) -> Response:
    """201 or 200 with `shown` of a version, new or found, as the caller prefers it (`Prefer: return=...`)."""
    url = f"{service.settings.fhir_base}/{version.type}/{version.id}/_history/{version.version}"
    headers = {"location": url} | responses.of_version(version.version, version.last_updated)
    match preferences.of(asked.request).returned:
        case "minimal":
            return responses.fhir("", status, headers)
        case "OperationOutcome":
            done = Issue(
                "informational", f"This is version {version.version} of the {version.type}.", severity="information"
            )
            return responses.fhir(outcome.text([done]), status, headers)
        case _:
            return responses.fhir(shown, status, headers)

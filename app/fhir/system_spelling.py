"""The one spelling of a code system or identifier system that senders write in several.

https://hl7.org/fhir/R4/terminologies-systems.html; https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir

HL7, SNOMED, LOINC and UCUM write their systems with http, the NHS and HL7 UK with https. Both are sent, with `www.` or a
slash at the end, and mean the same; PDS still emits the verification status in a code system that UK Core has replaced. What
is stored, indexed, searched for and compared is the spelling that its publisher gives.
"""

import json
import re
from functools import lru_cache

_HOSTS = {
    "terminology.hl7.org": "http://terminology.hl7.org",
    "hl7.org": "http://hl7.org",
    "snomed.info": "http://snomed.info",
    "loinc.org": "http://loinc.org",
    "unitsofmeasure.org": "http://unitsofmeasure.org",
    "fhir.nhs.uk": "https://fhir.nhs.uk",
    "fhir.nhs.net": "https://fhir.nhs.uk",
    "fhir.hl7.org.uk": "https://fhir.hl7.org.uk",
}
_VERIFICATION_STATUS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
_REPLACED = {
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus": _VERIFICATION_STATUS,
    "https://fhir.hl7.org.uk/CareConnect-NHSNumberVerificationStatus-1": _VERIFICATION_STATUS,
    "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1": _VERIFICATION_STATUS,
}
_URL = re.compile(r"https?://(?:www\.)?([a-z0-9.-]+)(/\S*)?", re.IGNORECASE)
_NHS_IDENTIFIER = re.compile(r"/id/", re.IGNORECASE)
# A string in which `"system":` stands has its quotation marks escaped, so this finds members only.
_SYSTEM = re.compile(r'("system"\s*:\s*)("(?:[^"\\]|\\.)*")')


@lru_cache(maxsize=4096)
def canonical(system: str) -> str:
    """The publisher's spelling; one that nobody here knows is left as it is."""
    url = _URL.fullmatch(system)
    base = _HOSTS.get(url[1].lower()) if url else None
    if url is None or base is None:
        return system
    path = (url[2] or "").rstrip("/")
    if base == "https://fhir.nhs.uk":
        path = _NHS_IDENTIFIER.sub("/Id/", path, count=1)
    spelt = base + path
    return _REPLACED.get(spelt, spelt)


def normalised(text: str) -> str:
    """A resource's text with each `system` in its one spelling, and every other byte as it was."""
    return _SYSTEM.sub(_respelt, text)


def _respelt(member: re.Match[str]) -> str:
    system = json.loads(member[2], strict=False)
    spelt = canonical(system)
    return member[0] if spelt == system else f"{member[1]}{json.dumps(spelt)}"

"""A children's centre reads a child's record as far as the mother agrees: before, after, and once she withdraws.

    python docs/clients/childrens_centre.py

Needs fhirclient, and httpx and joserfc for the token. https://docs.smarthealthit.org/client-py/
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emergency_department import NHS_NUMBER, demo_client, options, signed_assertion, story
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.consent import Consent
from fhirclient.models.patient import Patient

ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
CRADLE = "https://fhir.cradle.example"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
CENTRE_WORKER = {"person_id": "555021935105", "subject_name": "Leah Novak", "subject_role": "R8008"}
HEALTH_VISITOR = {"person_id": "555021935104", "subject_name": "Grace Mensah", "subject_role": "R8001"}


def main() -> None:
    here = options(__doc__).parse_args()
    family = story(here.var, "never-asked")
    centre = signed_in(here.base, here.var, "childrens-centre", CENTRE_WORKER)
    health_visiting = signed_in(here.base, here.var, "health-visiting", HEALTH_VISITOR)

    print("Before anybody asked:", read(centre, family["nhs_number"]))

    # The health visitor explains the leaflet; the mother agrees that the centre may know who the child is, not where.
    consent = agreement(family, ["demographics"])
    consent = Consent(consent.create(health_visiting.server))
    print("She agreed to demographics:", read(centre, family["nhs_number"]))

    consent.status = "inactive"
    consent.update(health_visiting.server)
    print("She withdrew it:", read(centre, family["nhs_number"]))


def signed_in(base: str, var: Path, client_id: str, user: dict[str, str]) -> FHIRClient:
    """fhirclient finds the token endpoint in the CapabilityStatement, and exchanges our assertion there."""
    registered = demo_client(var, client_id)
    scope = " ".join(registered["scopes"])
    smart = FHIRClient({"app_id": client_id, "api_base": f"{base}/fhir/R4", "scope": scope})
    smart.wants_patient = False  # or it asks for the scope launch/patient too
    security = smart.server.capabilityStatement.rest[0].security
    token_url = security.extension[0].extension[0].valueUri
    smart.server.auth.jwt_token = signed_assertion(registered, token_url, user)
    smart.authorize()
    return smart


def read(smart: FHIRClient, nhs_number: str) -> str:
    """What this client sees of a child. fhirclient searches by GET, so the form is posted through its session."""
    answer = smart.server.session.post(
        f"{smart.server.base_uri}Patient/_search",
        data={"identifier": f"{NHS_NUMBER}|{nhs_number}"},
        headers=smart.server.auth.signed_headers({}),
    )
    answer.raise_for_status()
    entries = Bundle(answer.json()).entry or []
    return "; ".join(described(entry.resource) for entry in entries) or "nothing"


def described(patient: Patient) -> str:
    address = (patient.address or [None])[0]
    where = "no address" if address is None else f"{address.postalCode or 'address masked'}"
    return f"{' '.join(patient.name[0].given)} {patient.name[0].family}, born {patient.birthDate.isostring}, {where}"


def agreement(family: dict[str, str], categories: list[str]) -> Consent:
    """The mother's yes, as health visiting records it."""
    now = datetime.now(UTC)
    mother = _identified("RelatedPerson", NHS_NUMBER, family["mother_nhs_number"])
    recipient = {
        "role": {"coding": [{"system": f"{TERMINOLOGY}/v3-ParticipationType", "code": "IRCP"}]},
        "reference": _identified("Organization", ODS_CODE, family["recipient_ods_code"]),
    }
    return Consent(
        {
            "resourceType": "Consent",
            "status": "active",
            "scope": {"coding": [{"system": f"{TERMINOLOGY}/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": f"{TERMINOLOGY}/v3-ActCode", "code": "INFA"}]}],
            "patient": _identified("Patient", NHS_NUMBER, family["nhs_number"]),
            "dateTime": now.isoformat(timespec="seconds"),
            "performer": [mother],
            "organization": [_identified("Organization", ODS_CODE, family["health_visiting_ods_code"])],
            "policy": [{"uri": f"{CRADLE}/leaflet/2026-01"}],  # the words that were explained
            "verification": [{"verified": True, "verifiedWith": mother, "verificationDate": now.isoformat()}],
            "provision": {
                "type": "permit",
                "period": {"start": now.date().isoformat()},
                "actor": [recipient],
                "purpose": [{"system": f"{CRADLE}/CodeSystem/purpose-of-use", "code": "early-years-outreach"}],
                "code": [
                    {"coding": [{"system": f"{CRADLE}/CodeSystem/data-category", "code": each}]} for each in categories
                ],
            },
        }
    )


def _identified(type: str, system: str, value: str) -> dict[str, Any]:
    return {"type": type, "identifier": {"system": system, "value": value}}


if __name__ == "__main__":
    main()

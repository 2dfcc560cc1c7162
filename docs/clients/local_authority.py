"""A local authority uploads a child-protection plan, and reads who has seen its plans in unscheduled care.

    python docs/clients/local_authority.py [NHS number]

Needs fhirpy, and httpx and joserfc for the token. https://github.com/beda-software/fhir-py
"""

import random
from datetime import UTC, datetime
from typing import Any

from emergency_department import NHS_NUMBER, access_token, demo_client, options
from fhirpy import SyncFHIRClient

ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
FLAG_DETAIL = "http://hl7.org/fhir/StructureDefinition/flag-detail"
FLAG_CODE = {
    "system": "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient",
    "code": "child-protection-information-system-flag",
}
PLAN = {"system": "http://snomed.info/sct", "code": "342191000000101", "display": "Subject to child protection plan"}
SOCIAL_WORKER = {"person_id": "555021935106", "subject_name": "Daniel Price", "subject_role": "R8008"}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("nhs_number", nargs="?", help="without it, that of a child nobody has heard of")
    here = parser.parse_args()
    nhs_number = here.nhs_number or synthetic_nhs_number()

    registered = demo_client(here.var, "local-authority-a")
    token = access_token(here.base, registered, SOCIAL_WORKER)
    cradle = SyncFHIRClient(f"{here.base}/fhir/R4", authorization=f"Bearer {token}")

    flag = upload(cradle, nhs_number, registered["ods_code"])
    print(f"Uploaded a plan for {nhs_number}: Flag/{flag['id']}")

    notices = cradle.resources("CommunicationRequest").search(category="child-protection-access-notice").limit(5)
    for notice in notices.fetch():  # newest first
        child = notice["subject"]["identifier"]["value"]
        where = notice["sender"]["display"]
        print(f"{notice['authoredOn']}  {child}  seen by {notice['requester']['display']}, {where}")


def upload(cradle: SyncFHIRClient, nhs_number: str, ods_code: str) -> Any:
    """The team with its two telephone numbers, the plan that names it, and the Flag that leads to the plan."""
    organization = {"type": "Organization", "identifier": {"system": ODS_CODE, "value": ods_code}}
    common = {
        "status": "active",
        "category": [{"coding": [PLAN]}],
        "subject": {"type": "Patient", "identifier": {"system": NHS_NUMBER, "value": nhs_number}},
        "period": {"start": datetime.now(UTC).date().isoformat()},
    }
    team = cradle.resource(
        "CareTeam",
        **common,
        name="Aldermarsh Children's Services",
        managingOrganization=[organization],
        telecom=[
            {"system": "phone", "value": "01632 960978", "use": "work"},  # office hours
            {"system": "phone", "value": "07700 900348", "use": "mobile"},  # emergency duty
        ],
    )
    team.save()
    plan = cradle.resource("CarePlan", **common, intent="plan", careTeam=[{"reference": f"CareTeam/{team['id']}"}])
    plan.save()
    flag = cradle.resource(
        "Flag",
        **common,
        code={"coding": [FLAG_CODE]},
        author=organization,
        extension=[{"url": FLAG_DETAIL, "valueReference": {"reference": f"CarePlan/{plan['id']}"}}],
    )
    flag.save()
    return flag


def synthetic_nhs_number() -> str:
    """One of the range that belongs to nobody (999...), with its check digit."""
    while True:
        nine = f"9995{random.randrange(10**5):05}"  # noqa: S311  # nothing secret
        check = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return f"{nine}{check % 11}"


if __name__ == "__main__":
    main()

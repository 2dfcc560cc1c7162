"""An emergency department asks whether a child has a child-protection plan, and whom to ring.

    python docs/clients/emergency_department.py [NHS number]

Needs httpx and joserfc. https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
PLANS = {  # SNOMED CT
    "342191000000101": "Subject to a child protection plan",
    "764841000000100": "Looked after",
    "818901000000100": "Unborn child subject to a child protection plan",
}
CLINICIAN = {"person_id": "555021935101", "subject_name": "Amara Okafor", "subject_role": "R8000"}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("nhs_number", nargs="?", help="without it, the child of the first story")
    here = parser.parse_args()
    nhs_number = here.nhs_number or story(here.var, "active-child-protection-plan")["nhs_number"]

    token = access_token(here.base, demo_client(here.var, "emergency-department"), CLINICIAN)
    answer = httpx.post(  # in the body, since a URL is written to logs
        f"{here.base}/fhir/R4/Flag/_search",
        data={"patient:identifier": f"{NHS_NUMBER}|{nhs_number}"},
        headers={"Authorization": f"Bearer {token}", "IsUnscheduledAccessEvent": "true", "X-Request-ID": str(uuid4())},
    )
    if answer.is_error:
        sys.exit(f"{answer.status_code}: {answer.json()['issue'][0]['diagnostics']}")
    found = [entry["resource"] for entry in answer.json().get("entry", [])]
    if not found:
        print("No plan is known for this child.")
    by_reference = {f"{each['resourceType']}/{each['id']}": each for each in found}
    for flag in (each for each in found if each["resourceType"] == "Flag"):
        show(flag, by_reference)


def show(flag: dict[str, Any], by_reference: dict[str, dict[str, Any]]) -> None:
    """The Flag leads to its CarePlan, and that to the CareTeam of the authority."""
    period = flag.get("period", {})
    ended = f", ended {period['end']}" if "end" in period else ""
    print(f"{PLANS[flag['category'][0]['coding'][0]['code']]}, since {period.get('start', 'an unknown day')}{ended}")
    plan = by_reference[flag["extension"][0]["valueReference"]["reference"]]
    teams = [by_reference[each["reference"]] for each in plan["careTeam"] if each["reference"] in by_reference]
    if not teams:
        print("  Who is responsible is not shown, since this child's address is restricted. Ring your own authority.")
    for team in teams:
        numbers = {phone["use"]: phone["value"] for phone in team["telecom"]}
        print(f"  {team['name']} ({team['managingOrganization'][0]['identifier']['value']})")
        print(f"  office hours    {numbers.get('work', '-')}")
        print(f"  emergency duty  {numbers.get('mobile', '-')}")


def access_token(base: str, client: dict[str, Any], user: dict[str, str]) -> str:
    """A token for this client with this person at the screen. It lasts five minutes; ask once, not for every request."""
    token_url = httpx.get(f"{base}/.well-known/smart-configuration").json()["token_endpoint"]
    form = {
        "grant_type": "client_credentials",
        "scope": " ".join(client["scopes"]),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed_assertion(client, token_url, user),
    }
    answer = httpx.post(token_url, data=form)
    if answer.is_error:
        sys.exit(f"{answer.status_code}: {answer.json()['error_description']}")
    return str(answer.json()["access_token"])


def signed_assertion(client: dict[str, Any], token_url: str, user: dict[str, str]) -> str:
    """Who we are, who is at the screen and why they ask. Each is used once."""
    now = int(time.time())
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": token_url,
        "iat": now,
        "exp": now + 240,
        "jti": str(uuid4()),
        "extensions": {
            "ihe_iua": {
                "subject_organization_id": client["ods_code"],
                "purpose_of_use": client["purposes"][:1],
                **user,
            },
            "nhs": {"activity_codes": client["activity_codes"]},
        },
    }
    key = ECKey.import_key(client["jwk"])
    return jwt.encode({"alg": "ES384", "kid": client["jwk"]["kid"], "typ": "JWT"}, claims, key, algorithms=["ES384"])


# What follows is for the demonstration: where it runs, and the keys and people that it made up.


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=f"http://127.0.0.1:{os.environ.get('CRADLE_PORT', '8000')}", help="its URL")
    parser.add_argument("--var", type=Path, default=Path(os.environ.get("CRADLE_VAR", "var")), help="its folder")
    return parser


def demo_client(var: Path, client_id: str) -> dict[str, Any]:
    return _find(var / "demo" / "clients.json", "client_id", client_id)


def story(var: Path, name: str) -> dict[str, str]:
    return _find(var / "demo" / "people.json", "story", name)


def _find(file: Path, key: str, value: str) -> dict[str, Any]:
    return next(each for each in json.loads(file.read_text("utf-8")) if each[key] == value)


if __name__ == "__main__":
    main()

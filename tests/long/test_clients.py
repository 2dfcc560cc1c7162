"""The client libraries that our users already have do their whole work here.

https://github.com/smart-on-fhir/client-py; https://github.com/beda-software/fhir-py; https://github.com/Vermonster/fhir-kit-client
"""

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models import bundle as bundles
from fhirclient.models.communicationrequest import CommunicationRequest
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ResourceNotFound

from app.fhir import systems
from tests.api import examples
from tests.long.conftest import Demonstration

pytestmark = pytest.mark.long

KIT = "fhir-kit-client@2.0.3"
KEEPER = "health-visiting"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed package, of Node.js."""
    folder = tmp_path_factory.mktemp("npm")
    subprocess.run(
        ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, KIT],
        check=True,
        timeout=300,
    )
    return folder / "node_modules" / "fhir-kit-client" / "dist" / "index.js"


def new_patient(demonstration: Demonstration) -> dict[str, Any]:
    return _told_of(demonstration, "patient-toddler", examples.new_number())


def new_letter(demonstration: Demonstration, number: str) -> dict[str, Any]:
    """A request to contact the family, with an identifier of its own."""
    identifier = [{"system": systems.RFC4122, "value": f"urn:uuid:{uuid.uuid4()}"}]
    return _told_of(demonstration, "communication-request-family-contact", number) | {"identifier": identifier}


def _told_of(demonstration: Demonstration, example: str, number: str) -> dict[str, Any]:
    """In the name of the demonstration's own health visitors."""
    client = next(each for each in demonstration.clients if each["client_id"] == KEEPER)
    instead = {
        examples.CHILD: number,
        examples.HEALTH_VISITING: client["ods_code"],
        examples.CENTRE: client["ods_code"],
    }
    return {k: v for k, v in examples.example(example, instead).items() if k not in ("id", "meta")}


def number_of(patient: dict[str, Any]) -> str:
    return next(str(each["value"]) for each in patient["identifier"] if each["system"] == systems.NHS_NUMBER)


def test_fhir_kit_client(demonstration: Demonstration, kit: Path) -> None:
    patient = new_patient(demonstration)
    given = json.dumps({"patient": patient, "letter": new_letter(demonstration, number_of(patient))})
    program = Path(__file__).with_name("fhir_kit_client.mjs")
    ran = subprocess.run(
        ["node", program, kit, demonstration.server.base, demonstration.token(KEEPER), given],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    seen = json.loads(ran.stdout)
    total = seen.pop("total")
    assert total > 9
    assert seen == {
        "fhirVersion": "4.0.1",
        "smart": demonstration.server.token_url,
        "created": "1",
        "conditionalCreate": True,
        "read": True,
        "updated": ["other", "2"],
        "patched": "female",
        "vread": "female",
        "paged": [12, 12],
        "compartment": "searchset",
        "everything": "searchset",
        "batch": ["201", "200"],
        "transaction": ["201", "200"],
        "history": ["PUT", "PUT", "POST"],
        "typeHistory": "history",
        "systemHistory": "history",
        "gone": 410,
    }


def test_fhirpy(demonstration: Demonstration) -> None:
    client = SyncFHIRClient(demonstration.server.base, authorization=f"Bearer {demonstration.token(KEEPER)}")
    patient = client.resource("Patient", **new_patient(demonstration))
    patient.save()
    assert client.reference("Patient", patient.id).to_resource() == patient
    assert patient.refresh()["meta"]["versionId"] == "1"
    patient["gender"] = "other"
    patient.save()
    assert patient["meta"]["versionId"] == "2"
    letter = new_letter(demonstration, number_of(patient))
    found = {"identifier": f"{systems.RFC4122}|{letter['identifier'][0]['value']}"}
    requests = client.resources("CommunicationRequest")
    first, is_new = requests.search(**found).get_or_create(client.resource("CommunicationRequest", **letter))
    second, is_new_again = requests.search(**found).get_or_create(client.resource("CommunicationRequest", **letter))
    assert (first.id, is_new, is_new_again) == (second.id, True, False)
    patients = client.resources("Patient").limit(3).sort("_id")
    ids = [each.id for each in patients.fetch_all()]
    assert len(ids) == len(set(ids)) > 9
    assert patient.id in ids
    by_number = client.resources("Patient").search(identifier=f"{systems.NHS_NUMBER}|{number_of(patient)}")
    assert by_number.get()["id"] == patient.id
    history = client.execute(f"Patient/{patient.id}/_history", method="get")
    assert [each["request"]["method"] for each in history["entry"]] == ["PUT", "POST"]
    plain = {name: value for name, value in letter.items() if name != "identifier"}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [_post(plain), _post(plain)]}
    answer = client.execute("", method="post", data=bundle)
    assert [each["response"]["status"][:3] for each in answer["entry"]] == ["201", "201"]
    first.delete()  # type: ignore[no-untyped-call]  # fhirpy's own
    with pytest.raises(ResourceNotFound):
        client.reference("CommunicationRequest", first.id).to_resource()


def _post(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def test_fhirclient(demonstration: Demonstration) -> None:
    smart = FHIRClient({"app_id": KEEPER, "api_base": demonstration.server.base})
    assert smart.server.capabilityStatement.fhirVersion == "4.0.1"
    smart.server.session.headers["Authorization"] = f"Bearer {demonstration.token(KEEPER)}"
    sent = new_patient(demonstration)
    patient = Patient(Patient(sent).create(smart.server))
    assert Patient.read(patient.id, smart.server).as_json() == patient.as_json()
    patient.gender = "other"
    patient = Patient(patient.update(smart.server))
    assert patient.meta.versionId == "2"
    ids = [each.id for each in Patient.where({"_count": "3"}).perform_resources_iter(smart.server)]
    assert len(ids) == len(set(ids)) > 9
    letter = CommunicationRequest(new_letter(demonstration, number_of(sent)))
    request = bundles.BundleEntryRequest({"method": "POST", "url": "CommunicationRequest"})
    entry = bundles.BundleEntry()
    entry.resource, entry.request = letter, request
    transaction = bundles.Bundle({"type": "transaction"})
    transaction.entry = [entry]
    answer = bundles.Bundle(smart.server.post_json("", transaction.as_json()).json())
    assert [each.response.status[:3] for each in answer.entry] == ["201"]
    history = bundles.Bundle(smart.server.request_json(f"Patient/{patient.id}/_history"))
    assert [each.request.method for each in history.entry] == ["PUT", "POST"]
    assert letter.identifier
    created = CommunicationRequest(new_letter(demonstration, number_of(sent))).create(smart.server)
    CommunicationRequest(created).delete(smart.server)
    assert (
        smart.server.session.get(f"{demonstration.server.base}/CommunicationRequest/{created['id']}").status_code == 410
    )

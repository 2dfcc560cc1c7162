"""Requests that nobody thought of, made from the OpenAPI document: none is a defect, and each refusal says why.

https://schemathesis.readthedocs.io/
"""

import importlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies

from app.fhir import validation
from app.security import demo_client, keys, scope
from app.settings import FHIR_PATH, Settings
from app.store import database
from app.synthesis import demo
from tests.api import examples
from tests.crash.server import CRADLE, PROJECT, Server, new_folder, run

pytestmark = pytest.mark.long

CHILDREN, EACH, KNOWN = 20, 60, 5
DOCUMENT = PROJECT / "openapi" / "openapi.json"
PATHS: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))["paths"]
OPERATIONS = [(method, path) for path, item in PATHS.items() for method in item]
_seen: set[int] = set()
_EXAMPLES = {
    "CarePlan": "child-protection-care-plan-active",
    "CareTeam": "child-protection-care-team",
    "CommunicationRequest": "communication-request-family-contact",
    "Consent": "consent-parent-permits-childrens-centre",
    "Flag": "child-protection-flag-active-plan",
    "Organization": "organization-local-authority",
    "Patient": "patient-toddler",
    "RelatedPerson": "related-person-mother",
}


@dataclass(frozen=True)
class Demonstration:
    """The demonstration's clients, and a service with its people."""

    server: Server
    clients: tuple[dict[str, Any], ...]

    def headers(self, type: str, letter: str) -> dict[str, str]:
        """Those of the first client that may do this. Nobody needs a token for what is open."""
        client = next((each for each in self.clients if _may(each, type, letter)), self.clients[0])
        signed = demo_client.assertion(client, self.server.token_url, datetime.now(UTC))
        answer = httpx.post(
            self.server.token_url, data=demo_client.token_request(client, signed), trust_env=False, timeout=60
        )
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def known(self, type: str, headers: dict[str, str]) -> list[str]:
        """Some ids that are there."""
        answer = httpx.get(
            f"{self.server.base}/{type}", params={"_count": KNOWN}, headers=headers, trust_env=False, timeout=60
        )
        return [each["resource"]["id"] for each in answer.json().get("entry", ()) if each["search"]["mode"] == "match"]


@pytest.fixture(scope="module")
def demonstration() -> Iterator[Demonstration]:
    folder = new_folder()
    server = Server(folder)
    command = [*CRADLE, "synthesise", "--children", str(CHILDREN)]
    subprocess.run(command, cwd=PROJECT, env=server.environment, check=True)
    server.start()
    run(_register(server))
    clients = json.loads((folder / "demo" / "clients.json").read_text("utf-8"))
    yield Demonstration(server, tuple(clients))
    server.clear()
    shutil.rmtree(folder)


async def _register(server: Server) -> None:
    store = await database.connect(server.postgres_url)
    key = keys.bucket_key(Settings(var=server.folder))
    await demo.write(store, server.folder / "demo", key, datetime.now(UTC).date())
    await store.close()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.removeprefix(FHIR_PATH))
def test_nothing_that_can_be_asked_is_a_defect(method: str, path: str, demonstration: Demonstration) -> None:
    described = PATHS[path][method]
    name, _, type = described["operationId"].removesuffix("-by-post").partition("-")
    headers = demonstration.headers(type, {"search": "s", "create": "c", "update": "u"}.get(name, "r"))
    known = demonstration.known(type, headers) if "{id}" in path else []

    @hypothesis.given(_cases(method, path), strategies.sampled_from([None, *known]), strategies.booleans())
    @hypothesis.settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def holds(case: Any, id: str | None, is_nearly_valid: bool) -> None:
        if id and case.path_parameters:
            case.path_parameters["id"] = id
        if is_nearly_valid and isinstance(case.body, dict) and name in ("create", "update"):
            case.body = {**_example(type), **case.body, "resourceType": type, "id": id or "x"}
        _check(case.call(base_url=f"http://127.0.0.1:{demonstration.server.port}", headers=headers, timeout=60))

    holds()


def test_there_was_something_to_answer_and_to_refuse() -> None:
    assert _seen >= {200, 201, 400, 404, 422}


def _cases(method: str, path: str) -> Any:
    """What the document allows, and what it does not."""
    operation = _schema()[path][method.upper()]
    mode = importlib.import_module("schemathesis").GenerationMode
    positive = operation.as_strategy(mode.POSITIVE)
    if "parameters" not in PATHS[path][method] and "requestBody" not in PATHS[path][method]:
        return positive
    return positive | operation.as_strategy(mode.NEGATIVE)


@cache
def _schema() -> Any:
    """Imported here, since only the long tests have it."""
    return importlib.import_module("schemathesis").openapi.from_path(str(DOCUMENT))


@cache
def _example(type: str) -> dict[str, Any]:
    return examples.example(_EXAMPLES[type])


def _check(answer: Any) -> None:
    _seen.add(answer.status_code)
    assert answer.status_code < 500, answer.text
    assert answer.headers["content-type"][0].startswith("application/fhir+json")
    if answer.status_code >= 400:
        outcome = json.loads(answer.text)
        assert outcome["resourceType"] == "OperationOutcome"
        assert validation.base_faults(outcome) == []
        assert all(issue["severity"] == "error" and issue["diagnostics"] for issue in outcome["issue"])
        for telling in ("Traceback", 'File "', "sqlalchemy", "asyncpg", "SELECT "):
            assert telling not in answer.text


def _may(client: dict[str, Any], type: str, letter: str) -> bool:
    return any(
        each.level == "system" and each.type == type and letter in each.interactions
        for each in map(scope.parse, client["scopes"])
    )

"""The demonstration as those who call it see it: a URL, the clients' keys, and people whose stories can be told."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.fhir import nhs_number, systems
from app.policy.access import User
from app.security import demo_client
from app.security.demo_client import Plausible

ROOT = Path(__file__).parents[2]
SILENT = {"IsUnscheduledAccessEvent": "false"}
UNSCHEDULED = {"IsUnscheduledAccessEvent": "true"}

Person = Mapping[str, str]
_Said = Plausible


@dataclass(frozen=True)
class Demonstration:
    """A running one. `printed` is what it printed when it started."""

    http: httpx.Client = field(repr=False)
    base: str
    var: Path
    printed: str
    people: dict[str, Person] = field(repr=False)
    clients: dict[str, dict[str, Any]] = field(repr=False)

    def as_(self, client_id: str, user: User | Plausible = _Said.SAID) -> "System":
        """A system with a fresh token; somebody plausible is at the screen."""
        client, token_url = self.clients[client_id], f"{self.base}/oauth2/token"
        signed = demo_client.assertion(client, token_url, datetime.now(UTC), user=user)
        answer = self.http.post(token_url, data=demo_client.token_request(client, signed))
        assert answer.status_code == 200, answer.text
        return System(self.http, f"{self.base}/fhir/R4", f"Bearer {answer.json()['access_token']}")

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find this one."""
        return environment(self.base, self.var)

    def run(self, *command: str) -> str:
        """What a program prints; `python` is this one."""
        words = [sys.executable if word == "python" else word for word in command]
        ran = subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@dataclass(frozen=True)
class System:
    """Somebody's system, signed in."""

    http: httpx.Client = field(repr=False)
    base: str
    authorization: str = field(repr=False)

    def send(self, method: str, path: str, headers: Mapping[str, str] = {}, **content: Any) -> httpx.Response:
        signed = {"authorization": self.authorization, **headers}
        return self.http.request(method, f"{self.base}/{path}", headers=signed, **content)

    def search(self, type: str, headers: Mapping[str, str] = {}, /, **parameters: str) -> list[dict[str, Any]]:
        """What is found, included resources too. `patient` and `nhs_number` are NHS numbers: of whom it is about, and
        of whose record it is."""
        names = {"patient": "patient:identifier", "nhs_number": "identifier"}
        form = {
            names.get(name, name): f"{systems.NHS_NUMBER}|{value}" if name in names else value
            for name, value in parameters.items()
        }
        answer = self.send("POST", f"{type}/_search", headers, data=form)
        assert answer.status_code == 200, answer.text
        entries = answer.json().get("entry", [])
        return [entry["resource"] for entry in entries if entry["search"]["mode"] != "outcome"]

    def look_up(self, number: str, headers: Mapping[str, str] = SILENT) -> "Found":
        """The child-protection lookup, without a notice unless the headers say so."""
        return Found(self.search("Flag", headers, patient=number))

    def patient(self, number: str) -> dict[str, Any] | None:
        """A person's record, as far as it is there for this system."""
        records = self.search("Patient", nhs_number=number)
        assert len(records) <= 1
        return records[0] if records else None

    def create(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.send("POST", resource["resourceType"], json=resource)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def update(self, resource: Mapping[str, Any], **elements: Any) -> dict[str, Any]:
        """The next version of what this system has seen."""
        changed = {**resource, **elements}
        seen = {"if-match": f'W/"{resource["meta"]["versionId"]}"'}
        answer = self.send("PUT", f"{changed['resourceType']}/{changed['id']}", seen, json=changed)
        assert answer.status_code == 200, answer.text
        updated: dict[str, Any] = answer.json()
        return updated


@dataclass(frozen=True)
class Found:
    """The answer of a lookup."""

    resources: list[dict[str, Any]]

    def of(self, type: str) -> list[dict[str, Any]]:
        return [each for each in self.resources if each["resourceType"] == type]

    @property
    def plans(self) -> list[str]:
        """The kinds of plan that are flagged."""
        return [flag["category"][0]["coding"][0]["code"] for flag in self.of("Flag")]

    @property
    def authorities(self) -> list[str]:
        """The ODS codes of those responsible."""
        return [team["managingOrganization"][0]["identifier"]["value"] for team in self.of("CareTeam")]


def environment(base: str, var: Path) -> dict[str, str]:
    """That of this process, with the settings of this demonstration and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CRADLE_")}
    return others | {"CRADLE_VAR": str(var), "CRADLE_PORT": base.rpartition(":")[2]}


def _numbers() -> Iterator[str]:
    for nine in map(str, itertools.count(999_600_000)):
        if (check := nhs_number.check_digit(nine)) is not None:
            yield f"{nine}{check}"


_fresh = _numbers()


def new_number() -> str:
    """A synthetic NHS number that neither the demonstration nor another test has given to anybody."""
    return next(_fresh)


def example(name: str, instead: Mapping[str, str], /, **elements: Any) -> dict[str, Any]:
    """A resource of `fhir_profiles/examples`, with texts replaced wherever they stand."""
    text = (ROOT / "fhir_profiles" / "examples" / f"{name}.json").read_text("utf-8")
    if instead:
        text = re.sub("|".join(map(re.escape, instead)), lambda found: instead[found[0]], text)
    resource: dict[str, Any] = json.loads(text)
    return resource | elements

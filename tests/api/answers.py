"""What is true of every answer of the service, whatever was asked; and how answers are read by tests.

Looked at on each response in the tests of the API.
"""

import json
import logging
import re
from typing import Any

from httpx import Response

from app.fhir import spine_error, validation
from tests.api import examples

CONTENT_TYPE = "application/fhir+json; charset=utf-8"
NAMES = ("Amelia", "Olivia", "Noah", "Example Street", "Exampletown", "07700 900000", "Okafor", "Mensah")

_DIGITS = re.compile(r"(?<![0-9a-f])[0-9]{10}(?![0-9a-f])")


class Lines(logging.Handler):
    """The log, kept to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


lines = Lines()
seen_errors: list[int] = []


async def check(response: Response) -> None:
    """Fails where an answer, or a line of log, says what none may say."""
    await response.aread()
    for line in lines.kept:
        assert not numbers_in(line), "a line of log holds an NHS number"
        assert not [name for name in NAMES if name in line], "a line of log holds personal data"
    lines.kept.clear()
    if "/fhir/" not in response.request.url.path or response.headers.get("content-type") == "application/json":
        return
    assert not response.has_redirect_location, "the URL of a redirect repeats what was asked"
    assert response.headers["cache-control"] == "no-store"
    if response.status_code == 304:
        assert (response.content, response.headers.get("content-type")) == (b"", None)
        return
    assert response.headers["content-type"] == CONTENT_TYPE
    assert not numbers_in(" ".join(response.headers.values())), "a header holds an NHS number"
    if response.request.method == "HEAD":
        assert response.content == b""
    elif response.status_code >= 400:
        check_outcome(response)
    elif response.content and response.json()["resourceType"] == "Bundle":
        check_bundle(response.json())


def check_bundle(bundle: dict[str, Any]) -> None:
    """That nothing in it but its resources is of anybody."""
    assert bundle["type"].endswith("-response") or bundle["link"]
    for link in bundle.get("link", ()):
        assert not numbers_in(link["url"]), "a link holds an NHS number"
    for entry in bundle.get("entry", ()):
        said = json.dumps(entry.get("response", {}))
        assert not numbers_in(said + entry.get("fullUrl", "")), "an entry's answer holds an NHS number"
        assert not [name for name in NAMES if name in said], "an entry's answer holds personal data"


def check_outcome(response: Response) -> None:
    """That a refusal is an OperationOutcome which says something, and nothing of anybody."""
    seen_errors.append(response.status_code)
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert validation.base_faults(outcome) == []
    assert all(issue["severity"] == "error" and issue["diagnostics"] for issue in outcome["issue"])
    for issue in outcome["issue"]:
        (coding,) = issue["details"]["coding"]
        assert coding["system"] == spine_error.SYSTEM
        assert spine_error.DISPLAYS[coding["code"]] == coding["display"]
    assert not numbers_in(response.text), "an OperationOutcome holds an NHS number"
    assert not [name for name in NAMES if name in response.text], "an OperationOutcome holds personal data"
    for telling in ("Traceback", 'File "', "sqlalchemy", "asyncpg", "SELECT"):
        assert telling not in response.text


def numbers_in(text: str) -> set[str]:
    """The NHS numbers of the tests that a text holds."""
    return set(_DIGITS.findall(text)) & examples.issued


def diagnostics(response: Response) -> str:
    """What an OperationOutcome says, first."""
    return str(response.json()["issue"][0]["diagnostics"])


def expressions(response: Response) -> set[str]:
    """Where an OperationOutcome points."""
    return {each for issue in response.json()["issue"] for each in issue.get("expression", ())}


def resources(response: Response, mode: str = "match") -> list[dict[str, Any]]:
    """The entries of a searchset."""
    assert response.status_code == 200, response.text
    entries = response.json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == mode]


def ids(response: Response, mode: str = "match") -> list[str]:
    return [resource["id"] for resource in resources(response, mode)]


def link(response: Response, relation: str) -> str | None:
    """The URL of a link of a searchset."""
    return next((each["url"] for each in response.json()["link"] if each["relation"] == relation), None)

"""Requests that nobody thought of, made from the OpenAPI document: none is a defect, and each refusal says why.

https://schemathesis.readthedocs.io/
"""

import importlib
import json
from functools import cache
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from app.fhir import validation
from app.fhir.schema_definitions import FOLDER
from app.settings import FHIR_PATH
from tests.crash.server import PROJECT
from tests.long.conftest import Demonstration

pytestmark = pytest.mark.long

EACH = 20
DOCUMENT = PROJECT / "openapi" / "openapi.json"
PATHS: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))["paths"]
OPERATIONS = [(method, path) for path, item in PATHS.items() for method in item]
_seen: set[int] = set()
_LETTERS = {"search": "s", "create": "c", "update": "u", "patch": "u", "delete": "d"}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.removeprefix(FHIR_PATH))
def test_nothing_that_can_be_asked_is_a_defect(method: str, path: str, demonstration: Demonstration) -> None:
    described = PATHS[path][method]
    name, _, rest = described["operationId"].partition("-")
    type = rest.partition("-")[0]
    headers = demonstration.headers(type, _LETTERS.get(name, "r"))
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
    """The first valid one."""
    texts = (file.read_text("utf-8") for file in sorted((FOLDER / "examples").glob("*.json")))
    return next(each for each in map(json.loads, texts) if each["resourceType"] == type)


def _check(answer: Any) -> None:
    _seen.add(answer.status_code)
    assert answer.status_code < 500, answer.text
    if answer.status_code in (204, 304):
        assert not answer.text
        return
    assert answer.headers["content-type"][0].startswith("application/fhir+json")
    if answer.status_code >= 400:
        outcome = json.loads(answer.text)
        assert outcome["resourceType"] == "OperationOutcome"
        assert validation.base_faults(outcome) == []
        assert all(issue["severity"] == "error" and issue["diagnostics"] for issue in outcome["issue"])
        for telling in ("Traceback", 'File "', "sqlalchemy", "asyncpg", "SELECT "):
            assert telling not in answer.text

"""The OpenAPI document is what the code says, is well formed, and leaves nothing open that is not meant to be.

https://spec.openapis.org/oas/v3.1.0
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from app.api import router
from app.api.openapi_words import GROUPS
from app.api.router import OPEN
from app.fhir import capability
from app.main import create_app
from app.security import scope
from app.settings import FHIR_PATH, VERSION, Settings
from app.store.database import Database
from openapi import generate

FILE = Path(generate.__file__).with_name("openapi.json")
METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Only described: its database is never asked."""
    return create_app(Settings(var=tmp_path_factory.mktemp("var")), cast(Database, None))


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """By method and path."""
    found = {(method, path): each for path, item in document["paths"].items() for method, each in item.items()}
    assert len(found) > 50
    return found


def test_the_file_is_what_the_code_says(document: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text("utf-8")) == document, "Write it anew: make openapi"
    assert FILE.read_text("utf-8") == generate.text()


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert set(document) <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    assert document["info"]["title"] == "Cradle"
    assert document["info"]["version"] == VERSION
    for path, item in document["paths"].items():
        assert f"{path}/".startswith(f"{FHIR_PATH}/")
        assert set(item) <= METHODS


def test_every_operation_is_well_formed(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    for (method, path), operation in operations.items():
        assert operation["operationId"], path
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"default|[1-5](XX|\d\d)", status)
            assert "$ref" in response or response["description"]
            assert status in ("204", "default") or set(response["content"]) == {"application/fhir+json"}
        listed = [each for each in operation.get("parameters", ()) if "$ref" not in each]
        parameters = [(each["name"], each["in"]) for each in listed]
        assert len(parameters) == len(set(parameters))
        in_path = {name for name, place in parameters if place == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        for each in listed:
            assert each["in"] in ("path", "query", "header")
            assert each["schema"]
            assert each["in"] != "path" or each["required"]
        assert ("requestBody" in operation) == (method in ("post", "put", "patch"))
        assert operation["summary"]
        assert len(operation["tags"]) == 1


def test_no_two_operations_have_one_name(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))


def test_every_type_belongs_to_those_who_use_it(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    used = {tag for operation in operations.values() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}
    grouped = [type for group in GROUPS for type in group.types]
    assert len(grouped) == len(set(grouped))
    assert {type for line in router.table() for type in line.types} <= set(grouped)


def test_what_is_written_has_an_example(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    for (method, path), operation in operations.items():
        if operation["operationId"].startswith(("create-", "update-")):
            assert operation["requestBody"]["content"]["application/fhir+json"]["examples"], (method, path)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in _references(document):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_everything_needs_a_token_but_what_is_open(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    open_ = {path for (_, path), operation in operations.items() if "security" not in operation}
    assert open_ == OPEN
    needed = [operation["security"] for (_, path), operation in operations.items() if path not in OPEN]
    assert needed
    assert all(each == [{"smart": []}, {"token": []}] for each in needed)


def test_the_token_is_got_where_it_says(app: FastAPI, document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"smart", "token"}
    assert schemes["smart"]["type"] == "oauth2"
    flow = schemes["smart"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] in {getattr(route, "path", None) for route in app.router.routes}
    assert flow["scopes"].keys() == set(scope.supported())


def test_the_capability_statement_says_what_is_routed() -> None:
    statement = capability.statement("http://example.org", "http://example.org/oauth2/token", VERSION, router.surface())
    (rest,) = statement["rest"]
    declared = {("", each["code"]) for each in rest.get("interaction", ())}
    declared |= {("", f"${each['name']}") for each in rest.get("operation", ())}
    for resource in rest["resource"]:
        declared |= {(resource["type"], each["code"]) for each in resource["interaction"]}
        declared |= {(resource["type"], f"${each['name']}") for each in resource.get("operation", ())}
    assert declared == {(type, line.code) for line in router.table() for type in line.types or ("",)}


def test_every_route_is_described(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    routed = {
        (line.method.lower(), f"{FHIR_PATH}{f'/{type}' if type else ''}{line.path}")
        for line in router.table()
        for type in line.types or ("",)
    }
    assert routed
    assert routed <= {(method, path) for method, path in operations}


def _references(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for each in part.values():
                yield from _references(each)
        case list():
            for each in part:
                yield from _references(each)

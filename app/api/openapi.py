"""The OpenAPI document, made from the table of interactions: grouped by who uses what, with the examples of `fhir_profiles/`.

https://spec.openapis.org/oas/v3.1.0

It is a file too, `openapi/openapi.json`, which `make openapi` writes anew. `openapi_operation` describes one interaction.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from app.api import oauth2, openapi_operation
from app.api.openapi_operation import FHIR_JSON, Line
from app.api.openapi_words import GROUPS
from app.fhir.schema_definitions import FOLDER
from app.security import scope
from app.settings import FHIR_PATH, VERSION

_ABOUT = """\
Information sharing around a young child: FHIR R4, with consent inside every query.

**To begin**, get an access token at `/oauth2/token` with a signed assertion (SMART Backend Services) that states the purpose of
use. Without a purpose a token is issued and opens nothing. To try it here, paste what `cradle token CLIENT` prints
under *Authorize*. `[base]/metadata` needs no token and says what is served.

**What is not there and what is not for you are one answer**: 404, or an empty Bundle. What the token alone decides is 403.

**Whatever is not understood is refused** with an OperationOutcome that says what, where and how to mend it; parameters are never
ignored unless `Prefer: handling=lenient` asks for that.
"""


def document(lines: Iterable[Line]) -> dict[str, Any]:
    """The whole document. Nothing in it depends on settings."""
    paths: dict[str, dict[str, Any]] = {
        f"{FHIR_PATH}/metadata": {"get": openapi_operation.capabilities()},
    }
    for line in lines:
        for type in line.types or ("",):
            place = f"{FHIR_PATH}{f'/{type}' if type else ''}{line.path}"
            paths.setdefault(place, {})[line.method.lower()] = openapi_operation.operation(line, type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cradle", "version": VERSION, "description": _ABOUT},
        "tags": [{"name": group.name, "description": group.description} for group in GROUPS],
        "paths": paths,
        "components": {
            "securitySchemes": {"smart": _smart(), "token": {"type": "http", "scheme": "bearer"}},
            "parameters": openapi_operation.parameters(),
            "responses": _responses(),
            "examples": _examples(),
        },
    }


def _responses() -> dict[str, Any]:
    said = "An OperationOutcome that says what is wrong, where, and how to mend it"
    return {"Refused": {"description": said, "content": {FHIR_JSON: {"schema": {"type": "object"}}}}}


@cache
def _examples() -> dict[str, Any]:
    """The valid examples, under their file's name."""
    return {
        file.stem: {"summary": file.stem.replace("-", " "), "value": json.loads(file.read_text("utf-8"))}
        for file in sorted((FOLDER / "examples").glob("*.json"))
    }


def _smart() -> dict[str, Any]:
    scopes = dict.fromkeys(scope.supported(), "SMART v2: create, read, update, delete, search")
    return {
        "type": "oauth2",
        "description": "SMART Backend Services: the client proves itself with a signed assertion (private_key_jwt), which "
        "states the purpose of use and, where somebody is at the screen, the user.",
        "flows": {"clientCredentials": {"tokenUrl": oauth2.TOKEN_PATH, "scopes": scopes}},
    }

"""The routes of the authorization server: the token endpoint, its public key, and where to find both.

https://hl7.org/fhir/smart-app-launch/conformance.html; https://www.rfc-editor.org/rfc/rfc8414

They are open: they are how a caller comes by a token. SMART's document is served under the FHIR base and under the
host, since clients look in either place.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.security import assertion, authorization_server, keys, scope, token_form
from app.security.authorization_server import Answer, TokenEndpoint
from app.security.oauth_error import InvalidRequest
from app.security.token import Issuer
from app.settings import FHIR_PATH, Settings
from app.store.database import Database

TOKEN_PATH = "/oauth2/token"  # noqa: S105  # a path
JWKS_PATH = "/oauth2/jwks"
SMART_PATH = "/.well-known/smart-configuration"
METADATA_PATH = "/.well-known/oauth-authorization-server"


def _now() -> datetime:
    return datetime.now(UTC)


def routes(settings: Settings, database: Database, key: ECKey, now: Callable[[], datetime] = _now) -> list[Route]:
    """`key` is `keys.signing_key(settings)`. Raises ValueError for settings that no token can be issued under."""
    endpoint = TokenEndpoint(Issuer(settings, key), database)

    async def token(request: Request) -> Response:
        return _response(await _token(endpoint, request, now()))

    return [
        Route(TOKEN_PATH, token, methods=["POST"]),
        _document(JWKS_PATH, keys.public_jwks(key)),
        _document(SMART_PATH, smart_configuration(settings)),
        _document(FHIR_PATH + SMART_PATH, smart_configuration(settings)),
        _document(METADATA_PATH, metadata(settings)),
    ]


def smart_configuration(settings: Settings) -> dict[str, Any]:
    return {
        **_server(settings),
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],  # SMART wants it said, though no user logs in here
    }


def metadata(settings: Settings) -> dict[str, Any]:
    # The list may be neither left out nor empty, and there is no authorization endpoint that could answer with more.
    return {**_server(settings), "response_types_supported": ["none"]}


def _server(settings: Settings) -> dict[str, Any]:
    return {
        "issuer": settings.base_url,
        "token_endpoint": settings.token_url,
        "jwks_uri": settings.base_url + JWKS_PATH,
        "grant_types_supported": [token_form.GRANT_TYPE],
        "token_endpoint_auth_methods_supported": [authorization_server.METHOD],
        "token_endpoint_auth_signing_alg_values_supported": list(assertion.ALGORITHMS),
        "scopes_supported": list(scope.supported()),
    }


async def _token(endpoint: TokenEndpoint, request: Request, now: datetime) -> Answer:
    if request.url.query or "authorization" in request.headers:
        return authorization_server.refusal(InvalidRequest("Everything is sent in the body, and proved in it."))
    content_types = request.headers.getlist("content-type")
    body = await _body(request)
    return await endpoint.token(content_types[0] if len(content_types) == 1 else None, body, now)


async def _body(request: Request) -> bytes:
    """The body, or so much of it that it is known to be too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > token_form.LARGEST:
            break
    return bytes(body)


def _response(answer: Answer) -> Response:
    return JSONResponse(answer.body, answer.status, answer.headers)


def _document(path: str, content: dict[str, Any]) -> Route:
    async def read(request: Request) -> Response:
        return JSONResponse(content, headers={"Cache-Control": "max-age=300"})

    return Route(path, read, methods=["GET"])

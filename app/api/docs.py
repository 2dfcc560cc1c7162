"""The page on which the interface is read and tried, at `/docs`, and the document behind it. Open to everyone.

https://swagger.io/tools/swagger-ui/ (from the package fastapi-swagger, so that nothing is fetched from elsewhere)
"""

import json
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cradle: the interface</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="interface"></main>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#interface", docExpansion: "none", defaultModelsExpandDepth: -1,
  filter: true, validatorUrl: null, deepLinking: true
});
"""


def routes(document: Callable[[], dict[str, Any]]) -> list[Route]:
    """The page, what it is made of, and the document."""

    @cache
    def text() -> str:
        return json.dumps(document(), ensure_ascii=False, separators=(",", ":"))

    def asset(name: str) -> bytes:
        return resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()

    return [
        _route("/openapi.json", "application/json", lambda: text().encode()),
        _route("/docs", "text/html; charset=utf-8", _PAGE.encode),
        _route("/docs/start.js", "text/javascript", _START.encode),
        *(_route(f"/docs/{name}", kind, cache(lambda name=name: asset(name))) for name, kind in _ASSETS.items()),
    ]


def _route(path: str, kind: str, content: Callable[[], bytes]) -> Route:
    async def served(_: Request) -> Response:
        headers = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "cache-control": "no-cache"}
        return Response(content(), media_type=kind, headers=headers)

    respond: Callable[[Request], Awaitable[Response]] = served
    return Route(path, respond, methods=["GET"])

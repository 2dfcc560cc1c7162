"""What is settled before a route is looked for: the form of the path, the size of the headers, and HEAD.

https://www.rfc-editor.org/rfc/rfc9110#name-head; https://www.rfc-editor.org/rfc/rfc6585#section-5

A path of this service needs no percent-encoding, and one that has it may mean another resource to whatever stands in front.
"""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import responses, tracing
from app.fhir.errors import FHIRError, HeadersTooLarge, Malformed
from app.settings import FHIR_PATH

_NEEDLESS = re.compile(rb"%(?!24)")  # %24 is the dollar sign of an operation


class Edge:
    """The middleware. HEAD is answered as GET is, without the body: audited too, since its headers tell as much."""

    def __init__(self, app: ASGIApp, largest_headers: int) -> None:
        self._app, self._largest = app, largest_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        try:
            self._check(scope)
        except FHIRError as refused:
            response = responses.error(refused)
            tracing.give_back(Request(scope), response, tracing.any_id(Request(scope)))
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if scope["path"].startswith(FHIR_PATH) and _NEEDLESS.search(scope["raw_path"]):
            raise Malformed("Nothing in a path of this service is percent-encoded.")
        size = len(scope["raw_path"]) + len(scope["query_string"])
        if size + sum(len(name) + len(value) for name, value in scope["headers"]) > self._largest:
            raise HeadersTooLarge(f"The URL and the headers may have {self._largest} bytes together.")


def _without_body(send: Send) -> Send:
    """The headers are those of the whole answer, Content-Length too."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending

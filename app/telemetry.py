"""One line of log for each request, in JSON. No personal data: no URL, no name, no number.

https://owasp.org/www-project-top-ten/ (logging); https://asgi.readthedocs.io/en/latest/specs/main.html
"""

import json
import logging
import re
import sys
import time
import traceback

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.policy.access import Caller

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_log = logging.getLogger("cradle")


def configure(level: int = logging.INFO) -> None:
    """Lines go to standard error as they are."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.handlers = [handler]
    _log.setLevel(level)
    _log.propagate = False


def note(request: Request, interaction: str, type: str, caller: Caller, request_id: str) -> None:
    """What the line of this request says beside its outcome."""
    request.scope["cradle.noted"] = {
        "request": _plain(request_id),
        "client": caller.client_id,
        "organization": caller.organization,
        "interaction": interaction,
        "type": type,
    }


def defect(error: BaseException, request_id: str) -> None:
    """An error that nobody expected: its type and where it arose, never its message, which may quote data."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
    _log.error(
        json.dumps({"request": _plain(request_id), "defect": type(error).__name__, "sqlstate": state, "where": where})
    )


def _plain(request_id: str) -> str:
    """A caller's id may be anything, a number or a name too: only a UUID is repeated here."""
    return request_id if _UUID.fullmatch(request_id) else "-"


class RequestLog:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            took = round((time.perf_counter() - begun) * 1000, 1)
            _log.info(json.dumps({**scope.get("cradle.noted", {}), "status": status, "milliseconds": took}))

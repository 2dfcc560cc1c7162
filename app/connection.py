"""A connection as uvicorn has it, which waits for the head of a request only so long, and takes only so much of it.

https://www.uvicorn.org/; https://www.rfc-editor.org/rfc/rfc9112

uvicorn would wait for ever, and keep whatever comes: a few thousand connections that say nothing would be all that there
is room for. What arrives whole, and is too long, is refused in words by the service itself (431).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 20
MOST = 1024 * 1024


class Connection(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`. The time runs from when the connection is made, and again from each next request."""

    seconds: float = SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_is_late: asyncio.TimerHandle | None = None
        self._received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_is_late is None:
            return
        self._received += len(data)
        if self._received > MOST and not self.transport.is_closing():
            self.send_400_response("The head of this request does not end.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._received = 0
        self._head_is_late = self.loop.call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_is_late is not None:
            self._head_is_late.cancel()
            self._head_is_late = None

    def _give_up(self) -> None:
        self._head_is_late = None
        self.transport.close()

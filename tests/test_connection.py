"""Connections that say nothing, little by little, or without end.

https://www.rfc-editor.org/rfc/rfc9112
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from app.connection import MOST, Connection

WHOLE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
BEGUN = b"GET / HTTP/1.1\r\nHost: here\r\nX-Begun: "


class Hasty(Connection):
    seconds = 0.3


@dataclass
class Server:
    port: int

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


async def _said(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body() or "nothing")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    app = Starlette(routes=[Route("/", _said, methods=["GET", "POST"])])
    config = uvicorn.Config(app, ws="none", lifespan="off", log_level="critical")
    config.load()
    state = ServerState()
    made = await asyncio.get_running_loop().create_server(lambda: Hasty(config, state, {}), "127.0.0.1")
    yield Server(made.sockets[0].getsockname()[1])
    made.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Until the server closes the connection, which it may do without having read all."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("sent", [b"", b"G", BEGUN])
async def test_the_head_of_a_request_is_waited_for_only_so_long(sent: bytes, server: Server) -> None:
    reader, writer = await server.open()
    writer.write(sent)
    assert await _read(reader) == b""
    writer.close()


async def test_a_head_that_comes_little_by_little_has_no_more_time(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(BEGUN)
    closing = asyncio.ensure_future(_read(reader))
    for _ in range(40):
        if closing.done():
            break
        writer.write(b"x")
        await asyncio.wait([closing], timeout=0.05)
    assert closing.done()
    assert closing.result() == b""
    writer.close()


async def test_a_second_request_is_waited_for_as_the_first(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(WHOLE)
    assert b"nothing" in await reader.readuntil(b"nothing")
    writer.write(BEGUN)
    async with asyncio.timeout(2):  # sooner than uvicorn's own patience between requests
        assert await reader.read() == b""
    writer.close()


async def test_what_has_come_whole_is_answered_however_long_it_took_since(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\na")
    await asyncio.sleep(0.6)
    writer.write(b"bc")
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_head_without_an_end_is_not_kept(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(BEGUN + b"x" * MOST)
    assert (await _read(reader)).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_another_protocol_is_not_changed_to(server: Server) -> None:
    reader, writer = await server.open()
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n"
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n" + upgrade + b"\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()

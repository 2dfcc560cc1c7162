"""Connections that ask again as soon as they are answered, and what it cost whoever answered.

https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop


@dataclass
class Result:
    """Of one measurement: seconds of CPU, and milliseconds of waiting."""

    requests: int
    seconds: float
    server_cpu: float
    postgres_cpu: float
    p50: float
    p99: float
    failures: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def rate_of_a_core(self) -> float:
        return self.requests / (self.server_cpu + self.postgres_cpu)


@dataclass(frozen=True)
class Measured:
    """The processes whose CPU is read: the one that serves, and PostgreSQL's first."""

    server: int
    postgres: int

    def measure(self, port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Result:
        """Ask for so long."""
        before = cpu([self.server]), cpu([self.postgres, *children(self.postgres)])
        begun = time.perf_counter()
        took, failures = uvloop.run(_ask(port, requests, connections, seconds))
        spent = time.perf_counter() - begun
        after = cpu([self.server]), cpu([self.postgres, *children(self.postgres)])
        took.sort()
        return Result(
            len(took), spent, after[0] - before[0], after[1] - before[1],
            took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000, failures,
        )  # fmt: skip


def median(results: list[Result]) -> Result:
    """The one whose rate is in the middle."""
    return sorted(results, key=lambda each: each.rate)[len(results) // 2]


class _Asking(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float], failed: list[int]) -> None:
        self.requests, self.until, self.took, self.failed = requests, until, took, failed
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        request = next(self.requests)
        self.begun = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.lower().index(b"content-length:") + 15
        if len(rest) < int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None]):
            return
        self.buffer = b""
        now = time.perf_counter()
        self.took.append(now - self.begun)
        self.failed[0] += not head.startswith(b"HTTP/1.1 2")
        if now < self.until:
            self.ask()
        else:
            self.transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("The server hung up."))


async def _ask(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> tuple[list[float], int]:
    took: list[float] = []
    failed = [0]
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: _Asking(requests, until, took, failed), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.done for each in made))
    return took, failed[0]


def cpu(pids: list[int]) -> float:
    """Seconds of CPU that these processes have used."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Megabytes of memory that a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found

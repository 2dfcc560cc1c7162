"""The child-protection lookup over HTTP with the audit on, beside the same route without a database or without the audit.

    make bench          or: PYTHONPATH=. .venv/bin/python bench/lookup.py --seconds 5 --connections 1,16,32,64

One process serves three apps that differ only in what answers a lookup: `audited` (the product: gathered, committed,
then answered), `select` (the same SELECT, one a request, no audit, a pool with the same settings) and `memory` (the same
bytes from a dictionary). Another process asks, in turn, so that every comparison is of one run on one machine. CPU is read
from /proc for the server and for all of PostgreSQL; a ratio is of requests a second.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
import uvloop
from joserfc.jwk import ECKey

from app import main
from app.child_protection import lookup
from app.child_protection.lookup import Lookup, Lookups, Released
from app.fhir import resource_id, systems
from app.fhir.nhs_number import check_digit
from app.policy import authority
from app.policy.access import Caller, CareSetting, Kind
from app.security import demo_client, keys, scope
from app.settings import Settings
from app.store import client as registry
from app.store import database, embedded, writing
from app.store.database import Database
from app.store.lookup import LookupStatement
from app.store.writing import Draft

EXAMPLES = Path(__file__).resolve().parents[1] / "fhir_profiles" / "examples"
VARIANTS = ("audited", "select", "memory")
FIRST_PORT = 18431
SELECT_CONNECTIONS = 8


class Selected(Lookups):
    """One SELECT a request, and no audit."""

    pool: asyncpg.Pool

    async def look_up(self, asked: Lookup) -> Released:
        bucket = resource_id.bucket_of(asked.nhs_number, self._bucket_key)
        async with self.pool.acquire() as connection:
            (answer,) = await self._statement.run(
                connection, [(asked.nhs_number, bucket)], self._plans_ended_after(asked.now)
            )
        return lookup._released(asked.caller, answer)


class Remembered(Lookups):
    """No database."""

    answers: dict[str, Released]

    async def look_up(self, asked: Lookup) -> Released:
        return self.answers.get(asked.nhs_number) or Released((), ())


def number(serial: int) -> str | None:
    nine = f"9{serial:08}"
    digit = check_digit(nine)
    return None if digit is None else f"{nine}{digit}"


def numbers(first: int, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        if each := number(first):
            found.append(each)
        first += 1
    return found


async def fill(store: Database, key: bytes, with_plan: list[str], without: list[str]) -> None:
    """A plan (team, plan, flag) for each of the first, and only a number for the others."""
    now = datetime.now(UTC)
    examples = {
        name: json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
        for name in (
            "child-protection-care-team",
            "child-protection-care-plan-active",
            "child-protection-flag-active-plan",
        )
    }
    for start in range(0, len(with_plan), 500):
        drafts = []
        for nhs_number in with_plan[start : start + 500]:
            bucket = resource_id.bucket_of(nhs_number, key)
            ids = [resource_id.new(bucket, now) for _ in examples]
            subject = {"type": "Patient", "identifier": {"system": systems.NHS_NUMBER, "value": nhs_number}}
            team, plan, flag = ({**each, "subject": subject} for each in examples.values())
            plan["careTeam"] = [{"reference": f"CareTeam/{ids[0]}"}]
            reference = {"reference": f"CarePlan/{ids[1]}"}
            flag["extension"] = [{"url": systems.FLAG_DETAIL, "valueReference": reference}]
            drafts += [
                Draft(each, json.dumps(each, separators=(",", ":")), "LA901", id)
                for each, id in zip((team, plan, flag), ids, strict=True)
            ]
        async with store.transaction() as tx:
            await writing.create_all(tx, drafts, key, now)
    async with store.transaction() as tx:
        await writing.identity.register(tx, without, key, now)


async def serve(url: str, folder: Path, people: int) -> None:
    """The three apps; prints their token when they are ready."""
    settings = Settings(var=folder, port=FIRST_PORT)
    store = await database.connect(url, hot_connections=2)
    await database.migrate(store)
    secret = keys.bucket_key(settings)
    with_plan, without = numbers(10_000_000, people), numbers(20_000_000, people)
    await fill(store, secret, with_plan, without)
    async with store.transaction() as tx:
        await tx.exec_driver_sql("ANALYZE")
    jwk = ECKey.generate_key("P-384", {"use": "sig"})
    jwk.ensure_kid()
    described = {
        "client_id": "bench",
        "kind": "emergency-department",
        "ods_code": "RX901",
        "scopes": ["system/Flag.rs", "system/CarePlan.rs", "system/CareTeam.rs"],
        "purposes": [{"system": systems.ACT_REASON, "code": "ETREAT"}],
        "activity_codes": ["B0107"],
        "jwk": jwk.as_dict(private=True),
    }
    one = registry.Client(
        "bench", "bench", Kind.EMERGENCY_DEPARTMENT, "RX901", "Bench", CareSetting.UNSCHEDULED,
        tuple(described["scopes"]), (f"{systems.ACT_REASON}|ETREAT",), ("B0107",),
        json.dumps({"keys": [jwk.as_dict(private=False)]}),
    )  # fmt: skip
    async with store.transaction() as tx:
        await registry.put_all(tx, [one])

    def after(moment: datetime) -> datetime:
        return authority.months_before(moment, 12)

    selected = Selected(store, secret, after, locates_restricted=False)
    selected.pool = await asyncpg.create_pool(
        url, min_size=SELECT_CONNECTIONS, max_size=SELECT_CONNECTIONS,
        server_settings=database.SERVER_SETTINGS, reset=database._keep,
    )  # fmt: skip
    remembered = Remembered(store, secret, after, locates_restricted=False)
    remembered.answers = {}
    statement = LookupStatement(locates_restricted=False)
    scopes = tuple(scope.parse(each) for each in described["scopes"])
    caller = Caller("bench", one.kind, "RX901", "Bench", one.care_setting, scopes, None, None, frozenset())
    async with store.hot.acquire() as connection:
        for start in range(0, len(with_plan), 500):
            batch = [(n, resource_id.bucket_of(n, secret)) for n in with_plan[start : start + 500]]
            answers = await statement.run(connection, batch, after(datetime.now(UTC)))
            remembered.answers |= {n: lookup._released(caller, a) for (n, _), a in zip(batch, answers, strict=True)}
    servers = []
    for place, variant in enumerate(VARIANTS):
        app = main.create_app(settings, store)
        object.__setattr__(
            app.state.service,
            "lookups",
            {"audited": app.state.service.lookups, "select": selected, "memory": remembered}[variant],
        )
        config = uvicorn.Config(
            app, port=FIRST_PORT + place, access_log=False, log_level="warning", lifespan="off", server_header=False
        )
        servers.append(uvicorn.Server(config))
    running = [asyncio.create_task(server.serve()) for server in servers]
    while not all(server.started for server in servers):  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.05)
    print(json.dumps(described), flush=True)
    gc.collect()
    gc.freeze()
    await asyncio.gather(*running)


@dataclass
class Result:
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


class Asking(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: list[bytes], until: float, took: list[float], failed: list[int]) -> None:
        self.requests, self.until, self.took, self.failed = requests, until, took, failed
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.place = random.randrange(len(requests))

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.place = (self.place + 1) % len(self.requests)
        self.begun = time.perf_counter()
        self.transport.write(self.requests[self.place])

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
        self.failed[0] += not head.startswith(b"HTTP/1.1 200")
        if now < self.until:
            self.ask()
        else:
            self.transport.close()
            self.done.set_result(None)


async def ask(port: int, requests: list[bytes], connections: int, seconds: float) -> tuple[list[float], int]:
    took: list[float] = []
    failed = [0]
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Asking(requests, until, took, failed), "127.0.0.1", port))[1]
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


def request(nhs_number: str, token: str, port: int, *, unscheduled: bool) -> bytes:
    body = f"patient%3Aidentifier={systems.NHS_NUMBER.replace(':', '%3A').replace('/', '%2F')}%7C{nhs_number}"
    return (
        f"POST /fhir/R4/Flag/_search HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nIsUnscheduledAccessEvent: {str(unscheduled).lower()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def access_token(client: dict[str, Any]) -> str:
    """A fresh one, which lives for longer than one line of the table takes."""
    url = Settings(port=FIRST_PORT).token_url
    signed = demo_client.assertion(client, url, datetime.now(UTC))
    answer = httpx.post(url, data=demo_client.token_request(client, signed))
    return str(answer.json()["access_token"])


def measure(server: int, postgres: int, port: int, requests: list[bytes], connections: int, seconds: float) -> Result:
    backends = [postgres, *children(postgres)]
    before = cpu([server]), cpu(backends)
    begun = time.perf_counter()
    took, failures = uvloop.run(ask(port, requests, connections, seconds))
    spent = time.perf_counter() - begun
    after = cpu([server]), cpu([postgres, *children(postgres)])
    took.sort()
    return Result(
        len(took), spent, after[0] - before[0], after[1] - before[1],
        took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000, failures,
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="cradle-bench-"))
    folder.chmod(0o755)
    postgres = embedded.start(folder)
    serving = subprocess.Popen(
        [sys.executable, __file__, "--serve", postgres.url, "--folder", folder, "--people", str(arguments.people)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert serving.stdout is not None
        client = json.loads(serving.stdout.readline())
        pid = int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        with_plan, without = numbers(10_000_000, arguments.people), numbers(20_000_000, arguments.people)
        kinds = {
            "miss": (without, True),
            "silent hit": (with_plan, False),
            "unscheduled hit": (with_plan, True),
        }
        print(
            "kind             conns variant   req/s  vs select  server µs  PG µs   p50 ms  p99 ms  req/s a core  failed"
        )
        for kind, (asked, unscheduled) in kinds.items():
            for connections in arguments.connections:
                token = access_token(client)
                results: dict[str, list[Result]] = {variant: [] for variant in VARIANTS}
                for _ in range(arguments.rounds):
                    for place, variant in enumerate(VARIANTS):
                        requests = [request(each, token, FIRST_PORT, unscheduled=unscheduled) for each in asked]
                        random.shuffle(requests)
                        port = FIRST_PORT + place
                        results[variant].append(
                            measure(serving.pid, pid, port, requests, connections, arguments.seconds)
                        )
                middle = {v: sorted(r, key=lambda each: each.rate)[len(r) // 2] for v, r in results.items()}
                for variant, result in middle.items():
                    cores = (result.server_cpu + result.postgres_cpu) / result.seconds
                    print(
                        f"{kind:16} {connections:5} {variant:8} {result.rate:7,.0f} "
                        f"{result.rate / middle['select'].rate:9.2f}x {result.server_cpu / result.requests * 1e6:9.0f} "
                        f"{result.postgres_cpu / result.requests * 1e6:7.0f} {result.p50:8.1f} {result.p99:7.1f} "
                        f"{result.rate / cores:12,.0f} {result.failures:7}",
                        flush=True,
                    )
    finally:
        serving.terminate()
        serving.wait()
        postgres.stop()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument(
        "--connections", type=lambda text: [int(each) for each in text.split(",")], default=[1, 16, 32, 64]
    )
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    if given.serve:
        uvloop.run(serve(given.serve, given.folder, given.people))
    else:
        run(given)

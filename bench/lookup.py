"""The child-protection lookup over HTTP with the audit on, beside the same route without a database or without the audit.

    make bench          or: PYTHONPATH=. .venv/bin/python bench/lookup.py --seconds 5 --connections 1,16,32,64

One process serves three apps that differ only in what answers a lookup: `audited` (the product: gathered, committed,
then answered), `select` (the same SELECT, one a request, no audit, a pool with the same settings) and `memory` (the same
bytes from a dictionary). Another process asks, in turn, so that every comparison is of one run on one machine. CPU is read
from /proc for the server and for all of PostgreSQL; a ratio is of requests a second.
"""

import argparse
import itertools
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from app import main
from app.child_protection import lookup
from app.child_protection.lookup import Lookup, Lookups, Released
from app.fhir import resource_id, systems
from app.policy import authority
from app.policy.access import Caller, CareSetting, Kind
from app.security import keys, scope
from app.store import database, writing
from app.store.database import Database
from app.store.lookup import LookupStatement
from app.store.writing import Draft
from bench.measuring import load, people, served
from bench.measuring.load import Result
from bench.measuring.served import FIRST_PORT

VARIANTS = ("audited", "select", "memory")
WITH_PLAN, WITHOUT = 10_000_000, 20_000_000  # where their NHS numbers begin


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


async def fill(store: Database, key: bytes, with_plan: list[str], without: list[str]) -> None:
    """A plan (team, plan, flag) for each of the first, and only a number for the others."""
    now = datetime.now(UTC)
    examples = [
        people.example(name)
        for name in (
            "child-protection-care-team",
            "child-protection-care-plan-active",
            "child-protection-flag-active-plan",
        )
    ]
    for start in range(0, len(with_plan), 500):
        drafts = []
        for nhs_number in with_plan[start : start + 500]:
            bucket = resource_id.bucket_of(nhs_number, key)
            ids = [resource_id.new(bucket, now) for _ in examples]
            subject = {"type": "Patient", "identifier": {"system": systems.NHS_NUMBER, "value": nhs_number}}
            team, plan, flag = ({**each, "subject": subject} for each in examples)
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


async def serve(url: str, folder: Path, count: int) -> None:
    """The three apps; prints their client when they are ready."""
    settings = served.settings(folder)
    store = await database.connect(url, hot_connections=2)
    await database.migrate(store)
    secret = keys.bucket_key(settings)
    with_plan, without = people.some(WITH_PLAN, count), people.some(WITHOUT, count)
    await fill(store, secret, with_plan, without)
    async with store.transaction() as tx:
        await tx.exec_driver_sql("ANALYZE")
    scopes = ["system/Flag.rs", "system/CarePlan.rs", "system/CareTeam.rs"]
    purpose = {"system": systems.ACT_REASON, "code": "ETREAT"}
    client = await served.registered(
        store, Kind.EMERGENCY_DEPARTMENT, "RX901", CareSetting.UNSCHEDULED, scopes, purpose, ["B0107"]
    )

    def after(moment: datetime) -> datetime:
        return authority.months_before(moment, 12)

    selected = Selected(store, secret, after, locates_restricted=False)
    selected.pool = await served.pool(url)
    remembered = Remembered(store, secret, after, locates_restricted=False)
    granted = tuple(scope.parse(each) for each in scopes)
    caller = Caller(
        "bench", Kind.EMERGENCY_DEPARTMENT, "RX901", "Bench", CareSetting.UNSCHEDULED, granted, None, None, frozenset()
    )
    remembered.answers = await answers(store, secret, with_plan, caller, after(datetime.now(UTC)))
    apps = [main.create_app(settings, store) for _ in VARIANTS]
    for app, lookups in zip(apps, (apps[0].state.service.lookups, selected, remembered), strict=True):
        object.__setattr__(app.state.service, "lookups", lookups)
    await served.serve(apps, client)


async def answers(
    store: Database, secret: bytes, numbers: list[str], caller: Caller, ended_after: datetime
) -> dict[str, Released]:
    """What each lookup is answered with."""
    found: dict[str, Released] = {}
    statement = LookupStatement(locates_restricted=False)
    async with store.hot.acquire() as connection:
        for start in range(0, len(numbers), 500):
            batch = [(each, resource_id.bucket_of(each, secret)) for each in numbers[start : start + 500]]
            rows = await statement.run(connection, batch, ended_after)
            found |= {each: lookup._released(caller, row) for (each, _), row in zip(batch, rows, strict=True)}
    return found


def request(nhs_number: str, token: str, port: int, *, unscheduled: bool) -> bytes:
    body = f"patient%3Aidentifier={systems.NHS_NUMBER.replace(':', '%3A').replace('/', '%2F')}%7C{nhs_number}"
    return (
        f"POST /fhir/R4/Flag/_search HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nIsUnscheduledAccessEvent: {str(unscheduled).lower()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def run(arguments: argparse.Namespace) -> None:
    with served.started(__file__, "--people", str(arguments.people)) as serving:
        with_plan, without = people.some(WITH_PLAN, arguments.people), people.some(WITHOUT, arguments.people)
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
                token = served.access_token(serving.said)
                results: dict[str, list[Result]] = {variant: [] for variant in VARIANTS}
                for _ in range(arguments.rounds):
                    for place, variant in enumerate(VARIANTS):
                        port = FIRST_PORT + place
                        requests = [request(each, token, port, unscheduled=unscheduled) for each in asked]
                        random.shuffle(requests)
                        result = serving.processes.measure(
                            port, itertools.cycle(requests), connections, arguments.seconds
                        )
                        results[variant].append(result)
                middle = {variant: load.median(each) for variant, each in results.items()}
                for variant, result in middle.items():
                    print(
                        f"{kind:16} {connections:5} {variant:8} {result.rate:7,.0f} "
                        f"{result.rate / middle['select'].rate:9.2f}x {result.server_cpu / result.requests * 1e6:9.0f} "
                        f"{result.postgres_cpu / result.requests * 1e6:7.0f} {result.p50:8.1f} {result.p99:7.1f} "
                        f"{result.rate_of_a_core:12,.0f} {result.failures:7}",
                        flush=True,
                    )


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

"""The FHIR interactions over HTTP, with consent and audit on, each beside the same row from one statement of asyncpg.

    make bench          or: PYTHONPATH=. .venv/bin/python bench/rest.py --seconds 5 --connections 1,16,64 --kinds read

A children's centre asks for children whom others keep, and of whom three families in four agreed to it. One process serves
the product and the floor (`measuring/raw.py`), another asks, in turn; CPU is that of the server and of all of PostgreSQL.
At the end `cradle serve` is started on the same data, and it is told how long it takes and how much memory it has.
"""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import uvloop

from app import main
from app.fhir import systems
from app.policy.access import CareSetting, Kind
from app.security import keys
from app.settings import FHIR_PATH
from app.store import database, identity, writing
from app.store.database import Database
from app.store.writing import Draft
from bench.measuring import load, people, raw, served
from bench.measuring.load import Result
from bench.measuring.served import FIRST_PORT

VARIANTS = ("cradle", "raw")
CENTRE, CHILD, MOTHER = "CC901", "9990000018", "9990000123"  # in the examples
KEPT, MOTHERS, NEW = 10_000_000, 20_000_000, 30_000_000  # where NHS numbers begin
OF_ONE_NAME = 100
SCOPES = ["system/Patient.crs", "system/CommunicationRequest.crs"]
PURPOSE = {"system": systems.PURPOSE, "code": "early-years-outreach"}


def family(place: int) -> str:
    """A hundred children have the same name: more than a page."""
    return f"Benchmark{place // OF_ONE_NAME}x"


async def fill(store: Database, key: bytes, count: int) -> list[str]:
    """Children, their mothers, and a Consent for all but every fourth. The Patients' ids."""
    now = datetime.now(UTC)
    both = list(zip(people.some(KEPT, count), people.some(MOTHERS, count), strict=True))
    for start in range(0, count, OF_ONE_NAME):
        drafts = []
        for place, (child, mother) in enumerate(both[start : start + OF_ONE_NAME], start):
            instead = {CHILD: child, MOTHER: mother, '"family":"Example"': f'"family":"{family(place)}"'}
            names = ["patient-toddler", "related-person-mother"]
            names += ["consent-parent-permits-childrens-centre"] if place % 4 else []
            texts = [people.text(name, instead) for name in names]
            drafts += [Draft(json.loads(text), text, "RX999") for text in texts]
        async with store.transaction() as tx:
            await writing.create_all(tx, drafts, key, now)
    async with store.transaction() as tx:
        await tx.exec_driver_sql("ANALYZE")
        known = await identity.resolve(tx, [child for place, (child, _) in enumerate(both) if place % 4], key)
    return [str(person.patient_id) for person in known.values()]


async def serve(url: str, folder: Path, count: int) -> None:
    """The product and the floor."""
    settings = served.settings(folder)
    store = await database.connect(url, connections=served.CONNECTIONS)
    await database.migrate(store)
    secret = keys.bucket_key(settings)
    ids = await fill(store, secret, count)
    client = await served.registered(store, Kind.CHILDRENS_CENTRE, CENTRE, CareSetting.NONE, SCOPES, PURPOSE, ["B0107"])
    floor = raw.app(await served.pool(url), secret)
    await served.serve([main.create_app(settings, store), floor], {"client": client, "ids": ids})


def request(method: str, path: str, token: str, body: str = "", sent: str = "application/fhir+json") -> bytes:
    return (
        f"{method} {FHIR_PATH}{path} HTTP/1.1\r\nHost: 127.0.0.1:{FIRST_PORT}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {sent}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def search(token: str, **parameters: str) -> bytes:
    return request("POST", "/Patient/_search", token, urlencode(parameters), "application/x-www-form-urlencoded")


def reads(token: str, ids: list[str]) -> Iterator[bytes]:
    return itertools.cycle([request("GET", f"/Patient/{id}", token) for id in ids])


def searches_by_number(token: str, count: int) -> Iterator[bytes]:
    numbers = people.some(KEPT, count)
    random.shuffle(numbers)
    return itertools.cycle([search(token, identifier=f"{systems.NHS_NUMBER}|{each}") for each in numbers])


def searches_by_name(token: str, count: int) -> Iterator[bytes]:
    names = [family(place) for place in range(0, count, OF_ONE_NAME)]
    return itertools.cycle([search(token, family=name, _count="50", _total="accurate") for name in names])


def creates(token: str, example: str, instead: dict[str, str], numbers: Iterator[str]) -> Iterator[bytes]:
    """One about each number."""
    text = people.text(example, instead)
    type = json.loads(text)["resourceType"]
    return (request("POST", f"/{type}", token, text.replace(CHILD, each)) for each in numbers)


def transactions(token: str, example: str, numbers: Iterator[str]) -> Iterator[bytes]:
    """Ten resources each."""
    text = people.text(example)
    type = json.loads(text)["resourceType"]
    entry = f'{{"resource":{text},"request":{{"method":"POST","url":"{type}"}}}}'
    while True:
        entries = ",".join(entry.replace(CHILD, next(numbers)) for _ in range(10))
        bundle = f'{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}'
        yield request("POST", "", token, bundle)


def kinds(said: dict[str, Any], count: int) -> dict[str, Callable[[str], Iterator[bytes]]]:
    """What is measured, by name: the requests under a token."""
    known, new = itertools.cycle(people.some(KEPT, count)), people.numbers(NEW)
    own = {"RX999": CENTRE}
    contact = "communication-request-family-contact"
    return {
        "read": lambda token: reads(token, said["ids"]),
        "search by number": lambda token: searches_by_number(token, count),
        "search page of 50": lambda token: searches_by_name(token, count),
        "create Patient": lambda token: creates(token, "patient-toddler", own, new),
        "create CommunicationRequest": lambda token: creates(token, contact, {}, known),
        "transaction of 10": lambda token: transactions(token, contact, known),
    }


def run(arguments: argparse.Namespace) -> None:
    with served.started(__file__, "--people", str(arguments.people)) as serving:
        print(f"resident before load: {load.resident(serving.processes.server):.0f} MB (both apps)")
        print("kind                        conns variant   req/s  of raw  server µs   PG µs  p50 ms  p99 ms  failed")
        for kind, requests in kinds(serving.said, arguments.people).items():
            if not any(kind.startswith(each) for each in arguments.kinds):
                continue
            for connections in arguments.connections:
                results: dict[str, list[Result]] = {variant: [] for variant in VARIANTS}
                for _, (place, variant) in itertools.product(range(arguments.rounds), enumerate(VARIANTS)):
                    asked = requests(served.access_token(serving.said["client"]))
                    result = serving.processes.measure(FIRST_PORT + place, asked, connections, arguments.seconds)
                    results[variant].append(result)
                show(kind, connections, {variant: load.median(each) for variant, each in results.items()})
        print(f"resident after load: {load.resident(serving.processes.server):.0f} MB (both apps)")
        start_and_measure(serving.url, serving.folder)


def show(kind: str, connections: int, results: dict[str, Result]) -> None:
    for variant, result in results.items():
        print(
            f"{kind:27} {connections:5} {variant:7} {result.rate:7,.0f} {result.rate / results['raw'].rate:6.2f}x "
            f"{result.server_cpu / result.requests * 1e6:10,.0f} {result.postgres_cpu / result.requests * 1e6:7,.0f} "
            f"{result.p50:7.1f} {result.p99:7.1f} {result.failures:7}",
            flush=True,
        )


def start_and_measure(url: str, folder: Path) -> None:
    """`cradle serve` on a database that is there already, until it answers."""
    port = FIRST_PORT + len(VARIANTS)
    environment = {**os.environ, "CRADLE_VAR": str(folder), "CRADLE_PORT": str(port), "CRADLE_DATABASE_URL": url}
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not _answers(port):
            time.sleep(0.02)
        print(f"start to ready: {time.perf_counter() - begun:.2f} s; resident: {load.resident(process.pid):.0f} MB")
        process.send_signal(signal.SIGTERM)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{FHIR_PATH}/metadata").status_code == 200
    except httpx.TransportError:
        return False


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=[""], help="what their names begin with")
    parser.add_argument("--connections", type=lambda text: [int(each) for each in text.split(",")], default=[1, 16, 64])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    if given.serve:
        uvloop.run(serve(given.serve, given.folder, given.people))
    else:
        run(given)

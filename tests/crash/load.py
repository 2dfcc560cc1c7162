"""Callers that write and look up without a pause, and remember what they were told.

An answer counts as *received* as soon as its status has arrived, and as *acknowledged* when the whole of it has.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from app.fhir import systems
from tests.api import examples
from tests.api.callers import FHIR_JSON, Callers
from tests.crash.server import Server
from tests.security.clients import Clock

HOW_MANY = {"families": 3, "plans": 2, "lookups": 3}  # connections


@dataclass(frozen=True)
class Answer:
    """What came back. `status` is None where nothing did, `body` where the connection broke before its end."""

    request_id: str
    client: str
    method: str
    url: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    seconds: float = 0
    expected: str = ""  # the Flag that has to be in the answer to a lookup

    @property
    def is_received(self) -> bool:
        return self.status in (200, 201)

    @property
    def is_acknowledged(self) -> bool:
        return self.is_received and self.body is not None

    @property
    def is_write(self) -> bool:
        return self.method in ("POST", "PUT") and not self.is_lookup

    @property
    def is_lookup(self) -> bool:
        return self.url == "Flag/_search"

    @property
    def resource(self) -> dict[str, Any]:
        assert self.body is not None
        resource: dict[str, Any] = json.loads(self.body)
        return resource


class Load:
    """`answers` is everything that was ever asked for, over all the starts of a server."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.server, self.chance = server, chance
        self.answers: list[Answer] = []
        self.plans: dict[str, str] = {}  # NHS number -> the Flag that was acknowledged
        self.is_over = False
        self._changed = asyncio.Condition()

    @property
    def acknowledged(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.is_acknowledged]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the block, and then until every caller has its last answer or lost its connection."""
        self.is_over, self._changed = False, asyncio.Condition()
        tokens = await self._tokens()
        work = {"families": self._families, "plans": self._plans, "lookups": self._lookups}
        named = [name for name, count in HOW_MANY.items() for _ in range(count)]
        callers = [asyncio.create_task(self._until_over(tokens, work[name])) for name in named]
        try:
            yield
        finally:
            self.is_over = True
            await asyncio.gather(*callers)

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Looked at whenever an answer has come."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def until_acknowledged(self, count: int) -> None:
        """So many more than there are now."""
        enough = len(self.acknowledged) + count
        await self.until(lambda: len(self.acknowledged) >= enough)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """To ask something beside."""
        tokens = await self._tokens()
        async with self._http() as http:
            yield Connection(self, http, tokens)

    async def _tokens(self) -> Callers:
        async with self._http() as http:
            tokens = Callers(http, self.server.token_url, Clock(datetime.now(UTC)))
            await tokens.prepare()
            return tokens

    def _http(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=1)
        return httpx.AsyncClient(base_url=self.server.base, limits=limits, timeout=60, trust_env=False)

    async def _until_over(self, tokens: Callers, work: Callable[["Connection"], Awaitable[None]]) -> None:
        async with self._http() as http:
            connection = Connection(self, http, tokens)
            try:
                while not self.is_over:
                    await work(connection)
            except _Lost:
                return

    async def _families(self, connection: "Connection") -> None:
        """A child, somebody's agreement, somebody else's refusal, and a correction of the record."""
        names = (examples.CHILD, examples.MOTHER, examples.FATHER)
        numbers = {name: examples.new_number() for name in names}
        patient = await connection.create("health-visiting", examples.example("patient-toddler", numbers))
        if patient is None:
            return  # nobody else of the family may be written by who has not written the child
        await connection.create("health-visiting", examples.example("related-person-mother", numbers))
        permits = examples.example("consent-parent-permits-childrens-centre", numbers)
        await connection.create("health-visiting", permits)
        await connection.create("gp-practice", examples.example("consent-parent-refuses", numbers))
        for version in range(1, self.chance.randint(1, 3)):
            if patient is not None:
                await connection.read("health-visiting", f"Patient/{patient['id']}")
                patient = await connection.update("health-visiting", patient | {"birthDate": f"2025-03-0{version}"})

    async def _plans(self, connection: "Connection") -> None:
        """A team, a plan and the Flag that leads to both, about somebody whom nobody has named before."""
        number = examples.new_number()
        about = {examples.CHILD: number}
        team = await connection.create("local-authority-a", examples.example("child-protection-care-team", about))
        plan = examples.example("child-protection-care-plan-active", about)
        if team is not None:
            plan["careTeam"] = [{"reference": f"CareTeam/{team['id']}"}]
            care_plan = await connection.create("local-authority-a", plan)
            flag = examples.example("child-protection-flag-active-plan", about)
            if care_plan is not None:
                flag["extension"][0]["valueReference"] = {"reference": f"CarePlan/{care_plan['id']}"}
                kept = await connection.create("local-authority-a", flag)
                if kept is not None:
                    self.plans[number] = kept["id"]

    async def _lookups(self, connection: "Connection") -> None:
        """An emergency department asks about a child with a plan, and now and then about one without."""
        number = self.chance.choice(sorted(self.plans)) if self.plans else examples.new_number()
        if self.chance.random() < 0.2:
            number = examples.new_number()
        await connection.look_up("emergency-department", number)

    async def add(self, answer: Answer) -> None:
        self.answers.append(answer)
        async with self._changed:
            self._changed.notify_all()


class _Lost(Exception):
    """There is nobody at the other end any more."""


@dataclass
class Connection:
    """One caller's, which asks for one thing at a time."""

    load: Load
    http: httpx.AsyncClient
    tokens: Callers

    async def create(self, client: str, resource: dict[str, Any]) -> dict[str, Any] | None:
        """The resource as it was kept; None where it was refused."""
        return await self._write(client, "POST", resource["resourceType"], resource, {})

    async def update(self, client: str, resource: dict[str, Any]) -> dict[str, Any] | None:
        match = {"If-Match": f'W/"{resource["meta"]["versionId"]}"'}
        return await self._write(client, "PUT", f"{resource['resourceType']}/{resource['id']}", resource, match)

    async def _write(
        self, client: str, method: str, url: str, resource: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any] | None:
        headers = {"Content-Type": FHIR_JSON, **headers}
        answer = await self._send(client, method, url, headers, content=json.dumps(resource, indent=1))
        return answer.resource if answer.is_acknowledged else None

    async def read(self, client: str, url: str) -> Answer:
        return await self._send(client, "GET", url, {})

    async def look_up(self, client: str, nhs_number: str) -> Answer:
        """Unscheduled, since nothing else is said."""
        expected = self.load.plans.get(nhs_number, "")
        about = {"patient:identifier": f"{systems.NHS_NUMBER}|{nhs_number}"}
        return await self._send(client, "POST", "Flag/_search", {}, data=about, expected=expected)

    async def _send(
        self, client: str, method: str, url: str, headers: dict[str, str], *, expected: str = "", **more: Any
    ) -> Answer:
        request_id, begun = str(uuid4()), asyncio.get_running_loop().time()
        headers = {"Authorization": f"Bearer {self.tokens[client].token}", "X-Request-ID": request_id, **headers}
        answer = Answer(request_id, client, method, url, expected=expected)
        try:
            async with self.http.stream(method, url, headers=headers, **more) as response:
                answer = replace(answer, status=response.status_code, headers=dict(response.headers))
                body = (await response.aread()).decode()
            answer = replace(answer, body=body, seconds=asyncio.get_running_loop().time() - begun)
        except httpx.TransportError as error:
            raise _Lost from error
        finally:
            await self.load.add(answer)
        return answer

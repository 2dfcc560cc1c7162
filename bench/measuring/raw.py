"""The floor: a FastAPI app that answers the same requests by one statement of asyncpg each, and with nothing of ours.

https://fastapi.tiangolo.com/advanced/response-directly/

No token, no consent, no audit, no validation. It reads and writes the product's own tables, so that a row is as large.
"""

import itertools
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request, Response

from app.api.responses import FHIR_JSON
from app.fhir import resource_id, systems

_READ = "SELECT content FROM resource WHERE id = $1 AND bucket = $2 AND type = 'Patient'"
_BY_NUMBER = (
    "SELECT 1 AS total, r.content FROM patient_identifier i JOIN resource r ON r.id = i.patient_id"
    " AND r.bucket = i.patient_bucket AND r.type = 'Patient'"
    f" WHERE i.system = '{systems.NHS_NUMBER}' AND i.value = $1 AND i.bucket = $2"
)
_MATCHING = (
    " FROM resource r WHERE r.type = 'Patient' AND EXISTS (SELECT FROM search_string s WHERE s.id = r.id"
    " AND s.bucket = r.bucket AND s.parameter = 'Patient.family' AND s.value LIKE $1)"
)
_PAGE = (
    f"SELECT (SELECT count(*){_MATCHING}) AS total, r.content{_MATCHING}"
    " ORDER BY r.last_updated DESC, r.id DESC LIMIT 51"
)
_INSERT = (
    "INSERT INTO resource (id, bucket, version, type, last_updated, content, custodian, owners, recipients, category,"
    " label, sensitivities, status, kind, tokens)"
    " VALUES ($1, $2, 1, $3, $4, $5, 'CC901', '{}', '{}', 'demographics', 1, '{}', '', '', '{}')"
)


def app(pool: asyncpg.Pool, key: bytes) -> FastAPI:
    """The same paths as the product's."""
    raw = FastAPI(telemetry={"tracing": False, "auto_configure": False})
    serial = itertools.count()

    @raw.get("/fhir/R4/Patient/{id}")
    async def read(id: str) -> Response:
        given = UUID(id)
        async with pool.acquire() as connection:
            content = await connection.fetchval(_READ, given, resource_id.bucket(given))
        return Response(content, media_type=FHIR_JSON)

    @raw.post("/fhir/R4/Patient/_search")
    async def search(request: Request) -> Response:
        ((name, value), *_) = parse_qsl((await request.body()).decode())
        if name == "family":
            given: tuple[Any, ...] = (value.lower() + "%",)
        else:
            number = value.partition("|")[2]
            given = (number, resource_id.bucket_of(number, key))
        async with pool.acquire() as connection:
            rows = await connection.fetch(_PAGE if name == "family" else _BY_NUMBER, *given)
        entries = ",".join(f'{{"resource":{row["content"]}}}' for row in rows)
        total = rows[0]["total"] if rows else 0
        return Response(f'{{"resourceType":"Bundle","total":{total},"entry":[{entries}]}}', media_type=FHIR_JSON)

    def row(type: str, text: str) -> tuple[Any, ...]:
        now = datetime.now(UTC)
        bucket = next(serial) % resource_id.BUCKETS
        return resource_id.new(bucket, now), bucket, type, now, text

    @raw.post("/fhir/R4/{type}")
    async def create(type: str, request: Request) -> Response:
        text = (await request.body()).decode()
        async with pool.acquire() as connection:
            await connection.execute(_INSERT, *row(type, text))
        return Response(text, 201, media_type=FHIR_JSON)

    @raw.post("/fhir/R4")
    async def transaction(request: Request) -> Response:
        text = (await request.body()).decode()
        rows = [
            row(entry["resource"]["resourceType"], json.dumps(entry["resource"])) for entry in json.loads(text)["entry"]
        ]
        async with pool.acquire() as connection:
            await connection.executemany(_INSERT, rows)
        return Response(text, media_type=FHIR_JSON)

    return raw

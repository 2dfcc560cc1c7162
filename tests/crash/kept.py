"""What a database has to hold after a crash: all that callers were told, and nothing half of which is missing."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.security import keys
from app.settings import Settings
from app.store import consent, database, identity, tables
from tests.crash.load import Answer
from tests.crash.server import Server

NOTHING_DONE = "Nothing was released or kept."
_REFUSALS = """SELECT id FROM resource WHERE type = 'Consent' AND content::jsonb @> '{"provision": {"type": "deny"}}'"""
_NOTICE = "child-protection-access-notice"


async def check(server: Server, answers: Iterable[Answer]) -> None:
    """Everything below, on the database of a server that runs."""
    answers = list(answers)
    connection = await asyncpg.connect(server.postgres_url)
    try:
        await every_acknowledged_write_is_there(connection, answers)
        await every_answer_is_in_the_audit(connection, answers)
        await nothing_was_done_where_that_was_said(connection, answers)
        await every_unscheduled_hit_is_told(connection)
        await every_version_has_what_belongs_to_it(connection)
        await every_write_is_in_the_audit_once(connection)
        await nothing_refers_to_what_is_not_there(connection)
    finally:
        await connection.close()
    await grants_and_persons_are_those_of_todays_records(server)


async def every_acknowledged_write_is_there(connection: asyncpg.Connection, answers: list[Answer]) -> None:
    """With exactly the text and the version that the caller was shown."""
    rows = await connection.fetch("SELECT type, id, version, content FROM resource_version")
    kept = {(row["type"], str(row["id"]), row["version"]): row["content"] for row in rows}
    for answer in answers:
        if answer.is_write and answer.is_acknowledged:
            resource = answer.resource
            name = (resource["resourceType"], resource["id"], int(resource["meta"]["versionId"]))
            assert kept.get(name) == answer.body, f"{name} was acknowledged"


async def every_answer_is_in_the_audit(connection: asyncpg.Connection, answers: list[Answer]) -> None:
    """Also one of which only the beginning arrived; and it says what was in it."""
    rows = await connection.fetch("SELECT request_id, interaction, outcome, unscheduled, resources FROM audit_event")
    audit: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        audit[row["request_id"]].append(row)
    received = [answer for answer in answers if answer.is_received]
    assert len(received) <= len(rows)
    for answer in received:
        entries = audit[answer.request_id]
        assert entries, f"{answer.method} {answer.url} was answered without an audit row"
        assert {entry["unscheduled"] for entry in entries} == {True if answer.is_lookup else None}
        if answer.is_acknowledged:
            assert _names(answer) in [sorted(entry["resources"]) for entry in entries]
        if not answer.is_lookup:
            assert len(entries) == 1  # a lookup that is tried again may have two


def _names(answer: Answer) -> list[str]:
    """The versions in an answer, as the audit names them."""
    resource = answer.resource
    parts = [entry["resource"] for entry in resource.get("entry", ())] if answer.is_lookup else [resource]
    return sorted(f"{part['resourceType']}/{part['id']}/_history/{part['meta']['versionId']}" for part in parts)


async def nothing_was_done_where_that_was_said(connection: asyncpg.Connection, answers: list[Answer]) -> None:
    """A caller who is told to try again does so, and would do twice what was done."""
    said = [answer.request_id for answer in answers if answer.is_write and NOTHING_DONE in (answer.body or "")]
    assert await connection.fetch("SELECT request_id FROM audit_event WHERE request_id = ANY($1)", said) == []


async def every_unscheduled_hit_is_told(connection: asyncpg.Connection) -> None:
    """To the access history, to the authority in a notice, and to the outbox: as often as it is in the audit."""
    hits = await _count(
        connection, "SELECT patient_id, recorded FROM audit_event WHERE unscheduled AND outcome = 'released'"
    )
    history = await _count(connection, "SELECT patient_id, accessed FROM child_protection_access")
    notices = "SELECT patient_id, last_updated FROM resource r {} WHERE type = 'CommunicationRequest' AND kind = $1"
    assert history == hits
    assert await _count(connection, notices.format(""), _NOTICE) == hits
    assert await _count(connection, notices.format("JOIN outbox o ON o.resource_id = r.id"), _NOTICE) == hits


async def every_version_has_what_belongs_to_it(connection: asyncpg.Connection) -> None:
    """A current resource is its last version, the versions are without a gap, and each can be found."""
    rows = await connection.fetch("SELECT id, bucket, version, type, content FROM resource_version ORDER BY version")
    versions: dict[tuple[UUID, int], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        versions[row["id"], row["bucket"]].append(row)
        identity = json.loads(row["content"])
        assert (identity["resourceType"], identity["id"]) == (row["type"], str(row["id"]))
        assert identity["meta"]["versionId"] == str(row["version"])
    current = await connection.fetch("SELECT id, bucket, version, type, content FROM resource")
    assert current
    assert {(row["id"], row["bucket"]) for row in current} == set(versions)
    for row in current:
        its_versions = versions[row["id"], row["bucket"]]
        assert [each["version"] for each in its_versions] == list(range(1, row["version"] + 1))
        assert row == its_versions[-1]
    found = {row["id"] for row in await connection.fetch("SELECT id FROM search_string")}
    patients = {row["id"] for row in current if row["type"] == "Patient"}
    assert patients <= found


async def every_write_is_in_the_audit_once(connection: asyncpg.Connection) -> None:
    """And the audit names no write that is not there. (A notice is written in the name of a lookup.)"""
    versions = await _count(
        connection,
        "SELECT type || '/' || id || '/_history/' || version AS name FROM resource_version WHERE kind <> $1",
        _NOTICE,
    )
    writes = await _count(
        connection,
        "SELECT unnest(resources) AS name FROM audit_event"
        " WHERE interaction IN ('create', 'update') AND outcome = 'released'",
    )
    assert writes == versions


async def nothing_refers_to_what_is_not_there(connection: asyncpg.Connection) -> None:
    """Every person has a row, every Patient a number, and nothing is left over of what was rolled back."""
    for orphans in (
        "SELECT patient_id FROM resource WHERE patient_id IS NOT NULL EXCEPT SELECT patient_id FROM person",
        "SELECT id FROM resource WHERE type = 'Patient' EXCEPT SELECT patient_id FROM patient_identifier",
        "SELECT patient_id FROM patient_identifier EXCEPT SELECT patient_id FROM person",
        "SELECT consent_id FROM consent_grant EXCEPT SELECT id FROM resource WHERE type = 'Consent'",
        _REFUSALS + " EXCEPT SELECT consent_id FROM consent_grant",  # (a permit may be that of a stranger)
        "SELECT resource_id FROM outbox EXCEPT SELECT id FROM resource WHERE type = 'CommunicationRequest'",
        "SELECT id FROM search_string EXCEPT SELECT id FROM resource",
        "SELECT id FROM search_date EXCEPT SELECT id FROM resource",
    ):
        assert await connection.fetch(orphans) == [], orphans


async def grants_and_persons_are_those_of_todays_records(server: Server) -> None:
    """Compiled anew from what is there, every row comes out as it is; then that is rolled back."""
    store = await database.connect(server.postgres_url)
    key = keys.bucket_key(Settings(var=server.folder))
    async with store.engine.connect() as tx:
        ids = list((await tx.execute(tables.person.select())).scalars())
        before = await _compiled(tx)
        await consent.recompile(tx, await identity.of_records(tx, ids, key), datetime.now(UTC))
        after = await _compiled(tx)
        await tx.rollback()
    await store.close()
    assert ids
    assert before == after


async def _compiled(tx: database.Transaction) -> dict[str, Counter[str]]:
    rows: Mapping[str, Any] = {table.name: await tx.execute(table.select()) for table in _COMPILED}
    return {name: Counter(repr(tuple(row)) for row in found) for name, found in rows.items()}


_COMPILED = (tables.person, tables.consent_grant)


async def _count(connection: asyncpg.Connection, statement: str, *values: str) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row) for row in await connection.fetch(statement, *values))

"""No statement reads a protected table without a decision in it: not by a slip, and not in any corner of the SQL.

https://www.postgresql.org/docs/current/sql-select.html
"""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, func, select, text

from app.fhir import search_query
from app.fhir.search_criteria import Place
from app.policy import authority
from app.policy.authority import AccessRequest, Permit
from app.store import audit, audit_search, guard, inclusion, known, lookup, reading, search, tables
from app.store import database as store
from app.store.guard import UnguardedStatement
from app.store.visible import visible
from tests.policy import records
from tests.policy.consents import synthetic
from tests.store import drafts
from tests.store.drafts import START, draft

CHILD = synthetic(100)


def may(caller: Any, type: str = "Patient") -> Permit:
    decided = authority.permit(AccessRequest(caller, "search", type, START))
    assert isinstance(decided, Permit)
    return decided


@pytest.mark.parametrize("table", guard.PROTECTED)
@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT * FROM {} WHERE bucket = $1", id="a read"),
        pytest.param("select content from\n  {}\nwhere bucket = $1", id="in small letters, over lines"),
        pytest.param("SELECT x.id FROM {} AS x WHERE x.bucket = $1", id="under another name"),
        pytest.param('SELECT * FROM "{}" WHERE bucket = $1', id="in quotation marks"),
        pytest.param("SELECT * FROM public.{} WHERE bucket = $1", id="with its schema"),
        pytest.param("SELECT * FROM ONLY {} WHERE bucket = $1", id="only it"),
        pytest.param("TABLE {}", id="in short"),
        pytest.param("SELECT * FROM person JOIN {} ON true WHERE person.bucket = $1", id="joined"),
        pytest.param("SELECT * FROM person LEFT JOIN ({} JOIN outbox ON true) ON bucket = $1", id="joined in brackets"),
        pytest.param("SELECT * FROM person, {} WHERE person.bucket = $1", id="after a comma"),
        pytest.param("SELECT (SELECT max(content) FROM {}) FROM person WHERE bucket = $1", id="in a subquery"),
        pytest.param("SELECT 1 FROM person WHERE bucket = $1 AND EXISTS (SELECT 1 FROM {})", id="where one exists"),
        pytest.param("WITH all_of_it AS (SELECT * FROM {}) SELECT * FROM all_of_it WHERE bucket = $1", id="with"),
        pytest.param("INSERT INTO outbox SELECT id, bucket FROM {} WHERE bucket = $1", id="copied elsewhere"),
        pytest.param("DELETE FROM outbox USING {} WHERE outbox.bucket = $1", id="to delete something else"),
        pytest.param("UPDATE outbox SET recipient = content FROM {} WHERE outbox.bucket = $1", id="to change another"),
        pytest.param("COPY {} TO STDOUT", id="copied out"),
        pytest.param("CREATE TABLE mine AS SELECT * FROM {}", id="into a table"),
        pytest.param("CREATE VIEW mine AS (SELECT * FROM {})", id="into a view"),
        pytest.param("UPDATE {} SET label = 0 WHERE bucket = $1", id="changed"),
        pytest.param("DELETE FROM {} WHERE bucket = $1", id="deleted"),
        pytest.param(
            "WITH gone AS (DELETE FROM {} RETURNING *) SELECT * FROM gone WHERE bucket = $1", id="deleted with"
        ),
        pytest.param("UPDATE /* a hint */ {} SET label = 0 WHERE bucket = $1", id="changed after a comment"),
        pytest.param("DELETE /* a hint */ FROM {} WHERE bucket = $1", id="deleted after a comment"),
        pytest.param("SELECT * FROM /* a\nhint */ {} WHERE bucket = $1", id="read after a comment"),
        pytest.param("TRUNCATE {}", id="emptied"),
    ],
)
def test_an_unguarded_statement_is_refused(table: str, sql: str) -> None:
    with pytest.raises(UnguardedStatement, match=rf"^{table} is"):
        guard.check(sql.format(table))


@pytest.mark.parametrize("partition", ["audit_event_default", "audit_event_2026_11"])
def test_a_part_of_a_table_is_guarded_as_the_whole(partition: str) -> None:
    with pytest.raises(UnguardedStatement, match=r"^audit_event is read"):
        guard.check(f"SELECT * FROM {partition} WHERE bucket = $1")
    with pytest.raises(UnguardedStatement, match=r"^audit_event is only ever added to"):
        guard.check(f"DELETE FROM {partition} WHERE bucket = $1")


@pytest.mark.parametrize("table", guard.APPEND_ONLY)
def test_nothing_changes_what_is_kept_for_good_whatever_its_reason(table: str) -> None:
    with pytest.raises(UnguardedStatement, match=f"^{table} is only ever added to"):
        guard.check(f"UPDATE {guard.for_itself('to mend it')} {table} SET bucket = 1 WHERE bucket = $1")


def test_one_predicate_does_not_answer_for_two_reads() -> None:
    one = f"SELECT {guard.VISIBLE} id FROM resource WHERE bucket = $1 AND true"
    assert guard.check(one) == one
    with pytest.raises(UnguardedStatement):
        guard.check(f"{one} AND id IN (SELECT id FROM resource_version)")
    with pytest.raises(UnguardedStatement):
        guard.check(f"SELECT * FROM ({one}) a JOIN resource b ON a.id = b.id")


@pytest.mark.parametrize(
    "condition", ["", "WHERE person.bucket = resource.bucket", "WHERE bucket > $1", "ORDER BY bucket"]
)
def test_every_bucket_is_asked_only_with_a_reason(condition: str) -> None:
    sql = f"SELECT {guard.VISIBLE} id FROM resource {condition}"
    with pytest.raises(UnguardedStatement, match="every bucket"):
        guard.check(sql)
    assert guard.check(f"{guard.fan_out('a search that names nobody')} {sql}")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {guard.VISIBLE} id FROM resource WHERE resource.bucket = $1::INTEGER",
        f"SELECT {guard.VISIBLE} id FROM resource WHERE bucket = ANY ($1::INTEGER[])",
        f"UPDATE {guard.for_itself('the next version')} resource SET version = 2 WHERE bucket = $1",
        f"SELECT {guard.for_itself('to compile')} * FROM resource JOIN resource_version USING (id) WHERE bucket IN ($1)",
        "INSERT INTO resource (id) VALUES ($1)",
        "SELECT resource_id FROM outbox",
        "SELECT person.patient_id, resource.id FROM person",
        "CREATE INDEX resource_type ON resource (type)",
        "ALTER TABLE resource ADD COLUMN colour text",
        "SELECT 1",
    ],
)
def test_a_guarded_statement_passes(sql: str) -> None:
    assert guard.check(sql) == sql


@pytest.mark.parametrize("comment", ["/* for the service itself: */", "/* for the service itself */", "/* trust me */"])
def test_what_the_service_reads_for_itself_has_a_reason(comment: str) -> None:
    with pytest.raises(UnguardedStatement):
        guard.check(f"SELECT {comment} * FROM resource WHERE bucket = $1")


def test_the_refusal_does_not_repeat_the_statement() -> None:
    with pytest.raises(UnguardedStatement) as refused:
        guard.check("SELECT * FROM resource WHERE content LIKE '%9990000018%'")
    assert "9990000018" not in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        select(tables.resource),
        select(tables.resource.c.content).where(tables.resource.c.bucket == 1),
        select(func.count()).select_from(tables.resource_version),
        select(tables.person).join(tables.resource, tables.resource.c.patient_id == tables.person.c.patient_id),
        select(tables.audit_event.alias()),
        tables.resource.update().values(label=0),
        tables.resource.delete(),
        text("SELECT * FROM child_protection_access"),
    ],
    ids=lambda statement: " ".join(str(statement).split())[:40],
)
async def test_the_engine_does_not_execute_it(database: store.Database, statement: Any) -> None:
    async with database.transaction() as tx:
        with pytest.raises(UnguardedStatement):
            await tx.execute(statement)


@pytest.mark.parametrize("table", guard.APPEND_ONLY)
async def test_the_engine_changes_nothing_that_is_kept_for_good(database: store.Database, table: str) -> None:
    """Not even with a reason, which stands between UPDATE and the table."""
    kept = tables.metadata.tables[table]
    async with database.transaction() as tx:
        for change in (kept.update().values(bucket=1), kept.delete()):
            with pytest.raises(UnguardedStatement, match="only ever added to"):
                await tx.execute(change.where(kept.c.bucket == 1).prefix_with(guard.for_itself("to mend it")))


async def test_what_is_visible_is_executed(database: store.Database) -> None:
    async with database.transaction() as tx:
        seen = visible(may(records.HEALTH_VISITOR), lambda c: c.bucket == 1)
        assert (await tx.execute(select(seen.c.id))).all() == []


async def test_what_is_visible_asks_every_bucket_only_with_a_reason(database: store.Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(UnguardedStatement, match="every bucket"):
            await tx.execute(select(visible(may(records.HEALTH_VISITOR)).c.id))


async def test_every_statement_of_a_day_in_the_service_is_guarded(
    database: store.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of SQLAlchemy, and those that were kept and go to asyncpg itself."""
    executed: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: executed.append(given[2]))
    fetch = asyncpg.Connection.fetch

    async def listened_to(connection: asyncpg.Connection, sql: str, *given: Any) -> Any:
        executed.append(sql)
        return await fetch(connection, sql, *given)

    monkeypatch.setattr(asyncpg.Connection, "fetch", listened_to)
    await _a_day(database)
    protected = [sql for sql in executed if any(table in sql for table in guard.PROTECTED)]
    assert len(protected) > 15
    assert [sql for sql in protected if guard.VISIBLE in sql]
    for table in ("resource", "resource_version", "audit_event"):
        assert [sql for sql in protected if f"FROM {table} " in sql], table
    for sql in executed:
        guard.check(sql)
    guard.check(lookup.LookupStatement(locates_restricted=False).statement.sql)


async def _a_day(database: store.Database) -> None:
    """A child is registered, agreed about, changed, searched for, looked up and lost; then somebody reads the audit."""
    child, _, _, team = await drafts.create(
        database,
        draft(drafts.patient(CHILD)),
        draft(drafts.agreed(CHILD)),
        draft(_about_child("communication-request-family-contact"), "CC901"),
        draft(_about_child("child-protection-care-team"), "LA901"),
    )
    plan = _about_child("child-protection-care-plan-active") | {"careTeam": [{"reference": f"CareTeam/{team.id}"}]}
    await drafts.create(database, draft(plan, "LA901"))
    await drafts.change(database, "Patient", child.id, drafts.patient(CHILD, gender="male"))
    asked = [
        ("patient", f"Patient/{child.id}"),
        ("_include", "CarePlan:care-team"),
        ("date", "gt2020"),
        ("_count", "1"),
    ]
    query = search_query.parse("CarePlan", asked, page_size=5, largest_page=50)
    by_name = search_query.parse("Patient", [("name", "Example")], page_size=5, largest_page=50)
    council, surgery = may(records.COUNCIL), may(records.SURGERY)
    async with database.transaction() as tx:
        people, key = await search.about(tx, query, drafts.KEY), drafts.KEY
        page = await search.page(tx, {"CarePlan": council}, query, people, None, key)
        permits, place = {"CareTeam": council}, Place(((START + timedelta(days=1)).isoformat(), str(child.id)))
        assert len((await inclusion.included(tx, permits, page.rows, query.includes, key)).rows) == 1
        assert (await search.page(tx, {"Patient": surgery}, by_name, None, place, key)).total == 1
        assert await reading.read(tx, surgery, "Patient", child.id)
        assert await reading.vread(await store.driver(tx), surgery, "Patient", child.id, 1)
        assert (await known.about(tx, drafts.patient(CHILD), "RX999", drafts.KEY)).person.restriction == "U"
        entry = audit.Entry(records.SURGERY, START, "read", "Patient", audit.RELEASED, "own_data", "1", child.id)
        await audit.record(tx, [entry])
    await drafts.change(database, "Patient", child.id, drafts.patient(CHILD, deceasedBoolean=True))
    auditor = may(records.AUDITOR, "AuditEvent")
    async with database.transaction() as tx:
        (event,) = (await audit_search.page(tx, auditor, [lambda c: c.patient_id == child.id], 5, None)).rows
        assert await audit_search.read(tx, auditor, event["id"])


def _about_child(name: str) -> dict[str, Any]:
    return records.example(name) | {"subject": drafts.identified(CHILD)}

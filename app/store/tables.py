"""The tables, as `migrations/` makes them; a test holds the two equal.

https://docs.sqlalchemy.org/en/21/core/metadata.html

Every table of a person's compartment has `bucket` in its key, after the id, so that it can be distributed by it: no
serial columns, triggers or foreign keys across buckets. `content` is the accepted text, byte for byte, with its id and meta.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

metadata = MetaData()
INSTANT = DateTime(timezone=True)
LONGEST_INDEXED = 500  # letters of a string, so that an entry fits into a page of the index
_TEXTS = ARRAY(Text)


def _of_a_version(*, in_key: bool) -> list[Column[object]]:
    """What a version of a resource is judged and served by. The facts are taken from its content when it is written."""
    return [
        Column("id", Uuid, nullable=False, primary_key=True),
        Column("bucket", Integer, nullable=False, primary_key=True),
        Column("version", Integer, nullable=False, primary_key=in_key),
        Column("type", Text, nullable=False),
        Column("last_updated", INSTANT, nullable=False),
        Column("content", Text, nullable=False),
        Column("patient_id", Uuid),  # None for what is about no person
        Column("custodian", Text, nullable=False),  # the organisation that created it
        Column("owners", _TEXTS, nullable=False),
        Column("recipients", _TEXTS, nullable=False),
        Column("category", Text, nullable=False),
        Column("label", SmallInteger, nullable=False),
        Column("sensitivities", _TEXTS, nullable=False),
        Column("data_date", INSTANT),
        Column("status", Text, nullable=False),
        Column("kind", Text, nullable=False),  # the kind of plan or of communication, or empty
        Column("ended", INSTANT),  # when its period was over; None while it goes on
        Column("deleted", Boolean, nullable=False, server_default=text("false")),  # by DELETE: 410 from then on
    ]


resource = Table(
    "resource",
    metadata,
    *_of_a_version(in_key=False),
    Column("tokens", _TEXTS, nullable=False),
    Index("resource_patient", "patient_id", "bucket", "type"),
    Index("resource_type", "type", text("last_updated desc"), text("id desc")),
    Index("resource_type_id", "type", "id"),
    Index("resource_tokens", "tokens", postgresql_using="gin"),
)

resource_version = Table(
    "resource_version",
    metadata,
    *_of_a_version(in_key=True),
    Index("resource_version_type", "type", text("last_updated desc"), text("id desc")),
    Index("resource_version_updated", text("last_updated desc"), text("id desc")),
)

search_string = Table(
    "search_string",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("parameter", Text, nullable=False),  # `Patient.family`
    Column("value", Text, nullable=False),  # folded: no case, no accents
    Column("exact", Text, nullable=False),  # as given
    Column("trigrams", _TEXTS, nullable=False),  # of the folded value: every three letters in a row
    Index("search_string_id", "id", "bucket"),
    Index("search_string_start", "parameter", text(f"left(value, {LONGEST_INDEXED}) text_pattern_ops")),
    Index("search_string_trigrams", "trigrams", postgresql_using="gin"),
)

search_date = Table(
    "search_date",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("parameter", Text, nullable=False),
    Column("lower", INSTANT),  # None is unbounded
    Column("upper", INSTANT),
    Index("search_date_id", "id", "bucket"),
    Index("search_date_range", "parameter", "lower", "upper"),
    Index("search_date_end", "parameter", "upper"),
)

search_quantity = Table(
    "search_quantity",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("parameter", Text, nullable=False),
    Column("lower", Numeric),  # None is unbounded
    Column("upper", Numeric),
    Column("system", Text, nullable=False),
    Column("code", Text, nullable=False),
    Index("search_quantity_id", "id", "bucket"),
    Index("search_quantity_range", "parameter", "lower", "upper"),
    Index("search_quantity_end", "parameter", "upper"),
)

SEARCH = (search_string, search_date, search_quantity)

patient_identifier = Table(
    "patient_identifier",
    metadata,
    Column("system", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("bucket", Integer, primary_key=True),  # of this value, not of the Patient
    Column("patient_id", Uuid, primary_key=True),
    Column("patient_bucket", Integer, nullable=False),
    Column("current", Boolean, nullable=False),  # the record to answer with; the others were merged into it
    Index("patient_identifier_current", "system", "value", "bucket", unique=True, postgresql_where=text("current")),
    Index("patient_identifier_patient", "patient_id"),
)

person = Table(
    "person",
    metadata,
    Column("patient_id", Uuid, primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("nhs_numbers", _TEXTS, nullable=False),
    Column("birth_date", Date),
    Column("restriction", Text, nullable=False),  # U, R or V
    Column("bereaved", Boolean, nullable=False),
    Column("pregnancy", Text, nullable=False),  # ongoing, live-birth, loss or empty
    Column("pregnancy_over", INSTANT),  # when it was recorded that it is
    Column("family", _TEXTS, nullable=False),  # `nhs|9...` of the person and of those with proven responsibility
)

patient_merge = Table(
    "patient_merge",  # which records were put together, so that they can be told apart again
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("bucket", Integer, primary_key=True),  # of the source
    Column("source", Uuid, nullable=False),  # the record that was replaced
    Column("records", ARRAY(Uuid), nullable=False),  # all of that person's, the source first
    Column("numbers", _TEXTS, nullable=False),
    Column("target", Uuid, nullable=False),  # the record to answer with since
    Column("merged", INSTANT, nullable=False),
    Column("undone", INSTANT),
    Index("patient_merge_source", "source", "bucket"),
)

consent_grant = Table(
    "consent_grant",
    metadata,
    Column("patient_id", Uuid, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("consent_id", Uuid, nullable=False),
    Column("performer", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("permits", Boolean, nullable=False),
    Column("actors", _TEXTS, nullable=False),
    Column("purposes", _TEXTS, nullable=False),
    Column("categories", _TEXTS, nullable=False),
    Column("label", SmallInteger, nullable=False),
    Column("sensitivities", _TEXTS, nullable=False),
    Column("valid_from", INSTANT),
    Column("valid_to", INSTANT),
    Column("data_from", INSTANT),
    Column("data_to", INSTANT),
    Index("consent_grant_patient", "patient_id", "bucket"),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("recorded", INSTANT, primary_key=True),  # partitioned by month
    Column("interaction", Text, nullable=False),  # as app.fhir.audit_event lists them
    Column("type", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # released, nothing, refused
    Column("rule", Text, nullable=False),  # the rule that released or refused
    Column("client_id", Text, nullable=False),
    Column("organization", Text, nullable=False),
    Column("user_id", Text),
    Column("user_name", Text),
    Column("user_role", Text),
    Column("purpose", Text),
    Column("unscheduled", Boolean),  # of a child-protection lookup
    Column("patient_id", Uuid),
    Column("resources", _TEXTS, nullable=False),  # what was released or written: `Flag/id/_history/1`
    Column("query", Text),  # of a search, as it was sent
    Column("request_id", Text, nullable=False),
    Index("audit_event_patient", "patient_id", "recorded"),
    Index("audit_event_recorded", "recorded", "id"),
    postgresql_partition_by="RANGE (recorded)",
)

child_protection_access = Table(
    "child_protection_access",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("accessed", INSTANT, nullable=False),
    Column("organization", Text, nullable=False),
    Column("organization_name", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("user_role", Text, nullable=False),
    Index("child_protection_access_patient", "patient_id", "bucket", text("accessed desc")),
)

conditional_key = Table(
    "conditional_key",
    metadata,
    Column("key", Text, primary_key=True),  # a keyed hash; no row outlives the transaction that inserts it
    Column("bucket", Integer, primary_key=True),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", Text, primary_key=True),  # a keyed hash, of the client and its key
    Column("bucket", Integer, primary_key=True),
    Column("request", Text, nullable=False),  # a keyed hash
    Column("created", INSTANT, nullable=False),
    Column("resource_id", Uuid),  # what was created
    Index("idempotency_key_created", "created"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("created", INSTANT, nullable=False),
    Column("resource_id", Uuid, nullable=False),  # the CommunicationRequest to deliver
    Column("recipient", Text, nullable=False),  # ODS code
)

client = Table(
    "client",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ods_code", Text, nullable=False),
    Column("organization_name", Text, nullable=False),
    Column("care_setting", Text, nullable=False),  # unscheduled, scheduled or none
    Column("scopes", _TEXTS, nullable=False),
    Column("purposes", _TEXTS, nullable=False),  # `system|code`
    Column("activity_codes", _TEXTS, nullable=False),
    Column("jwks", Text, nullable=False),  # public keys
)

used_assertion = Table(
    "used_assertion",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires", INSTANT, nullable=False),
    Index("used_assertion_expires", "expires"),
)

installation = Table(
    "installation",
    metadata,
    Column("name", Text, primary_key=True),  # bucket-key: its fingerprint; population: what was loaded
    Column("value", Text, nullable=False),
)


def any_of(values: list[Any], type: TypeEngine[Any]) -> Any:
    """`ANY (ARRAY[...])`, which has one text however many values there are."""
    return any_(literal(values, ARRAY(type)))


def texts(values: Iterable[str]) -> Any:
    """`text[]`, in one order whatever the order they come in."""
    return literal(sorted(values), _TEXTS)

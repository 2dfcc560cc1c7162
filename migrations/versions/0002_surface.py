"""What the whole REST surface needs: tombstones, exact strings, amounts, and history by type.

https://hl7.org/fhir/R4/http.html#history

What was written before is found as it was until `cradle reindex` has computed anew what it is found under.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_CHANGES = """
ALTER TABLE resource ADD COLUMN deleted BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE resource_version ADD COLUMN deleted BOOLEAN DEFAULT false NOT NULL;

CREATE INDEX resource_type_id ON resource (type, id);

CREATE INDEX resource_version_type ON resource_version (type, last_updated desc, id desc);

CREATE INDEX resource_version_updated ON resource_version (last_updated desc, id desc);

ALTER TABLE search_string ADD COLUMN exact TEXT DEFAULT '' NOT NULL, ADD COLUMN trigrams TEXT[] DEFAULT '{}' NOT NULL;

ALTER TABLE search_string ALTER COLUMN exact DROP DEFAULT, ALTER COLUMN trigrams DROP DEFAULT;

DROP INDEX search_string_value;

CREATE INDEX search_string_start ON search_string (parameter, left(value, 500) text_pattern_ops);

CREATE INDEX search_string_trigrams ON search_string USING gin (trigrams);

CREATE INDEX search_date_end ON search_date (parameter, upper);

CREATE TABLE search_quantity (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    lower NUMERIC,
    upper NUMERIC,
    system TEXT NOT NULL,
    code TEXT NOT NULL
);

CREATE INDEX search_quantity_id ON search_quantity (id, bucket);

CREATE INDEX search_quantity_range ON search_quantity (parameter, lower, upper);

CREATE INDEX search_quantity_end ON search_quantity (parameter, upper);

CREATE TABLE patient_merge (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    source UUID NOT NULL,
    records UUID[] NOT NULL,
    numbers TEXT[] NOT NULL,
    target UUID NOT NULL,
    merged TIMESTAMP WITH TIME ZONE NOT NULL,
    undone TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id, bucket)
);

CREATE INDEX patient_merge_source ON patient_merge (source, bucket);

CREATE TABLE idempotency_key (
    key TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    request TEXT NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    resource_id UUID,
    PRIMARY KEY (key, bucket)
);

CREATE INDEX idempotency_key_created ON idempotency_key (created);

CREATE TABLE conditional_key (
    key TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    PRIMARY KEY (key, bucket)
);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '10s'")
    for statement in _CHANGES.split(";"):
        if statement.strip():
            op.execute(statement)

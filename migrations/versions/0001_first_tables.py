"""The first tables.

https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE audit_event (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    recorded TIMESTAMP WITH TIME ZONE NOT NULL,
    interaction TEXT NOT NULL,
    type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT NOT NULL,
    client_id TEXT NOT NULL,
    organization TEXT NOT NULL,
    user_id TEXT,
    user_name TEXT,
    user_role TEXT,
    purpose TEXT,
    unscheduled BOOLEAN,
    patient_id UUID,
    resources TEXT[] NOT NULL,
    query TEXT,
    request_id TEXT NOT NULL,
    PRIMARY KEY (id, bucket, recorded)
) PARTITION BY RANGE (recorded);

CREATE INDEX audit_event_patient ON audit_event (patient_id, recorded);

CREATE INDEX audit_event_recorded ON audit_event (recorded, id);

CREATE TABLE child_protection_access (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    patient_id UUID NOT NULL,
    accessed TIMESTAMP WITH TIME ZONE NOT NULL,
    organization TEXT NOT NULL,
    organization_name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    user_role TEXT NOT NULL,
    PRIMARY KEY (id, bucket)
);

CREATE INDEX child_protection_access_patient ON child_protection_access (patient_id, bucket, accessed desc);

CREATE TABLE client (
    client_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    ods_code TEXT NOT NULL,
    organization_name TEXT NOT NULL,
    care_setting TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    purposes TEXT[] NOT NULL,
    activity_codes TEXT[] NOT NULL,
    jwks TEXT NOT NULL,
    PRIMARY KEY (client_id)
);

CREATE TABLE consent_grant (
    patient_id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    consent_id UUID NOT NULL,
    performer TEXT NOT NULL,
    rank INTEGER NOT NULL,
    permits BOOLEAN NOT NULL,
    actors TEXT[] NOT NULL,
    purposes TEXT[] NOT NULL,
    categories TEXT[] NOT NULL,
    label SMALLINT NOT NULL,
    sensitivities TEXT[] NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_to TIMESTAMP WITH TIME ZONE,
    data_from TIMESTAMP WITH TIME ZONE,
    data_to TIMESTAMP WITH TIME ZONE
);

CREATE INDEX consent_grant_patient ON consent_grant (patient_id, bucket);

CREATE TABLE installation (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE outbox (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    resource_id UUID NOT NULL,
    recipient TEXT NOT NULL,
    PRIMARY KEY (id, bucket)
);

CREATE TABLE patient_identifier (
    system TEXT NOT NULL,
    value TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    patient_id UUID NOT NULL,
    patient_bucket INTEGER NOT NULL,
    current BOOLEAN NOT NULL,
    PRIMARY KEY (system, value, bucket, patient_id)
);

CREATE UNIQUE INDEX patient_identifier_current ON patient_identifier (system, value, bucket) WHERE current;

CREATE INDEX patient_identifier_patient ON patient_identifier (patient_id);

CREATE TABLE person (
    patient_id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    nhs_numbers TEXT[] NOT NULL,
    birth_date DATE,
    restriction TEXT NOT NULL,
    bereaved BOOLEAN NOT NULL,
    pregnancy TEXT NOT NULL,
    pregnancy_over TIMESTAMP WITH TIME ZONE,
    family TEXT[] NOT NULL,
    PRIMARY KEY (patient_id, bucket)
);

CREATE TABLE resource (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
    content TEXT NOT NULL,
    patient_id UUID,
    custodian TEXT NOT NULL,
    owners TEXT[] NOT NULL,
    recipients TEXT[] NOT NULL,
    category TEXT NOT NULL,
    label SMALLINT NOT NULL,
    sensitivities TEXT[] NOT NULL,
    data_date TIMESTAMP WITH TIME ZONE,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    ended TIMESTAMP WITH TIME ZONE,
    tokens TEXT[] NOT NULL,
    PRIMARY KEY (id, bucket)
);

CREATE INDEX resource_patient ON resource (patient_id, bucket, type);

CREATE INDEX resource_tokens ON resource USING gin (tokens);

CREATE INDEX resource_type ON resource (type, last_updated desc, id desc);

CREATE TABLE resource_version (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
    content TEXT NOT NULL,
    patient_id UUID,
    custodian TEXT NOT NULL,
    owners TEXT[] NOT NULL,
    recipients TEXT[] NOT NULL,
    category TEXT NOT NULL,
    label SMALLINT NOT NULL,
    sensitivities TEXT[] NOT NULL,
    data_date TIMESTAMP WITH TIME ZONE,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    ended TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id, bucket, version)
);

CREATE TABLE search_date (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    lower TIMESTAMP WITH TIME ZONE,
    upper TIMESTAMP WITH TIME ZONE
);

CREATE INDEX search_date_id ON search_date (id, bucket);

CREATE INDEX search_date_range ON search_date (parameter, lower, upper);

CREATE TABLE search_string (
    id UUID NOT NULL,
    bucket INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    value TEXT NOT NULL
);

CREATE INDEX search_string_id ON search_string (id, bucket);

CREATE INDEX search_string_value ON search_string (parameter, value text_pattern_ops);

CREATE TABLE used_assertion (
    client_id TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (client_id, jti)
);

CREATE INDEX used_assertion_expires ON used_assertion (expires);

CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            op.execute(statement)

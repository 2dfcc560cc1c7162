"""What the whole REST surface needs: tombstones, exact strings, amounts, and history by type.

https://hl7.org/fhir/R4/http.html#history
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_CHANGES = """
ALTER TABLE resource ADD COLUMN deleted BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE resource_version ADD COLUMN deleted BOOLEAN DEFAULT false NOT NULL;

CREATE INDEX resource_version_type ON resource_version (type, last_updated desc, id desc);

CREATE INDEX resource_version_updated ON resource_version (last_updated desc, id desc);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '10s'")
    for statement in _CHANGES.split(";"):
        if statement.strip():
            op.execute(statement)

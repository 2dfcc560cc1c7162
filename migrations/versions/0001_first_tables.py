"""The first tables."""

from alembic import op

from app.store import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables.metadata.create_all(op.get_bind())
    op.execute("CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT")

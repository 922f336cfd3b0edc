"""A short way to the documents that are pending."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    pending = sa.text("state = 'pending'")
    op.create_index("ix_document_pending", "document", ["id"], postgresql_where=pending, sqlite_where=pending)

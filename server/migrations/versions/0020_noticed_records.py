"""Up to what audit record somebody has looked whether a patient is to be told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.add_column("audit_log", sa.Column("noticed", sa.BigInteger, nullable=False, server_default="0"))
    # Nobody is told anew of what was long ago.
    op.execute("UPDATE audit_log SET noticed = records")

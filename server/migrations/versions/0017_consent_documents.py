"""What consent documents give, each in its time and until it is withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    for table in ("consent_status", "consent_directive"):
        for name in ("policy", "source"):
            op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for name in ("starts", "ends", "ended"):
        op.add_column("consent_status", sa.Column(name, sa.BigInteger()))
    op.add_column("consent_status", sa.Column("ended_by", sa.Text()))

"""What patients are to be told of who got into their records."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consent_notification",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("patient", "kind", "person", "name", "role", "organization", "purpose", "reason")
        ),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger()),
        sa.UniqueConstraint("patient", "kind", "occasion", name="uq_consent_notification_occasion"),
    )

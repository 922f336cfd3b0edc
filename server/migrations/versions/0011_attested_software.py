"""Software that was attested, and the certificates by which it is known."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "software_attestation",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("name", "version", "vendor", "transactions")
        ),
        sa.Column("until_seconds", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
    )
    op.create_table(
        "software_certificate",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        sa.Column("attestation", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sha256", "subject", "issuer")),
    )
    op.create_index("ix_software_certificate_attestation", "software_certificate", ["attestation"])
    op.create_index("ix_software_certificate_sha256", "software_certificate", ["sha256", "subject"])

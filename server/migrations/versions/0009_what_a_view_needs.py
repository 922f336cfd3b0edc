"""What an answer depends on that leaves out what its asker may not see."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The numbers of RPLC and XFRM_RPLC, and of Deprecated, in the tables.
_REPLACING = "(2, 5)"
_DEPRECATED = 1


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    op.add_column("document_entry", sa.Column("depositor", sa.Text()))
    op.add_column("association", sa.Column("registered", sa.BigInteger()))
    op.create_table(
        "withdrawal",
        sa.Column("document", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("replacement", sa.BigInteger(), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_withdrawal_replacement", "withdrawal", ["replacement"])
    op.execute(
        "INSERT INTO withdrawal (document, replacement)"  # noqa: S608  # numbers of ours, no values
        " SELECT DISTINCT replaced.id, association.source FROM association"
        " JOIN document_entry AS replaced ON replaced.id = association.target"
        f" WHERE association.association_type IN {_REPLACING} AND replaced.status = {_DEPRECATED}"
    )

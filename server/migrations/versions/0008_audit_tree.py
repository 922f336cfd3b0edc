"""A signed tree over the audit records."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_RECORDS = sa.text(
    "SELECT id, message, digest, received_milliseconds, peer, transport, at_milliseconds, outcome, sender,"
    " diagnosis FROM audit_record ORDER BY id"
)
_SUBJECTS = sa.text("SELECT about, value, at_milliseconds FROM audit_subject WHERE record = :id")


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    leaf = op.create_table(
        "audit_leaf",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    # What was stored before has its leaf too; the signature comes with the next record.
    peaks: list[bytes] = []
    connection = op.get_bind()
    for id_, message, *facts in connection.execute(_RECORDS).all():
        subjects = sorted(map(list, connection.execute(_SUBJECTS, {"id": id_})))
        head = json.dumps([*facts, subjects], separators=(",", ":"))
        hash_ = hashlib.sha256(b"\0" + head.encode() + b"\n" + bytes(message)).digest()
        connection.execute(leaf.insert(), {"id": id_, "hash": hash_})
        peaks.append(hash_)
        rest = id_
        while not rest & 1:
            right = peaks.pop()
            peaks.append(hashlib.sha256(b"\1" + peaks.pop() + right).digest())
            rest >>= 1
    stored = connection.execute(sa.text("SELECT records FROM audit_log")).scalar_one()
    op.drop_table("audit_log")
    log = op.create_table(
        "audit_log",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("peaks", sa.LargeBinary, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
        sa.Column("signed_milliseconds", sa.BigInteger, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    row = {"id": 1, "records": stored, "peaks": b"".join(peaks), "dropped": 0}
    op.bulk_insert(log, [{**row, "signed_milliseconds": 0, "signature": b""}])

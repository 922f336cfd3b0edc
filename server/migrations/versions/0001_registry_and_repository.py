"""The tables of registry and repository."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INTEGERS = sa.ARRAY(sa.Integer).with_variant(sa.Text(), "sqlite")
_TEXTS = sa.ARRAY(sa.Text).with_variant(sa.Text(), "sqlite")
_UUID = sa.Uuid(as_uuid=False).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    _patients_and_codes()
    _directories()
    _document_entries()
    _submission_sets_and_folders()
    _associations()
    _keep_fragments_as_they_are()
    _documents()


def _patients_and_codes() -> None:
    op.create_table(
        "patient",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("cx", sa.Text, nullable=False, unique=True),
        sa.Column("last_object", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "code",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.UniqueConstraint("code", "scheme", name="uq_code"),
    )


def _directories() -> None:
    op.create_table(
        "registered_object",
        sa.Column("entry_uuid", _UUID, primary_key=True),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registered_unique_id",
        sa.Column("unique_id", sa.Text, primary_key=True),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _document_entries() -> None:
    op.create_table(
        "document_entry",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("entry_uuid", _UUID, nullable=False),
        sa.Column("unique_id", sa.Text, nullable=False),
        sa.Column("logical_id", _UUID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("latest", sa.Boolean, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("object_type", sa.SmallInteger, nullable=False),
        sa.Column("availability", sa.SmallInteger, nullable=False),
        sa.Column("class_code", sa.Integer),
        sa.Column("type_code", sa.Integer),
        sa.Column("format_code", sa.Integer),
        sa.Column("healthcare_facility_type_code", sa.Integer),
        sa.Column("practice_setting_code", sa.Integer),
        sa.Column("confidentiality_code", _INTEGERS, nullable=False),
        sa.Column("event_code_list", _INTEGERS, nullable=False),
        sa.Column("creation_time", sa.BigInteger),
        sa.Column("service_start_time", sa.BigInteger),
        sa.Column("service_stop_time", sa.BigInteger),
        sa.Column("author_person", _TEXTS, nullable=False),
        sa.Column("reference_id_list", _TEXTS, nullable=False),
        sa.Column("repository_unique_id", sa.Text),
        sa.Column("hash", sa.LargeBinary),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("fragment", sa.LargeBinary),
        sa.Column("large_fragment", sa.LargeBinary),
    )
    op.create_index(
        "ix_document_entry_patient",
        "document_entry",
        ["patient", "status"],
        postgresql_include=[
            "id", "latest", "object_type", "availability", "class_code", "type_code", "format_code",
            "healthcare_facility_type_code", "practice_setting_code", "creation_time", "service_start_time",
            "service_stop_time", "fragment",
        ],
    )  # fmt: skip
    op.create_index("ix_document_entry_unique_id", "document_entry", ["unique_id"])
    op.create_index("ix_document_entry_logical_id", "document_entry", ["logical_id"])


def _submission_sets_and_folders() -> None:
    op.create_table(
        "submission_set",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("entry_uuid", _UUID, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("submission_time", sa.BigInteger, nullable=False),
        sa.Column("content_type_code", sa.Integer),
        sa.Column("author_person", _TEXTS, nullable=False),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_submission_set_patient", "submission_set", ["patient", "status"])
    op.create_table(
        "folder",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("entry_uuid", _UUID, nullable=False),
        sa.Column("logical_id", _UUID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("latest", sa.Boolean, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("last_update_time", sa.BigInteger, nullable=False),
        sa.Column("code_list", _INTEGERS, nullable=False),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_folder_patient", "folder", ["patient", "status"])
    op.create_index("ix_folder_logical_id", "folder", ["logical_id"])


def _associations() -> None:
    op.create_table(
        "association",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("entry_uuid", _UUID, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("association_type", sa.SmallInteger, nullable=False),
        sa.Column("source", sa.BigInteger, nullable=False),
        sa.Column("target", sa.BigInteger, nullable=False),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_association_source", "association", ["source"])
    op.create_index("ix_association_target", "association", ["target"])


def _keep_fragments_as_they_are() -> None:
    """They are compressed already: PostgreSQL would spend time on each and gain nothing."""
    if op.get_context().dialect.name == "postgresql":
        for table in ("document_entry", "submission_set", "folder", "association"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN fragment SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE document_entry ALTER COLUMN large_fragment SET STORAGE EXTERNAL")


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("unique_id", sa.Text, nullable=False),
        sa.Column("submission_id", sa.Text, nullable=False),
        sa.Column("blob_handle", sa.Text, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha1", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_milliseconds", sa.BigInteger, nullable=False),
        sa.CheckConstraint("state IN ('pending', 'available')", name="ck_document_state"),
    )
    op.create_index("ix_document_unique_id", "document", ["unique_id"])
    op.create_index("ix_document_submission_id", "document", ["submission_id"])
    op.create_index("ix_document_blob_handle", "document", ["blob_handle"])

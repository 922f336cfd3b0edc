"""What documents and Folders are found by without their patient, and titles and institutions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LISTS = (
    ("document_entry", "event_code_list", "INTEGER"),
    ("document_entry", "reference_id_list", "TEXT"),
    ("folder", "code_list", "INTEGER"),
)


def upgrade() -> None:
    """Go forward; there is no way back but a restored backup."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    texts = sa.Text() if on_sqlite else postgresql.ARRAY(sa.Text())
    for name in ("author_institution", "title"):
        none = "[]" if on_sqlite else "{}"
        op.add_column("document_entry", sa.Column(name, texts, nullable=False, server_default=none))
    for name in ("class_code", "healthcare_facility_type_code"):
        op.create_index(f"ix_document_entry_{name}", "document_entry", [name])
    for table, column, element in _LISTS:
        if on_sqlite:
            _index_list(table, column, element)
        else:
            op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="gin")


def _index_list(table: str, column: str, element: str) -> None:
    """SQLite indexes no elements of a list: a table does it, which triggers keep."""
    index = f"{table}_{column}"
    # Table and column names of ours, no values: S608 does not apply.
    fill = f"INSERT OR IGNORE INTO {index} SELECT value, new.id FROM json_each(new.{column})"  # noqa: S608
    held = f"SELECT value FROM json_each(old.{column})"  # noqa: S608
    clear = f"DELETE FROM {index} WHERE id = old.id AND value IN ({held})"  # noqa: S608
    columns = f"value {element} NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (value, id)"
    op.execute(f"CREATE TABLE {index} ({columns}) WITHOUT ROWID")
    op.execute(
        f"INSERT OR IGNORE INTO {index}"  # noqa: S608
        f" SELECT held.value, owner.id FROM {table} AS owner, json_each(owner.{column}) AS held"
    )
    for event, steps in (
        ("INSERT", (fill,)), ("DELETE", (clear,)), (f"UPDATE OF {column}", (clear, fill)),
    ):  # fmt: skip
        name = f"{index}_{event.split()[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {'; '.join(steps)}; END")

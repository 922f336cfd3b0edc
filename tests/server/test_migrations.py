"""A database is brought to exactly the tables that the actors declare, once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.pool import NullPool

import atna_audit.tables
import consent_broker.tables
import registry.tables
import repository.tables
import server.migrations
from database import DatabaseUnavailable
from server.migrations import NEWEST, migrate


def engine(url: str):
    if url.startswith("sqlite"):
        return create_engine(url, poolclass=NullPool)
    return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)


# Each of the two databases has only its own; see `database.overlaps_by_index`.
LIST_INDEXES = {
    "postgresql": {
        "ix_document_entry_event_code_list",
        "ix_document_entry_reference_id_list",
        "ix_folder_code_list",
    },
    "sqlite": {"document_entry_event_code_list", "document_entry_reference_id_list", "folder_code_list"},
}


def test_the_migrated_tables_are_the_declared_ones(database_url):
    migrate(database_url)
    declared = MetaData()
    for room in (registry.tables, repository.tables, atna_audit.tables, consent_broker.tables):
        for table in room.metadata.tables.values():
            table.to_metadata(declared)
    with engine(database_url).connect() as connection:
        lists = LIST_INDEXES[connection.dialect.name]
        seen = set()

        def is_compared(thing, name, kind, reflected, compare_to):
            if name in lists:
                seen.add(name)
            return name not in lists

        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": is_compared}
        )
        assert compare_metadata(context, declared) == []
        assert seen == lists
        assert inspect(connection).get_table_names().count("document_entry") == 1


def test_a_second_run_finds_nothing_to_do(database_url):
    migrate(database_url)
    migrate(database_url)


def test_processes_that_start_together_migrate_once(database_url):
    with ThreadPoolExecutor(6) as starting:
        list(starting.map(migrate, [database_url] * 6))
    with engine(database_url).connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").all() == [(NEWEST,)]


def test_the_newest_revision_is_the_last_of_the_scripts():
    scripts = ScriptDirectory(server.migrations.__path__[0])
    assert scripts.get_current_head() == NEWEST


def test_a_server_that_is_not_there_is_said_to_be_unavailable(tmp_path):
    with pytest.raises(DatabaseUnavailable):
        migrate(f"postgresql://nobody@/none?host={tmp_path}")

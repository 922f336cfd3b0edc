"""Alembic's entry: the connection, its transaction and its lock are `migrate`'s."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=False,
    transaction_per_migration=False,
)
context.run_migrations()

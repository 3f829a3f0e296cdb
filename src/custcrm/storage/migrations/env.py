"""Runs the revisions on the connection that `storage.sql.schema` gives, inside its transaction."""

from alembic import context

from custcrm.storage.migrations import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters most things by copying the table
)
with context.begin_transaction():
    context.run_migrations()

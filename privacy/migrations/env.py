"""What Alembic runs around the steps; `privacy.migrations.migrate` hands it the connection and owns the transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    render_as_batch=True,  # SQLite changes a table by making it again
)
context.run_migrations()

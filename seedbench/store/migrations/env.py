"""Alembic's environment: migrations run on the connection that the store hands over."""

from alembic import context

from seedbench.store.models import RunTable

context.configure(connection=context.config.attributes["connection"], target_metadata=RunTable.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

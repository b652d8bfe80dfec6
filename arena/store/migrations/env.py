"""Alembic's environment for the arena's tables, which have a version of their own."""

from alembic import context

from seedbench.arena.store.models import ArenaBase

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=ArenaBase.metadata,
    version_table="arena_alembic_version",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
